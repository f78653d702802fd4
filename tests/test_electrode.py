"""The voltage across the electrode in current clamp: found by steps, taken out once."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import pyhodgkin as ph
from pyhodgkin.errors import InputError, RecordingError
from pyhodgkin.recordings.electrode import recorded_anew


def sweeps(resistance: float, capacitance: float = 0.0, unit: str = "pA") -> list[ph.Recording]:
    """A passive cell as an electrode of this resistance (MΩ) records it; 0.05 mV of noise."""
    scale = {"pA": 1.0, "nA": 1e-3}[unit]
    cell = ph.Neuron("cell", (ph.leak(5.0 * scale, -70.0),), c_m=100.0 * scale, v_rest=-70.0)
    steps = ph.CurrentClamp.family(
        [-50.0 * scale, 40.0 * scale], start=20.0, stop=60.0, t_end=80.0, unit=unit
    )
    recorded = ph.Electrode(-resistance, capacitance)
    return [
        recorded_anew(
            ph.without_electrode(
                ph.Recording.from_solution(s, noise=0.05, seed=i, name=f"sweep {i}"), recorded
            )
        )
        for i, s in enumerate(ph.simulate(cell, steps, saveat=0.02, backend="torch"))
    ]


@pytest.mark.parametrize("unit", ["pA", "nA"])
def test_the_bridge_error_is_found_and_taken_out(unit):
    recorded = sweeps(12.0, unit=unit)
    found = ph.electrode_of(recorded)
    assert found is not None and found.steps == 4
    assert found.resistance == pytest.approx(12.0, abs=max(3 * found.error, 0.5))
    clean = [ph.without_electrode(r, found) for r in recorded]
    again = ph.electrode_of([recorded_anew(r) for r in clean])
    assert again is not None and abs(again.resistance) < 0.5
    assert clean[0].setup["bridge_error"] == found.resistance


def test_the_capacitance_of_the_electrode_is_found():
    found = ph.electrode_of(sweeps(20.0, 5.0), capacitance=True)
    assert found is not None
    assert found.time_constant == pytest.approx(0.1, rel=0.3)
    assert ph.electrode_of(sweeps(20.0)).capacitance == 0.0


def test_the_voltage_of_a_steady_current_is_that_of_the_resistance():
    recording = sweeps(0.0)[0]
    v = ph.Electrode(10.0, 5.0).voltage(recording)
    assert v[0] == 0.0 and v[int(59.0 / 0.02)] == pytest.approx(-0.5)


def test_it_is_taken_out_once_and_only_of_whole_cells():
    recording = ph.without_electrode(sweeps(0.0)[0], 10.0)
    with pytest.raises(RecordingError, match="already"):
        ph.without_electrode(recording, 10.0)
    area = ph.CurrentClamp.step(9.0, 1.0, 3.0, 4.0)
    with pytest.raises(RecordingError, match="pA or nA"):
        ph.without_electrode(ph.Recording([0, 2, 4], area, v=[-70, -69, -70]), 10.0)
    clamp = ph.Recording([0, 1], ph.VoltageClamp(-65.0, 1.0), current=[0, 0], current_unit="pA")
    with pytest.raises(RecordingError, match="voltage clamp"):
        ph.without_electrode(clamp, 10.0)
    with pytest.raises(InputError, match="resistance"):
        ph.Electrode(np.nan)
    with pytest.raises(InputError, match="capacitance"):
        ph.Electrode(1.0, -1.0)


def test_without_steps_there_is_no_electrode():
    still = ph.CurrentClamp.constant(10.0, 80.0, unit="pA")
    recording = sweeps(0.0)[0]
    assert ph.electrode_of(replace(recording, protocol=still)) is None
