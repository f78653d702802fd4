"""An error of the system at each call of what writes: the old or the new is there, whole.

What ``tools/faults/writing.py error-at-each-call`` tries with whole runs.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import numpy as np
import pytest
from neurons import learned_neuron
from test_checkpoint import arrays_equal, run
from test_population_run import FAST, STEP, cells, equal

import pyhodgkin as ph
from pyhodgkin import Stage, document
from pyhodgkin.errors import PyHodgkinError
from pyhodgkin.fitting.run.checkpoints import Checkpoint, Store
from pyhodgkin.population import store as stores

sys.path.append(str(Path(__file__).resolve().parents[1] / "tools"))
from faults.calls import NUMBERS, Calls


def each_call(folder, prepare, write, every=1):
    """Fail at one call of `write` after another; yields after each whether it has succeeded."""
    for call in range(1, 2000, every):
        prepare()
        done = False
        with Calls(folder, call, NUMBERS[call % len(NUMBERS)]) as calls:
            try:
                write()
                done = True
            except OSError as error:
                assert str(folder) in str(error), f"{calls.failed}: {error}"
            except PyHodgkinError as error:
                assert str(folder) in str(error), f"{calls.failed}: {error}"
        if not calls.failed:
            assert done and call > 5
            return
        yield done
    raise AssertionError("it has no end")


def test_a_document(tmp_path):
    old = learned_neuron()
    new = old.with_theta(old.theta * 1.01)
    path, trials = tmp_path / "model.json", 0

    def prepare():
        for file in tmp_path.iterdir():
            file.unlink()
        document.save(old, path)

    for done in each_call(tmp_path, prepare, lambda: document.save(new, path)):
        left = document.load(path)
        assert left == new if done else left in (old, new)
        document.save(new, path)
        assert document.load(path) == new
        trials += 1
    assert trials > 12


def test_a_checkpoint(tmp_path):
    store, step = Store(tmp_path, {"data": "a"}), [0]

    def write():
        step[0] += 1
        store.save(Checkpoint({"x": np.full(3, float(step[0]))}, {"step": step[0]}))

    for done in each_call(tmp_path, lambda: [write(), write()], write):
        found, _ = store.load()
        assert found is not None and found.arrays["x"][0] == found.meta["step"]
        assert found.meta["step"] in ((step[0],) if done else (step[0], step[0] - 1))


def test_a_fit_goes_on_to_the_same_end(tmp_path):
    few = {"schedule": (Stage("clamped", "adamw", 2),), "seeds": [1], "checkpoint_every": 0.0}
    unbroken, number = run(**few), [0]

    def prepare():
        number[0] += 1

    def out():
        return tmp_path / str(number[0])

    for done in each_call(tmp_path, prepare, lambda: run(out(), resume=True, **few), every=7):
        if done:
            arrays_equal(ph.FitResult.load(out()), unbroken)
        arrays_equal(run(out(), resume=True, **few), unbroken)
        assert not list(tmp_path.glob("*.lock"))


@pytest.mark.parametrize("call", [1, 2])
def test_a_store_is_kept_where_the_new_one_cannot_take_its_name(tmp_path, monkeypatch, call):
    pytest.importorskip("zarr", minversion="3")
    first, calls, rename = few_cells(tmp_path / "a"), [], os.rename

    def failing(source, target):
        calls.append(source)
        if len(calls) == call:
            raise OSError(5, "Input/output error")
        rename(source, target)

    with monkeypatch.context() as patched:
        patched.setattr(stores.os, "rename", failing)
        if call == 2:
            patched.setattr(stores, "exchange", lambda a, b: False)
        with pytest.raises(OSError, match="Input/output error"):
            few_cells(tmp_path / "a", rtol=1e-3, overwrite=True)
    assert equal(ph.PopulationResult.load(tmp_path / "a"), first)


def test_a_store_that_is_moved_during_the_run_is_told(tmp_path, monkeypatch):
    pytest.importorskip("zarr", minversion="3")
    right = stores.Store.write

    def moved(self, chunk, found):
        os.rename(tmp_path / "a", tmp_path / "b")
        right(self, chunk, found)

    monkeypatch.setattr(stores.Store, "write", moved)
    with pytest.raises(FileNotFoundError, match="not there any more: 0 of 1 chunks are kept in"):
        few_cells(tmp_path / "a")


def few_cells(out, **more):
    return cells(16).simulate(STEP, out=out, record=("v",), saveat=1.0, **{**FAST, **more})


@pytest.mark.parametrize("in_one_step", [True, False])
def test_a_store_that_is_to_be_replaced(tmp_path, monkeypatch, in_one_step):
    if not in_one_step:
        monkeypatch.setattr(stores, "exchange", lambda a, b: False)
    old, path, begun = tmp_path / "a.replaced-0", tmp_path / "a", tmp_path / ".a-0"

    def prepare():
        for folder in tmp_path.iterdir():
            (folder / "which").unlink()
            folder.rmdir()
        for folder in (path, begun):
            folder.mkdir()
            (folder / "which").write_text(folder.name)

    calls = 4 if in_one_step else 6
    for call in range(1, calls + 1):
        prepare()
        rename, count = os.rename, [0]

        def failing(source, target, count=count, call=call, rename=rename):
            count[0] += 1
            if count[0] == call:
                raise OSError(5, "Input/output error")
            rename(source, target)

        with monkeypatch.context() as patched:
            patched.setattr(stores.os, "rename", failing)
            try:
                stores._put(begun, path, old)
            except OSError:
                assert (path / "which").read_text() == "a"
            else:
                assert (path / "which").read_text() == ".a-0"
                assert (old / "which").read_text() == "a"
