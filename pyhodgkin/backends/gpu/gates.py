"""The gates of a neuron at one voltage, as a graph: dx/dt = a(v) - s(v) x."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from ...neuron.tables import PRIOR_KINDS, GateKind, Tables
from .graph import Node, exponential, hyperbolic_tangent, logistic, within
from .networks import layers_of, network

# Where a network's logarithm of a time constant without a limit is held.
LEAST, MOST = -40.0, 60.0


@dataclass(frozen=True)
class Law:
    """The rate a and the sum s of a gate; of an instantaneous one its value x."""

    a: Node | None = None
    s: Node | None = None
    x: Node | None = None


def laws(tables: Tables, curves: Sequence[Node], v: Node) -> list[Law]:
    """Of every gate; a free one has none."""
    return [_law(tables, curves, v, g) for g in range(len(tables.gate_kind))]


def _law(tables: Tables, curves: Sequence[Node], v: Node, g: int) -> Law:
    kind = GateKind(tables.gate_kind[g])
    one, other = (curves[i] if i >= 0 else None for i in tables.gate_curves[g].tolist())
    factor = float(tables.gate_numbers[g, 0])
    if kind == GateKind.FREE:
        return Law()
    if kind == GateKind.INSTANTANEOUS:
        return Law(x=one)
    if kind == GateKind.RATES:
        assert one is not None and other is not None
        a = factor * one
        return Law(a, a + factor * other)
    if kind == GateKind.STEADY_STATE:
        assert one is not None and other is not None
        s = factor / other
        return Law(s * one, s)
    return _neural(tables, one, other, v, g)


def _neural(tables: Tables, one: Node | None, other: Node | None, v: Node, g: int) -> Law:
    """Of a gate whose rates come from a network; `one` and `other` are curves of its prior."""
    factor, shift, scale, tau_min, span, bound = tables.gate_numbers[g].tolist()
    first, second = network(tables, int(tables.gate_network[g]), [(v - shift) * scale])
    if tables.gate_kind[g] == GateKind.NEURAL_STEADY_STATE:
        if math.isnan(span):
            tau = tau_min + exponential(within(second, LEAST, MOST))
        else:
            tau = tau_min * exponential(span * logistic(second))
        s = factor / tau
        return Law(s * logistic(first), s)
    alpha = factor * exponential(bound * hyperbolic_tangent(first / bound))
    beta = factor * exponential(bound * hyperbolic_tangent(second / bound))
    prior = PRIOR_KINDS[tables.gate_prior[g]]
    if prior:
        assert one is not None and other is not None
        if prior == "rates":
            alpha, beta = alpha * one, beta * other
        else:
            alpha, beta = alpha * (one / other), beta * ((1.0 - one) / other)
    return Law(alpha, alpha + beta)


def free_rate(tables: Tables, v: Node, x: Node, g: int) -> Node:
    """dx/dt of a gate that is a network of v and x, or of x."""
    factor, shift, scale = tables.gate_numbers[g, :3].tolist()
    net = int(tables.gate_network[g])
    inputs = [x] if layers_of(tables, net)[0] == 1 else [(v - shift) * scale, x]
    return factor * network(tables, net, inputs)[0]
