"""What the package says by itself, through logging."""

from __future__ import annotations

import logging
import re
from pathlib import Path

import pytest

import pyhodgkin
from pyhodgkin.notices import LOGGER, notice


@pytest.fixture(autouse=True)
def restored():
    handlers, level, propagate = list(LOGGER.handlers), LOGGER.level, LOGGER.propagate
    yield
    LOGGER.handlers[:], LOGGER.propagate = handlers, propagate
    LOGGER.setLevel(level)


def test_a_notice_is_one_line_on_standard_error(capsys):
    notice("torch engine")
    assert capsys.readouterr() == ("", "pyhodgkin: torch engine\n")


def test_a_handler_of_ones_own_takes_its_place(capsys):
    lines = []

    class Own(logging.Handler):
        def emit(self, record):
            lines.append(record.getMessage())

    LOGGER.handlers[:] = [Own()]
    LOGGER.setLevel(logging.INFO)
    notice("torch engine")
    assert lines == ["torch engine"] and capsys.readouterr().err == ""


def test_a_level_silences_it(capsys):
    notice("first")
    LOGGER.setLevel(logging.WARNING)
    notice("second")
    assert capsys.readouterr().err == "pyhodgkin: first\n"


def test_nothing_but_the_command_line_prints():
    root = Path(pyhodgkin.__file__).parent
    allowed = {"notices.py"}
    for path in root.rglob("*.py"):
        inside = path.relative_to(root)
        if inside.parts[0] in ("cli", "export") or inside.name in allowed:
            continue
        code = re.sub(r'""".*?"""', "", path.read_text("utf-8"), flags=re.DOTALL)
        assert not re.search(r"(?<![\w.])print\(", code), inside
