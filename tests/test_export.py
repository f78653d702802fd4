"""Neurons as code of other simulators: the formulas, the files, what is refused; and their runs."""

from __future__ import annotations

import ast
import re
import xml.etree.ElementTree as ET

import numpy as np
import pytest
from export_runs import SIMULATORS, runs_like_ours
from neurons import PLAIN

import pyhodgkin as ph
from pyhodgkin.errors import InputError, UnknownNameError
from pyhodgkin.export.expressions import (
    Call,
    Choice,
    Lookup,
    Number,
    Symbol,
    expressions_of,
    logistic,
)
from pyhodgkin.export.mechanism import program_of
from pyhodgkin.export.printing import Printer, unrolled
from pyhodgkin.neuron.neural_forms import NUMPY
from pyhodgkin.numerics.elementary import linoid

V = np.linspace(-120.0, 80.0, 401)
AXON = ph.library.get("squid_axon")
TARGETS = ("nmodl", "brian2", "jaxley", "neuroml", "julia")
HERE = {
    "exp": np.exp, "tanh": np.tanh, "log": np.log, "linoid": lambda x: linoid(x)[0],
    "softplus": NUMPY.softplus, "silu": lambda x: 0.5 * x * (1.0 + np.tanh(0.5 * x)),
}  # fmt: skip


def with_network(form, activation="tanh", **options):
    """The axon with a network in n."""
    shape = (2, 7, 5, 1) if form == "free" else (1, 7, 5, 2)
    net = ph.Network.create(shape, activation, seed=3)
    return AXON.replace_gate("n", ph.NeuralKinetics(form, net, **options))


def with_current():
    gate = ph.Gate("w", ph.SteadyStateKinetics(ph.rates.Sigmoid(1.0, -40.0, 8.0), 20.0))
    net = ph.Network.create((2, 6, 1), "softplus", seed=4)
    return AXON.with_channel(ph.NeuralCurrent("x", net, (gate,), scale=2.0))


LEARNED = {
    "steady_state": with_network("steady_state"),
    "no_longest": with_network("steady_state", "silu", tau_max=None),
    "rates": with_network("rates", "softplus"),
    "residual": with_network("residual", prior=AXON.gate("n").kinetics),
    "residual_of_curves": with_network(
        "residual", prior=ph.SteadyStateKinetics(ph.rates.Sigmoid(1.0, -35.0, 10.0), 4.0)
    ),
    "free": with_network("free"),
    "current": with_current(),
}


def with_formulas():
    """The axon with a formula, a choice, a minimum and tables in n and m."""
    rates = ph.RateKinetics(
        ph.rates.formula("min(0.5, a*exp((v + 55)/k) + 0.02)", a=0.1, k=20.0),
        ph.rates.formula("0.1 if v < -50 else 0.1*exp(-(v + 50)/80)"),
    )
    v = np.linspace(-110.0, 60.0, 41)
    m = AXON.gate("m").kinetics
    tables = ph.SteadyStateKinetics(
        ph.rates.Tabulated(v, m.x_inf(v)), ph.rates.Tabulated(v, m.tau(v), scale="log")
    )
    return AXON.replace_gate("n", rates).replace_gate("m", tables)


CURVED = {"formulas": with_formulas()}
NEURONS = {name: ph.library.get(name) for name in PLAIN} | LEARNED | CURVED


def evaluated(gate, values):
    """The curves of a gate by the text of its program, as Python."""
    known, text = {**HERE, **values}, Printer().text
    for each in unrolled(gate.statements):
        inside = [eval(text(x), {}, known) for x in expressions_of(each)]
        if isinstance(each, Choice):
            known[each.name] = np.where(inside[0] < inside[1], *inside[2:])
        elif isinstance(each, Lookup):
            row = np.searchsorted(each.rows[1:, 0], inside[0], side="right")
            pieces = [eval(text(each.cubic(i)), {}, known) for i in range(len(each.rows))]
            pieces = np.array([np.broadcast_to(x, V.shape) for x in pieces])
            known[each.name] = np.take_along_axis(pieces, row[None], 0)[0]
        else:
            known[each.name] = inside[0]
    return {role: eval(text(x), {}, known) for role, x in gate.values.items()}


@pytest.mark.parametrize("name", NEURONS)
def test_the_formulas_are_those_of_the_kinetics(name):
    neuron = NEURONS[name]
    for gate in program_of(neuron, "test").gates:
        kinetics = neuron.gate(gate.name).kinetics
        if not kinetics.is_linear:
            z = (V - kinetics.v_shift) / kinetics.v_scale
            wanted = kinetics.network(np.stack([z, np.full_like(V, 0.3)], -1))[:, 0]
            found = evaluated(gate, {"v": V, gate.name: 0.3})["slope"]
            np.testing.assert_allclose(found, wanted, rtol=1e-12)
            continue
        for role, found in evaluated(gate, {"v": V}).items():
            wanted = getattr(kinetics, role)(V)
            np.testing.assert_allclose(np.broadcast_to(found, V.shape), wanted, rtol=1e-11)


@pytest.mark.parametrize("to", TARGETS)
@pytest.mark.parametrize("name", NEURONS)
def test_files_are_written_whole(name, to, tmp_path):
    neuron = NEURONS[name]
    if to == "neuroml" and name in ("free", "current"):
        with pytest.raises(InputError, match=r'"free"|is a network'):
            neuron.export(to, tmp_path / "no")
        assert not (tmp_path / "no").exists()
        return
    for path in neuron.export(to, tmp_path):
        text = path.read_text(encoding="utf-8")
        if path.suffix == ".py":
            ast.parse(text)
            # jax.numpy has the names of numpy
            assert all(hasattr(np, name) for name in re.findall(r"jnp\.(\w+)", text))
        elif path.suffix in (".nml", ".xml"):
            ET.fromstring(text)
        elif path.suffix == ".mod":
            assert text.count("{") == text.count("}")
    with pytest.raises(InputError, match="is there already"):
        neuron.export(to, tmp_path)
    assert neuron.export(to, tmp_path, overwrite=True)


def test_numbers_are_exact_and_brackets_where_they_are_needed():
    v, text = Symbol("v"), Printer().text
    assert text(0.28 * 5.0 * v) == "1.4*v"
    assert float(text(Number(0.1234567890123456))) == 0.1234567890123456
    assert text(-(v - 3.0) / 2.0) == "-(v - 3.0)/2.0"
    assert text((v - (v - 1.0)) / (v / 2.0)) == "(v - (v - 1.0))/(v/2.0)"
    assert text((v + 1.0) ** -2.0) == "(v + 1.0)**(-2)"
    assert text(2.0 - (-v)) in ("2.0 - -v", "2.0 + v")
    assert text(Call("exp", -v)) == "exp(-v)" and "tanh" in text(logistic(v))


def test_a_cell_without_an_area_keeps_its_totals():
    whole = AXON.whole_cell(area=500.0)
    program = program_of(whole, "test")
    assert program.area == pytest.approx(500.0) and program.c_m == pytest.approx(1.0)
    assert program.channels[0].g == pytest.approx(36.0)
    herg = ph.library.get("herg_beattie")
    program = program_of(herg, "test")
    total = program.channels[0].g * program.area * 1e-8 * 1e3  # mS/cm² · cm² in µS
    assert total == pytest.approx(herg.channels[0].g)


def test_bad_calls_say_what_to_do(tmp_path):
    with pytest.raises(UnknownNameError, match="nmodl"):
        AXON.export("neuron", tmp_path)
    box = ph.NeuralRightHandSide(ph.Network.create((5, 8, 4)))
    with pytest.raises(InputError, match="one network without channels"):
        ph.Neuron("box", right_hand_side=box).export("nmodl", tmp_path)
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="is a file"):
        AXON.export("nmodl", tmp_path / "file")
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


# -- in the simulators themselves, where they are installed ------------------------------------

RUNS = {
    "nmodl": ("squid_axon", "steady_state", "free", "current", "formulas"),
    "brian2": ("squid_axon", "steady_state", "free", "current", "formulas"),
    "jaxley": ("squid_axon", "residual", "formulas"),
    "neuroml": ("squid_axon", "rates", "formulas"),
    "julia": ("squid_axon", "steady_state", "free", "current", "formulas"),
}


@pytest.mark.parametrize(("to", "name"), [(to, x) for to, names in RUNS.items() for x in names])
def test_simulators_run_it(to, name, tmp_path):
    runs_like_ours(NEURONS[name], *SIMULATORS[to](NEURONS[name], tmp_path))
