"""Unit systems of a neuron: exact conversions, what it states, and what it is printed with."""

import json
from dataclasses import replace

import numpy as np
import pytest
from neurons import black_box_neuron, learned_neuron

import pyhodgkin as ph
from pyhodgkin import document
from pyhodgkin.errors import DocumentError, InputError
from pyhodgkin.neuron.size import extensive
from pyhodgkin.units import capacitance_of, conductance_of, current_factor, ratio, written

AXON = ph.library.get("squid_axon")
CELL = AXON.whole_cell(area=1000.0)  # 1e-5 cm²


# -- what is stated -------------------------------------------------------------------------


def test_library_neurons_state_their_unit():
    for name in ph.library.names():
        unit = "nA" if name.startswith("herg_beattie") else "uA/cm2"
        assert ph.library.get(name).current_unit == unit, name


def test_a_neuron_made_by_hand_states_nothing():
    cell = ph.Neuron("cell", (ph.leak(3.0, -70.0),))
    assert cell.current_unit is None and cell.area is None
    assert cell.layout["l.g"].unit == cell.layout["c_m"].unit == ""
    assert "mS" not in str(cell) and "currents in the unit of the protocol" in str(cell)


@pytest.mark.parametrize("unit", ["uA/cm2", "µA/cm²", "nA", "pA", "picoampere"])
def test_units_are_spelled_as_elsewhere(unit):
    cell = ph.Neuron("cell", (ph.leak(3.0, -70.0),), current_unit=unit)
    assert cell.current_unit in ("uA/cm2", "nA", "pA")


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"current_unit": "mV"}, 'neuron "cell": current_unit "mV" is not one.*uA/cm2, nA, pA'),
        ({"area": 0.0}, "area = 0 µm² must be positive"),
        ({"area": float("nan")}, "area = nan must be finite"),
        ({"current_unit": "pA", "c_m": -10.0}, "c_m = -10 pF must be positive"),
        ({"current_unit": "nA", "c_m": -10.0}, "c_m = -10 nF must be positive"),
    ],
)
def test_statements_that_cannot_be(fields, message):
    with pytest.raises(InputError, match=message):
        ph.Neuron("cell", (ph.leak(3.0, -70.0),), **fields)


def test_new_numbers_throughout_drop_the_statement():
    every = {"c_m": 10.0, "k__g": 300.0, "na__g": 1200.0, "l__g": 3.0}
    assert AXON.with_parameters(**every).current_unit is None
    assert CELL.with_parameters(**every).area is None
    for name in every:
        fewer = {k: x for k, x in every.items() if k != name}
        assert AXON.with_parameters(**fewer).current_unit == "uA/cm2", name
        assert CELL.with_parameters(**fewer).area == 1000.0, name
    assert AXON.with_parameters(**every, k__e=-80.0).current_unit is None
    assert AXON.with_theta(AXON.theta).current_unit == "uA/cm2"
    missing = AXON.replace_channel("k", ph.NeuralCurrent("k", ph.Network.create((1, 4, 1))))
    kept = missing.with_parameters(c_m=10.0, na__g=1200.0, l__g=3.0)
    assert kept.current_unit == "uA/cm2"  # the scale of the network's current is the old one


# -- conversions ----------------------------------------------------------------------------


def test_a_thousand_square_micrometres():
    assert [CELL.channel(name).g for name in ("k", "na", "l")] == [360.0, 1200.0, 3.0]
    assert (CELL.c_m, CELL.current_unit, CELL.area) == (10.0, "pA", 1000.0)
    assert [CELL.channel(name).e for name in ("k", "na", "l")] == [-77.0, 50.0, -54.3]
    nano = AXON.whole_cell(area=1000.0, unit="nA")
    assert (nano.channel("na").g, nano.c_m, nano.current_unit) == (1.2, 0.01, "nA")


def test_from_the_capacitance_of_the_cell():
    cell = AXON.with_parameters(c_m=0.8).whole_cell(capacitance=20.0)
    assert cell.area == 2500.0 and cell.c_m == 20.0 and cell.channel("l").g == 7.5


def test_conversions_go_both_ways():
    assert CELL.per_area() == replace(AXON, area=1000.0)
    assert CELL.whole_cell(unit="nA").whole_cell(unit="pA") == CELL
    assert replace(AXON, area=1000.0).whole_cell() == CELL
    assert AXON.per_area() is not CELL and AXON.per_area() == AXON
    np.testing.assert_allclose(
        AXON.whole_cell(area=731.0, unit="nA").per_area().theta, AXON.theta, rtol=1e-15
    )


def test_a_neuron_that_states_nothing_is_per_area_to_whole_cell():
    bare = replace(AXON, current_unit=None)
    assert bare.whole_cell(area=1000.0) == CELL
    with pytest.raises(InputError, match='current_unit="pA"'):
        bare.per_area(area=1000.0)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: AXON.whole_cell(), "give the cell's area= .µm². or its capacitance= .pF."),
        (lambda: AXON.whole_cell(area=-1.0), "area = -1 µm² must be positive"),
        (lambda: AXON.whole_cell(area="big"), "area = 'big': give a number, in µm²"),
        (lambda: AXON.whole_cell(capacitance=0.0), "capacitance = 0 pF must be positive"),
        (lambda: AXON.whole_cell(area=1.0, capacitance=1.0), "both given"),
        (lambda: AXON.whole_cell(area=1.0, unit="uA/cm2"), "is not of a whole cell"),
        (lambda: AXON.whole_cell(area=1.0, unit="mV"), '"mV" is not one'),
        (lambda: CELL.whole_cell(area=900.0), "whole cell of 1000 µm²"),
        (lambda: CELL.whole_cell(capacitance=9.0), "its c_m is that capacitance already"),
        (lambda: replace(CELL, area=None).per_area(), "area is not known: give area="),
        (lambda: black_box_neuron().whole_cell(capacitance=9.0), "one network without a c_m"),
    ],
)
def test_conversions_that_cannot_be(call, message):
    with pytest.raises(InputError, match=message):
        call()


def test_networks_scale():
    cell = learned_neuron()
    big = cell.whole_cell(area=2000.0)
    assert big.channel("x").scale == 20.0 * cell.channel("x").scale
    which = extensive(cell)
    np.testing.assert_array_equal(big.theta[which], 20.0 * cell.theta[which])
    np.testing.assert_array_equal(big.theta[~which], cell.theta[~which])
    box = black_box_neuron()
    assert box.whole_cell(area=2000.0).right_hand_side.stimulus_scale == pytest.approx(
        20.0 * box.right_hand_side.stimulus_scale
    )
    np.testing.assert_array_equal(box.whole_cell(area=2000.0).theta, box.theta)


def test_factors():
    assert ratio("uA/cm2", "pA", 1000.0) == (1000.0, 100.0)
    assert ratio("uA/cm2", "nA", 1000.0) == (1000.0, 1e5)
    assert ratio("pA", "uA/cm2", 1000.0) == (100.0, 1000.0)
    assert current_factor("A", None, area=1000.0) == (1e14 / 1000.0, "uA/cm2")
    assert current_factor("pA", "uA/cm2", area=1000.0) == (0.1, "uA/cm2")
    assert current_factor("A/m2", "pA", area=1000.0) == (1000.0, "pA")
    for to in ("nA", "pA"):
        with pytest.raises(InputError, match=r"both of a whole cell.*leave area= .*out"):
            current_factor("pA", to, area=1000.0)
    with pytest.raises(InputError, match="both per area"):
        current_factor("A/m2", None, area=1000.0)


# -- printed --------------------------------------------------------------------------------


def test_units_as_they_are_read():
    assert [written(u) for u in ("uA/cm2", "uS", "mV", "")] == ["µA/cm²", "µS", "mV", ""]
    assert [conductance_of(u) for u in ("uA/cm2", "nA", "pA", None)] == ["mS/cm²", "µS", "nS", ""]
    assert [capacitance_of(u) for u in ("uA/cm2", "nA", "pA", None)] == ["µF/cm²", "nF", "pF", ""]


@pytest.mark.parametrize(
    ("cell", "g", "c"),
    [
        (AXON, "mS/cm²", "µF/cm²"),
        (CELL, "nS", "pF"),
        (AXON.whole_cell(area=1e5, unit="nA"), "µS", "nF"),
    ],
)
def test_the_layout_and_the_equations_have_the_true_unit(cell, g, c):
    assert cell.layout["na.g"].unit == g and cell.layout["c_m"].unit == c
    text = str(cell)
    assert f"g_na = {cell.channel('na').g:g} {g}," in text and f"c_m = {cell.c_m:g} {c}," in text
    assert f"currents in {written(cell.current_unit)}" in text
    assert ("mS/cm²" in text) == (g == "mS/cm²")
    assert cell.area is None or f"a cell of {cell.area:g} µm²" in text


# -- the document ---------------------------------------------------------------------------


@pytest.mark.parametrize("cell", [AXON, CELL, replace(AXON, current_unit=None)])
def test_documents_keep_the_unit_and_the_area(tmp_path, cell):
    again = document.load(document.save(cell, tmp_path))
    assert again == cell and again.current_unit == cell.current_unit and again.area == cell.area


def test_documents_without_the_fields_state_nothing(tmp_path):
    path = document.save(AXON, tmp_path)
    data = json.loads(path.read_text("utf-8"))
    del data["neuron"]["current_unit"], data["neuron"]["area"]
    path.write_text(json.dumps(data), "utf-8")
    assert document.load(path) == replace(AXON, current_unit=None)


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("current_unit", "mA", 'current_unit "mA" is not one'),
        ("current_unit", 3, "must be a text"),
        ("area", -1.0, "area = -1 µm² must be positive"),
        ("area", "big", "must be a number"),
    ],
)
def test_damaged_fields_are_named(tmp_path, field, value, message):
    path = document.save(AXON, tmp_path)
    data = json.loads(path.read_text("utf-8"))
    data["neuron"][field] = value
    path.write_text(json.dumps(data), "utf-8")
    with pytest.raises(DocumentError, match=message):
        document.load(path)
