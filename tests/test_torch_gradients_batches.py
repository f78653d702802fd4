"""Gradients of batches: parameter sets, recordings, chunks, failed sets, precision."""

from __future__ import annotations

import numpy as np
import pytest
from neurons import SQUID
from test_torch_gradients import check, current_clamp, options, steps, uneven_clamp
from torch_neurons import FORMS, scattered_theta, with_n

from pyhodgkin import CurrentClamp, Recording, VoltageClamp
from pyhodgkin.backends.base import SolveOptions
from pyhodgkin.backends.loss import Loss
from pyhodgkin.backends.torch import adjoint
from pyhodgkin.backends.torch.engine import TorchBackend

ENGINE = TorchBackend()


@pytest.mark.parametrize("solver", ["rodas5p", "exponential"])
def test_many_parameter_sets_equal_each_alone(solver):
    cell, recordings = with_n("residual"), [current_clamp(), uneven_clamp()]
    theta, loss, how = scattered_theta(cell, 3, 0.01), Loss(scale=50.0), options(solver)
    batch = ENGINE.value_and_grad(cell, recordings, theta, loss, options=how)
    assert batch.value.shape == (3,) and batch.gradient.shape == theta.shape
    assert batch.per_recording.shape == (3, 2) and batch.statuses.shape == (3, 2)
    for k in range(3):
        one = ENGINE.value_and_grad(cell, recordings, theta[k], loss, options=how)
        np.testing.assert_allclose(batch.value[k], one.value, rtol=1e-8)
        np.testing.assert_allclose(batch.per_recording[k], one.per_recording, rtol=1e-8)
        np.testing.assert_allclose(
            batch.gradient[k], one.gradient, rtol=1e-6, atol=1e-7 * abs(one.gradient).max()
        )


def test_recordings_together_equal_the_mean_of_each():
    recordings, loss, how = [current_clamp(), uneven_clamp()], Loss(scale=50.0), options()
    both = ENGINE.value_and_grad(SQUID, recordings, SQUID.theta, loss, options=how)
    each = [ENGINE.value_and_grad(SQUID, [r], SQUID.theta, loss, options=how) for r in recordings]
    np.testing.assert_allclose(both.value, np.mean([e.value for e in each]), rtol=1e-9)
    mean = np.mean([e.gradient for e in each], axis=0)
    np.testing.assert_allclose(both.gradient, mean, rtol=1e-6, atol=1e-8 * abs(mean).max())


@pytest.mark.parametrize("lanes_per_chunk", [1, 3, 40])
@pytest.mark.parametrize("solver", ["rodas5p", "exponential"])
def test_chunks_of_the_adjoint_do_not_matter(monkeypatch, solver, lanes_per_chunk):
    cell, recordings, loss = with_n("residual"), [current_clamp(), uneven_clamp()], Loss()
    how = SolveOptions(solver, rtol=1e-5, atol=1e-7, dt=0.05)
    theta = scattered_theta(cell, 2, 0.01)
    whole = ENGINE.value_and_grad(cell, recordings, theta, loss, options=how)
    monkeypatch.setattr(adjoint, "BATCH", lanes_per_chunk * 4)
    parts = ENGINE.value_and_grad(cell, recordings, theta, loss, options=how)
    np.testing.assert_array_equal(parts.value, whole.value)
    scale = abs(whole.gradient).max()
    np.testing.assert_allclose(parts.gradient, whole.gradient, rtol=1e-9, atol=1e-11 * scale)


def test_a_failed_set_is_inf_without_gradient_and_spoils_no_other():
    recordings, loss = [current_clamp()], Loss(scale=50.0)
    how = SolveOptions(rtol=1e-6, atol=1e-8)
    theta = np.stack([SQUID.theta] * 3)
    theta[1, SQUID.layout["c_m"].start] = 1e-310  # its inverse is infinite
    found = ENGINE.value_and_grad(SQUID, recordings, theta, loss, options=how)
    assert found.failed.tolist() == [False, True, False]
    assert np.isinf(found.value[1]) and not found.gradient[1].any()
    one = ENGINE.value_and_grad(SQUID, recordings, theta[0], loss, options=how)
    for k in (0, 2):
        np.testing.assert_allclose(found.value[k], one.value, rtol=1e-12)
        np.testing.assert_allclose(found.gradient[k], one.gradient, rtol=1e-8)


def test_every_set_failing_is_no_exception():
    how = SolveOptions(max_steps=3)
    found = ENGINE.value_and_grad(SQUID, [current_clamp()], SQUID.theta, Loss(), options=how)
    assert found.failed and np.isinf(found.value) and not found.gradient.any()


def test_single_precision_gradient_is_close():
    recordings, loss = [current_clamp()], Loss(scale=50.0)
    single = SolveOptions(rtol=1e-4, atol=1e-6, dtype="float32")
    double = SolveOptions(rtol=1e-9, atol=1e-10)
    a, b = (
        ENGINE.value_and_grad(SQUID, recordings, SQUID.theta, loss, options=o)
        for o in (single, double)
    )
    np.testing.assert_allclose(a.value, b.value, rtol=1e-2)
    scaled = SQUID.theta * a.gradient, SQUID.theta * b.gradient
    np.testing.assert_allclose(*scaled, rtol=0.05, atol=0.05 * abs(scaled[1]).max())


def test_a_recording_that_starts_late_and_a_sample_at_the_start():
    t = np.array([0.0, 0.0 + 1e-9, 3.0, 5.0])
    recording = Recording(t, CurrentClamp.step(10.0, 1.0, 9.0, 9.0), v=np.full(4, -90.0))
    check(SQUID, [recording], steps(SQUID, ["na.g", "l.e"]), options(), 1e-5)


def test_a_sample_at_a_jump_is_the_one_after_it():
    """As in `clamped` mode, in `VoltageClamp.__call__` and in an amplifier's record."""
    clamp = VoltageClamp.steps([0, 2, 4], [-70.0, 0.0, -50.0], 6.0)
    t = np.arange(0.0, 6.0, 0.5)
    recording = Recording(t, clamp, current=np.zeros(12), current_unit="uA/cm2")
    solved, known = (
        ENGINE.predict(SQUID, [recording], SQUID.theta, mode=mode, options=options())[0]
        for mode in ("simulation", "clamped")
    )
    np.testing.assert_allclose(solved, known, rtol=1e-6, atol=1e-5)
    theta, loss = SQUID.theta, Loss(scale=100.0)
    found = [
        ENGINE.value_and_grad(SQUID, [recording], theta, loss, mode=mode, options=options())
        for mode in ("simulation", "clamped")
    ]
    np.testing.assert_allclose(found[0].value, found[1].value, rtol=1e-7)
    scale = abs(found[0].gradient).max()
    np.testing.assert_allclose(found[0].gradient, found[1].gradient, rtol=1e-5, atol=1e-7 * scale)


def test_a_start_for_each_set_and_recording():
    recordings, loss, how = [current_clamp(), uneven_clamp()], Loss(scale=50.0), options()
    theta = scattered_theta(SQUID, 2, 0.01)
    volts = np.array([[-60.0, -65.0], [-70.0, -62.0]])
    y0 = np.array([[SQUID.initial_state(v) for v in row] for row in volts])
    both = ENGINE.value_and_grad(SQUID, recordings, theta, loss, y0=y0, options=how)
    assert both.gradient_y0.shape == (2, 2, 4)
    for k in range(2):
        one = ENGINE.value_and_grad(SQUID, recordings, theta[k], loss, y0=y0[k], options=how)
        np.testing.assert_allclose(both.value[k], one.value, rtol=1e-8)
        scale = abs(one.gradient_y0).max()
        np.testing.assert_allclose(both.gradient_y0[k], one.gradient_y0, atol=1e-7 * scale)


@pytest.mark.parametrize("name", ["learned", "current_with_gates", "current", "residual"])
def test_known_voltages_and_the_solver_agree_with_networks(name):
    cell = FORMS[name]
    t = np.arange(0.0, 5.0, 0.25)
    clamp = VoltageClamp.steps([0, 1, 3], [-70.0, 0.0, -50.0], 5.0)
    recording = Recording(t, clamp, current=np.zeros(len(t)), current_unit="uA/cm2")
    solved, known = (
        ENGINE.predict(cell, [recording], cell.theta, mode=mode, options=options())[0]
        for mode in ("simulation", "clamped")
    )
    np.testing.assert_allclose(solved, known, rtol=1e-6, atol=1e-5)
