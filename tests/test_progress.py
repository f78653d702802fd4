"""The progress of a fit: on a terminal and in a notebook, with the time that is left."""

from __future__ import annotations

import re

from test_notebook_views import cells_run

from pyhodgkin import progress


def test_the_bar_of_a_terminal_has_the_time_left(capsys, monkeypatch):
    monkeypatch.setattr(progress, "DELAY", 0.0)
    monkeypatch.setenv("COLUMNS", "120")
    with progress.Bar(shown=True) as bar:
        for step in range(1, 5):
            bar.update("1. clamped adamw", step, 10, "loss 0.5")
    err = capsys.readouterr().err
    assert "1. clamped adamw" in err and "4/10" in err and "left" in err and "loss 0.5" in err


def test_nothing_is_drawn_without_a_terminal(capsys, monkeypatch):
    monkeypatch.setattr(progress, "DELAY", 0.0)
    with progress.Bar() as bar:
        bar.update("1. clamped adamw", 1, 10, "loss 0.5")
    assert capsys.readouterr() == ("", "")


def test_a_notebook_shows_one_bar_for_each_stage():
    code = """
from pyhodgkin import progress
progress.DELAY = 0.0
with progress.Bar() as bar:
    for label in ("1. clamped <adamw>", "2. simulation"):
        for step in range(1, 11):
            bar.update(label, step, 10, f"loss {step}")
"""
    outputs = cells_run(code)[0]
    (bar,) = [output for output in outputs if output.output_type == "display_data"]
    html = bar.data["text/html"]
    for part in ("1. clamped &lt;adamw&gt;", "2. simulation", "10/10", "loss 10"):
        assert part in html
    assert len(re.findall("<progress", html)) == 2 and "left 0:00" in html
    assert not [output for output in outputs if output.output_type == "stream"]
