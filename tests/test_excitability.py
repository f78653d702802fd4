"""Rest, f-I curve, rheobase and input resistance."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from neurons import SQUID, black_box_neuron

import pyhodgkin as ph
from pyhodgkin.errors import InputError
from pyhodgkin.neuron.rest import resting_points

PASSIVE = ph.Neuron("passive", (ph.leak(0.1, -70.0),), c_m=2.0, v_rest=-60.0)


@pytest.mark.parametrize(
    "name", ["squid_axon", "wang_buzsaki", "pospischil_rs", "traub_miles", "connor_stevens"]
)
def test_rest_is_where_a_simulation_stays(name):
    cell = ph.library.get(name)
    v = cell.rest()
    start = np.array([v, *cell.initial_state(v)[1:]])
    clamp = ph.CurrentClamp.constant(0.0, 300.0)
    found = ph.simulate(cell, clamp, y0=start, saveat=100.0, backend="torch")
    np.testing.assert_allclose(found.v, v, atol=1e-3)


def test_rest_is_found_and_not_stated():
    assert PASSIVE.rest() == pytest.approx(-70.0)
    more = replace(PASSIVE, channels=(*PASSIVE.channels, ph.Channel("k", 0.1, -90.0)))
    assert more.rest() == pytest.approx(-80.0) and more.v_rest == -60.0
    assert PASSIVE.rest(1.0) == pytest.approx(-60.0)
    warm = replace(SQUID, temperature=16.3)
    assert warm.rest() == pytest.approx(SQUID.rest())


def test_all_points_and_their_stability():
    points = resting_points(ph.library.get("wang_buzsaki"))
    assert [point.stable for point in points] == [True, False, False]
    assert np.all(np.diff([point.v for point in points]) > 0)
    # At 10 µA/cm² the axon fires without end around its only, unstable, point.
    (point,) = resting_points(SQUID, 10.0)
    assert not point.stable
    with pytest.raises(InputError, match="no stable resting potential at a current of 10"):
        SQUID.rest(10.0)
    # The rest loses its stability near 9.8 µA/cm² (Hopf bifurcation of Hodgkin and Huxley 1952).
    stable = [resting_points(SQUID, i)[0].stable for i in (9.0, 9.7, 9.9, 11.0)]
    assert stable == [True, True, False, False]


def test_what_has_no_steady_state():
    with pytest.raises(InputError, match="NeuralRightHandSide"):
        black_box_neuron().rest()
    free = ph.NeuralKinetics("free", ph.Network.create((2, 4, 1)))
    with pytest.raises(InputError, match='gate n of the form "free"'):
        SQUID.replace_gate("n", free).rest()


@pytest.mark.parametrize(
    ("unit", "name"), [(None, "kΩ·cm²"), ("uA/cm2", "kΩ·cm²"), ("nA", "MΩ"), ("pA", "GΩ")]
)
def test_input_resistance_in_the_unit_of_the_cell(unit, name):
    found = ph.input_resistance(replace(PASSIVE, current_unit=unit))
    assert found == pytest.approx(10.0) and found.unit == name and repr(found) == f"10 {name}"


def test_input_resistance_is_what_a_long_step_measures():
    step = -0.5
    clamp = ph.CurrentClamp.step(step, start=1.0, stop=None, t_end=200.0)
    v = ph.simulate(SQUID, clamp, backend="torch", saveat=[0.0, 200.0]).v[-1]
    assert ph.input_resistance(SQUID, step=step) == pytest.approx(
        (v - SQUID.rest()) / step, rel=1e-3
    )
    small = ph.input_resistance(SQUID, step=-1e-4)
    assert small == pytest.approx(ph.input_resistance(SQUID), rel=1e-3)
    with pytest.raises(InputError, match="not zero"):
        ph.input_resistance(SQUID, step=0.0)


def test_fi_curve():
    curve = ph.fi_curve(SQUID, [0.0, 3.0, 10.0], duration=100.0, start=20.0, backend="torch")
    clamp = ph.CurrentClamp.step(10.0, start=20.0, stop=120.0, t_end=120.0)
    right = ph.simulate(SQUID, clamp, backend="torch").spike_times()
    assert curve.rate.tolist() == [0.0, 10.0, 10.0 * len(right)] and curve.unit == "uA/cm2"
    np.testing.assert_allclose(curve.spike_times[2], right - 20.0, atol=1e-4)
    assert np.isnan(curve.first_spike[0]) and curve.first_spike[2] == curve.spike_times[2][0]
    late = ph.fi_curve(SQUID, 3.0, duration=100.0, start=20.0, skip=50.0, backend="torch")
    assert late.rate.tolist() == [0.0]
    for wrong in ({"currents": []}, {"currents": [np.nan]}, {"currents": 1.0, "skip": 2e3}):
        with pytest.raises(InputError):
            ph.fi_curve(SQUID, **wrong)


def test_fi_curve_of_a_whole_cell_injects_its_unit():
    area = 1000.0  # µm²: 1 µA/cm² is 10 pA
    cell = SQUID.whole_cell(area=area, unit="pA") if hasattr(SQUID, "whole_cell") else None
    if cell is None or cell.current_unit != "pA":
        pytest.skip("no conversion here")
    curve = ph.fi_curve(cell, [100.0], duration=50.0, start=20.0, backend="torch")
    density = ph.fi_curve(SQUID, [10.0], duration=50.0, start=20.0, backend="torch")
    assert curve.unit == "pA"
    np.testing.assert_allclose(curve.spike_times[0], density.spike_times[0], atol=1e-3)


def test_rheobase_separates_silence_from_a_spike():
    short = {"duration": 40.0, "start": 10.0, "backend": "torch"}
    found = ph.rheobase(SQUID, **short)
    assert found.unit == "µA/cm²"
    curve = ph.fi_curve(SQUID, [float(found) * 0.998, float(found)], **short)
    assert (curve.rate > 0).tolist() == [False, True]


def test_cells_without_a_rheobase():
    options = {"duration": 20.0, "start": 5.0, "backend": "torch"}
    with pytest.raises(InputError, match=r"does not fire at any current up to .* µA/cm²"):
        ph.rheobase(PASSIVE, threshold=1e9, **options)
    driven = replace(SQUID, channels=(*SQUID.channels, ph.Channel("in", 0.5, 50.0)))
    with pytest.raises(InputError, match="fires without a current"):
        ph.rheobase(driven, **{**options, "start": 0.1})
    with pytest.raises(InputError, match="tolerance"):
        ph.rheobase(SQUID, tolerance=2.0)
