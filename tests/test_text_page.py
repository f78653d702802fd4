"""The guide page on text files: its examples run, and print what they should."""

from __future__ import annotations

import re
from pathlib import Path

PAGE = Path(__file__).parents[1] / "docs" / "text_files.md"


def test_the_examples_of_the_page_run(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text("utf-8"), flags=re.S)
    space: dict = {}
    for block in blocks:
        exec(compile(block, str(PAGE), "exec"), space)
    assert len(blocks) >= 7
    text = capsys.readouterr().out
    assert text.count("current clamp, v in mV, 400 samples, 0 to 19.95 ms") == 4
    assert "('wide sweep 0', 'wide sweep 1')" in text
    (axon,) = space["ph"].read("cell.atf", clamp="current", protocol=space["step"])
    assert len(axon) == 400 and axon.t[-1] == 19.95
