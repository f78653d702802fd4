"""Files take at most ten times their size in memory, or are refused."""

from __future__ import annotations

import tracemalloc
import warnings

import numpy as np
import pytest

import pyhodgkin as ph
from pyhodgkin.storage import json_files
from pyhodgkin.storage.json_files import parsed


def most_memory(call) -> int:
    """In bytes, while `call` runs."""
    tracemalloc.start()
    try:
        call()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    ("heading", "row"),
    [
        ("t (ms),v (mV),i (nA)", "{i},-{v},0"),
        ("t (ms)\tv (mV)\ti (nA)", "{i}.05\t-{v}.25\t0.125"),
        ("t (ms);v (mV);i (nA)", "{i},05;-{v},25;0"),
    ],
)
def test_a_text_file_takes_less_than_ten_times_its_size(tmp_path, heading, row):
    rows = 120_000
    path, small = tmp_path / "cell.csv", tmp_path / "small.csv"
    v = np.random.default_rng(0).integers(10, 99, rows)
    lines = [heading, *(row.format(i=i, v=v[i]) for i in range(rows))]
    small.write_text("\n".join(lines[:30]))
    path.write_text("\n".join(lines))
    ph.read(small, clamp="current")  # modules are loaded
    found = []
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        needed = most_memory(lambda: found.append(ph.read(path, clamp="current")))
    assert found[0][0].v[-1] == -v[-1] - (0.25 if "25" in row else 0)
    assert needed < 10 * path.stat().st_size


@pytest.mark.parametrize("part", ["{}", "[]", '{"a":1}', "[1]", '"ab"'])
def test_json_that_is_large_as_objects_is_refused(monkeypatch, part):
    monkeypatch.setattr(json_files, "LARGE", 1000)
    assert parsed("[" + ",".join([part] * 10) + "]")  # a small one is read
    with pytest.raises(ValueError, match="in memory as lists and objects: keep arrays in an npz"):
        parsed("[" + ",".join([part] * 1000) + "]")


def test_numbers_in_json_take_less_than_ten_times_their_text(monkeypatch):
    monkeypatch.setattr(json_files, "LARGE", 1000)
    text = "[" + ",".join(f"{0.05 * i:.2f}" for i in range(20_000)) + "]"
    assert most_memory(lambda: parsed(text)) < 10 * len(text)
