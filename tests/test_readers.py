"""Readers: files written by the tests themselves, the real ones, and the damaged."""

from __future__ import annotations

import os
import warnings

import numpy as np
import pytest

from pyhodgkin import Recording, RecordingSet, read
from pyhodgkin.errors import InputError, RecordingError
from pyhodgkin.protocols import CurrentClamp, VoltageClamp
from pyhodgkin.units import current_factor, factor

T = 0.1 * np.arange(200)
V = -65 + 10 * np.sin(T)
I_STEP = np.where((T >= 5) & (T < 15), 7.0, 0.0)


def csv_file(folder, header, *columns, name="cell.csv", delimiter=","):
    rows = [delimiter.join(repr(float(x)) for x in row) for row in zip(*columns, strict=True)]
    path = folder / name
    path.write_text("\n".join([header, *rows]) + "\n")
    return path


# -- csv ----------------------------------------------------------------------------------


def test_csv_with_stated_units(tmp_path):
    path = csv_file(tmp_path, "t (ms),v [mV],i_nA", T, V, I_STEP)
    (recording,) = read(path, clamp="current", temperature=21.0)
    np.testing.assert_allclose(recording.t, T)
    np.testing.assert_array_equal(recording.v, V)
    np.testing.assert_array_equal(recording.command, I_STEP)
    np.testing.assert_allclose(recording.protocol.breakpoints, [5.0, 15.0])
    assert (recording.current_unit, recording.name, recording.temperature) == ("nA", "cell", 21.0)
    assert recording.source == str(path)
    (clamped,) = read(path, clamp="voltage")
    np.testing.assert_array_equal(clamped.current, I_STEP)
    np.testing.assert_array_equal(clamped.command, V)


def test_csv_with_units_from_the_user(tmp_path):
    path = csv_file(tmp_path, "t,v,i", T / 1000, V / 1000, I_STEP * 1e-9)
    units = {"time_unit": "s", "voltage_unit": "V", "current_unit": "A"}
    (recording,) = read(path, clamp="current", **units)
    np.testing.assert_allclose(recording.t, T, atol=1e-12)
    np.testing.assert_allclose(recording.v, V)
    np.testing.assert_allclose(recording.command, I_STEP, atol=1e-12)
    assert recording.current_unit == "nA"
    (pico,) = read(path, clamp="current", convert_current="pA", **units)
    assert pico.current_unit == "pA"
    np.testing.assert_allclose(pico.command, 1000 * I_STEP, atol=1e-9)


@pytest.mark.parametrize("delimiter", [",", ";", "\t", " "])
def test_csv_delimiters_and_comments(tmp_path, delimiter):
    header = "# patched on a Tuesday\n\n" + delimiter.join(["t_ms", "v_mV", "i_pA"])
    path = csv_file(tmp_path, header, T, V, I_STEP, name="cell.txt", delimiter=delimiter)
    assert read(path, clamp="current")[0].current_unit == "pA"


def test_csv_without_a_header_by_column_numbers(tmp_path):
    path = csv_file(tmp_path, "0.0,-65.0,0.0", T[1:], V[1:], I_STEP[1:])
    units = {"time_unit": "ms", "voltage_unit": "mV", "current_unit": "pA"}
    (recording,) = read(path, clamp="current", time=0, voltage=1, current=2, **units)
    assert len(recording) == 200
    with pytest.raises(RecordingError, match="give voltage= and current="):
        read(path, clamp="current", **units)


def test_time_is_counted_from_the_first_sample(tmp_path):
    path = csv_file(tmp_path, "t_s,v_mV,i_pA", 12.5 + T / 1000, V, I_STEP)
    (recording,) = read(path, clamp="current")
    assert recording.t[0] == 0.0 and recording.t_offset == 12_500.0
    np.testing.assert_allclose(recording.protocol.breakpoints, [5.0, 15.0], atol=1e-9)


def test_a_protocol_of_the_users_replaces_the_command(tmp_path):
    path = csv_file(tmp_path, "t_ms,v_mV", T, V)
    with pytest.raises(RecordingError, match=r"no command current: .*current=, or give protocol="):
        read(path, clamp="current")
    step = CurrentClamp.step(7.0, 5.0, 15.0, 20.0)
    assert read(path, clamp="current", protocol=step)[0].protocol is step
    with pytest.raises(RecordingError, match="is current clamp but protocol is voltage clamp"):
        read(path, clamp="current", protocol=VoltageClamp(0.0, 20.0))
    with pytest.raises(RecordingError, match="protocol has 2 entries and 1 sweeps are read"):
        read(path, clamp="current", protocol=[step, step])


@pytest.mark.parametrize("kind", ["current", "voltage"])
def test_csv_round_trip(tmp_path, kind):
    rng = np.random.default_rng(0)
    recordings = RecordingSet(
        Recording(
            T + 0.3,
            CurrentClamp.step(a, 5.0, 15.0, 21.0),
            v=rng.normal(size=200),
            name=f"sweep {a}",
            temperature=6.3,
        )
        if kind == "current"
        else Recording(
            T,
            VoltageClamp.step(a, 5.0, 15.0, 20.0),
            current=rng.normal(size=200),
            current_unit="nA",
        )
        for a in (1.0, 2.0, 3.0)
    )
    path = tmp_path / "out.csv"
    recordings.to_csv(path)
    assert os.listdir(tmp_path) == ["out.csv"]
    again = read(path)
    assert len(again) == 3
    for old, new in zip(recordings, again, strict=True):
        np.testing.assert_array_equal(new.t, old.t)
        np.testing.assert_array_equal(new.data, old.data)
        np.testing.assert_array_equal(new.command, old.command)
        assert new.current_unit == old.current_unit and new.temperature == old.temperature
        assert new.name == (old.name or f"out sweep {int(old.command.max()) - 1}")
    recordings[0].to_csv(path)
    assert len(read(path)) == 1


def test_nothing_is_written_when_it_cannot_be(tmp_path):
    recording = Recording(T, VoltageClamp(0.0, 20.0), current=T, current_unit="nA")
    other = Recording(T, CurrentClamp(0.0, 20.0), v=T)
    with pytest.raises(RecordingError, match="one clamp and one unit"):
        RecordingSet([recording, other]).to_csv(tmp_path / "mixed.csv")
    with pytest.raises(RecordingError, match="cannot write"):
        recording.to_csv(tmp_path / "missing" / "out.csv")
    assert os.listdir(tmp_path) == []


# -- what is not stated, or wrong ---------------------------------------------------------


@pytest.mark.parametrize(
    ("header", "options", "message"),
    [
        ("t,v_mV,i_nA", {}, "does not state the unit of time: give time_unit="),
        ("t_ms,v,i_nA", {}, "does not state the unit of voltage: give voltage_unit="),
        ("t_ms,v_mV,i", {}, "does not state the unit of current: give current_unit="),
        ("t_ms,v_mV,i", {"current_unit": "mV"}, 'current_unit "mV" is not a unit of current'),
        ("t_ms,v [bananas],i_nA", {}, 'voltage_unit "bananas"'),
        ("t_ms,v_mV,i_nA", {"voltage_unit": "V"}, "states voltage in mV but voltage_unit is V"),
        ("t_ms,v_mV,i_nA", {"convert_current": "uA/cm2"}, "divide by the cell's area"),
        ("t_ms,v_mV,i_nA", {"clamp": None}, 'give clamp="current"'),
        ("t_ms,v_mV,i_nA", {"voltage": "vm"}, 'no voltage called "vm"; did you mean'),
        ("t_ms,v_mV,vm_mV", {}, r"several arrays that may be the voltage \(v_mV, vm_mV\)"),
        ("x_ms,v_mV,i_nA", {}, r"give time= \(its name\), dt= \(ms\) or rate= \(Hz\)"),
        ("t_ms,v_mV,i_nA", {"dt": 0.1, "rate": 1e4}, "give only one of time=, dt= and rate="),
        ("x_ms,v_mV,i_nA", {"dt": -0.1}, "must be positive"),
        ("x_ms,v_mV,i_nA", {"dt": "step"}, 'no single number called "step"'),
        ("t_ms,v_mV", {}, "names 2 columns and has 3"),
        ("t_ms,v_mV,v_mV", {}, "names a column twice"),
        ("v_mV,t_ms,i_nA", {}, r"t must increase \(ms\)"),
    ],
)
def test_csv_errors(tmp_path, header, options, message):
    path = csv_file(tmp_path, header, T, V, I_STEP)
    with pytest.raises(RecordingError, match=message):
        read(path, **{"clamp": "current", **options})


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "holds no data"),
        (b"# only a comment\n", "holds no data"),
        (b"t_ms,v_mV,i_nA\n", "has a header but no rows"),
        (b"t_ms,v_mV,i_nA\n0,1,2\n0.1,1", "is not a table of numbers"),
        (b"t_ms,v_mV,i_nA\n0,1,x\n", "is not a table of numbers"),
        (b"t_ms,v_mV,i_nA\n0,1,2\n1,nan,2\n", "v is NaN or infinite at 1 of 2"),
        (b"\xff\xfe\x00\x01", "is not a text file"),
        (b"# pyhodgkin {broken\nt_ms,v_mV,i_nA\n0,1,2\n", "is damaged"),
    ],
)
def test_damaged_csv(tmp_path, content, message):
    path = tmp_path / "bad.csv"
    path.write_bytes(content)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(RecordingError, match=message):
            read(path, clamp="current")


def test_files_that_are_not_there(tmp_path):
    with pytest.raises(RecordingError, match="does not exist"):
        read(tmp_path / "none.csv")
    with pytest.raises(RecordingError, match=r'the ending ".mat" is of no known format'):
        read(tmp_path / "none.mat")
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(RecordingError, match="is no file"):
        read(tmp_path / "folder.csv")
    with pytest.raises(InputError, match='unknown clamp "voltag"; did you mean "voltage"'):
        read(tmp_path / "none.csv", clamp="voltag")


# -- units --------------------------------------------------------------------------------


def test_units():
    assert factor("V", {"mV": 1.0, "V": 1e3}, "voltage_unit") == 1e3
    assert current_factor("µA/cm²", None) == (1.0, "uA/cm2")
    assert current_factor("mA/cm^2", None) == (1e3, "uA/cm2")
    assert current_factor("pA", None) == (1.0, "pA")
    assert current_factor("A", None) == (1e9, "nA")
    assert current_factor("amperes", "pA") == (1e12, "pA")
