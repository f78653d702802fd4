"""Recordings from abf and nwb files."""

from __future__ import annotations

import struct
import sys
from datetime import datetime, timezone

import numpy as np
import pytest

from pyhodgkin import read
from pyhodgkin.errors import BackendUnavailableError, RecordingError
from pyhodgkin.protocols import CurrentClamp

T = 0.1 * np.arange(200)
V = -65 + 10 * np.sin(T)
I_STEP = np.where((T >= 5) & (T < 15), 7.0, 0.0)


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
