"""Gradients and derivatives of neurons with calcium pools and Markov schemes."""

from __future__ import annotations

import numpy as np
import pytest
from coupled_cells import every_part
from neurons import ENGINES

import pyhodgkin as ph
from pyhodgkin.backends import get
from pyhodgkin.backends.linearization import Directions, WeightDirections

CELL, T = every_part(), np.linspace(0.0, 2.0, 11)
OPTIONS = ph.SolveOptions(solver="rodas5p", rtol=1e-9, atol=1e-11)
WAVE = ph.Sampled(np.arange(0.0, 4.1, 0.5), -70.0 + 40.0 * np.sin(np.arange(0.0, 4.1, 0.5)))
LOSS = ph.Loss("mse")


def recording(kind):
    if kind == "v":
        clamp = ph.CurrentClamp.step(10.0, start=0.5, stop=1.5, t_end=2.0)
        return ph.Recording(T, clamp, v=-60.0 + 10.0 * np.sin(T))
    clamp = ph.VoltageClamp(WAVE, t_end=2.0)
    return ph.Recording(T, clamp, current=3.0 * np.sin(T), current_unit="uA/cm2")


def value_and_grad(engine, kind, theta, y0=None):
    start = None if y0 is None else y0[None]
    return engine.value_and_grad(
        CELL, [recording(kind)], theta, LOSS, mode="simulation", y0=start, options=OPTIONS
    )


def sizes(theta):
    return np.maximum(np.abs(theta), 1e-12)


@pytest.mark.parametrize("kind", ["v", "current"])
@pytest.mark.parametrize("backend", ENGINES)
def test_gradient_is_that_of_central_differences(backend, kind):
    """Along directions that move every parameter, in units of its own size."""
    engine, theta = get(backend), CELL.theta
    gradient = value_and_grad(engine, kind, theta).gradient
    rng, h = np.random.default_rng(1), 1e-5
    for _ in range(3 if backend == "julia" else 1):
        along = rng.standard_normal(len(theta)) * sizes(theta)
        up, down = (value_and_grad(engine, kind, theta + s * along).value for s in (h, -h))
        assert gradient @ along == pytest.approx((up - down) / (2.0 * h), rel=1e-5)


@pytest.mark.parametrize("backend", ENGINES)
def test_gradient_by_the_start_is_that_of_central_differences(backend):
    engine, theta = get(backend), CELL.theta
    start = CELL.initial_state(-60.0)
    found = value_and_grad(engine, "v", theta, start).gradient_y0[0]
    rng, h = np.random.default_rng(2), 1e-5
    along = rng.standard_normal(len(start)) * start * 0.1
    up, down = (value_and_grad(engine, "v", theta, start + s * along).value for s in (h, -h))
    assert found @ along == pytest.approx((up - down) / (2.0 * h), rel=1e-5)


@pytest.mark.julia
@pytest.mark.parametrize("kind", ["v", "current"])
def test_engines_give_the_same_gradient(kind):
    a, b = (value_and_grad(get(x), kind, CELL.theta) for x in ("torch", "julia"))
    assert a.value == pytest.approx(float(b.value), rel=1e-6)
    scale = np.abs(b.gradient * sizes(CELL.theta)).max()
    assert np.abs((a.gradient - b.gradient) * sizes(CELL.theta)).max() < 1e-5 * scale


@pytest.mark.julia
@pytest.mark.parametrize("solver", ["auto", "tsit5", "rodas4p"])
def test_every_solver_of_julia_has_the_gradient(solver):
    options = ph.SolveOptions(solver=solver, rtol=1e-9, atol=1e-11)
    engine = get("julia")
    found = engine.value_and_grad(
        CELL, [recording("v")], CELL.theta, LOSS, mode="simulation", y0=None, options=options
    )
    expected = value_and_grad(engine, "v", CELL.theta)
    scale = np.abs(expected.gradient * sizes(CELL.theta)).max()
    apart = np.abs((found.gradient - expected.gradient) * sizes(CELL.theta)).max()
    assert apart < 1e-5 * scale


@pytest.mark.julia
def test_forwarddiff_gives_the_same_gradient():
    from pyhodgkin.backends.julia.engine import JuliaBackend

    explicit = ph.SolveOptions(solver="tsit5", rtol=1e-9, atol=1e-11)
    found = JuliaBackend("forward").value_and_grad(
        CELL, [recording("v")], CELL.theta, LOSS, mode="simulation", y0=None, options=explicit
    )
    expected = value_and_grad(get("julia"), "v", CELL.theta)
    scale = np.abs(expected.gradient * sizes(CELL.theta)).max()
    apart = np.abs((found.gradient - expected.gradient) * sizes(CELL.theta)).max()
    assert apart < 1e-5 * scale


@pytest.mark.parametrize("backend", ENGINES)
def test_forward_sensitivities_are_central_differences(backend):
    engine, theta = get(backend), CELL.theta
    clamp = ph.CurrentClamp.constant(10.0, 2.0)  # the rows at a jump are of either side of it
    own = ph.Recording(T, clamp, v=-60.0 + 10.0 * np.sin(T))
    rest = {"mode": "simulation", "y0": None, "options": OPTIONS}
    lin = engine.linearize(CELL, [own], theta[None], LOSS, **rest)
    nets = lin.networks(50)
    assert [len(places) for places, _ in nets] == [10, 14]
    names = ("calcium.tau", "k.up.a", "kca.w.x_inf.half", "cal.p", "c_m")
    entries = np.array([CELL.layout[name].start for name in names])
    blocks = [WeightDirections(np.arange(len(p)), np.eye(len(p))[:, 3:4]) for p, _ in nets]
    rows = lin.jvp(0, Directions(blocks, entries, np.ones(len(entries))), None)
    path = lin._path(0)  # its rows are of the nodes nearest to the samples
    at = path.t[path.seen]
    there = ph.Recording(at, own.protocol, v=np.full(len(at), own.data[0]))
    columns = [int(places[3]) for places, _ in nets] + entries.tolist()
    for column, place in enumerate(columns):
        h = 1e-5 * abs(theta[place])
        moved = [theta.copy(), theta.copy()]
        moved[0][place] += h
        moved[1][place] -= h
        up, down = (engine.predict(CELL, [there], x, **rest)[0] for x in moved)
        expected = (up - down) / (2.0 * h)
        apart = np.abs(rows[:, column] - expected).max()
        assert apart < 1e-2 * np.abs(expected).max(), CELL.layout.names[place]


def test_float32_and_the_odeint_of_torch():
    from dataclasses import replace

    single = replace(OPTIONS, dtype="float32", rtol=1e-5, atol=1e-7)
    rough = get("torch").value_and_grad(
        CELL, [recording("v")], CELL.theta, LOSS, mode="simulation", y0=None, options=single
    )
    assert rough.value == pytest.approx(
        float(value_and_grad(get("torch"), "v", CELL.theta).value), rel=1e-3
    )
