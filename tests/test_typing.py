"""The public names have types that a user's program can rely on: pyright on a file with all."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import pyhodgkin as ph

FILE = Path(__file__).resolve().parent / "typed" / "public_api.py"


def test_every_public_name_is_used():
    used = {
        node.attr
        for node in ast.walk(ast.parse(FILE.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id == "ph"
    }
    assert set(ph.__all__) - used == set()


def test_pyright_accepts_it():
    pytest.importorskip("pyright", reason='pyright is not installed: pip install -e ".[test]"')
    command = [sys.executable, "-m", "pyright", "--pythonpath", sys.executable, str(FILE)]
    run = subprocess.run(command, capture_output=True, text=True, check=False, cwd=FILE.parents[2])
    if "nodeenv" in run.stdout + run.stderr and run.returncode:
        pytest.skip("pyright found no Node.js")
    assert run.returncode == 0, run.stdout[-6000:]
