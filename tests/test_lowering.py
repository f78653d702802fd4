"""The flat tables of a neuron: a right-hand side computed from them alone is that of the neuron."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from neurons import ALL, SQUID
from numpy_rhs import rhs

import pyhodgkin as ph
from pyhodgkin import Gate, Network, NeuralKinetics
from pyhodgkin.errors import InputError
from pyhodgkin.neuron import neural_forms
from pyhodgkin.neuron.kinetics import SteadyStateKinetics
from pyhodgkin.neuron.rates import Constant, Exponential, Linoid, Power, Product, Sigmoid, Sum
from pyhodgkin.neuron.tables import LEAF_FORMS, NODE_KINDS, PRIOR_KINDS, GateKind, Tables
from pyhodgkin.numerics import mlp
from pyhodgkin.numerics.elementary import exponential, linoid, logistic


def curves_at(t: Tables, theta, v: float) -> list[float]:
    values = []
    for form, place in zip(t.leaf_form, t.leaf_place, strict=True):
        name = LEAF_FORMS[form]
        if name == "constant":
            values.append(theta[place])
            continue
        a, v0, k = theta[place : place + 3]
        x = (v - v0) / k
        shape = {
            "exponential": lambda x: exponential(x),
            "sigmoid": lambda x: logistic(x),
            "linoid": lambda x, k=k: k * linoid(x)[0],
        }[name]
        values.append(a * float(shape(np.array(x))))
    for i, kind in enumerate(t.node_kind):
        parts = [values[c] for c in t.children[t.node_bounds[i] : t.node_bounds[i + 1]]]
        of = {Sum: np.sum, Product: np.prod, Power: lambda x, i=i: x[0] ** t.node_exponent[i]}
        values.append(float(of[NODE_KINDS[kind]](parts)))
    return values


def network_at(t: Tables, theta, i: int, inputs):
    layers = t.layers[t.network_bounds[i] : t.network_bounds[i + 1]].tolist()
    place, arrays = t.network_place[i], []
    for n_in, n_out in pairwise(layers):
        arrays.append(theta[place : place + n_in * n_out].reshape(n_out, n_in))
        arrays.append(theta[place + n_in * n_out : place + n_in * n_out + n_out])
        place += n_in * n_out + n_out
    activation = list(mlp.ACTIVATIONS)[t.network_activation[i]]
    return mlp.forward(arrays, activation, np.array(inputs, dtype=float)).output


def rates(t: Tables, theta, g: int, values, v: float) -> tuple[float, float]:
    """Opening rate and sum of the rates of a gate that is linear."""
    factor, shift, inverse_scale, tau_min, span, bound = t.gate_numbers[g]
    first, second = (values[c] if c >= 0 else 1.0 for c in t.gate_curves[g])
    kind = t.gate_kind[g]
    if kind == GateKind.RATES:
        return factor * first, factor * (first + second)
    if kind == GateKind.STEADY_STATE:
        return factor * first / second, factor / second
    out = network_at(t, theta, t.gate_network[g], [(v - shift) * inverse_scale])
    if kind == GateKind.NEURAL_STEADY_STATE:
        tau = tau_min + np.exp(out[1])
        if np.isfinite(span):
            tau = tau_min * np.exp(span * logistic(out[1]))
        return factor * float(logistic(out[0])) / tau, factor / tau
    alpha, beta = np.exp(bound * np.tanh(out / bound))
    if PRIOR_KINDS[t.gate_prior[g]] == "steady_state":
        first, second = first / second, (1 - first) / second
    return factor * alpha * first, factor * (alpha * first + beta * second)


def rhs_of(t: Tables, theta, y, u: float):
    """dy/dt by the tables."""
    if t.is_black_box:
        shift, scale, rate = t.box_numbers
        inputs = (y - shift) / scale
        layers = t.layers
        if layers[0] > len(y):
            inputs = np.append(inputs, u * t.box_stimulus)
        return network_at(t, theta, 0, inputs) * rate
    v, dy = y[0], np.zeros(len(y))
    values = curves_at(t, theta, v)
    x = np.zeros(len(t.gate_kind))
    for g, kind in enumerate(t.gate_kind):
        state = t.gate_state[g]
        if kind == GateKind.INSTANTANEOUS:
            x[g] = values[t.gate_curves[g, 0]]
            continue
        x[g] = y[state]
        if kind == GateKind.FREE:
            net = t.gate_network[g]
            z = [(v - t.gate_numbers[g, 1]) * t.gate_numbers[g, 2], x[g]]
            inputs = z[2 - t.layers[t.network_bounds[net]] :]
            dy[state] = t.gate_numbers[g, 0] * network_at(t, theta, net, inputs)[0]
        else:
            a, s = rates(t, theta, g, values, v)
            dy[state] = a - s * x[g]
    total = 0.0
    for c, (g, e) in enumerate(t.channel_places):
        rows = t.factors[t.channel_bounds[c] : t.channel_bounds[c + 1]]
        total += theta[g] * np.prod([x[i] ** p for i, p in rows]) * (v - theta[e])
    for i, net in enumerate(t.current_network):
        scale, shift, inverse = t.current_numbers[i]
        own = t.current_gates[t.current_bounds[i] : t.current_bounds[i + 1]]
        total += scale * network_at(t, theta, net, [(v - shift) * inverse, *x[own]])[0]
    dy[0] = (u - total) / theta[t.c_m]
    return dy


FREE = SQUID.replace_gate("n", NeuralKinetics("free", Network.create((2, 4, 1), seed=2)))
BLIND = SQUID.replace_gate("h", NeuralKinetics("free", Network.create((1, 4, 1), seed=2)))
BOUNDLESS = SQUID.replace_gate(
    "n", NeuralKinetics("steady_state", Network.create((1, 3, 2), "silu"), tau_max=None)
)
SLOW = Sum((Constant(0.5), Product((Exponential(2.0, -50, -30), Sigmoid(1, -40, 9)))))
NESTED = SQUID.replace_gate(
    "n", SteadyStateKinetics(Sigmoid(1, -50, 12), Power(Sum((SLOW, Linoid(0.1, -45, 7))), 0.5))
)
PRIOR = SQUID.replace_gate(
    "n", NeuralKinetics("residual", Network.create((1, 3, 2)), prior=NESTED.gate("n").kinetics)
)
WARM = replace(
    SQUID,
    temperature=16.3,
    channels=tuple(
        c.with_gates(tuple(replace(g, q10=3.0, t_ref=6.3) for g in c.gates)) for c in SQUID.channels
    ),
)
CASES = ALL | {
    "free": FREE,
    "blind": BLIND,
    "boundless": BOUNDLESS,
    "nested": NESTED,
    "prior": PRIOR,
    "warm": WARM,
}


@pytest.mark.parametrize("name", CASES)
def test_right_hand_side_from_the_tables_is_that_of_the_neuron(name):
    neuron, rng = CASES[name], np.random.default_rng(0)
    tables, expected = neuron.tables, rhs(CASES[name], 3.0)
    for v in (-95.0, -61.0, -40.0, 22.0):
        y = np.concatenate([[v], rng.uniform(0.05, 0.95, len(neuron.states) - 1)])
        got = rhs_of(tables, neuron.theta, y, 3.0)
        np.testing.assert_allclose(got, expected(0.0, y), rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("name", CASES)
def test_every_parameter_has_one_place(name):
    tables, layout = CASES[name].tables, CASES[name].layout
    assert tables.size == layout.size == len(CASES[name].theta)
    for channel, (g, e) in zip(
        [c for c in CASES[name].channels if hasattr(c, "g")], tables.channel_places, strict=True
    ):
        assert (layout[f"{channel.name}.g"].start, layout[f"{channel.name}.e"].start) == (g, e)
    assert np.all(np.diff(tables.leaf_form) >= 0)


def test_tables_do_not_depend_on_the_values_of_the_parameters():
    neuron = ALL["learned"]
    moved = neuron.with_theta(neuron.theta * 1.01)
    for name, array in neuron.tables.arrays().items():
        np.testing.assert_array_equal(array, getattr(moved.tables, name))


def test_a_form_from_outside_has_no_tables():
    neural_forms.register("test_lowering_form", lambda first, second, numbers, xp: (1.0, 1.0))
    gate = Gate("q", NeuralKinetics("test_lowering_form", Network.create((1, 3, 2))))
    cell = SQUID.with_channel(ph.Channel("extra", 0.1, -60.0, (gate,)))
    with pytest.raises(InputError, match='gate "q": form = "test_lowering_form"'):
        _ = cell.tables
