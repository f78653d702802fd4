"""Currents of many samples: exact recursions, piece-by-piece solves, every kind of sampling."""

from __future__ import annotations

import numpy as np
import pytest

import pyhodgkin as ph
from pyhodgkin.backends.torch import integrate, merged

G, E, C, DT = 0.1, -65.0, 1.0, 0.05
CELL = ph.Neuron("passive", (ph.leak(G, E),), c_m=C, v_rest=E)


def exact(i, mode):
    """v at the samples, by recursion: the equation is linear."""
    tau = C / G
    keep, v = np.exp(-DT / tau), [E]
    for a, b in zip(i[:-1] / G, i[1:] / G, strict=True):
        slope = (b - a) / DT if mode == "linear" else 0.0
        start = v[-1] - E - a + slope * tau
        v.append(E + a + slope * DT - slope * tau + start * keep)
    return np.array(v)


def noise(n, seed=0):
    return 2.0 * np.random.default_rng(seed).standard_normal(n)


@pytest.fixture(autouse=True)
def eager(monkeypatch):
    """The eager integrator goes over many pieces in one step, where a step is what costs."""
    monkeypatch.setenv("PYHODGKIN_COMPILED", "0")


@pytest.mark.parametrize("mode", ["linear", "held"])
@pytest.mark.parametrize("solver", ["rodas5p", "tsit5"])
def test_noise_into_a_membrane_is_exact_in_few_steps(mode, solver):
    i = noise(2001)
    clamp = ph.CurrentClamp.sampled(DT * np.arange(2001), i, mode=mode)
    found = ph.simulate(CELL, clamp, saveat=DT, backend="torch", solver=solver)
    np.testing.assert_allclose(found.v, exact(i, mode), rtol=0, atol=3e-3)
    assert found.stats["n_steps"] < 700
    assert found.v[-1] == pytest.approx(exact(i, mode)[-1], abs=3e-4)


def test_the_error_falls_with_the_tolerance():
    i = noise(1001)
    clamp = ph.CurrentClamp.sampled(DT * np.arange(1001), i)
    how = {"rtol": 1e-9, "atol": 1e-11, "saveat": DT, "backend": "torch"}
    np.testing.assert_allclose(
        ph.simulate(CELL, clamp, **how).v, exact(i, "linear"), rtol=0, atol=1e-5
    )


@pytest.mark.parametrize("few", [0, 1024])
def test_each_element_of_a_batch_goes_its_own_way(few, monkeypatch):
    """In numpy and, with `few` = 0, in torch; one stimulus is long, one short, one constant."""
    monkeypatch.setattr(integrate, "FEW", few)
    rows = [noise(1001, 1), 0.2 * noise(601, 2)]
    clamps = [ph.CurrentClamp.sampled(DT * np.arange(len(i)), i) for i in rows]
    clamps.append(ph.CurrentClamp.constant(1.0, 20.0))
    found = ph.simulate(CELL, clamps, saveat=DT, backend="torch")
    for one, i in zip(found, rows, strict=False):
        np.testing.assert_allclose(one.v, exact(i, "linear"), rtol=0, atol=3e-3)
    steady = E + 10.0 * -np.expm1(-found[2].t / 10.0)
    np.testing.assert_allclose(found[2].v, steady, rtol=0, atol=1e-4)
    both = ph.simulate(CELL, clamps[0], saveat=DT, backend="torch", parameters={"c_m": [1.0, 2.0]})
    np.testing.assert_allclose(both.v[0], found[0].v, rtol=0, atol=1e-9)


def test_spikes_under_noise_are_those_of_a_solve_piece_by_piece(monkeypatch):
    cell = ph.library.get("wang_buzsaki")
    clamp = ph.CurrentClamp.noise(1.0, 1.0, 3.0, 60.0, seed=1, dt=0.1)
    found = ph.simulate(cell, clamp, backend="torch")
    monkeypatch.setattr(merged, "FEWEST", 10**9)
    right = ph.simulate(cell, clamp, rtol=1e-8, atol=1e-10, backend="torch")
    assert len(right.spike_times()) >= 2
    np.testing.assert_allclose(found.spike_times(), right.spike_times(), atol=2e-3)
    np.testing.assert_allclose(found.v, right.v, rtol=0, atol=0.3)


def test_pulses_in_a_long_command_are_not_blurred():
    """A jump moves the voltage by far more than is allowed inside of a step."""
    t = DT * np.arange(3001)
    i = 1e-3 * noise(3001)
    i[1000:1010] += 20.0
    for mode in ("linear", "held"):
        clamp = ph.CurrentClamp.sampled(t, i, mode=mode)
        found = ph.simulate(CELL, clamp, saveat=DT, backend="torch")
        np.testing.assert_allclose(found.v, exact(i, mode), rtol=0, atol=3e-3)
        assert found.stats["n_steps"] < 600
