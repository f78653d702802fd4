"""`fit` on both engines: the same losses step by step, and what one learned the other knows."""

from __future__ import annotations

import numpy as np
import pytest
from engines import CELLS, JULIA, TORCH, apart, options, times
from neurons import SQUID
from torch_neurons import with_n

import pyhodgkin as ph
from pyhodgkin import Stage, fit
from pyhodgkin.backends.base import Penalty
from pyhodgkin.backends.loss import Loss
from pyhodgkin.errors import CheckpointError
from pyhodgkin.neuron import document
from pyhodgkin.status import Status

pytestmark = pytest.mark.julia

TIGHT = {"rtol": 1e-7, "atol": 1e-9}


def trace(t_end=15.0, dt=0.1, amplitude=10.0):
    clamp = ph.CurrentClamp.step(amplitude, 2.0, None, t_end)
    solution = ph.simulate(SQUID, clamp, saveat=times(t_end, dt), backend="torch", **TIGHT)
    return ph.Recording.from_solution(solution, name=f"{amplitude:g}")


def family():
    clamps = ph.VoltageClamp.family((-30.0, 10.0, 40.0), start=2.0, stop=9.0, t_end=12.0)
    solution = ph.simulate(SQUID, clamps, saveat=0.1, backend="torch", **TIGHT)
    return [
        ph.Recording.from_solution(one, name=str(i), current_unit="uA/cm2")
        for i, one in enumerate(solution)
    ]


def on_both(cell, records, **how):
    how = {"seeds": None, "progress": False, **TIGHT, **how}
    return [fit(cell, records, backend=b, **how) for b in ("julia", "torch")]


CASES = {
    "a gate from v": (with_n("steady_state"), "current", {}),
    "a corrected gate from v": (CELLS["residual"], "current", {"trainable": "networks"}),
    "rates from clamped currents": (with_n("rates"), "voltage", {}),
    "everything": (CELLS["residual"], "voltage", {"trainable": ["networks", "physical"]}),
    "conductances": (
        SQUID.with_parameters(k__g=30.0, na__g=135.0),
        "current",
        {"trainable": ["conductances", "reversals"], "fit_initial": True},
    ),
    "a current": (CELLS["current_with_gates"], "current", {}),
    "a black box": (CELLS["box_stimulus"], "current", {}),
    "two seeds": (with_n("steady_state"), "current", {"seeds": [1, 2]}),
}


SLOW = ("a corrected gate from v", "two seeds", "everything")
MODES = [
    pytest.param(case, mode, marks=pytest.mark.slow if slow else ())
    for case in CASES
    for mode in ("simulation", "clamped")
    if (case, mode) != ("a black box", "clamped")  # it has no gates to drive
    for slow in [mode == "simulation" and case in SLOW]
]


@pytest.mark.parametrize(("case", "mode"), MODES)
def test_fifty_steps_of_adamw(case, mode):
    cell, kind, how = CASES[case]
    records = [trace(10.0), trace(6.0, 0.15, 20.0)] if kind == "current" else family()
    stage = Stage(mode, "adamw", 50, lr=0.01)
    ours, theirs = on_both(cell, records, schedule=stage, **how)
    assert ours.history["loss"].shape == theirs.history["loss"].shape == (50, len(ours.theta))
    np.testing.assert_allclose(ours.history["loss"], theirs.history["loss"], rtol=1e-4)
    np.testing.assert_array_equal(ours.history["rejected"], theirs.history["rejected"])
    np.testing.assert_allclose(ours.train_error.rmse, theirs.train_error.rmse, rtol=1e-3)


def test_losses_penalties_bounds_and_held_out_recordings():
    cell = with_n("residual")
    chosen = cell.layout.select("networks")
    penalty = Penalty(chosen, cell.theta[chosen], 0.1)
    stages = (
        Stage("clamped", "adamw", 10, schedule="halving"),
        Stage("simulation", "adamw", 15, weight_decay=0.01, horizon=8.0),
    )
    ours, theirs = on_both(
        cell,
        [trace(10.0), trace(12.0, amplitude=15.0)],
        heldout="15",
        schedule=stages,
        loss=Loss("huber", scale=20.0, delta=0.5),
        penalty=penalty,
        trainable=["networks", "k.g"],
        bounds={"k.g": (20.0, 50.0)},
    )
    for name in ("loss", "heldout", "gradient_norm"):
        np.testing.assert_allclose(ours.history[name], theirs.history[name], rtol=1e-4)
    assert ours.heldout_error is not None and theirs.heldout_error is not None
    np.testing.assert_allclose(ours.heldout_error.rmse, theirs.heldout_error.rmse, rtol=1e-3)


def test_a_failed_fit_has_the_same_status():
    stage = Stage("simulation", "adamw", 3)
    ours, theirs = on_both(with_n("rates"), trace(10.0), schedule=stage, max_steps=5)
    assert ours.status == theirs.status == Status.MAX_STEPS
    np.testing.assert_array_equal(ours.theta, theirs.theta)


@pytest.mark.parametrize("learner", ["julia", "torch"])
def test_what_one_learned_is_the_same_on_the_other(learner, tmp_path):
    stages = (Stage("clamped", "adamw", 20), Stage("simulation", "adamw", 5))
    result = fit(
        with_n("rates"), trace(10.0), schedule=stages, backend=learner, out=tmp_path, progress=False
    )
    learned = document.load(tmp_path / "model.json")
    np.testing.assert_array_equal(learned.theta, result.theta[0])
    clamp = [ph.CurrentClamp.noise(8.0, 4.0, 2.0, 12.0, seed=3)]
    runs = [
        e.solve(learned, clamp, learned.theta, None, times(), options()) for e in (JULIA, TORCH)
    ]
    assert apart(runs[0].y, runs[1].y) < 1e-6


@pytest.mark.parametrize(("first", "then"), [("julia", "torch"), ("torch", "julia")])
def test_a_run_goes_on_with_the_engine_that_began_it(first, then, tmp_path):
    stage = Stage("clamped", "adamw", 2)
    common = {"schedule": stage, "out": tmp_path, "progress": False}
    fit(with_n("rates"), trace(6.0), backend=first, **common)
    with pytest.raises(CheckpointError, match="different backend"):
        fit(with_n("rates"), trace(6.0), backend=then, resume=True, **common)
    again = fit(with_n("rates"), trace(6.0), backend=first, resume=True, **common)
    assert again.status == Status.SUCCESS
