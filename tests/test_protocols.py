"""Waveforms against their formulas, and segments against waveforms."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pyhodgkin.errors import InputError
from pyhodgkin.protocols import (
    Chirp,
    Constant,
    OrnsteinUhlenbeck,
    Piecewise,
    PulseTrain,
    Ramp,
    Sampled,
    Segments,
    Sine,
    Step,
    Steps,
    SumOfSines,
    Waveform,
)

T = np.linspace(-20.0, 120.0, 14001)  # contains every breakpoint used below
RAD = 2 * np.pi / 1000


def inside(t, start, stop):
    return (t >= start) & (t < stop)


def sine_between(t):
    wave = 5 * np.sin(RAD * 35.0 * (t - 15) + 0.3)
    return -2.0 + np.where(inside(t, 15, 75), wave, 0.0)


def sines_between(t):
    tau = RAD * (t - 10)
    wave = 5 * np.sin(35.0 * tau) + 2 * np.sin(90.0 * tau + 1.0)
    return 1.0 + np.where(inside(t, 10, 70), wave, 0.0)


def chirp_between(t):
    tau = t - 20
    angle = 0.4 + RAD * (10 * tau + (200 - 10) * tau**2 / (2 * 60))
    return 3.0 + np.where(inside(t, 20, 80), 4 * np.sin(angle), 0.0)


CASES = {
    "constant": (Constant(3.0), lambda t: np.full_like(t, 3.0)),
    "step": (Step(10, 60, 7.0, baseline=-1.0), lambda t: -1 + 7.0 * inside(t, 10, 60)),
    "step from zero": (Step(0, 60, 7.0), lambda t: 7.0 * inside(t, 0, 60)),
    "step without end": (Step(10, None, 7.0), lambda t: 7.0 * (t >= 10)),
    "steps": (
        Steps([0, 10, 30, 40], [-80, 20, 20, -40]),
        lambda t: np.select([t < 10, t < 40], [-80.0, 20.0], -40.0),
    ),
    "ramp": (Ramp(10, 60, -80.0, 20.0), lambda t: np.interp(t, [10, 60], [-80.0, 20.0])),
    "ramp on a baseline": (
        Ramp(10, 60, -80.0, 20.0, baseline=5.0),
        lambda t: np.where(inside(t, 10, 60), -80 + 2.0 * (t - 10), 5.0),
    ),
    "pulses": (
        PulseTrain(5, 20, 2, 30.0, 4, baseline=1.0),
        lambda t: 1 + 30.0 * (inside(t, 5, 85) & (np.mod(np.round(t - 5, 6), 20) < 2)),
    ),
    "pulses that touch": (
        PulseTrain(5, 20, 20, 30.0, 3),
        lambda t: 30.0 * inside(t, 5, 65),
    ),
    "sine": (Sine(5.0, 35.0, 15, 75, phase=0.3, baseline=-2.0), sine_between),
    "sines": (SumOfSines([5, 2], [35.0, 90.0], [0, 1.0], 10, 70, 1.0), sines_between),
    "chirp": (Chirp(4.0, 10.0, 200.0, 20, 80, phase=0.4, baseline=3.0), chirp_between),
    "held samples": (
        Sampled([0, 10, 20, 30], [1, 1, 5, 2], mode="held"),
        lambda t: np.select([t < 20, t < 30], [1.0, 5.0], 2.0),
    ),
    "linear samples": (
        Sampled([0, 10, 20, 30], [1, 1, 5, 2]),
        lambda t: np.interp(t, [0, 10, 20, 30], [1.0, 1.0, 5.0, 2.0]),
    ),
    "piecewise": (
        Piecewise(Segments([0, 50], [1.0, 2.0], [0.0, 0.1])),
        lambda t: np.where(t < 50, 1.0, 2 + 0.1 * (t - 50)),
    ),
}
NAMES = list(CASES)


@pytest.mark.parametrize("name", NAMES)
def test_waveform_is_its_formula(name):
    waveform, formula = CASES[name]
    np.testing.assert_allclose(waveform(T), formula(T), atol=1e-11)


@pytest.mark.parametrize("first", NAMES)
@pytest.mark.parametrize("second", ["step", "chirp", "ramp", "sines"])
def test_sum_is_the_sum_with_the_breakpoints_of_both(first, second):
    a, b = CASES[first][0], CASES[second][0]
    total = a + b
    np.testing.assert_allclose(total(T), CASES[first][1](T) + CASES[second][1](T), atol=1e-10)
    breaks = np.union1d(a.segments().breakpoints, b.segments().breakpoints)
    assert np.all(np.isin(total.segments().breakpoints, breaks))


def test_noise_that_changes_by_more_than_a_number_holds_is_refused():
    noise = OrnsteinUhlenbeck(0.0, 1e308, 2.0, 0.5, 10.0, seed=1)
    with pytest.raises(InputError, match="values reach"):
        noise.segments()


def test_a_sum_of_nothing_is_refused():
    with pytest.raises(InputError, match="terms is empty"):
        Waveform.from_dict({"kind": "Sum", "terms": []})


@pytest.mark.parametrize("name", NAMES)
def test_cut_and_shifted_segments_are_the_same_signal(name):
    waveform, formula = CASES[name]
    cut = waveform.segments().between(33.0, 90.0)
    assert cut.start[0] == 33.0
    assert np.all((cut.breakpoints > 33.0) & (cut.breakpoints <= 90.0))
    t = T[inside(T, 33, 90)]
    np.testing.assert_allclose(cut.value(t), formula(t), atol=1e-10)
    np.testing.assert_allclose(cut.shifted(-33.0).value(t - 33.0), waveform(t), atol=1e-10)


@pytest.mark.parametrize("name", NAMES)
def test_derivative_is_the_slope_away_from_breakpoints(name):
    pieces = CASES[name][0].segments()
    t = np.linspace(-5, 100, 211) + 0.123
    d = 1e-5
    slope = (pieces.value(t + d) - pieces.value(t - d)) / (2 * d)
    np.testing.assert_allclose(pieces.derivative(t), slope, atol=1e-6)


@pytest.mark.parametrize("name", NAMES)
def test_waveform_survives_json(name):
    waveform = CASES[name][0] + 1.0
    copy = Waveform.from_dict(json.loads(json.dumps(waveform.to_dict(), allow_nan=False)))
    assert copy == waveform and hash(copy) == hash(waveform)
    np.testing.assert_array_equal(copy(T), waveform(T))


def test_stack_pads_and_evaluates_like_its_parts():
    waveforms = [case[0] for case in CASES.values()]
    parts = [w.segments() for w in waveforms]
    batch = Segments.stack(parts)
    size, sines = max(p.n_segments for p in parts), max(p.n_sines for p in parts)
    assert batch.start.shape == (len(parts), size)
    assert batch.amplitude.shape == (len(parts), size, sines)
    assert np.all(np.isinf(batch.start[0, 1:]))
    expected = np.stack([w(T) for w in waveforms])
    np.testing.assert_allclose(batch.value(T), expected, atol=1e-12)
    rows = np.stack([T + 0.1 * i for i in range(len(parts))])
    expected = np.stack([w(row) for w, row in zip(waveforms, rows, strict=True)])
    np.testing.assert_allclose(batch.value(rows), expected, atol=1e-12)
    expected = [p.derivative(25.0) for p in parts]
    np.testing.assert_allclose(batch.derivative(25.0), expected, atol=1e-12)
    for i, part in enumerate(parts):
        np.testing.assert_array_equal(batch[i].value(T), part.value(T))


def test_at_a_breakpoint_the_later_piece_holds():
    pieces = Step(10, 60, 7.0).segments()
    np.testing.assert_array_equal(pieces.value(pieces.breakpoints), [7.0, 0.0])
    np.testing.assert_array_equal(pieces.jumps(), [7.0, -7.0])
    assert np.all(Sine(1.0, 50.0, 10, 20).segments().jumps() < 1e-9)


def test_segments_are_read_only_and_checked():
    pieces = Constant(1.0).segments()
    with pytest.raises(ValueError):
        pieces.offset[0] = 2.0
    for wrong in (
        {"start": [1.0, 1.0], "offset": [0.0, 0.0]},
        {"start": [np.nan], "offset": [0.0]},
        {"start": [0.0], "offset": [np.inf]},
        {"start": [0.0, 1.0], "offset": [0.0]},
        {"start": [0.0], "offset": [0.0], "amplitude": [[1.0]], "omega": [[1.0, 2.0]]},
        {"start": [], "offset": []},
    ):
        with pytest.raises(InputError):
            Segments(**wrong)
    with pytest.raises(InputError, match="rows"):
        Segments.stack([pieces, pieces]).value(np.zeros((3, 5)))


# -- samples ------------------------------------------------------------------------------


def test_recorded_steps_have_few_pieces():
    t = 0.1 * np.arange(10_000)
    levels = np.where(t < 100, -80.0, np.where(t < 500, 20.0, -40.0)).astype(np.float32)
    assert Sampled(t, levels, "held").segments().n_segments == 3
    assert Sampled(t, levels, "linear").segments().n_segments == 5
    command = Sampled(t, levels, "command").segments()
    np.testing.assert_allclose(command.breakpoints, [100.0, 500.0])


def test_recorded_ramp_in_single_precision_is_one_line():
    t = 0.1 * np.arange(10_000)
    ramp = np.interp(t, [100, 600], [-120, 40]).astype(np.float32)
    pieces = Sampled(t, ramp).segments()
    assert pieces.n_segments < 20
    np.testing.assert_allclose(pieces.value(t), ramp, atol=5e-5)


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.floats(-100, 100), min_size=2, max_size=60),
    st.sampled_from(["linear", "held", "command"]),
    st.sampled_from([0.0, 0.5]),
)
def test_sampled_passes_its_samples(values, mode, tolerance):
    t = np.cumsum(np.linspace(0.1, 0.3, len(values)))
    signal = Sampled(t, values, mode, tolerance=tolerance)
    slack = 0.0 if mode == "held" else tolerance
    np.testing.assert_allclose(signal(t), values, atol=slack + 1e-9)
    assert signal(t[0] - 5) == values[0] and abs(signal(t[-1] + 5) - values[-1]) <= 1e-9


def test_command_keeps_smooth_parts_linear():
    t = 0.1 * np.arange(1000)
    values = np.where(t < 50, -80.0, -30 + 20 * np.sin(RAD * 30 * t))
    signal = Sampled(t, values, "command")
    between = t[600:-1] + 0.05
    np.testing.assert_allclose(signal(between), -30 + 20 * np.sin(RAD * 30 * between), atol=1e-2)
    assert signal(49.99) == -80.0
    assert abs(signal(50.0) - values[500]) < 1e-12


PULSES = {
    "one sample": [0, 0, 0, 9, 0, 0, 0],
    "down": [5, 5, 5, -2, 5, 5, 5],
    "at the end": [0, 0, 9],
    "both phases": [0, 0, 7, -7, 0, 0],
    "unequal": [0, 0, 9, -3, 4, 0, 0],
    "two": [0, 0, 9, 0, 9, 0, 0],
    "two apart": [0, 9, 0, 0, 0, 9, 0, 0],
    "a train": [0, 0, *[9, 0] * 20, 0],
    "overshoot": [0, 0, 9, 6, 6, 6, 0, 0],
    "two samples": [0, 0, 9, 9, 0, 0],
}


@pytest.mark.parametrize("name", PULSES)
@pytest.mark.parametrize("baseline", [0.0, 0.02])
def test_pulses_of_single_samples_are_held(name, baseline):
    values = np.array(PULSES[name], dtype=float)
    values += baseline * np.sin(np.arange(len(values)))
    t = 10.0 + 0.05 * np.arange(len(values))
    signal = Sampled(t, values, "command")
    inside = t[:-1] + 0.04
    np.testing.assert_allclose(signal(inside), values[:-1], atol=2.1 * baseline)
    np.testing.assert_allclose(signal(t), values, atol=1e-12)
    if baseline == 0.0:
        assert signal.segments() == Sampled(t, values, "held").segments()


def test_a_command_that_is_no_pulse_stays_a_line():
    t = 0.1 * np.arange(40)
    fast = np.where(t > 1.0, 10.0 * np.sin(2.0 * (t - 1.0)), 0.0)
    chirp = np.sin(4.0 * (t + 1.0) ** 2)
    for values in (fast, np.interp(t, [1.0, 1.2], [0.0, 5.0]), chirp):
        command, line = Sampled(t, values, "command"), Sampled(t, values)
        between = t[:-1] + 0.05
        np.testing.assert_allclose(command(between), line(between), atol=1e-9)


def test_noise_has_its_moments_and_its_seed():
    noise = OrnsteinUhlenbeck(mean=5.0, sd=2.0, tau=3.0, dt=0.1, t_end=50_000.0, seed=1)
    t, x = noise.samples()
    assert abs(x.mean() - 5.0) < 0.1 and abs(x.std() - 2.0) < 0.05
    lag = 30  # one correlation time
    correlation = np.mean((x[:-lag] - 5) * (x[lag:] - 5)) / 4
    assert abs(correlation - np.exp(-1)) < 0.03
    np.testing.assert_allclose(noise(t[:50]), x[:50])
    assert t[-1] == pytest.approx(50_000.0)
    other = OrnsteinUhlenbeck(5.0, 2.0, 3.0, 0.1, 50_000.0, seed=2)
    assert other != noise and other(10.0) != noise(10.0)
