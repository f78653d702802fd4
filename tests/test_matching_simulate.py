"""Units and sizes of cells in simulations."""

from dataclasses import replace

import numpy as np
import pytest
from neurons import black_box_neuron, learned_neuron
from test_matching import simulated

import pyhodgkin as ph
from pyhodgkin.errors import InputError

AXON = ph.library.get("squid_axon")
CELL = AXON.whole_cell(area=1000.0)
BARE = replace(AXON, current_unit=None)
STEP = ph.Step(5.0, None, 10.0)
DENSITY = ph.CurrentClamp(STEP, 20.0)
PICO = ph.CurrentClamp(ph.Step(5.0, None, 100.0), 20.0, "pA")
NANO = ph.CurrentClamp(ph.Step(5.0, None, 0.1), 20.0, "nA")
CLAMP = ph.VoltageClamp.step(0.0, start=2.0, stop=8.0, t_end=10.0)


@pytest.fixture(scope="module")
def trace():
    """The axon under 10 µA/cm², which are 100 pA for 1000 µm²."""
    return simulated(AXON, DENSITY)


@pytest.mark.parametrize(
    ("neuron", "protocol", "size", "times"),
    [
        (AXON, PICO, {"area": 1000.0}, 10.0),
        (AXON, PICO, {"capacitance": 10.0}, 10.0),
        (AXON, NANO, {"area": 1000.0}, 0.01),
        (BARE, PICO, {"area": 1000.0}, 10.0),
        (replace(AXON, area=1000.0), PICO, {}, 10.0),
        (CELL, PICO, {}, 10.0),
        (CELL, NANO, {}, 0.01),
        (CELL, DENSITY, {}, 1.0),
        (replace(CELL, area=None), DENSITY, {"area": 1000.0}, 1.0),
        (AXON.whole_cell(area=1000.0, unit="nA"), PICO, {}, 10.0),
    ],
)
def test_the_same_trajectory_in_every_unit(trace, neuron, protocol, size, times):
    found = simulated(neuron, protocol, **size)
    np.testing.assert_allclose(found.v, trace.v, rtol=1e-9)
    np.testing.assert_allclose(found.gates["h"], trace.gates["h"], rtol=1e-9)
    for name in ("k", "na", "l"):
        np.testing.assert_allclose(found.currents[name], times * trace.currents[name], rtol=1e-9)
    assert found.current_unit == found.neuron.current_unit == protocol.unit


@pytest.mark.parametrize("make", [learned_neuron, black_box_neuron])
def test_networks_follow_the_same_trajectory(make):
    neuron = replace(make(), current_unit="uA/cm2")
    before = simulated(neuron, DENSITY).y
    for given, size in ((neuron, {"area": 1000.0}), (neuron.whole_cell(area=1000.0), {})):
        np.testing.assert_allclose(simulated(given, PICO, **size).y, before, rtol=1e-9, atol=1e-12)


def test_voltage_clamp_has_the_unit_of_the_neuron():
    density, cell = simulated(AXON, CLAMP), simulated(CELL, CLAMP)
    assert (density.current_unit, cell.current_unit) == ("uA/cm2", "pA")
    np.testing.assert_allclose(cell.currents["na"], 10 * density.currents["na"], rtol=1e-9)
    sized = simulated(AXON, CLAMP, area=1000.0)
    assert sized.current_unit == "pA"
    np.testing.assert_array_equal(sized.currents["na"], cell.currents["na"])
    assert simulated(BARE, CLAMP).current_unit is None


def test_numbers_given_are_in_the_unit_of_the_neuron_given(trace):
    weaker = AXON.with_parameters(na__g=100.0)
    wanted = simulated(weaker, DENSITY).v
    size = {"area": 1000.0}
    one = simulated(AXON, PICO, parameters={"na.g": 100.0}, **size)
    np.testing.assert_allclose(one.v, wanted, rtol=1e-9)
    two = simulated(AXON, PICO, parameters={"na.g": [100.0, 120.0]}, **size)
    np.testing.assert_allclose(two.v, [wanted, trace.v], rtol=1e-9)
    rows = simulated(AXON, PICO, theta=[weaker.theta, AXON.theta], **size)
    np.testing.assert_allclose(rows.v, [wanted, trace.v], rtol=1e-9)
    with pytest.raises(InputError, match=r"na\.g = -1200 nS"):
        simulated(AXON, PICO, parameters={"na.g": -120.0}, **size)


def test_cells_of_several_sizes_in_one_batch(trace):
    cells = [AXON.whole_cell(area=1000.0), replace(AXON, area=1000.0), AXON.whole_cell(area=2000.0)]
    found = simulated(cells, PICO)
    np.testing.assert_allclose(found.v[:2], [trace.v, trace.v], rtol=1e-9)
    assert np.abs(found.v[2] - trace.v).max() > 1.0
    with pytest.raises(InputError, match=r"currents of a batch are in one unit.*µA/cm² and pA"):
        simulated([AXON, CELL], CLAMP)


def test_a_neuron_that_states_nothing_takes_the_unit_of_the_protocol():
    hand = AXON.with_parameters(c_m=10.0, k__g=360.0, na__g=1200.0, l__g=3.0)
    found = simulated(hand, PICO)
    assert found.neuron.current_unit == "pA" and found.neuron.layout["k.g"].unit == "nS"
    assert simulated(BARE, DENSITY).neuron.layout["k.g"].unit == "mS/cm²"
    assert hand.current_unit is None


DENSITY_MEETS_PICO = (
    r'neuron "squid_axon" is per area \(µA/cm², mS/cm², µF/cm²\) but .* of a whole cell, in pA: '
    r"give the size of the cell, area= in µm² or capacitance= in pF"
)
PICO_MEETS_DENSITY = (
    r'neuron "squid_axon" is of a whole cell \(pA, nS, pF\) but .* per area, in µA/cm².*'
    r"if its numbers are in pA.*CurrentClamp\(…, unit=…\); else give the area of the cell, area="
)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: simulated(AXON, PICO), DENSITY_MEETS_PICO),
        (lambda: simulated([AXON, AXON], PICO), DENSITY_MEETS_PICO),
        (lambda: simulated(replace(CELL, area=None), DENSITY), PICO_MEETS_DENSITY),
        (lambda: simulated(AXON, [PICO, DENSITY]), "mix currents in pA and µA/cm²"),
        (lambda: simulated(CELL, [PICO, NANO]), "mix currents in pA and nA"),
        (lambda: simulated(AXON, PICO, area=0.0), "area = 0 µm² must be positive"),
        (lambda: simulated(AXON, PICO, area=1.0, capacitance=1.0), "both given"),
        (lambda: simulated(CELL, PICO, area=900.0), "whole cell of 1000 µm²"),
        (lambda: simulated(CELL, PICO, capacitance=9.0), "c_m is that capacitance already"),
        (lambda: simulated(BARE, DENSITY, area=1000.0), "area=: .*does not state the unit"),
        (
            lambda: simulated(
                [
                    replace(learned_neuron(), current_unit="uA/cm2", area=area)
                    for area in (1000.0, 2000.0)
                ],
                PICO,
            ),
            "has other equations",
        ),
    ],
)
def test_mixtures_are_refused(call, message):
    with pytest.raises(InputError, match=message):
        call()
