"""What a simulation does where it fails, and in single precision."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from neurons import SQUID
from test_simulate import alone

from pyhodgkin import CurrentClamp, Status, simulate
from pyhodgkin.errors import BackendUnavailableError, SolveError
from pyhodgkin.neuron.library import hodgkinmodel_jl

CLAMP = CurrentClamp.step(10.0, start=1.0, stop=15.0, t_end=15.0)
SAVE = 0.1


# -- failures ---------------------------------------------------------------------------


def test_too_few_steps_raise_or_are_a_status():
    with pytest.raises(SolveError, match="max_steps was reached"):
        simulate(SQUID, CLAMP, max_steps=10)
    solution = simulate(SQUID, CLAMP, max_steps=10, throw=False, saveat=SAVE)
    assert solution.status == Status.MAX_STEPS and "raise max_steps" in solution.message
    reached = np.isfinite(solution.y).all(axis=-1)
    assert reached[0] and not reached[-1]
    full = alone(SQUID, CLAMP)
    np.testing.assert_allclose(solution.y[reached], full.y[reached], rtol=0, atol=1e-12)
    assert solution.stats["n_steps"] + solution.stats["n_rejected"] == 10


@pytest.mark.parametrize("solver", ["rodas5p", "rodas4p", "tsit5", "exponential"])
def test_every_solver_stops_at_max_steps(solver):
    solution = simulate(SQUID, CLAMP, max_steps=7, throw=False, solver=solver, saveat=SAVE)
    assert solution.status == Status.MAX_STEPS
    assert solution.stats["n_steps"] + solution.stats["n_rejected"] == 7


def test_one_bad_element_is_named_and_the_others_are_right():
    clamps = [CLAMP, CurrentClamp.constant(0.0, 15.0), CLAMP]
    n = simulate(SQUID, clamps[1], saveat=SAVE).stats["n_steps"]
    with pytest.raises(SolveError, match="element 0, 2: max_steps"):
        simulate(SQUID, clamps, max_steps=int(n) + 5)
    batch = simulate(SQUID, clamps, max_steps=int(n) + 5, throw=False, saveat=SAVE)
    assert batch.success.tolist() == [False, True, False]
    np.testing.assert_allclose(batch.y[1], alone(SQUID, clamps[1]).y, rtol=0, atol=1e-9)


def test_the_longest_step_is_kept():
    rest = CurrentClamp.constant(0.0, 15.0)
    assert simulate(SQUID, rest, dt_max=0.1).stats["n_steps"] >= 150
    assert simulate(SQUID, rest).stats["n_steps"] < 100


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a CUDA device")
@pytest.mark.parametrize("has_kernels", [False, True])
def test_a_device_that_is_not_there(monkeypatch, has_kernels):
    from pyhodgkin.backends.torch import gpu_solve

    monkeypatch.setattr(gpu_solve, "kernel_for", lambda *_: has_kernels)
    with pytest.raises(BackendUnavailableError, match='use device="cpu"'):
        simulate(SQUID, CLAMP, device="cuda")


# -- single precision -------------------------------------------------------------------


@pytest.mark.parametrize("solver", ["rodas5p", "rodas4p", "tsit5", "exponential"])
def test_single_precision(solver):
    options = {"solver": solver, "rtol": 1e-4, "atol": 1e-6, "saveat": SAVE}
    single = simulate(SQUID, CLAMP, dtype="float32", **options)
    double = simulate(SQUID, CLAMP, **options)
    assert single.y.dtype == np.float64
    assert abs(single.v - double.v).max() < 2.0
    np.testing.assert_allclose(single.spike_times(), double.spike_times(), rtol=0, atol=0.02)


def test_single_precision_over_a_long_time():
    """Half a minute in single precision would be told to 2 µs: steps must not stall or drift."""
    clamp = CurrentClamp.step(10.0, 29_900.0, 29_990.0, 30_000.0)
    options = {"rtol": 1e-4, "atol": 1e-6, "saveat": np.arange(29_895.0, 30_000.0, 0.05)}
    single = simulate(SQUID, clamp, dtype="float32", **options)
    double = simulate(SQUID, clamp, **options)
    assert len(single.spike_times()) > 3
    np.testing.assert_allclose(single.spike_times(), double.spike_times(), rtol=0, atol=0.01)


def test_the_seed_model_by_name():
    assert simulate(hodgkinmodel_jl(), CLAMP).success
