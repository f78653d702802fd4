"""What a fit says of itself: limits of steps, what stays fixed; and how a callback stops it."""

from __future__ import annotations

import time

import numpy as np
import pytest

import pyhodgkin as ph
from pyhodgkin import Stage
from pyhodgkin.neuron.channels import NeuralCurrent

CLAMP = ph.CurrentClamp.step(10.0, start=2.0, stop=12.0, t_end=15.0)


def noisy(cell, size=0.3):
    trace = ph.simulate(cell, CLAMP, saveat=0.1, backend="torch")
    return ph.Recording.from_solution(trace, noise=size, seed=3)


def test_a_current_is_learned_from_noisy_v_without_a_learned_gate():
    cell = ph.library.get("squid_axon")
    current = NeuralCurrent("x", ph.Network.create((1, 6, 1), seed=0), scale=0.1)
    found = ph.fit(
        cell.with_channel(current), noisy(cell), noise=0.3, backend="torch", progress=False,
        schedule=[Stage("clamped", "levenberg", steps=4)],
        penalty=ph.CurvePenalty(size=1e-3),
    )  # fmt: skip
    assert np.isfinite(found.scores).all()
    whole = ph.fit(cell.with_channel(current), noisy(cell), backend="torch", progress=False,
                   callback=lambda info: info.step >= 3)  # fmt: skip
    assert np.isfinite(whole.scores).all()


@pytest.mark.parametrize("steps", [2, 60])
def test_a_stage_that_ends_at_its_limit_of_steps_says_so(steps):
    cell = ph.library.get("squid_axon")
    found = ph.fit(
        cell.with_parameters(k__g=20.0), noisy(cell, 0.0), trainable=["k.g", "na.g"],
        schedule=[Stage("simulation", "levenberg", steps=steps)], backend="torch", progress=False,
    )  # fmt: skip
    told = [line for line in found.log if "limit of 2 steps" in line]
    assert bool(told) == (steps == 2)
    assert ("allow it more steps" in found.message) == (steps == 2)


def test_a_callback_stops_a_search_within_a_second():
    cell = ph.library.get("squid_axon")
    net = ph.NeuralKinetics("rates", ph.Network.create((1, 8, 2), seed=0))
    calls = []

    def stop(info):
        calls.append((time.monotonic(), info))
        return len(calls) >= 2

    found = ph.fit(
        cell.replace_gate("n", net).replace_gate("h", net), noisy(cell), backend="torch",
        schedule=[Stage("clamped", "lbfgs", steps=9, multistart=512)], progress=False,
        callback=stop,
    )  # fmt: skip
    assert len(calls) == 2 and {(info.label, info.step) for _, info in calls} == {("search", 0)}
    assert time.monotonic() - calls[-1][0] < 20.0  # a second on a quiet machine
    assert len(found.history["loss"]) == 0


def test_what_physical_leaves_out_is_said():
    cell = ph.library.get("squid_axon")
    quick = {"schedule": [Stage("simulation", "levenberg", steps=1)], "backend": "torch"}
    found = ph.fit(cell, noisy(cell), trainable="physical", progress=False, **quick)
    assert any('rates of k.n, na.m, na.h stay as they are; "rates"' in x for x in found.log)
    found = ph.fit(cell, noisy(cell), trainable=["physical", "rates"], progress=False, **quick)
    assert not any("stay as they are" in line for line in found.log)


def test_a_layout_is_a_table():
    layout = ph.library.get("squid_axon").layout
    lines = str(layout).splitlines()
    assert lines[0].split()[0] == "parameter" and len(lines) == 1 + len(layout)
    assert "mS/cm²" in lines[2] and "25 parameters" in repr(layout)
