"""Puts every message of the package, read from its source, into the page on troubleshooting.

MkDocs calls `on_page_markdown`; ``python docs/messages.py`` prints the tables.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent / "pyhodgkin"
MARK = "<!-- every message -->"
# Heading, and the parts of the package whose messages are under it, the first that fits.
PARTS = (
    ("Reading files", ("readers", "units.py")),
    ("Recordings", ("recordings", "interchange")),
    ("Protocols", ("protocols",)),
    ("Neurons, rates and documents", ("neuron", "rates.py", "library.py", "document.py")),
    ("Simulation and engines", ("_simulate.py", "backends", "solution", "torch", "scipy",
                                "numerics")),
    ("Training", ("_fit.py", "fitting", "optimize", "results", "_adapt", "_distill.py", "_propose",
                  "proposal", "_identifiability.py", "_sweep.py", "_curve")),
    ("Evaluation and figures", ("evaluation", "_evaluate.py", "plot", "report",
                                "_excitability.py")),
    ("Populations and networks", ("population", "network", "cluster.py")),
    ("Other simulators", ("export", "imports")),
    ("The command line and folders", ("cli", "storage")),
    ("Others", ("",)),
)  # fmt: skip
_CALLS = ("error", "warn", "refuse", "unknown", "fail", "problem")


def messages(path: Path) -> Iterator[tuple[int, str, str]]:
    """Line, kind and text of each message in a file; … stands for what the message fills in."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if not isinstance(node, ast.Call):
            continue
        name = _name(node.func)
        if not any(word in name.lower() for word in _CALLS) or name == "unknown":
            continue
        texts = [_text(x) for x in (*node.args, *(k.value for k in node.keywords))]
        text = max(texts, key=len, default="")
        if len(text.split()) >= 4:
            yield node.lineno, _kind(name, node), text


def _name(function: ast.expr) -> str:
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else ""


def _kind(name: str, node: ast.Call) -> str:
    named = [_name(x) for x in node.args if isinstance(x, (ast.Name, ast.Attribute))]
    kind = next((x for x in (name, *named) if x.endswith(("Error", "Warning"))), "")
    return kind or ("warning" if "warn" in name.lower() else "error")


def _text(node: ast.expr) -> str:
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else ""
    if isinstance(node, ast.JoinedStr):
        parts = (_text(x) if isinstance(x, ast.Constant) else "…" for x in node.values)
        return " ".join("".join(parts).split())
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return f"{_text(node.left)}{_text(node.right) or '…'}"
    if isinstance(node, ast.IfExp):
        return max(_text(node.body), _text(node.orelse), key=len)
    return ""


def _heading(inside: Path) -> str:
    first = inside.parts[0]
    return next(head for head, parts in PARTS if any(first.startswith(p) for p in parts))


def tables() -> str:
    """The messages of all parts as Markdown."""
    rows: dict[str, dict[str, str]] = {head: {} for head, _ in PARTS}
    for path in sorted(ROOT.rglob("*.py")):
        for _, kind, text in messages(path):
            rows[_heading(path.relative_to(ROOT))].setdefault(text, kind)
    out = []
    for head, found in rows.items():
        if not found:
            continue
        out += [f"### {head}", "", "| message | what to do | kind |", "|---|---|---|"]
        for text in sorted(found, key=lambda x: x.lstrip("…\"'( :,").lower()):
            said, cure = _parts(text)
            out.append(f"| {_cell(said)} | {_cell(cure)} | {found[text]} |")
        out.append("")
    return "\n".join(out)


def _parts(text: str) -> tuple[str, str]:
    """What happened, and what to do: what follows the last semicolon, or the last colon."""
    for mark in ("; ", ": "):
        said, found, cure = text.rpartition(mark)
        if found and len(said.split()) > 1 and len(cure.split()) > 1:
            return said, cure
    return text, ""


def _cell(text: str) -> str:
    for mark in "\\|<>*_`[]":
        text = text.replace(mark, "\\" + mark)
    return text


def on_page_markdown(markdown: str, **_: object) -> str:
    """The page with the tables in the place of the mark."""
    return markdown.replace(MARK, tables()) if MARK in markdown else markdown


if __name__ == "__main__":
    print(tables())
