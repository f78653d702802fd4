"""Markov schemes as values, and what is refused of them."""

from __future__ import annotations

import numpy as np
import pytest
from coupled_cells import potassium_scheme

import pyhodgkin as ph
from pyhodgkin.errors import InputError, UnknownNameError
from pyhodgkin.rates import Constant, Exponential

MOVES = {("C", "O"): Exponential(0.1, 0, 25), ("O", "C"): 0.2}


def scheme(**changes):
    given = {"name": "k", "states": ("C", "O"), "transitions": MOVES, "open": "O", "g": 1.0, "e": 0}
    return ph.MarkovChannel(**(given | changes))


def test_rates_get_names_and_are_shared():
    channel = scheme()
    assert [rate.name for rate in channel.rates] == ["C_O", "O_C"]
    cell = ph.Neuron(
        "cell",
        (channel, potassium_scheme(), ph.leak(0.1, -70.0, "l")).__class__(
            (potassium_scheme(), ph.leak(0.1, -70.0))
        ),
    )
    names = [e.name for e in cell.layout if e.name.startswith("k.")]
    assert names[:4] == ["k.g", "k.e", "k.up.a", "k.up.v0"]
    assert cell.layout["k.up.a"].transform == "log" and cell.layout["k.up.v0"].group == "fixed"
    assert names[-1] == "k.down.network.bias1"
    moved = cell.with_parameters(k__up__a=0.7).channel("k")
    assert moved.rate("up").curve.a == 0.7


def test_two_states_are_a_gate():
    rates = ph.RateKinetics(Exponential(0.1, 0, 25), Constant(0.2))
    gate = ph.Gate("n", rates)
    a = ph.Neuron("gate", (ph.Channel("k", 1.0, 0.0, (gate,)), ph.leak(0.1, -70.0)))
    b = ph.Neuron("scheme", (scheme(), ph.leak(0.1, -70.0)))
    clamp = ph.CurrentClamp.constant(2.0, 3.0)
    options = {"saveat": np.linspace(0.0, 3.0, 7), "rtol": 1e-9, "atol": 1e-11, "backend": "torch"}
    found = [ph.simulate(cell, clamp, **options) for cell in (a, b)]
    np.testing.assert_allclose(found[0].v, found[1].v, atol=1e-6)
    open_ = found[1].open_probability["k"]
    np.testing.assert_allclose(found[0].y[:, 1], open_, atol=1e-8)


def test_probabilities_sum_to_one_and_stay_in_range():
    cell = ph.library.get("herg_beattie_markov")
    steps = ph.VoltageClamp(ph.Steps([0.0, 1.0, 4.0], [-80.0, 40.0, -60.0]), 8.0)
    y = ph.simulate(cell, steps, saveat=np.linspace(0, 8, 33), backend="torch").y[:, 1:]
    last = 1.0 - y.sum(axis=1)
    assert y.min() > -1e-7 and last.min() > -1e-7 and y.max() < 1.0 + 1e-7


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"states": ("C",)}, "give two or more, each once"),
        ({"open": ()}, "name the states that conduct"),
        ({"open": "X"}, 'unknown state of channel "k" "X"'),
        ({"transitions": {("C", "X"): 1.0}}, "unknown state"),
        ({"transitions": {("C", "O"): 1.0}}, "no transitions lead from O to C|lead from"),
        ({"transitions": {("C", "O"): "up", ("O", "C"): 1.0}}, 'unknown rate of channel "k" "up"'),
        ({"transitions": {**MOVES, ("C", "C"): 1.0}}, "leads to itself"),
        ({"transitions": {("C", "O"): (0.0, "a"), ("O", "C"): "a"}, "rates": {"a": 1.0}}, "factor"),
        ({"rates": {"spare": 1.0}}, r"rate \['spare'\] is used by no transition"),
        ({"g": -1.0}, "g = -1"),
        ({"q10": 0.0}, "q10 = 0"),
    ],
)
def test_schemes_that_are_none(changes, text):
    with pytest.raises(InputError, match=text):
        scheme(**changes)


def test_rates_by_name():
    channel = potassium_scheme()
    other = channel.with_rate("down", Exponential(0.05, 0, -30))
    assert other.rate("down").learned is None and channel.rate("down").learned is not None
    with pytest.raises(UnknownNameError, match=r'"upp".*"up"'):
        channel.with_rate("upp", 1.0)
    with pytest.raises(InputError, match="give a curve, a network"):
        ph.Rate("a")
    with pytest.raises(InputError, match="needs 1 and 1"):
        ph.Rate("a", learned=ph.Network.create((1, 3, 2)))
    with pytest.raises(InputError, match="has no gates"):
        channel.with_gates((ph.Gate("n", ph.RateKinetics(1.0, 1.0)),))
