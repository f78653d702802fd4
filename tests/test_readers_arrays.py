"""Recordings from npz files, and real ones."""

from __future__ import annotations

import numpy as np
import pytest

from pyhodgkin import read
from pyhodgkin.errors import RecordingError
from pyhodgkin.protocols import Steps, SumOfSines, VoltageClamp

T = 0.1 * np.arange(200)
V = -65 + 10 * np.sin(T)
I_STEP = np.where((T >= 5) & (T < 15), 7.0, 0.0)


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
    with pytest.raises(RecordingError, match="no Python objects"):
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
