"""Local derivatives of a neuron: on both engines, and by differences."""

from __future__ import annotations

import numpy as np
import pytest
from engines import CELLS, voltage_clamp
from neurons import ENGINES, local_derivatives
from test_linearization import close, close_columns, directions_of

import pyhodgkin as ph
from pyhodgkin.backends.sensitivity import variational
from pyhodgkin.backends.sensitivity.directional import network_inputs
from pyhodgkin.backends.voltage_grid import voltage_grid_of

QUANTITIES = ("rhs", "steady_state", "rates", "current")


def points(cell: ph.Neuron, n: int = 7):
    """Parameters, with networks away from symmetric starts, states and stimuli."""
    rng, theta = np.random.default_rng(3), cell.theta
    weights = cell.layout.select("networks")
    theta[weights] += 0.3 * rng.normal(size=len(weights))
    gates = rng.uniform(0.0, 1.0, (len(cell.states) - 1, n))
    # -40 and -55 mV are where the squid axon's rates are 0/0.
    v = np.concatenate([[-40.0, -55.0], rng.uniform(-90.0, 40.0, n - 2)])
    return theta, np.concatenate([v[None], gates]), rng.normal(size=n)


def quantities(cell: ph.Neuron) -> list[str]:
    if cell.right_hand_side is not None:
        return ["rhs", "steady_state"]
    return [q for q in QUANTITIES if q != "rates" or cell.is_linear_in_gates]


@pytest.mark.julia
@pytest.mark.parametrize("name", CELLS)
def test_both_engines_have_the_same_local_derivatives(name):
    cell = CELLS[name]
    theta, y, u = points(cell)
    julia, torch = (local_derivatives(cell, engine) for engine in ("julia", "torch"))
    assert julia.states == cell.states
    own = [cell.states.index(state) for state in torch.states]  # torch has an order of its own
    back = np.argsort(own)
    close(julia.value("rhs", theta, y, u), torch.value("rhs", theta, y[own], u)[back], 1e-12)
    expected = torch.jacobians(theta, y[own], u)[:, back][:, :, back]
    close(julia.jacobians(theta, y, u), expected, 1e-12)
    gates = np.concatenate([back[1:] - 1, len(back) - 1 + back[1:] - 1])
    order = {"rhs": back, "steady_state": back, "rates": gates, "current": np.arange(1)}
    rng = np.random.default_rng(0)
    entries = rng.choice(len(theta), min(len(theta), 50), replace=False)
    for quantity in quantities(cell):
        rows = order[quantity]
        at = torch.value(quantity, theta, y[own], u)[rows]
        close(julia.value(quantity, theta, y, u), at, 1e-12)
        by_theta = torch.slopes(quantity, theta, y[own], u, entries)[:, rows]
        close(julia.slopes(quantity, theta, y, u, entries), by_theta, 1e-11)
    pairs = zip(
        network_inputs(julia, theta, y, u), network_inputs(torch, theta, y[own], u), strict=True
    )
    for mine, other in pairs:
        np.testing.assert_array_equal(mine.places, other.places)
        close(mine.inputs, other.inputs, 1e-13)
        close(mine.rows(), other.rows(), 1e-12)


@pytest.mark.parametrize("backend", ENGINES)
@pytest.mark.parametrize(
    "name", ["learned", "composed", "over_steady_state", "box_stimulus", "warm"]
)
def test_local_derivatives_are_those_of_differences(name, backend):
    cell = CELLS[name]
    theta, y, u = points(cell)
    local = local_derivatives(cell, backend)
    y = y[[cell.states.index(state) for state in local.states]]
    for quantity in quantities(cell):
        entries = np.random.default_rng(1).choice(len(theta), 12, replace=False)
        found = local.slopes(quantity, theta, y, u, entries)
        for k, place in enumerate(entries):
            step = np.zeros(len(theta))
            step[place] = 1e-6 * max(1.0, abs(theta[place]))
            there = [local.value(quantity, theta + s * step, y, u) for s in (1, -1)]
            slope = (there[0] - there[1]).T / (2.0 * step[place])
            size = np.abs(there[0]).max() * 1e-9 / step[place]
            np.testing.assert_allclose(found[:, :, k], slope, rtol=1e-5, atol=max(size, 1e-7))


@pytest.mark.julia
@pytest.mark.parametrize("name", CELLS)
def test_julia_follows_them_as_numpy_does(name):
    """Forward sensitivities in Julia are those over its local derivatives."""
    cell = CELLS[name]
    theta, *_ = points(cell)
    local, rng, size = local_derivatives(cell, "julia"), np.random.default_rng(6), len(cell.states)
    t = np.concatenate([[0.0], np.cumsum(np.repeat(rng.uniform(0.002, 0.4, 40), 2))])
    gates = 0.5 + 0.4 * np.sin(np.arange(1, size)[:, None] * t)
    y, u = np.concatenate([[45.0 * np.sin(t) - 40.0], gates]), 10.0 * np.cos(3.0 * t)
    networks = network_inputs(local, theta, y[:, :1], u[:1])
    directions = directions_of(cell, [(x.places, None) for x in networks])
    for more in (0, 2):
        start = rng.normal(size=(size, directions.size + more))
        at = (theta, t, y, u, directions, start)
        expected = variational.forward_sensitivities(local, *at)
        close_columns(local.forward_sensitivities(*at), expected, 1e-10)
    if not cell.is_linear_in_gates:
        return
    for recording in (voltage_clamp("steps"), voltage_clamp("sampled"), long_clamp()):
        grid, held = voltage_grid_of(recording), np.arange(size - 1) == 0
        before = rng.uniform(0.0, 1.0, (size - 1, len(grid.v)))
        for begin in (None, start[1:]):
            given = (theta, grid, before, directions, held, begin)
            found = local.gate_sensitivities(*given)
            expected = variational.gate_sensitivities(local, *given)
            assert found.shape == expected.shape
            close_columns(found.reshape(len(found), -1), expected.reshape(len(found), -1), 1e-10)


def long_clamp() -> ph.Recording:
    """With more voltages than derivatives are taken at."""
    t = np.linspace(0.0, 40.0, 2001)
    clamp = ph.VoltageClamp.sines([30.0, 15.0], [60.0, 210.0], 40.0, centre=-40.0)
    return ph.Recording(t, clamp, current=np.cos(t), current_unit="uA/cm2")
