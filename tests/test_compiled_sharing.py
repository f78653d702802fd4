"""Exponentials that curves share in the kernels: the curves to the last digits, whatever v is."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from neurons import SQUID

import pyhodgkin as ph
from pyhodgkin.backends import compiled

pytestmark = pytest.mark.skipif(bool(compiled.why_not()), reason=compiled.why_not() or "used")

MODELS = ["squid_axon", "hodgkinmodel_jl"]
DOUBLE, SINGLE = np.dtype(np.float64), np.dtype(np.float32)


def curves_at(cell, v, shared, dtype=DOUBLE):
    """Values and slopes (2, curves, V) of all curves, as a kernel computes them."""
    import numba

    from pyhodgkin.backends.compiled.kernels import columns, curves, layout, vectors

    like = vectors.wide_float64 if dtype is DOUBLE else vectors.wide_float32
    width = 16 if dtype is DOUBLE else 32
    packed = layout.packed(cell.tables, 1, 1, False, shared)
    x = np.zeros(packed.slots * width, dtype)

    @numba.njit
    def at(m, c, x, v, theta, slopes):
        zero, m, c, x = like(), vectors.pointer(m), vectors.pointer(c), vectors.pointer(x)
        for e in range(width):
            columns.parameters(width, m, x, theta, e)
        here = vectors.load(zero, vectors.pointer(v), 0)
        if slopes:
            curves.curves_and_slopes(zero, m, c, x, here)
        else:
            curves.curves(zero, m, c, x, here)

    found, count = [], len(cell.tables.leaf_form)
    for part in v.astype(dtype).reshape(-1, width):
        rows = []
        for slopes in (True, False):
            at(packed.m, packed.c, x, np.ascontiguousarray(part), cell.theta, slopes)
            for header in (layout.VALUE, layout.SLOPE):
                first = packed.m[header] * width
                rows.append(x[first : first + count * width].reshape(count, width).copy())
        np.testing.assert_allclose(rows[0], rows[2], rtol=1e-14 if dtype is DOUBLE else 1e-6)
        found.append(np.array(rows[:2]))
    return np.concatenate(found, -1).astype(float)


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize(("dtype", "digits"), [(DOUBLE, 1e-13), (SINGLE, 5e-6)])
def test_curves_of_shared_exponentials_are_right(model, dtype, digits):
    from pyhodgkin.backends.compiled.sharing import sharing

    cell = ph.library.get(model)
    # A voltage beyond all sense, and where a linoid is 0/0 or nearly so.
    v = np.concatenate([np.linspace(-1000.0, 1000.0, 4001), np.linspace(-60.0, -30.0, 1001)])
    near = -40.0 + np.array([0.0, 1e-12, 1e-6, 1e-3, 0.1, 1.0, 2.99, 3.01, 4.99, 5.01])
    v = np.concatenate([v, near, -near, -55.0 + 1e-9 * np.arange(10), np.zeros(64)])
    v = v[: len(v) // 32 * 32].astype(dtype).astype(float)
    own = sharing(cell.tables, cell.theta[None], dtype)
    assert own is not None and sum(place >= 0 for place in own.powers) >= 4
    found, right = curves_at(cell, v, own, dtype), curves_at(cell, v, None, DOUBLE)
    assert np.isfinite(found).all()
    # An exponential loses a digit for each digit of v/k, here and there.
    steep = np.maximum(1.0, np.abs(v) / 10.0)
    least = 1e-290 if dtype is DOUBLE else 1e-30
    shown = (np.abs(right) > least) & (np.abs(right) < 1e30)
    off = np.abs(found - right) / np.where(shown, np.abs(right), 1.0) / steep
    assert off[0][shown[0]].max() < digits
    # Slopes far out are differences that cancel in both ways to compute them: next to the values.
    scale = np.maximum(np.abs(right[1]), 1e-3 * np.abs(right[0]))
    off = np.abs(found[1] - right[1]) / np.where(shown[0], scale, 1.0) / steep
    assert off[shown[0]].max() < 20.0 * digits


def test_only_equal_rates_of_a_batch_are_shared():
    from pyhodgkin.backends.compiled.sharing import sharing

    cell = ph.library.get("hodgkinmodel_jl")
    k = cell.tables.leaf_place[cell.tables.leaf_form < 3] + 2
    theta = np.tile(cell.theta, (3, 1))
    theta[:, cell.layout["na.g"].start] *= [0.9, 1.0, 1.1]
    assert sharing(cell.tables, theta, DOUBLE) is not None
    theta[1, k] *= 1.01
    assert sharing(cell.tables, theta, DOUBLE) is None
    theta = np.tile(cell.theta, (3, 1))
    theta[:, k - 1] = 5000.0  # exp(v0/k) would leave single precision
    assert sharing(cell.tables, theta, SINGLE) is None


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("solver", ["rodas5p", "tsit5", "exponential"])
def test_a_population_with_shared_exponentials(model, solver, monkeypatch):
    kernels = pytest.importorskip("pyhodgkin.backends.compiled.solve")
    cell = ph.library.get(model)
    g = cell.theta[cell.layout["na.g"].start] * np.linspace(0.9, 1.1, 20)
    clamp = ph.CurrentClamp.step(10.0, start=1.0, stop=9.0, t_end=12.0)
    call = {"parameters": {"na.g": g}, "rtol": 1e-9, "atol": 1e-11, "dt": 0.01}
    found = ph.simulate(cell, clamp, solver=solver, backend="torch", **call)
    monkeypatch.setattr(kernels, "sharing", lambda *_: None)
    right = ph.simulate(cell, clamp, solver=solver, backend="torch", **call)
    assert np.abs(found.y - right.y).max() < 2e-6
    assert not np.array_equal(found.y, right.y)  # so they were shared


def test_fewer_steps_are_rejected_than_accepted_steps_would_foretell():
    cell = ph.library.get("hodgkinmodel_jl")
    g = cell.theta[cell.layout["na.g"].start] * np.linspace(0.9, 1.1, 20)
    clamp = ph.CurrentClamp.constant(9.0, t_end=50.0)
    call = {"parameters": {"na.g": g}, "rtol": 7e-4, "solver": "rodas5p", "backend": "torch"}
    stats = ph.simulate(cell, clamp, saveat=[50.0], **call).stats
    assert stats["n_rejected"].sum() < 0.3 * stats["n_steps"].sum()


@pytest.mark.parametrize("name", ["rodas5p", "rodas4p"])
def test_the_eager_integrator_takes_the_same_steps(name, monkeypatch):
    cell = dataclasses.replace(SQUID, current_unit=None)
    clamp = ph.CurrentClamp.step(10.0, start=1.0, stop=9.0, t_end=12.0)
    call = {"parameters": {"na.g": np.linspace(100.0, 130.0, 5)}, "rtol": 1e-5, "solver": name}
    found = ph.simulate(cell, clamp, backend="torch", **call)
    monkeypatch.setenv(compiled.SWITCH, "0")
    right = ph.simulate(cell, clamp, backend="torch", **call)
    for count in ("n_steps", "n_rejected"):
        assert np.abs(found.stats[count] - right.stats[count]).max() <= 1
