"""Spike times of large batches, of which only the steps with a spike are kept."""

from __future__ import annotations

import copy
import dataclasses
import pickle

import numpy as np
import pytest
from neurons import SQUID

import pyhodgkin as ph
from pyhodgkin.backends import compiled
from pyhodgkin.solution.recomputed import Recomputed, merged
from pyhodgkin.solution.voltage_steps import VoltageSteps

pytestmark = pytest.mark.skipif(bool(compiled.why_not()), reason=compiled.why_not() or "used")
CLAMP = ph.CurrentClamp.constant(10.0, t_end=30.0)
CELLS = 140


def solved(**more):
    g = 120.0 * np.linspace(0.8, 1.2, CELLS)
    return ph.simulate(SQUID, CLAMP, parameters={"na.g": g}, saveat=10.0, backend="torch", **more)


@pytest.fixture
def whole(monkeypatch):
    """The same batch with every step in which v rises kept from the start."""
    from pyhodgkin.backends.torch import compiled as torch_side

    with monkeypatch.context() as patch:
        patch.setattr(torch_side, "LARGE", 10**9)
        found = solved()
    assert not isinstance(found.steps, Recomputed)
    return found


def same(a, b):
    return len(a) == len(b) and all(np.array_equal(x, y) for x, y in zip(a, b, strict=True))


def test_every_threshold_is_known(whole):
    found = solved()
    assert isinstance(found.steps, Recomputed) and len(found.steps.kept()) < len(whole.steps) / 5
    assert same(found.spike_times(), whole.spike_times())
    assert "_every" not in found.steps.__dict__  # nothing was solved again for it
    assert same(found[3].spike_times(), whole[3].spike_times())
    assert same(found[3].spike_times(-30.0)[None], whole[3].spike_times(-30.0)[None])
    assert same(found.spike_times(-30.0), whole.spike_times(-30.0))
    assert len(found.steps) == len(whole.steps) and found.steps.threshold is None
    for name in ("element", "t", "h", "coefficients"):
        assert np.array_equal(getattr(found.steps, name), getattr(whole.steps, name))
    with pytest.raises(AttributeError):
        found.steps.nothing  # noqa: B018


def test_what_is_changed_later_does_not_change_them(whole):
    y0 = SQUID.initial_state(-65.0)
    found = solved(y0=y0)
    right = found.spike_times(-30.0)
    again = solved(y0=y0)
    y0[:] = 0.0
    again.theta[:] = 1.0
    assert same(again.spike_times(-30.0), right)


def test_files_and_copies_have_all_steps(whole, tmp_path):
    found = solved()
    read = ph.Solution.load(found.save(tmp_path / "cells.npz"))
    for other in (pickle.loads(pickle.dumps(found.steps)), copy.deepcopy(found.steps), read.steps):
        assert type(other) is VoltageSteps
        assert same(other.crossings(-30.0), whole.steps.crossings(-30.0))


def test_groups_are_put_together(whole):
    found = solved().steps
    few = VoltageSteps(1, [0], [10.0], [2.0], [[-1.0, 2.0, 0.0, 0.0, 0.0]])
    both = merged([found, few], [[*range(1, CELLS + 1)], [0]])
    assert isinstance(both, Recomputed)
    for threshold in (0.0, 0.5):
        right = [few.crossings(threshold)[0], *whole.steps.crossings(threshold)]
        assert same(both.crossings(threshold), right)
    assert not isinstance(merged([few], [[0]]), Recomputed)


def test_neurons_of_several_temperatures():
    cells = [dataclasses.replace(SQUID, temperature=6.3 + i % 2) for i in range(2 * CELLS)]
    found = ph.simulate(cells, CLAMP, saveat=10.0, backend="torch")
    assert isinstance(found.steps, Recomputed)
    for threshold in (0.0, -20.0):
        times = found.spike_times(threshold)
        for i in (0, 1):
            own = ph.simulate(cells[i], CLAMP, backend="torch").spike_times(threshold)
            np.testing.assert_allclose(times[i], own, atol=1e-9)
            assert len(own) and np.array_equal(times[i], times[i + 2])


@pytest.mark.parametrize("threads", [1, 2, 3])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_threads_share_one_queue(dtype, threads, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", str(threads))
    found = solved(dtype=dtype)
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    right = solved(dtype=dtype)
    assert found.success.all() and np.array_equal(found.y, right.y)  # each element once, and right
    assert same(found.spike_times(), right.spike_times())
    assert np.array_equal(found.stats["n_steps"], right.stats["n_steps"])
