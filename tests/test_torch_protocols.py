"""Every kind of protocol and every neuron against scipy on the plain right-hand side."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
from neurons import PLAIN, SQUID
from scipy_solve import solve
from torch_neurons import FORMS

import pyhodgkin as ph
from pyhodgkin import (
    Chirp,
    CurrentClamp,
    OrnsteinUhlenbeck,
    PulseTrain,
    Ramp,
    Sampled,
    Sine,
    Step,
    Steps,
    SumOfSines,
    VoltageClamp,
    library,
)
from pyhodgkin.protocols.base import Piecewise
from pyhodgkin.protocols.segments import Segments

simulate = partial(ph.simulate, backend="torch")

T_END = 8.0
TIGHT = {"rtol": 1e-9, "atol": 1e-11}
RNG = np.random.default_rng(3)
KNOTS = np.linspace(0.0, T_END, 13)
# Names, and waveforms of the size of one about zero: to be scaled to a current or a voltage.
WAVES = {
    "constant": Steps([0.0], [1.0]),
    "steps": Steps([0.0, 1.0, 3.3, 6.0], [0.0, 1.0, -0.4, 0.7]),
    "step_and_baseline": Step(2.0, 5.0, 1.0, baseline=0.2),
    "ramp": Ramp(1.0, 6.0, -0.5, 1.5),
    "pulses": PulseTrain(0.5, 2.0, 0.7, 1.2, 4),
    "sine": Sine(1.0, frequency=300.0, phase=0.3, baseline=0.2),
    "sines": SumOfSines([0.5, 0.3, 0.4], [100.0, 210.0, 490.0]),
    "chirp": Chirp(1.0, 10.0, 500.0, 0.0, T_END),
    "noise": OrnsteinUhlenbeck(0.3, 0.5, 2.0, 0.4, T_END, seed=5),
    "sampled": Sampled(KNOTS, RNG.normal(0.3, 0.5, 13)),
    "held": Sampled(KNOTS, RNG.normal(0.3, 0.5, 13), mode="held"),
    "step_on_sine": Step(2.0, 5.0, 0.7) + Sine(0.5, frequency=250.0),
}


def scaled(wave, factor, shift):
    """The same waveform times `factor` plus `shift`."""
    s = wave.segments()
    return Piecewise(
        Segments(
            s.start,
            factor * s.offset + shift,
            factor * s.slope,
            factor * s.amplitude,
            s.omega,
            s.chirp,
            s.phase,
        )
    )


CURRENTS = {name: CurrentClamp(scaled(w, 20.0, 0.0), T_END) for name, w in WAVES.items()}
VOLTAGES = {name: VoltageClamp(scaled(w, 40.0, -50.0), T_END) for name, w in WAVES.items()}
TIMES = np.linspace(0.0, T_END, 41)


def close(found, expected):
    """Relative to the size of each state: 1e-6 of 100 mV, and of 1."""
    assert abs(found[..., 0] - expected[..., 0]).max() < 1e-4
    assert abs(found[..., 1:] - expected[..., 1:]).max() < 1e-6


def truth(cell, protocol, t=TIMES):
    return solve(cell, protocol, t, rtol=1e-12, atol=1e-12, method="DOP853")[0]


@pytest.fixture(scope="module")
def current_truth():
    return {name: truth(SQUID, protocol) for name, protocol in CURRENTS.items()}


def test_every_waveform_in_one_batch_of_current_clamps(current_truth):
    batch = simulate(SQUID, list(CURRENTS.values()), saveat=TIMES, **TIGHT)
    for y, name in zip(batch.y, CURRENTS, strict=True):
        close(y, current_truth[name])


@pytest.mark.parametrize("solver", ["rodas4p", "tsit5"])
def test_every_waveform_by_the_other_solvers(current_truth, solver):
    batch = simulate(SQUID, list(CURRENTS.values()), saveat=TIMES, solver=solver, **TIGHT)
    for y, name in zip(batch.y, CURRENTS, strict=True):
        close(y, current_truth[name])


def test_every_waveform_by_the_fixed_step(current_truth):
    """Of second order, and it meets the breakpoints too."""
    protocols = list(CURRENTS.values())
    worst = []
    for dt in (0.02, 0.01):
        batch = simulate(SQUID, protocols, saveat=TIMES[1:], solver="exponential", dt=dt)
        exact = np.stack(list(current_truth.values()))[:, 1:]
        worst.append(abs(batch.y[..., 1:] - exact[..., 1:]).max((1, 2)))
    assert (worst[1] < 0.3 * worst[0]).all() and worst[1].max() < 0.01


@pytest.mark.parametrize("name", ["steps", "sine", "chirp", "noise", "held"])
def test_alone_as_in_the_batch(current_truth, name):
    close(simulate(SQUID, CURRENTS[name], saveat=TIMES, **TIGHT).y, current_truth[name])


@pytest.mark.parametrize("solver", ["rodas5p", "rodas4p", "tsit5"])
def test_every_waveform_under_voltage_clamp(solver):
    batch = simulate(SQUID, list(VOLTAGES.values()), saveat=TIMES, solver=solver, **TIGHT)
    for y, (name, protocol) in zip(batch.y, VOLTAGES.items(), strict=True):
        assert y.shape == (41, 4), name
        close(y, truth(SQUID, protocol))


def test_every_waveform_under_voltage_clamp_by_the_fixed_step():
    protocols, worst = list(VOLTAGES.values()), []
    exact = np.stack([truth(SQUID, protocol) for protocol in protocols])
    for dt in (0.02, 0.01):
        batch = simulate(SQUID, protocols, saveat=TIMES, solver="exponential", dt=dt)
        np.testing.assert_array_equal(batch.y[..., 0], exact[..., 0])
        worst.append(abs(batch.y - exact).max((1, 2)))
    assert ((worst[1] < 0.3 * worst[0]) | (worst[1] < 1e-9)).all() and worst[1].max() < 0.01


def test_each_cell_has_its_own_protocol_and_parameters():
    names = ["steps", "sine", "noise"]
    g = [100.0, 120.0, 140.0]
    batch = simulate(
        SQUID, [CURRENTS[n] for n in names], parameters={"na.g": g}, saveat=TIMES, **TIGHT
    )
    for y, name, value in zip(batch.y, names, g, strict=True):
        close(y, truth(SQUID.with_parameters(na__g=value), CURRENTS[name]))


def test_a_narrow_pulse_between_long_steps_is_not_missed():
    """At rest the steps are long: only the breakpoints show a pulse of 10 µs."""
    protocol = CurrentClamp.step(2000.0, start=60.0, stop=60.01, t_end=70.0)
    solution = simulate(SQUID, protocol, saveat=0.02)
    spikes = solve(SQUID, protocol)[1]
    assert len(spikes) == 1
    np.testing.assert_allclose(solution.spike_times(), spikes, atol=0.01)


def test_a_command_that_begins_before_zero_and_one_that_ends_early():
    early = CurrentClamp(Ramp(-4.0, 4.0, 0.0, 20.0), T_END)
    late = CurrentClamp(Sampled([1.0, 2.0, 3.0], [5.0, 15.0, 10.0]), T_END)
    for protocol in (early, late):
        close(simulate(SQUID, protocol, saveat=TIMES, **TIGHT).y, truth(SQUID, protocol))


CURRENT = {"pospischil_ib": 1.5, "pospischil_lts": 1.5, "wang_buzsaki": 2.0}


# Of the gate of `free_x` nothing keeps the fourth power within what scipy's trial steps bear.
LEARNED = [name for name in FORMS if name != "free_x"]


@pytest.mark.parametrize("name", [*PLAIN, *LEARNED])
def test_every_neuron(name):
    cell = FORMS[name] if name in FORMS else library.get(name)
    t = np.linspace(0.0, 6.0, 31)
    if name == "herg_beattie":
        protocol = VoltageClamp.steps([0, 1, 3], [-80.0, 20.0, -50.0], 6.0)
    else:
        protocol = CurrentClamp.step(CURRENT.get(name, 12.0), 0.5, 4.0, 6.0)
    found = simulate(cell, protocol, saveat=t, **TIGHT)
    expected = truth(cell, protocol, t)
    scale = np.maximum(abs(expected).max(0), np.array([100.0] + [1.0] * (expected.shape[1] - 1)))
    assert (abs(found.y - expected).max(0) / scale).max() < 1e-6
