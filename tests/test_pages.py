"""The pages of the documentation: their figures, their navigation, the width of their code."""

from __future__ import annotations

import importlib
import re
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[1] / "docs"
PAGES = sorted(DOCS.glob("*.md"))
FIGURES = sorted((DOCS / "figures").glob("*.png"))


@pytest.fixture
def maker(monkeypatch):
    monkeypatch.syspath_prepend(str(DOCS))
    return importlib.import_module("make_figures")


def test_each_figure_is_drawn_by_the_code_above_it(maker):
    """The script takes the variable `figure` of the block before the picture."""
    drawn = {}
    for page in maker.pages():
        for code, name in maker.blocks(page):
            if name:
                assert name not in drawn, f"{name} is drawn twice"
                assert re.search(r"^figure\b.* = ", code, re.MULTILINE), (page.name, name)
                drawn[name] = page
    shown = {n for p in PAGES for n in re.findall(r"\(figures/(\w+)\.png\)", p.read_text("utf-8"))}
    assert set(drawn) == shown == {path.stem for path in FIGURES}
    assert len(drawn) >= 9


@pytest.mark.parametrize("figure", FIGURES, ids=lambda path: path.stem)
def test_a_figure_is_small(figure):
    assert 2_000 < figure.stat().st_size < 80_000


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.stem)
def test_code_is_not_wider_than_its_box(page):
    for block in re.findall(r"```\w+\n(.*?)```", page.read_text("utf-8"), flags=re.DOTALL):
        for line in block.splitlines():
            assert len(line) <= 88, line


def test_every_page_is_in_the_navigation_and_the_settings_are_on():
    text = (DOCS.parent / "mkdocs.yml").read_text("utf-8")
    assert set(re.findall(r": ([\w-]+\.md)$", text, re.MULTILINE)) == {p.name for p in PAGES}
    for setting in ("content.code.copy", "pymdownx.highlight", "pymdownx.superfences"):
        assert setting in text
