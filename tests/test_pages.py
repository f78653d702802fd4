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


def names_in(page: str) -> list[str]:
    """Names in the package that a page has in backticks: ``fitting.modes.observer.Observer``."""
    text = re.sub(r"```.*?```", "", (DOCS / page).read_text("utf-8"), flags=re.DOTALL)
    found = re.findall(r"`((?:pyhodgkin\.)?[a-z_]+(?:\.[a-z_0-9]+)+\.?[A-Za-z_]*)[`(]", text)
    return [name for name in found if not name.endswith((".py", ".md", ".toml"))]


@pytest.mark.parametrize("page", ["glossary.md", "architecture.md"])
def test_names_on_a_page_are_those_of_the_package(page):
    names = names_in(page)
    assert len(names) > 5
    for name in names:
        parts = (
            name.replace("ph.", "pyhodgkin.", 1).split(".")
            if name[:3] == "ph."
            else name.split(".")
        )
        parts = parts if parts[0] == "pyhodgkin" else ["pyhodgkin", *parts]
        *module, last = parts
        assert hasattr(importlib.import_module(".".join(module)), last), name


def test_the_layers_on_the_page_are_those_of_the_contract():
    contract = (DOCS.parent / "pyproject.toml").read_text("utf-8")
    layers = contract.split("layers = [")[1].split("]")[0]
    rows_wanted = re.findall(r'"(.*)"', layers)
    # The verbs are private files, which the page calls by what they hold.
    listed = [row.replace("pyhodgkin.", "").split(" | ") for row in rows_wanted if "._" not in row]
    text = (DOCS / "architecture.md").read_text("utf-8")
    section = text.split("## Layers")[1].split("## ")[0]
    rows = [re.findall(r"`(\w+)`", row) for row in section.splitlines() if row.startswith("| ")]
    rows = [row for row in rows if row]
    assert len(listed) > 9 and [row for row in rows if row in listed] == listed


def test_the_glossary_has_the_terms_of_the_field():
    text = (DOCS / "glossary.md").read_text("utf-8").lower()
    for term in (
        *("observer", "multiple shooting", "clamped training", "forward sensitivity"),
        *("discrete adjoint", "gauss-newton", "levenberg-marquardt", "trust region"),
        *("geodesic acceleration", "prior weight", "fisher information", "upsampling"),
        *("intersection of confidence intervals", "surrogate", "distillation", "multistart"),
        *("hierarchical parameters", "spike matching", "coincidence factor γ"),
        *("rosenbrock", "arrowhead", "batch element", "voltage grid", "junction potential"),
    ):
        assert f"| {term}" in text or term in text, term
