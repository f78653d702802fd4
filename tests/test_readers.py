"""Readers: files written by the tests themselves, the real ones, and the damaged."""

from __future__ import annotations

import os
import struct
import sys
import warnings
from datetime import datetime, timezone

import numpy as np
import pytest

from pyhodgkin import Recording, RecordingSet, read
from pyhodgkin.errors import BackendUnavailableError, InputError, RecordingError
from pyhodgkin.protocols import CurrentClamp, Steps, SumOfSines, VoltageClamp
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


# -- npz ----------------------------------------------------------------------------------


def test_npz_rows_are_sweeps(tmp_path):
    path = tmp_path / "steps.npz"
    currents = np.stack([V, 2 * V])
    np.savez(path, V_cmd_mV=I_STEP.astype(np.float32), I_nA=currents, fs=10_000, half=0.5)
    sweeps = read(path, voltage="V_cmd_mV", current="I_nA", rate="fs", clamp="voltage")
    assert sweeps.names == ("steps sweep 0", "steps sweep 1")
    np.testing.assert_array_equal(sweeps[1].current, 2 * V)
    np.testing.assert_allclose(sweeps[1].t, T)
    np.testing.assert_allclose(sweeps[1].protocol.breakpoints, [5.0, 15.0])
    halves = read(
        path, voltage="V_cmd_mV", current="I_nA", dt=0.1, clamp="voltage", current_scale="half"
    )
    np.testing.assert_array_equal(halves[0].current, 0.5 * V)
    with pytest.raises(RecordingError, match="name= is for one"):
        read(path, voltage="V_cmd_mV", current="I_nA", dt=0.1, clamp="voltage", name="x")


def test_npz_lengths_and_sweeps_must_agree(tmp_path):
    path = tmp_path / "bad.npz"
    np.savez(path, v_mV=np.zeros((2, 50)), i_nA=np.zeros((3, 50)), t_ms=T)
    with pytest.raises(RecordingError, match="2 sweeps of voltage, 3 of current"):
        read(path, clamp="current")
    np.savez(path, v_mV=np.zeros(60), i_nA=np.zeros(50), t_ms=np.arange(60.0))
    with pytest.raises(RecordingError, match="60 values and values has 50"):
        read(path, clamp="current")
    np.savez(path, v_mV=np.zeros((2, 3, 4)), i_nA=np.zeros(50), t_ms=T)
    with pytest.raises(RecordingError, match="not \\(T,\\) or \\(sweeps, T\\)"):
        read(path, clamp="current")
    np.savez(path, v_mV=np.array(["a", "b"]), i_nA=np.zeros(2), t_ms=[0.0, 1.0])
    with pytest.raises(RecordingError, match="not numbers"):
        read(path, clamp="current")


def test_damaged_npz(tmp_path):
    whole, path = tmp_path / "whole.npz", tmp_path / "cut.npz"
    np.savez(whole, v_mV=V, i_nA=I_STEP, t_ms=T)
    content = whole.read_bytes()
    for size in (0, 10, len(content) // 2, len(content) - 5):
        path.write_bytes(content[:size])
        with pytest.raises(RecordingError, match="cut"):
            read(path, clamp="current")
    flipped = bytearray(content)
    flipped[200:260] = bytes(60)
    path.write_bytes(flipped)
    with pytest.raises(RecordingError, match="cannot be read as npz"):
        read(path, clamp="current")
    np.savez(path, v_mV=np.array([{}, {}]), i_nA=I_STEP, t_ms=T)
    with pytest.raises(RecordingError, match="Python objects are refused"):
        read(path, clamp="current")


def test_real_herg_recording(reference_data):
    path = reference_data / "herg_cell1.npz"
    options = {"clamp": "voltage", "dt": "dt_ms"}
    (sine,) = read(path, voltage="V_sine_mV", current="I_sine_nA", **options)
    assert sine.current_unit == "nA" and len(sine) == 80_000
    np.testing.assert_allclose(sine.t[-1], 7999.9)
    steps = read(path, voltage="V_pr3_mV", current="I_pr3_nA", **options)
    assert len(steps) == 7
    assert all(6 <= r.protocol.segments.n_segments <= 7 for r in steps)
    np.testing.assert_allclose(steps[6].protocol.breakpoints[2], 629.1)


def test_published_sine_wave_is_the_recorded_command(reference_data):
    """Beattie et al. 2018, doi 10.1113/JP275733: steps, then three sinusoids about -30 mV."""
    late = 0.1 - 1e-4  # the file begins one sample before the protocol
    radians = np.array([0.007, 0.037, 0.19])  # per ms, counted from 2500 ms
    start, stop = 3000 + late, 6500 + late
    phases = radians * (500 + late - 0.1)
    waves = SumOfSines([54, 26, 10], 1000 * radians / (2 * np.pi), phases, start, stop)
    steps = Steps(
        np.array([-1, 250, 300, 500, 1500, 2000, 3000, 6500, 7000]) + late,
        [-80, -120, -80, 40, -120, -80, -30, -120, -80],
    )
    (sine,) = read(
        reference_data / "herg_cell1.npz",
        clamp="voltage",
        voltage="V_sine_mV",
        current="I_sine_nA",
        dt=0.1,
        protocol=VoltageClamp(steps + waves, 8000.0),
    )
    recorded = np.load(reference_data / "herg_cell1.npz")["V_sine_mV"]
    assert sine.protocol.segments.n_segments == 9
    np.testing.assert_allclose(sine.command, recorded, atol=2e-5)


def test_real_current_clamp_recording(reference_data):
    sweeps = read(
        reference_data / "pyabf_cellA_ic_steps.npz",
        clamp="current",
        voltage="V_q",
        voltage_scale="scale",
        voltage_unit="mV",
        current="I_cmd_pA",
        rate="fs_Hz",
    )
    assert len(sweeps) == 17 and sweeps[0].current_unit == "pA"
    assert -70 < sweeps[0].v[0] < -55 and sweeps[-1].command.max() == 300.0
    assert all(r.protocol.segments.n_segments <= 6 for r in sweeps)


# -- abf ----------------------------------------------------------------------------------


def abf_file(path, units="mV", command_units="pA", sweeps=2, source=1):
    """An ABF1 file by pyABF's writer, given the longer header that holds an epoch table."""
    writer = pytest.importorskip("pyabf.abfWriter")
    signal = np.stack([V + k for k in range(sweeps)])
    writer.writeABF1(signal, str(path), 10_000, units=units)
    content = bytearray(path.read_bytes())
    header = content[:2048] + bytes(4096)
    struct.pack_into("i", header, 40, len(header) // 512)
    for k in range(4):
        struct.pack_into("8s", header, 1346 + 8 * k, command_units.ljust(8).encode())
    struct.pack_into("2h", header, 2296, 1, 0)  # waveform enabled
    struct.pack_into("2h", header, 2300, source, 0)  # 1: the epoch table
    struct.pack_into("2h", header, 2308, 1, 1)  # two steps
    struct.pack_into("2f", header, 2348, 0.0, 50.0)  # levels
    struct.pack_into("2f", header, 2428, 0.0, 25.0)  # change with each sweep
    struct.pack_into("2i", header, 2508, 47, 100)  # samples
    path.write_bytes(header + content[2048:])
    return signal


def test_abf_current_clamp(tmp_path):
    path = tmp_path / "cell.abf"
    signal = abf_file(path)
    sweeps = read(path)
    assert sweeps.names == ("cell sweep 0", "cell sweep 1")
    for k, sweep in enumerate(sweeps):
        assert (sweep.observed, sweep.current_unit) == ("v", "pA")
        np.testing.assert_allclose(sweep.v, signal[k], atol=0.01)
        np.testing.assert_allclose(sweep.t, T, atol=1e-9)
        # The epochs follow the 1/64 of a sweep that the amplifier holds first.
        np.testing.assert_allclose(sweep.protocol.breakpoints, [5.0, 15.0], atol=1e-9)
        assert sweep.command.max() == 50.0 + 25.0 * k


def test_abf_voltage_clamp_and_its_statements(tmp_path):
    path = tmp_path / "cell.abf"
    abf_file(path, units="pA", command_units="mV")
    sweeps = read(path, convert_current="nA")
    assert (sweeps[0].observed, sweeps[0].current_unit) == ("current", "nA")
    with pytest.raises(RecordingError, match="records in pA, which is voltage clamp"):
        read(path, clamp="current")
    with pytest.raises(RecordingError, match=r"channel=3: the file has channels 0 \("):
        read(path, channel=3)
    abf_file(path, units="mV", command_units="")
    with pytest.raises(RecordingError, match="give current_unit="):
        read(path)
    assert read(path, current_unit="pA")[0].current_unit == "pA"
    abf_file(path, units="degC")
    with pytest.raises(RecordingError, match='records in "degC"'):
        read(path)


def test_abf_without_a_command_takes_a_protocol(tmp_path):
    path = tmp_path / "cell.abf"
    abf_file(path, source=3)
    with pytest.raises(RecordingError, match="cell sweep 0 holds no command current"):
        read(path)
    protocols = CurrentClamp.family([50.0, 75.0], 5.0, 15.0, 20.0)
    assert [r.protocol for r in read(path, protocol=protocols)] == protocols


def test_damaged_abf(tmp_path):
    path = tmp_path / "cell.abf"
    abf_file(path)
    content = path.read_bytes()
    for damaged in (b"", b"ABF ", b"garbage" * 200, content[:3000], content[:-700]):
        path.write_bytes(damaged)
        with pytest.raises(RecordingError, match=r"cell\.abf"):
            read(path)


# -- nwb ----------------------------------------------------------------------------------


def nwb_file(path, kind="current", link="table", sweeps=2):
    pynwb = pytest.importorskip("pynwb")
    icephys = pynwb.icephys
    file = pynwb.NWBFile(
        session_description="a test", identifier="x", session_start_time=datetime.now(timezone.utc)
    )
    device = file.create_device(name="amplifier")
    electrode = file.create_icephys_electrode(name="e", description="glass", device=device)
    v, i = (V * 1e-3, -1.0), (I_STEP, 1e-12)  # volts; amperes by their conversion factor
    observed, command = (v, i) if kind == "current" else (i, v)
    kinds = {
        "current": (icephys.CurrentClampSeries, icephys.CurrentClampStimulusSeries),
        "voltage": (icephys.VoltageClampSeries, icephys.VoltageClampStimulusSeries),
    }[kind]
    for k in range(sweeps):
        common = {"rate": 10_000.0, "starting_time": 2.0 + k, "electrode": electrode}
        common |= {"gain": 1.0, "sweep_number": np.uint64(k)}
        made = [
            cls(
                name=f"{label} {k}",
                data=data * (1 + k) if scale > 0 else data,
                conversion=abs(scale),
                **common,
            )
            for cls, label, (data, scale) in zip(
                kinds, ("response", "stimulus"), (observed, command), strict=True
            )
        ]
        if link == "table":
            file.add_intracellular_recording(
                electrode=electrode, response=made[0], stimulus=made[1]
            )
        else:
            file.add_acquisition(made[0])
            if link == "number":
                file.add_stimulus(made[1])
    with pynwb.NWBHDF5IO(str(path), "w") as io:
        io.write(file)


@pytest.mark.parametrize("link", ["table", "number"])
def test_nwb_current_clamp(tmp_path, link):
    path = tmp_path / "cell.nwb"
    nwb_file(path, link=link)
    sweeps = read(path, convert_current="pA")
    assert sweeps.names == ("response 0", "response 1")
    for k, sweep in enumerate(sweeps):
        np.testing.assert_allclose(sweep.v, V)
        np.testing.assert_allclose(sweep.t, T, atol=1e-9)
        np.testing.assert_allclose(sweep.command, I_STEP * (1 + k), atol=1e-9)
        np.testing.assert_allclose(sweep.protocol.breakpoints, [5.0, 15.0], atol=1e-9)
        assert sweep.t_offset == 1000.0 * (2 + k) and sweep.current_unit == "pA"
    assert read(path)[0].current_unit == "nA"


def test_nwb_voltage_clamp(tmp_path):
    path = tmp_path / "cell.nwb"
    nwb_file(path, kind="voltage")
    (first, _) = read(path)
    np.testing.assert_allclose(first.current, I_STEP * 1e-3, atol=1e-15)
    np.testing.assert_allclose(first.command, V)
    with pytest.raises(RecordingError, match="holds no current-clamp series"):
        read(path, clamp="current")


def test_nwb_without_a_stimulus_takes_a_protocol(tmp_path):
    path = tmp_path / "cell.nwb"
    nwb_file(path, link="none")
    with pytest.raises(RecordingError, match="response 0 holds no command current"):
        read(path)
    protocol = CurrentClamp(0.0, 20.0)
    assert [r.protocol for r in read(path, protocol=protocol)] == [protocol, protocol]


def test_damaged_nwb(tmp_path):
    path = tmp_path / "cell.nwb"
    nwb_file(path)
    content = path.read_bytes()
    for damaged in (b"", b"garbage" * 200, content[: len(content) // 2]):
        path.write_bytes(damaged)
        with pytest.raises(RecordingError, match="cannot be read as NWB"):
            read(path)


@pytest.mark.parametrize(("ending", "library"), [("abf", "pyabf"), ("nwb", "pynwb")])
def test_missing_libraries_are_named(tmp_path, monkeypatch, ending, library):
    path = tmp_path / f"cell.{ending}"
    path.write_bytes(b"x")
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(BackendUnavailableError, match=r'pip install "pyhodgkin\[readers\]"'):
        read(path)


# -- units --------------------------------------------------------------------------------


def test_units():
    assert factor("V", {"mV": 1.0, "V": 1e3}, "voltage_unit") == 1e3
    assert current_factor("µA/cm²", None) == (1.0, "uA/cm2")
    assert current_factor("mA/cm^2", None) == (1e3, "uA/cm2")
    assert current_factor("pA", None) == (1.0, "pA")
    assert current_factor("A", None) == (1e9, "nA")
    assert current_factor("amperes", "pA") == (1e12, "pA")
