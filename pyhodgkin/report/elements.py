"""Pieces of the page: sections, tables, lists and figures, with all text escaped."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from ..html import table as bare_table

STYLE = """\
:root { color-scheme: light dark; --ink: #1b1b1b; --paper: #fff; --quiet: #555; --line: #ccc;
  --wash: #f3f3f3; --mark: #8a4b00; }
@media (prefers-color-scheme: dark) { :root { --ink: #e8e8e8; --paper: #17191c; --quiet: #aaa;
  --line: #444; --wash: #24272b; --mark: #ffb95e; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1.5rem 1.25rem 3rem; max-width: 62rem; color: var(--ink);
  background: var(--paper); font: 16px/1.5 system-ui, "Segoe UI", "DejaVu Sans", sans-serif; }
h1 { font-size: 1.7rem; line-height: 1.25; margin: 0 0 .5rem; }
h2 { font-size: 1.2rem; margin: 2.2rem 0 .6rem; padding-bottom: .2rem;
  border-bottom: 1px solid var(--line); }
h3 { font-size: 1rem; margin: 1.2rem 0 .4rem; }
p, ul, figcaption { max-width: 48rem; overflow-wrap: anywhere; }
ul { padding-left: 1.2rem; }
nav { font-size: .85rem; margin: .8rem 0; }
nav a { color: inherit; margin-right: .9rem; white-space: nowrap; }
.lead { border-left: 4px solid var(--line); padding: .3rem .8rem; background: var(--wash); }
.lead.warn { border-color: var(--mark); }
.quiet, figcaption { color: var(--quiet); font-size: .875rem; }
.wide { overflow-x: auto; margin: .5rem 0 1rem; }
table { border-collapse: collapse; font-size: .875rem; font-variant-numeric: tabular-nums; }
th { border-bottom: 1px solid var(--ink); font-weight: 600; vertical-align: bottom; }
th { white-space: normal !important; }
td { border-bottom: 1px solid var(--line); vertical-align: top; }
.break td { white-space: normal !important; overflow-wrap: anywhere; min-width: 4.5rem; }
.break td:first-child { overflow-wrap: normal; }
pre { background: var(--wash); padding: .7rem .9rem; font: .8125rem/1.5 ui-monospace, "SF Mono",
  Menlo, Consolas, "DejaVu Sans Mono", monospace; white-space: pre-wrap; overflow-wrap: anywhere; }
figure { margin: 1rem 0 1.6rem; }
figure img { display: block; max-width: min(100%, 44rem); height: auto; background: #fff;
  padding: .4rem; border: 1px solid var(--line); }
figcaption { margin-top: .35rem; }
@media print {
  :root { --ink: #000; --paper: #fff; --quiet: #444; --line: #aaa; --wash: #f3f3f3;
    --mark: #555; }
  @page { margin: 15mm; }
  body { max-width: none; padding: 0; font-size: 10pt; }
  nav { display: none; }
  h2, h3 { break-after: avoid; }
  figure, tr { break-inside: avoid; }
  thead { display: table-header-group; }
  .wide { overflow: visible; }
  table { font-size: 8pt; }
  td, th { padding: 1px 5px !important; }
  figure img { max-height: 235mm; }
}
"""


def section(title: str, anchor: str, *parts: str) -> str:
    """A heading and what belongs to it; nothing where there is nothing."""
    inside = "\n".join(part for part in parts if part)
    if not inside:
        return ""
    return f'<section id="{anchor}">\n<h2>{escape(title)}</h2>\n{inside}\n</section>'


def heading(text: str) -> str:
    """A heading inside a section."""
    return f"<h3>{escape(text)}</h3>"


def paragraph(text: str, kind: str = "") -> str:
    """Text, of a class of the style sheet where it has one."""
    if not text:
        return ""
    return f'<p class="{kind}">{escape(text)}</p>' if kind else f"<p>{escape(text)}</p>"


def listing(texts: Sequence[str]) -> str:
    """A list; nothing of nothing."""
    items = "\n".join(f"<li>{escape(text)}</li>" for text in texts)
    return f"<ul>\n{items}\n</ul>" if items else ""


def table(rows: Sequence[Mapping[str, Any]], digits: int = 4, folded: bool = False) -> str:
    """Rows of equal keys; `folded` where a cell may be a long word that has to be broken."""
    if not rows:
        return ""
    kind = "wide break" if folded else "wide"
    return f'<div class="{kind}">{bare_table(rows, digits)}</div>'


def pairs(facts: Mapping[str, Any], digits: int = 6) -> str:
    """Names and values, one below the other."""
    known = {name: value for name, value in facts.items() if value not in (None, "")}
    texts = {n: f"{x:.{digits}g}" if isinstance(x, float) else str(x) for n, x in known.items()}
    lines = "\n".join(
        '<tr><th scope="row" style="text-align:left; padding:2px 14px 2px 0; border:0; '
        f'white-space:nowrap; vertical-align:top">{escape(name)}</th>'
        f'<td style="padding:2px 0; border:0">{escape(text)}</td></tr>'
        for name, text in texts.items()
    )
    return f'<div class="wide break"><table><tbody>\n{lines}\n</tbody></table></div>'


def code(text: str) -> str:
    """Text with its line breaks."""
    return f"<pre>{escape(text)}</pre>" if text else ""


def figure(source: str, caption: str) -> str:
    """A picture given as a data URI."""
    said = escape(caption)
    return (
        f'<figure>\n<img src="{source}" alt="{said}">\n<figcaption>{said}</figcaption>\n</figure>'
    )


def data(values: Any) -> str:
    """Values as JSON that a program finds by ``id="result"`` and no browser runs."""
    text = json.dumps(values, ensure_ascii=False, allow_nan=False)
    for character in "<>&":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return f'<script type="application/json" id="result">{text}</script>'


def document(title: str, sections: Sequence[str]) -> str:
    """The whole page."""
    head = (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n"
    )
    return head + "\n".join(s for s in sections if s) + "\n</body>\n</html>\n"
