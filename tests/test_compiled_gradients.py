"""The compiled adjoint and derivatives: those of the eager engine, form by form."""

from __future__ import annotations

import numpy as np
import pytest
from neurons import SQUID
from test_compiled import PROTOCOLS, eager, sees_stimulus
from test_lowering import CASES

import pyhodgkin as ph
from pyhodgkin.backends import compiled
from pyhodgkin.backends.batch_elements import Ends
from pyhodgkin.backends.loss import Loss
from pyhodgkin.backends.options import SolveOptions
from pyhodgkin.backends.torch.compiled_derivatives import CompiledDerivatives
from pyhodgkin.backends.torch.engine import TorchBackend
from pyhodgkin.backends.torch.local_derivatives import TorchDerivatives
from pyhodgkin.status import Status

pytestmark = pytest.mark.skipif(bool(compiled.why_not()), reason=compiled.why_not() or "used")

ENGINE = TorchBackend()
QUICK = ("squid_axon", "learned", "black_box", "free", "nested", "prior")
EVERY = [pytest.param(name, marks=() if name in QUICK else pytest.mark.slow) for name in CASES]


def off(a, b):
    """The largest difference, over the largest value."""
    return float(np.max(np.abs(a - b), initial=0.0) / max(np.max(np.abs(b), initial=0.0), 1e-300))


def recordings_of(clamp, samples=61, shorter=40):
    """Two of different lengths; what was observed is arbitrary."""
    t = np.linspace(0.0, clamp.t_end, samples)
    if clamp.kind == "current":
        v = 35.0 * np.sin(t) - 40.0
        return [ph.Recording(t, clamp, v=v), ph.Recording(t[:shorter], clamp, v=v[:shorter])]
    return [
        ph.Recording(t[:n], clamp, current=np.cos(t[:n]), current_unit="uA/cm2")
        for n in (samples, shorter)
    ]


def sets_of(cell, count=2):
    rng = np.random.default_rng(1)
    return cell.theta * (1.0 + 0.01 * rng.standard_normal((count, cell.layout.size)))


def same(found, expected, tolerance):
    """Values, gradients and statuses of a call."""
    assert np.array_equal(found.statuses, expected.statuses)
    for name in ("value", "gradient", "per_recording", "gradient_y0", "y_end"):
        a, b = getattr(found, name), getattr(expected, name)
        assert (a is None) == (b is None)
        if a is not None:
            assert off(a, b) < tolerance, name


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("solver", ["rodas5p", "tsit5"])
@pytest.mark.parametrize("name", EVERY)
def test_gradients_are_those_of_the_eager_adjoint(name, solver, protocol, monkeypatch):
    cell, clamp = CASES[name], PROTOCOLS[protocol]
    if clamp.kind == "voltage" and cell.right_hand_side is not None:
        pytest.skip("a black box has no current")
    options = ph.SolveOptions(solver=solver, rtol=1e-7, atol=1e-9)
    states = len(cell.states)

    def call():
        return ENGINE.value_and_grad(
            cell,
            recordings_of(clamp),
            sets_of(cell),
            Loss("mse", scale=1.0),
            options=options,
            ends=Ends(np.ones(states), np.full((2, states), 0.3)),
        )

    same(call(), eager(monkeypatch, call), 1e-6)


@pytest.mark.parametrize("given", ["y0", "cells"])
@pytest.mark.parametrize("clamp", [PROTOCOLS["step"], PROTOCOLS["ramp"]])
def test_gradients_by_starts_and_of_cells(given, clamp, monkeypatch):
    cell = CASES["learned"]
    start = np.concatenate([[-63.0], np.full(len(cell.states) - 1, 0.4)])
    arguments = {"y0": start} if given == "y0" else {"cells": np.array([1, 0])}

    def call():
        return ENGINE.value_and_grad(
            cell, recordings_of(clamp), sets_of(cell), Loss("mae", scale=1.0), **arguments
        )

    same(call(), eager(monkeypatch, call), 1e-7)


@pytest.mark.parametrize("solver", ["rodas5p", "tsit5"])
def test_a_gradient_is_the_slope_of_the_loss(solver):
    cell, data = CASES["learned"], recordings_of(PROTOCOLS["chirp"])
    options = ph.SolveOptions(solver=solver, rtol=1e-10, atol=1e-12)
    loss, rng = Loss("mse", scale=1.0), np.random.default_rng(3)
    found = ENGINE.value_and_grad(cell, data, cell.theta, loss, options=options)
    along = rng.standard_normal(cell.layout.size) * np.abs(cell.theta)
    h = 1e-6
    ends = np.stack([cell.theta + h * along, cell.theta - h * along])
    up, down = ENGINE.value_and_grad(cell, data, ends, loss, options=options).value
    assert found.gradient @ along == pytest.approx((up - down) / (2.0 * h), rel=1e-5)


def test_a_failed_element_gives_no_gradient_and_spoils_nobody():
    sets = np.tile(SQUID.theta, (3, 1))
    sets[1, SQUID.layout["c_m"].start] = np.nan
    data = recordings_of(PROTOCOLS["step"])
    found = ENGINE.value_and_grad(SQUID, data, sets, Loss("mse", scale=1.0))
    alone = ENGINE.value_and_grad(SQUID, data, SQUID.theta, Loss("mse", scale=1.0))
    assert np.isinf(found.value[1]) and not found.gradient[1].any()
    assert (found.statuses[1] != Status.SUCCESS).all()
    for i in (0, 2):
        assert found.value[i] == pytest.approx(alone.value, rel=1e-12)
        np.testing.assert_allclose(found.gradient[i], alone.gradient, rtol=1e-9, atol=1e-12)


def test_single_precision_gives_the_gradient_to_its_rounding():
    data, loss = recordings_of(PROTOCOLS["voltage"]), Loss("mse", scale=1.0)
    exact, rough = (
        ENGINE.value_and_grad(
            SQUID, data, SQUID.theta, loss, options=ph.SolveOptions(dtype=x, rtol=1e-5, atol=1e-7)
        )
        for x in ("float64", "float32")
    )
    assert off(rough.gradient, exact.gradient) < 1e-3


@pytest.mark.parametrize("name", CASES)
def test_local_derivatives_are_those_of_torch_operations(name):
    cell, rng, n = CASES[name], np.random.default_rng(0), 37
    other = TorchDerivatives(cell, SolveOptions())
    own = CompiledDerivatives(cell, other)
    s, order = len(cell.states), own._order
    y = np.vstack([rng.uniform(-90.0, 40.0, n), rng.uniform(0.05, 0.95, (s - 1, n))])
    u, back = rng.standard_normal(n), np.argsort(order)
    size = cell.layout.size
    entries = np.sort(rng.choice(size, min(size, 20), replace=False))
    jacobians = own.jacobians(cell.theta, y, u)
    assert off(jacobians, other.jacobians(cell.theta, y[order], u)[:, back][:, :, back]) < 1e-12
    places = {"rhs": back, "steady_state": back, "current": np.zeros(1, dtype=int)}
    gates = np.argsort(order[1:])
    places["rates"] = np.concatenate([gates, s - 1 + gates])
    for quantity, rows in places.items():
        if cell.right_hand_side is not None and quantity != "rhs":
            continue
        if quantity == "rates" and not cell.is_linear_in_gates:
            continue
        expected = other.value(quantity, cell.theta, y[order], u)[rows]
        assert off(own.value(quantity, cell.theta, y, u), expected) < 1e-12
        slopes = own.slopes(quantity, cell.theta, y, u, entries)
        expected = other.slopes(quantity, cell.theta, y[order], u, entries)[:, rows]
        assert off(slopes, expected) < 1e-11
        bars = rng.standard_normal((n, len(rows)))
        by_theta, by_state = own._points.pullback(quantity, cell.theta[None], y.T, bars, u)
        expected = np.einsum("nf,nfm->m", bars, slopes)
        assert np.abs(by_theta[0, entries] - expected).max() < 1e-11 * np.abs(by_theta).max()
        if quantity == "rhs":
            assert off(by_state, np.einsum("nf,nfs->ns", bars, jacobians)) < 1e-11


def test_black_boxes_that_see_the_stimulus_are_among_the_cases():
    assert any(sees_stimulus(name) for name in CASES)
