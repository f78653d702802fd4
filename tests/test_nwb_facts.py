"""NWB files: times, numbers and facts."""

import numpy as np
import pytest
from nwb_files import RATE, N, Rig, step, times

from pyhodgkin import read
from pyhodgkin.errors import RecordingError, RecordingWarning

V = step(-0.06, baseline=-0.07)  # volts
I = step(1e-10)  # amperes  # noqa: E741


# -- times and numbers ------------------------------------------------------------------------


def test_integers_with_conversion_and_offset(tmp_path):
    rig = Rig()
    counts = np.round(V / 1e-5).astype(np.int16)
    rig.add(
        "r",
        counts + np.int16(500),
        np.round(I / 1e-12).astype(np.int32),
        response={"conversion": 1e-5, "offset": -0.005},
        stimulus={"conversion": 1e-12},
    )
    (found,) = read(rig.write(tmp_path / "cell.nwb"), convert_current="pA")
    np.testing.assert_allclose(found.v, counts * 0.01, rtol=1e-12)
    np.testing.assert_array_equal(found.command, np.round(I / 1e-12))


def test_single_precision_is_not_a_staircase(tmp_path):
    """A ramp in float32 is one straight line within its rounding."""
    rig = Rig()
    ramp = np.linspace(0.0, 137.0, N).astype(np.float32)
    rig.add("r", V, ramp, stimulus={"conversion": 1e-12})
    (found,) = read(rig.write(tmp_path / "cell.nwb"), convert_current="pA")
    assert len(found.protocol.breakpoints) < 20
    np.testing.assert_allclose(found.command, ramp, atol=1e-4)


def test_different_rates_and_starts(tmp_path):
    """The stimulus is slower and begins 5 ms before the response."""
    rig = Rig()
    slow = step(1e-10, n=500, rate=2000.0)
    rig.add(
        "r",
        V,
        slow,
        response={"starting_time": 1e6 + 0.005},
        stimulus={"rate": 2000.0, "starting_time": 1e6},
    )
    (found,) = read(rig.write(tmp_path / "cell.nwb"), convert_current="pA")
    np.testing.assert_allclose(found.protocol.breakpoints, [15.0, 95.0], atol=1e-6)
    np.testing.assert_array_equal(found.t, np.arange(N) * (1000.0 / RATE))
    assert len(found) == N and found.t_offset == pytest.approx(1e9 + 5.0)


def test_a_stimulus_that_covers_a_part(tmp_path):
    rig = Rig()
    rig.add("r", V, I[:1000], stimulus={"starting_time": 0.01})
    with pytest.warns(RecordingWarning, match="known from 10 to 110 ms of the response"):
        (found,) = read(rig.write(tmp_path / "cell.nwb"))
    assert len(found) == 1000 and found.t_offset == pytest.approx(10.0)
    np.testing.assert_array_equal(found.v, 1e3 * V[100:1100])


def test_timestamps(tmp_path):
    rig = Rig()
    t = 3.0 + times() + 2e-5 * np.sin(np.arange(N))  # uneven
    rig.add("r", V, I, timestamps=t)
    (found,) = read(rig.write(tmp_path / "cell.nwb"))
    np.testing.assert_allclose(found.t, 1e3 * (t - t[0]), atol=1e-9)
    assert found.dt is None and found.t_offset == pytest.approx(3000.0)


# -- facts ------------------------------------------------------------------------------------


def test_facts_of_current_clamp(tmp_path):
    rig = Rig()
    rig.electrode(cell_id="cell 7", initial_access_resistance="11.5 MOhm")
    rig.add("r", V, I, response={"bridge_balance": 1.2e7, "capacitance_compensation": 4e-12})
    (found,) = read(rig.write(tmp_path / "cell.nwb"))
    assert found.setup == pytest.approx(
        {
            "electrode": "e",
            "bridge_balance": 12.0,
            "capacitance_compensation": 4.0,
            "series_resistance": 11.5,
        }
    )
    assert found.cell == "cell 7" and "bridge balance 12 MΩ" in repr(found)


def test_facts_of_voltage_clamp(tmp_path):
    rig = Rig()
    rig.add(
        "r",
        V,
        I,
        "voltage",
        response={
            "whole_cell_series_resistance_comp": 9e6,
            "resistance_comp_correction": 70.0,
            "whole_cell_capacitance_comp": 3e-11,
            "capacitance_fast": 5e-12,
            "resistance_comp_prediction": np.nan,
        },
    )
    (found,) = read(rig.write(tmp_path / "cell.nwb"))
    assert found.setup == pytest.approx(
        {
            "electrode": "e",
            "series_resistance": 9.0,
            "series_resistance_compensation": 70.0,
            "whole_cell_capacitance": 30.0,
            "capacitance_compensation": 5.0,
        }
    )


def test_a_junction_potential_in_words_is_told_and_not_applied(tmp_path):
    rig = Rig()
    rig.add("r", V, I, response={"comments": "Estimated junction potential: -15.2 mV, by hand"})
    path = rig.write(tmp_path / "cell.nwb")
    with pytest.warns(RecordingWarning, match=r'"Estimated junction potential: -15.2 mV".*nothing'):
        (found,) = read(path)
    np.testing.assert_array_equal(found.v, 1e3 * V)
    assert found.junction_potential is None
    (found,) = read(path, junction_potential=15.2)
    np.testing.assert_allclose(found.v, 1e3 * V - 15.2)


def test_version_1_of_the_format_is_named(tmp_path):
    h5py = pytest.importorskip("h5py")
    pytest.importorskip("pynwb")
    with h5py.File(tmp_path / "old.nwb", "w") as file:
        file["nwb_version"] = "NWB-1.0.5"
    with pytest.raises(RecordingError, match=r"version NWB-1\.0\.5 of .*version 2 is read"):
        read(tmp_path / "old.nwb")
