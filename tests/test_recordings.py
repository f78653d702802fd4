"""Recordings: what they hold, how they are cut, what they refuse."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from pyhodgkin import Recording, RecordingSet
from pyhodgkin.errors import RecordingError, UnknownNameError
from pyhodgkin.protocols import Chirp, CurrentClamp, VoltageClamp

T = 0.1 * np.arange(1001)
STEP = CurrentClamp.step(7.0, start=10.0, stop=60.0, t_end=100.0)
CLAMP = VoltageClamp.step(20.0, start=10.0, stop=60.0, t_end=100.0)


def measured(**changes):
    return Recording(**{"t": T, "protocol": STEP, "v": np.sin(T), **changes})


def clamped(**changes):
    given = {"t": T, "protocol": CLAMP, "current": np.cos(T), "current_unit": "nA", **changes}
    return Recording(**given)


def test_current_clamp_observes_v():
    recording = measured(name="a")
    assert (recording.observed, recording.unit, recording.current_unit) == ("v", "mV", "uA/cm2")
    np.testing.assert_array_equal(recording.data, np.sin(T))
    np.testing.assert_array_equal(recording.command, STEP(T))
    assert recording.dt == pytest.approx(0.1)
    assert repr(recording) == 'Recording("a", current clamp, v in mV, 1001 samples, 0 to 100 ms)'


def test_voltage_clamp_observes_the_current():
    recording = clamped(current_unit="pA", temperature=22.0)
    assert (recording.observed, recording.unit) == ("current", "pA")
    assert recording.v is None and recording.temperature == 22.0


def test_whole_cell_current_clamp_takes_the_unit_of_its_protocol():
    protocol = CurrentClamp.step(50.0, 10.0, 60.0, 100.0)
    with pytest.raises(RecordingError, match=r'give CurrentClamp\(…, unit="pA"\)'):
        measured(protocol=protocol, current_unit="pA")
    whole = CurrentClamp(protocol.waveform, 100.0, unit="pA")
    assert measured(protocol=whole).current_unit == "pA"


def test_arrays_are_copies_that_cannot_be_written():
    v = np.sin(T)
    recording = measured(v=v)
    v[0] = 99.0
    assert recording.v[0] == 0.0
    for array in (recording.t, recording.v, recording.mask):
        with pytest.raises(ValueError):
            array[0] = 1


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: measured(v=np.where(T == T[5], np.nan, 0)), r"v is NaN or infinite at 1 of 1001"),
        (lambda: measured(v=np.zeros(1000)), "v has 1000 samples and t has 1001"),
        (lambda: measured(t=T[::-1]), r"t must increase \(ms\): .* goes back"),
        (lambda: measured(t=np.round(T, 0)), "repeats"),
        (lambda: measured(t=T - 1.0), "the protocol starts at 0"),
        (lambda: measured(t=10 * T), "t ends at 1000 ms but the protocol at 100 ms"),
        (lambda: measured(t=[], v=[]), "t has 0 samples"),
        (lambda: measured(t=["a"], v=[1.0]), "t must be a vector of numbers"),
        (lambda: measured(v=np.zeros((1001, 1))), "one dimension"),
        (lambda: measured(v=None), "v is missing"),
        (lambda: measured(current=T), "current was given under current clamp"),
        (lambda: clamped(v=T), "v was given under voltage clamp"),
        (lambda: clamped(current=None), "current is missing"),
        (lambda: clamped(current_unit=""), "current_unit is missing: give one of uA/cm2, nA, pA"),
        (lambda: clamped(current_unit="mV"), 'current_unit "mV" is not one'),
        (lambda: measured(mask=np.zeros(1001, bool)), "mask is False everywhere"),
        (lambda: measured(mask=np.ones(1001)), "mask must be bool"),
        (lambda: measured(mask=np.ones(5, bool)), r"shape \(1001,\)"),
        (lambda: measured(protocol=7.0), "CurrentClamp or VoltageClamp, got float"),
        (lambda: measured(temperature=np.nan), "temperature must be finite"),
        (lambda: measured(name="cell 3", v=np.zeros(3)), 'recording "cell 3": v has 3'),
        (lambda: measured().window(20, 10), "the window from 20 to 10 ms holds 0 samples"),
        (lambda: measured().window(200, 300), "the recording covers 0 to 100 ms"),
        (lambda: measured().windows(0), "length of the windows must be positive"),
        (lambda: measured().windows(0.01), "too short"),
        (lambda: measured().thinned(0), "every must be a whole number"),
        (lambda: RecordingSet([]), "at least one recording"),
        (lambda: RecordingSet([3]), "holds recordings, not int"),
    ],
)
def test_bad_input_is_one_clear_error(make, message):
    with pytest.raises(RecordingError, match=message):
        make()


def test_window_starts_at_zero_with_its_protocol():
    protocol = CurrentClamp(Chirp(5.0, 1.0, 50.0, 5.0, 95.0), 100.0)
    recording = measured(protocol=protocol)
    part = recording.window(20.0, 45.0)
    assert part.t[0] == 0.0 and part.t_offset == pytest.approx(20.0)
    assert len(part) == 251 and part.protocol.t_end == pytest.approx(25.0)
    np.testing.assert_array_equal(part.v, recording.v[200:451])
    np.testing.assert_allclose(part.command, recording.command[200:451], atol=1e-10)
    inner = part.window(5.0, 10.0)
    assert inner.t_offset == pytest.approx(25.0)
    np.testing.assert_allclose(inner.command, recording.command[250:301], atol=1e-10)


def test_windows_share_their_edges_and_time_axis():
    recording = measured(name="a")
    parts = recording.windows(25.0)
    assert parts.names == ("a[0]", "a[1]", "a[2]", "a[3]")
    for one, next_one in itertools.pairwise(parts):
        assert one.v[-1] == next_one.v[0]
        np.testing.assert_array_equal(one.t, next_one.t)
    assert len(recording.windows(30.0)[-1]) == 101


def test_windows_of_uneven_time():
    t = np.cumsum(np.random.default_rng(0).uniform(0.05, 0.15, 900))
    recording = measured(t=t, v=np.sin(t))
    assert recording.dt is None
    parts = recording.windows(20.0)
    assert sum(len(p) - 1 for p in parts) == len(t) - 1
    np.testing.assert_allclose(parts[2].t + parts[2].t_offset, t[np.isin(np.sin(t), parts[2].v)])


def test_samples_after_steps_are_masked():
    kept = clamped().masked_after_steps(5.0)
    dropped = T[~kept.mask]
    assert kept.n_used == 1001 - 100
    assert dropped.min() == pytest.approx(10.0) and dropped.max() == pytest.approx(64.9)
    again = kept.masked(T < 50.0)
    assert again.n_used == 450
    assert "551 masked" in repr(again)


def test_steps_upsample_with_model_count_as_jumps_and_ramps_do_not():
    levels = np.where(T < 30, -80.0, 20.0)
    linear = clamped(protocol=VoltageClamp.sampled(T, levels))
    assert np.flatnonzero(~linear.masked_after_steps(1.0).mask)[0] == 300
    ramp = clamped(protocol=VoltageClamp.ramp(-80.0, 20.0, 10.0, 60.0, 100.0))
    assert ramp.masked_after_steps(5.0).n_used == 1001


def test_small_jumps_are_left_unless_asked_for():
    levels = VoltageClamp.steps([0, 20, 40], [-80, -79, 20], 100.0)
    assert clamped(protocol=levels).masked_after_steps(1.0).n_used == 991
    assert clamped(protocol=levels).masked_after_steps(1.0, min_jump=0.5).n_used == 981


def test_real_steps_are_found(reference_data):
    data = np.load(reference_data / "herg_cell1.npz")
    v, i = data["V_sine_mV"], data["I_sine_nA"]
    t = 0.1 * np.arange(len(v))
    protocol = VoltageClamp.sampled(t, v, mode="command")
    recording = Recording(t, protocol, current=i, current_unit="nA").masked_after_steps(5.0)
    assert len(recording) - recording.n_used == 8 * 50
    np.testing.assert_allclose(recording.command, v, atol=1e-4)
    spikes = np.abs(i[~recording.mask]).max()
    assert spikes > np.abs(i[recording.mask]).max()


def test_sets_split_by_fraction_seed_and_name():
    sweeps = RecordingSet(measured(name=str(k)) for k in range(5))
    first, rest = sweeps.split(0.6)
    assert first.names == ("0", "1", "2") and rest.names == ("3", "4")
    drawn = sweeps.split(0.6, seed=3)
    assert [s.names for s in drawn] == [s.names for s in sweeps.split(0.6, seed=3)]
    assert sorted(drawn[0].names + drawn[1].names) == list("01234")
    assert sweeps.split("4")[0].names == ("4",)
    assert sweeps["2"].name == "2" and sweeps[1:3].names == ("1", "2")
    assert (first + rest).names == sweeps.names
    assert len(sweeps.windows(50.0)) == 10
    with pytest.raises(UnknownNameError, match='unknown recording "7"'):
        sweeps.split(["7"])
    with pytest.raises(RecordingError, match="between 0 and 1"):
        sweeps.split(1.5)
    with pytest.raises(RecordingError, match="one side"):
        sweeps.split(sweeps.names)
    with pytest.raises(RecordingError, match="one recording cannot be split"):
        sweeps[:1].split(0.5)


def test_thinned_keeps_every_second_sample():
    part = measured().thinned(2)
    assert part.dt == pytest.approx(0.2) and part.protocol == STEP
    np.testing.assert_array_equal(part.v, np.sin(T)[::2])
