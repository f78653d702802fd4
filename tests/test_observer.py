"""The observer, the noise of v, and what the schedule makes of them."""

from __future__ import annotations

import functools

import numpy as np
import pytest
from neurons import ENGINES

import pyhodgkin as ph
from pyhodgkin import Stage, fit
from pyhodgkin.backends import get
from pyhodgkin.backends.base import SolveOptions
from pyhodgkin.backends.loss import Loss
from pyhodgkin.errors import InputError
from pyhodgkin.fitting.modes.observer import ObservedNeuron
from pyhodgkin.recordings import denoise
from pyhodgkin.recordings.initial_conditions import in_motion

AXON = ph.library.get("squid_axon")
each_engine = pytest.mark.parametrize("backend", ENGINES)


@functools.cache
def solved(t_end, dt):
    clamp = ph.CurrentClamp.step(15.0, start=5.0, stop=None, t_end=t_end)
    t = np.arange(0.0, t_end + 1e-9, dt)
    return ph.simulate(AXON, clamp, saveat=t, rtol=1e-9, atol=1e-11, backend="torch")


def trace(t_end=25.0, dt=0.05, **more):
    """v of the axon under a step that makes it fire."""
    return ph.Recording.from_solution(solved(t_end, dt), **more)


# -- the observer --------------------------------------------------------------------------


@each_engine
def test_an_observer_keeps_a_wrong_model_at_the_trace(backend):
    recording, wrong = trace(), AXON.with_parameters(k__g=25.0, na__g=90.0)

    def off(gain):
        observer = ObservedNeuron(wrong, gain)
        seen = observer.recordings([recording])
        said = get(backend).predict(
            observer.neuron, seen, observer.theta(wrong.theta[None]),
            mode="simulation", y0=None, options=SolveOptions(),
        )  # fmt: skip
        return float(np.sqrt(np.mean((np.reshape(said[0], -1) - recording.v) ** 2)))

    assert off(100.0) < off(10.0) < off(1.0)
    assert off(100.0) < 0.5 and off(0.01) > 5.0


@each_engine
def test_the_true_model_needs_no_observer(backend):
    recording, observer = trace(), ObservedNeuron(AXON, 3.0)
    found = get(backend).value_and_grad(
        observer.neuron, observer.recordings([recording]), observer.theta(AXON.theta[None]),
        Loss(), mode="simulation", y0=None, options=SolveOptions(),
    )  # fmt: skip
    # What is left is the straight lines between the samples that it is drawn to.
    assert float(found.value[0]) < 1e-6
    assert observer.vjp(found.gradient).shape == (1, AXON.theta.size)


@each_engine
def test_an_observer_stage_finds_conductances_far_away(backend):
    start = AXON.with_parameters(k__g=20.0, na__g=200.0)
    stage = Stage("observer", "lbfgs", 40, gain=3.0, options={"rtol": 1e-5, "atol": 1e-7})
    trained = ["k.g", "na.g"]
    result = fit(start, trace(15.0), trainable=trained, schedule=stage, backend=backend)
    chosen = AXON.layout.select(trained)
    np.testing.assert_allclose(result.neuron.theta[chosen], AXON.theta[chosen], rtol=0.01)


def test_an_observer_draws_to_a_measured_voltage_only():
    with pytest.raises(InputError, match=r"needs gain= .a conductance: mS"):
        Stage("observer")
    with pytest.raises(InputError, match=r"gain = 1.0 .* has no setting"):
        Stage("clamped", gain=1.0)
    with pytest.raises(InputError, match="must be positive"):
        Stage("observer", gain=-1.0)
    clamp = ph.VoltageClamp.step(0.0, start=2.0, stop=8.0, t_end=10.0)
    commanded = ph.Recording.from_solution(
        ph.simulate(AXON, clamp, saveat=0.1, backend="torch"), current_unit="uA/cm2"
    )
    with pytest.raises(InputError, match="in voltage clamp v is commanded"):
        fit(AXON, commanded, schedule=Stage("observer", gain=1.0), backend="torch")


def test_its_loss_does_not_shrink_with_its_gain():
    loss, factor = ObservedNeuron(AXON, 3.0).loss(Loss("huber", delta=0.4))
    assert loss.delta == pytest.approx(0.1) and factor == pytest.approx(16.0)
    assert ObservedNeuron(AXON, 3.0).loss(Loss("mae")) == (Loss("mae"), 4.0)


# -- noise -----------------------------------------------------------------------------------


@pytest.mark.parametrize("sd", [0.5, 2.0, 5.0])
def test_the_noise_is_found(sd):
    assert denoise.level(trace(noise=sd, seed=3)) == pytest.approx(sd, rel=0.1)


def test_spikes_are_no_noise():
    assert denoise.levels([trace()], None) == (0.0,)
    assert denoise.levels([trace(), trace()], 2.0) == (2.0, 2.0)
    with pytest.raises(InputError, match="one for each recording"):
        denoise.levels([trace()], [1.0, 2.0, 3.0])
    with pytest.raises(InputError, match="not negative"):
        denoise.levels([trace()], -1.0)


@pytest.mark.parametrize("sd", [1.0, 5.0])
def test_denoised_is_closer_to_the_truth(sd):
    true = trace()
    found = denoise.denoised(trace(noise=sd, seed=1), sd)
    assert np.sqrt(np.mean((found - true.v) ** 2)) < 0.65 * sd
    # Spikes stay.
    assert np.max(found) > np.max(true.v) - 3.0 * sd


def test_the_first_voltage_is_a_mean():
    found = [denoise.start(trace(noise=5.0, seed=seed), 5.0) for seed in range(20)]
    assert np.std(np.array(found) + 65.0) < 1.0


def test_the_first_voltage_is_hardly_ever_that_of_a_few_samples():
    found = np.array([denoise.start(trace(noise=5.0, seed=seed), 5.0) for seed in range(400)])
    assert np.max(np.abs(found + 65.0)) < 2.5


def test_the_first_voltage_is_that_of_rest_unless_the_noise_says_otherwise():
    seen = trace(noise=5.0, seed=1)
    assert denoise.start(seen, 5.0, rest=-65.0) == -65.0
    assert denoise.start(seen, 5.0, rest=-75.0) == denoise.start(seen, 5.0)
    later = seen.window(3.0, 20.0)
    assert denoise.start(later, 5.0, rest=-65.0) == denoise.start(later, 5.0)


def test_samples_upsample_with_model():
    true, fine = trace(dt=0.0125), denoise.refined(trace(), 4)
    np.testing.assert_allclose(fine.t, true.t, atol=1e-9)
    assert np.max(np.abs(fine.v - true.v)) < 0.05
    assert denoise.refined(trace(), 1).n_used == trace().n_used


@pytest.mark.parametrize("start", [0.05, 0.15, 0.25, 0.35])
def test_a_step_between_the_first_samples_is_a_start_at_rest(start):
    clamp = ph.CurrentClamp.step(10.0, start=start, stop=None, t_end=20.0)
    recording = ph.Recording.from_solution(ph.simulate(AXON, clamp, saveat=0.2, backend="torch"))
    assert not in_motion(AXON, recording, 0.0)


def test_a_window_in_a_spike_is_in_motion():
    recording = trace()
    assert not in_motion(AXON, recording, 0.0)
    assert not in_motion(AXON, trace(noise=5.0, seed=0), 5.0)
    assert in_motion(AXON, recording.window(7.0, 25.0), 0.0)
    quick = Stage("clamped", "lbfgs", 1)
    args = {"trainable": "k.g", "schedule": quick, "backend": "torch"}
    result = fit(AXON, recording.window(7.0, 25.0), **args)
    assert "do not start at rest" in result.log[1] and result.initial_states is not None
    assert fit(AXON, recording, **args).initial_states is None
