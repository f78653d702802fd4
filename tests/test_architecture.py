"""The layout of the package: layers whose imports point down, small files, engines by contract."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FILES = sorted((ROOT / "pyhodgkin").rglob("*.py"))
LONGEST_FILE, LONGEST_FUNCTION = 300, 60
# Not divided; no name may be added.
LONG_FILES: set[str] = set()
LONG_FUNCTIONS: set[str] = set()


def lines_of(function: ast.AST) -> int:
    """Lines of a function without its docstring."""
    assert isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
    first, *rest = function.body
    is_text = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)
    text = (first.end_lineno or 0) - first.lineno + 1 if is_text and rest else 0
    return (function.end_lineno or 0) - function.lineno + 1 - text


def test_imports_between_layers_point_down():
    """In a process of its own: import-linter disables the loggers of the one that it runs in."""
    pytest.importorskip("importlinter")
    code = (
        "from importlinter.cli import lint_imports as lint; raise SystemExit(lint(no_cache=True))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_files_are_short():
    """Those of the package, of its Julia part, and of the tests of both."""
    tests = sorted((ROOT / "tests").rglob("*.py"))
    julia = [*(ROOT / "julia").rglob("*.jl"), *(ROOT / "pyhodgkin").rglob("*.jl")]
    long = {
        path.relative_to(ROOT).as_posix()
        for path in (*FILES, *tests, *julia)
        if len(path.read_text("utf-8").splitlines()) > LONGEST_FILE
    }
    assert len(FILES) > 200 and len(tests) > 100 and len(julia) > 50
    assert long <= LONG_FILES, long - LONG_FILES


def test_functions_are_short():
    long = set()
    for path in FILES:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                if lines_of(node) > LONGEST_FUNCTION:
                    long.add(f"{path.relative_to(ROOT / 'pyhodgkin').as_posix()} {node.name}")
    assert long <= LONG_FUNCTIONS, long - LONG_FUNCTIONS


# Words of earlier versions, for which the field has its own (docs/glossary.md).
COINAGES = (
    *("Door", "door", "march", "Lane", "Lanes", "lane", "lanes", "Unknowns", "Knots"),
    *("Way", "Seen", "settle", "imitation", "set_to", "replacing", "Driven", "DrivenPath", "View"),
    *("drive_of", "searchable", "ceiling", "growth", "pulled", "sound", "marshal", "BENT", "REACH"),
)


def test_the_words_are_those_of_the_field():
    pattern = re.compile(r"\b(" + "|".join(COINAGES) + r")\b")
    found = {
        f"{path.relative_to(ROOT).as_posix()}: {match.group()}"
        for path in FILES
        for match in pattern.finditer(path.read_text("utf-8"))
    }
    assert not found
