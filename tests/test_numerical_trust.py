"""How far errors can be believed: answers known exactly, tolerances, orders, gradients."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from neurons import ENGINES

import pyhodgkin as ph

sys.path.append(str(Path(__file__).resolve().parents[1] / "tools"))

from trust import cases, gradients, known, limits, long

each_engine = pytest.mark.parametrize("backend", ENGINES)
each_solver = pytest.mark.parametrize("solver", cases.SOLVERS)


@each_engine
@pytest.mark.parametrize("rtol", [1e-4, 1e-7])
@each_solver
def test_answers_in_closed_form(solver, rtol, backend):
    """The factors are about three times what is found."""
    given = {"solver": solver, "backend": backend, "rtol": rtol, "atol": 0.01 * rtol}
    assert known.charging(**given) < 150.0 * rtol  # mV, of 20
    assert known.relaxation(**given) < 6.0 * rtol
    assert known.tail_charge(**given) < 1.2 * rtol
    assert known.balance(**given) < 1.5 * rtol
    assert known.isopotential_rallpack(**given) < 100.0 * rtol  # mV, of 127


@each_engine
@pytest.mark.parametrize("name", ph.library.names())
def test_the_obtained_error_follows_the_tolerance(name, backend):
    """By the default solver: over the size of each state within 600 rtol after 50 ms of spikes."""
    exact = cases.reference(name, "auto", backend)
    found = {r: cases.errors(cases.solved(name, "auto", r, backend), exact) for r in (1e-5, 1e-8)}
    for rtol, off in found.items():
        assert off["state"] < 600.0 * rtol
        assert off["n"] == 0 or off["spikes"] < 150.0 * rtol  # ms
    assert found[1e-8]["state"] < 0.01 * found[1e-5]["state"]
    assert name.startswith("herg") or found[1e-8]["n"] > 0


@each_engine
@pytest.mark.parametrize("solver", known.ORDERS)
def test_the_order_observed_is_the_order_stated(solver, backend):
    if solver not in ph.backends.get(backend).solvers():
        pytest.skip(f"the {backend} engine has no {solver}")
    slope, off = known.observed_order(solver, backend, known.STEPS)
    assert slope > known.ORDERS[solver] - 0.4
    assert (np.diff(off) < 0.0).all()


QUICK = ("squid_axon", "herg_beattie_markov", "pospischil_lts_calcium", "rates", "free", "residual")
EVERY = [
    pytest.param(name, marks=() if name in QUICK else pytest.mark.slow)
    for name in (*ph.library.names(), *gradients.learned_forms())
]


@each_engine
@pytest.mark.parametrize("name", EVERY)
def test_gradients_are_central_differences(name, backend):
    cells = {**gradients.learned_forms(), **{n: ph.library.get(n) for n in ph.library.names()}}
    data = gradients.recording_of(cells[name], name)
    assert gradients.gradient_error(cells[name], data, backend) < 1e-5


@each_engine
def test_an_edge_of_a_protocol_is_not_stepped_over(backend):
    """A pulse of 0.2 ms after 40 ms of rest, over which steps are long."""
    off = limits.jump(backend)
    assert off["known"].max() < 1e-3 and off["unknown"].max() > 1.0  # mV, of 4


@pytest.mark.slow
@each_engine
@pytest.mark.parametrize("name", long.NAMES)
def test_spikes_of_a_second_are_those_of_scipy(name, backend):
    """Those of LSODA at 1e-9 have errors of their own, below 1e-5 ms."""
    found, exact, _ = long.lsoda(
        name, 1e-9, 1000.0, long.reference(name, 1000.0, backend).spike_times()
    )
    ours = ph.simulate(
        ph.library.get(name), long.clamp_of(name, 1000.0), saveat=[1000.0], rtol=1e-9, atol=1e-11,
        max_steps=1_000_000, backend=backend,
    ).spike_times()  # fmt: skip
    assert len(found) == len(exact) == len(ours) > 60
    assert np.abs(found - exact).max() < 1e-4 and np.abs(ours - exact).max() < 1e-4  # ms
