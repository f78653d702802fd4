"""Batches of the Julia engine, which solves several elements side by side: the answers of each."""

from __future__ import annotations

import numpy as np
import pytest
from engines import CELLS, CURRENT, JULIA, NO_CURRENT, VOLTAGE, apart, options, times
from neurons import SQUID
from torch_neurons import scattered_theta

import pyhodgkin as ph
from pyhodgkin.status import Status

pytestmark = pytest.mark.julia
COUNT = 70  # more than the blocks of four threads


def alone(cell, protocols, theta, i, how, t=None):
    """Element `i` of a batch, by itself."""
    own = protocols[i % len(protocols)]
    return JULIA.solve(cell, [own], theta[i], None, times() if t is None else t, how)


@pytest.mark.parametrize("solver", ["tsit5", "rodas5p", "auto"])
@pytest.mark.parametrize("name", CELLS)
def test_a_batch_is_its_elements(name, solver):
    if (name, solver) == ("free_x", "tsit5"):
        pytest.skip("too stiff to be explicit")
    cell, how = CELLS[name], options(solver)
    for kind in (CURRENT, VOLTAGE):
        if name in NO_CURRENT and kind is VOLTAGE:
            continue
        few = list(kind.values())
        protocols = [few[i % len(few)] for i in range(COUNT)]
        theta = scattered_theta(cell, COUNT, 0.005)
        found = JULIA.solve(cell, protocols, theta, None, times(), how)
        assert np.all(found.status == Status.SUCCESS)
        for i in (0, 1, 17, 38, COUNT - 1):
            assert apart(found.y[i], alone(cell, protocols, theta, i, how).y[0]) < 1e-5


def test_the_same_steps_and_spikes_as_one_by_one():
    clamps = [
        ph.CurrentClamp.step(7.0 + 0.05 * i, start=2.0, stop=40.0, t_end=30.0 + 0.3 * i)
        for i in range(COUNT)
    ]
    many = ph.simulate(SQUID, clamps, saveat=0.5, backend="julia", solver="tsit5")
    for i in (0, 13, 40, COUNT - 1):
        one = ph.simulate(SQUID, clamps[i], saveat=0.5, backend="julia", solver="tsit5")
        assert many.stats["n_steps"][i] == one.stats["n_steps"]
        assert many.stats["n_rejected"][i] == one.stats["n_rejected"]
        spikes = one.spike_times()
        assert len(spikes) >= 2
        np.testing.assert_allclose(many[i].spike_times(), spikes, rtol=1e-9)


def test_populations_of_a_thousand_cells():
    """Whatever the place in the batch: the parameters in another order, the answers with them."""
    rng = np.random.default_rng(0)
    g = SQUID.parameter("na.g") * rng.uniform(0.8, 1.2, 1000)
    clamp = ph.CurrentClamp.step(10.0, start=5.0, stop=45.0, t_end=50.0)
    given = {"saveat": 5.0, "backend": "julia", "rtol": 1e-4}
    found = ph.simulate(SQUID, clamp, parameters={"na.g": g}, **given)
    back = ph.simulate(SQUID, clamp, parameters={"na.g": g[::-1]}, **given)
    np.testing.assert_array_equal(found.y, back.y[::-1])
    exact = ph.simulate(SQUID, clamp, parameters={"na.g": g[:3]}, saveat=5.0, backend="julia",
                        rtol=1e-9, atol=1e-11)  # fmt: skip
    for i in range(3):
        ours, truth = found[i].spike_times(), exact[i].spike_times()
        assert len(ours) == len(truth) and np.abs(ours - truth).max() < 0.05


def test_one_that_fails_does_not_touch_the_others():
    theta = np.tile(SQUID.theta, (COUNT, 1))
    theta[5, SQUID.layout["l.e"].start] = np.nan
    for solver in ("tsit5", "rodas5p", "auto"):
        how = options(solver)
        found = JULIA.solve(SQUID, [CURRENT["step"]], theta, None, times(), how)
        assert found.status[5] != Status.SUCCESS
        fine = np.delete(np.arange(COUNT), 5)
        assert np.all(found.status[fine] == Status.SUCCESS)
        assert np.all(found.y[fine] == found.y[0])


@pytest.mark.parametrize("solver", ["tsit5", "rodas5p", "auto"])
@pytest.mark.parametrize("count", [1, COUNT])
def test_single_precision_is_off_by_its_rounding(count, solver):
    """Errors of the single type: of the voltage on the flanks of spikes, and of spike times."""
    clamp = ph.CurrentClamp.step(10.0, start=2.0, stop=40.0, t_end=45.0)
    theta = scattered_theta(SQUID, count, 0.005)
    single, double = (
        ph.simulate(
            SQUID, clamp, theta=theta, saveat=0.1, backend="julia", solver=solver, dtype=dtype,
            rtol=1e-5, atol=1e-7,
        )
        for dtype in ("float32", "float64")
    )  # fmt: skip
    truth = ph.simulate(SQUID, clamp, theta=theta, saveat=0.1, rtol=1e-9, atol=1e-11)
    off = {name: np.abs(found.v - truth.v) for name, found in (("s", single), ("d", double))}
    assert np.median(off["s"]) < 2e-3 and np.max(off["s"]) < np.max(off["d"]) + 0.1
    for i in range(0, count, 13):
        spikes = truth[i].spike_times()
        assert len(spikes) >= 2
        np.testing.assert_allclose(single[i].spike_times(), spikes, atol=0.01)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("solver", ["rodas5p", "auto"])
def test_populations_of_stiff_cells(solver, dtype):
    """By Rodas5P in blocks: the spikes of each cell by itself, those of a tight tolerance."""
    clamp = ph.CurrentClamp.step(10.0, start=2.0, stop=40.0, t_end=45.0)
    theta = scattered_theta(SQUID, COUNT, 0.005)
    theta[:, SQUID.layout["c_m"].start] *= 0.1
    how = {"saveat": 1.0, "backend": "julia"}
    found = ph.simulate(SQUID, clamp, theta=theta, solver=solver, dtype=dtype, rtol=1e-4, **how)
    assert np.all(found.status == Status.SUCCESS)
    assert np.all(found.stats["n_steps"] < 500)  # those of Tsit5 are more, at any tolerance
    for i in range(0, COUNT, 23):
        truth = ph.simulate(SQUID, clamp, theta=theta[i], rtol=1e-9, atol=1e-11, **how)
        spikes = truth.spike_times()
        assert len(spikes) >= 2
        np.testing.assert_allclose(found[i].spike_times(), spikes, atol=0.05)


def test_gradients_in_single_precision_are_off_by_its_rounding():
    clamp = ph.CurrentClamp.step(10.0, start=2.0, stop=17.0, t_end=20.0)
    found = ph.simulate(SQUID, clamp, saveat=0.2)
    data = ph.Recording(found.t, clamp, v=found.v)
    theta = scattered_theta(SQUID, 40, 0.001)
    single, double = (
        JULIA.value_and_grad(
            SQUID, [data], theta, ph.Loss(), options=ph.SolveOptions(dtype=dtype, rtol=1e-5)
        )
        for dtype in ("float32", "float64")
    )
    assert np.all(single.statuses == Status.SUCCESS)
    np.testing.assert_allclose(single.value, double.value, rtol=5e-3)
    scale = np.abs(double.gradient).max(axis=0)
    assert np.max(np.abs(single.gradient - double.gradient) / scale) < 5e-3
