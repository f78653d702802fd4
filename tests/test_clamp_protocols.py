"""Protocols: commands of current and voltage clamp, their units, and what is refused."""

from __future__ import annotations

import json

import numpy as np
import pytest

from pyhodgkin.errors import InputError
from pyhodgkin.protocols import (
    Chirp,
    Constant,
    CurrentClamp,
    OrnsteinUhlenbeck,
    Protocol,
    PulseTrain,
    Ramp,
    Sampled,
    Sine,
    Step,
    Steps,
    SumOfSines,
    VoltageClamp,
    Waveform,
    as_protocol,
)

RAD = 2 * np.pi / 1000


def test_protocol_pieces_start_at_zero():
    protocol = CurrentClamp(Step(-5, 20, 3.0) + Sine(1.0, 40.0, 10, 500), t_end=100.0)
    assert protocol.segments.start[0] == 0.0
    np.testing.assert_array_equal(protocol.breakpoints, [10.0, 20.0])
    np.testing.assert_allclose(protocol([0.0, 20.0]), [3.0, np.sin(RAD * 400)])


def test_protocol_cut_in_windows_is_the_same_command():
    protocol = VoltageClamp(Chirp(20.0, 1.0, 50.0, 10, 90) + (-60.0), t_end=100.0)
    part = protocol.between(30.0, 60.0)
    assert part.t_end == 30.0 and part.kind == "voltage"
    t = np.linspace(0, 30, 301)
    np.testing.assert_allclose(part(t), protocol(t + 30), atol=1e-10)


@pytest.mark.parametrize(
    ("protocol", "t", "value"),
    [
        (CurrentClamp.constant(2.0, 10), 5, 2.0),
        (CurrentClamp.step(2.0, 1, 5, 10, baseline=1.0), 2, 3.0),
        (CurrentClamp.steps([0, 5], [1, 2], 10), 5, 2.0),
        (CurrentClamp.ramp(0, 10, 0, 10, 10), 5, 5.0),
        (CurrentClamp.pulses(3.0, 1, 4, 2, 2, 10), 6, 3.0),
        (CurrentClamp.sine(2.0, 250.0, 10), 1, 2.0),
        (CurrentClamp.chirp(2.0, 0.0, 0.0, 10), 1, 0.0),
        (CurrentClamp.noise(2.0, 0.0, 1.0, 10, seed=0), 5, 2.0),
        (CurrentClamp.sampled([0, 10], [0, 10]), 5, 5.0),
        (CurrentClamp.family([1.0, 2.0], 1, 5, 10)[1], 2, 2.0),
        (VoltageClamp.step(20, 1, 5, 10), 2, 20.0),
        (VoltageClamp.step(20, 1, 5, 10), 6, -80.0),
        (VoltageClamp.ramp(-80, 20, 0, 10, 10), 5, -30.0),
        (VoltageClamp.sines([10], [250.0], 10, centre=-30), 1, -20.0),
        (VoltageClamp.family([0, 10], 1, 5, 10, holding=-70)[1], 0, -70.0),
    ],
)
def test_constructors(protocol, t, value):
    assert float(protocol(t)) == pytest.approx(value)
    assert protocol.t_end == 10
    copy = Protocol.from_dict(json.loads(json.dumps(protocol.to_dict(), allow_nan=False)))
    assert copy == protocol and type(copy) is type(protocol)


def test_units_of_a_protocol():
    assert CurrentClamp(1.0, 10).unit == "uA/cm2"
    assert CurrentClamp(1.0, 10, unit="µA/cm²").unit == "uA/cm2"
    assert CurrentClamp(1.0, 10, unit="pA").between(1, 5).unit == "pA"
    assert VoltageClamp(1.0, 10).unit == "mV"
    with pytest.raises(InputError, match=r'current_unit "mV".*known: uA/cm2, nA, pA'):
        CurrentClamp(1.0, 10, unit="mV")
    with pytest.raises(InputError, match="in mV"):
        VoltageClamp(1.0, 10, unit="V")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Constant(np.nan), "value must be finite, got nan"),
        (lambda: Constant("high"), "value must be a number"),
        (lambda: Step(10, 5, 1.0), r"stop \(5 ms\) lies before start \(10 ms\)"),
        (lambda: Step(10, 10, 1.0), "duration would be zero"),
        (lambda: Steps([0, 0], [1, 2]), r"times must increase \(ms\): times\[1\] = 0 repeats"),
        (lambda: Steps([0, 5, 3], [1, 2, 3]), "goes back"),
        (lambda: Steps([0, 5], [1, 2, 3]), "times has 2 values and values has 3"),
        (lambda: Steps([], []), "times is empty"),
        (lambda: Steps([[0]], [1]), "one dimension"),
        (lambda: Ramp(0, None, 0, 1), "stop is missing"),
        (lambda: PulseTrain(0, 5, 10, 1, 3), "longer than period"),
        (lambda: PulseTrain(0, 5, 1, 1, 0), "count must be a whole number"),
        (lambda: PulseTrain(0, -5, 1, 1, 1), "period must be positive"),
        (lambda: Sine(1.0, np.inf), "frequency must be finite"),
        (lambda: SumOfSines([1, 2], [1.0]), "amplitudes has 2 values and frequencies has 1"),
        (lambda: Chirp(1.0, 1.0, 2.0, 5, 1), "lies before"),
        (lambda: Sampled([0, 1], [0, np.nan]), r"values\[1\] = nan"),
        (lambda: Sampled([0, 1], [0, 1], mode="lineer"), 'did you mean "linear"'),
        (lambda: OrnsteinUhlenbeck(0, -1, 1, 0.1, 10, 0), "sd must not be negative"),
        (lambda: OrnsteinUhlenbeck(0, 1, 1, 0.1, 10, -1), "seed must be a whole number"),
        (lambda: CurrentClamp(1.0, 0), "t_end must be positive"),
        (lambda: CurrentClamp(np.zeros(5), 10), r"for arrays use Sampled\(t, values\)"),
        (lambda: CurrentClamp(1.0, 10).between(5, 5), "duration would be zero"),
        (lambda: Waveform.from_dict({"kind": "Sinus"}), 'unknown waveform "Sinus"'),
        (lambda: Waveform.from_dict({"kind": "Sine", "amp": 1}), "not a valid Sine"),
        (lambda: Protocol.from_dict({"kind": "dynamic"}), "unknown kind of protocol"),
        (lambda: as_protocol(Constant(1.0)), r"wrap a waveform as CurrentClamp"),
    ],
)
def test_bad_input_is_one_clear_error(make, message):
    with pytest.raises(InputError, match=message):
        make()


@pytest.mark.parametrize(
    "make",
    [
        lambda **u: CurrentClamp.constant(1.0, 10.0, **u),
        lambda **u: CurrentClamp.steps([0, 5], [1, 2], 10.0, **u),
        lambda **u: CurrentClamp.sampled([0.0, 10.0], [1.0, 2.0], **u),
        lambda **u: CurrentClamp.step(1.0, 1.0, 5.0, 10.0, **u),
        lambda **u: CurrentClamp.family([1.0], 1.0, 5.0, 10.0, **u)[0],
        lambda **u: CurrentClamp.ramp(0.0, 1.0, 1.0, 5.0, 10.0, **u),
        lambda **u: CurrentClamp.pulses(1.0, 1.0, 4.0, 1.0, 2, 10.0, **u),
        lambda **u: CurrentClamp.sine(1.0, 40.0, 10.0, **u),
        lambda **u: CurrentClamp.chirp(1.0, 1.0, 40.0, 10.0, **u),
        lambda **u: CurrentClamp.noise(0.0, 1.0, 2.0, 10.0, seed=0, **u),
    ],
)
def test_every_current_can_be_of_a_whole_cell(make):
    assert make().unit == "uA/cm2" and make(unit="pA").unit == "pA"
    assert make(unit="pA").waveform == make().waveform
