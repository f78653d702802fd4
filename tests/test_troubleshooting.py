"""The page on troubleshooting lists the messages of the source code."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from pyhodgkin.status import Status

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def hook():
    spec = importlib.util.spec_from_file_location("messages", ROOT / "docs" / "messages.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_mark_becomes_every_message(hook):
    page = (ROOT / "docs" / "troubleshooting.md").read_text("utf-8")
    made = hook.on_page_markdown(page)
    assert hook.MARK in page and hook.MARK not in made
    assert made.count("\n| ") > 600
    assert "| ABF files need pyABF |" in made
    rows = [line for line in made.splitlines() if line.startswith("| ") and "Error |" in line]
    assert all(line.replace("\\|", "").count("|") == 4 for line in rows)


def test_another_page_stays_as_it_is(hook):
    assert hook.on_page_markdown("# Guide\n") == "# Guide\n"


def test_every_file_of_the_package_has_a_heading(hook):
    for path in hook.ROOT.rglob("*.py"):
        assert hook._heading(path.relative_to(hook.ROOT))


def test_every_status_of_a_solve_is_explained():
    page = (ROOT / "docs" / "troubleshooting.md").read_text("utf-8")
    for status in Status:
        if status != Status.SUCCESS:
            assert f"`{status.name}`" in page
