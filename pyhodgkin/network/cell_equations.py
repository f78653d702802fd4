"""The equations of many cells in numpy, from the tables of their neuron.

Every cell may have parameters of its own. The compiled kernels compute the same.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from ..neuron.functions import FUNCTIONS
from ..neuron.tables import LEAF_FORMS, NODE_FORMS, NONE, PRIOR_KINDS, GateKind, Tables
from ..numerics.arrays import FloatArray
from ..numerics.elementary import exponential, linoid, logistic
from ..numerics.mlp import ACTIVATIONS, activate, activation_slope
from ..numerics.piecewise_cubic import value_and_slope

_EXPONENTIAL, _SIGMOID, _LINOID, _ = map(LEAF_FORMS.index, LEAF_FORMS)
_PRIOR_RATES = PRIOR_KINDS.index("rates")
Pair = tuple[FloatArray, FloatArray]


class CellEquations:
    """The rates, currents and steady states of N cells.

    Parameters
    ----------
    tables : Tables
    theta : array (1, P) or (N, P)
        Weights of networks are those of the first row.

    Examples
    --------
    >>> import pyhodgkin as ph
    >>> axon = ph.library.get("squid_axon")
    >>> cells = CellEquations(axon.tables, axon.theta[None])
    >>> bool(np.allclose(cells.steady_state(np.array([-65.0]))[0], axon.initial_state(-65.0)))
    True
    """

    def __init__(self, tables: Tables, theta: FloatArray) -> None:
        self.tables, self.theta = tables, theta
        self.c_m = theta[:, tables.c_m]
        self.linear = not (
            (tables.gate_kind == GateKind.INSTANTANEOUS).any() or len(tables.current_network)
        )

    # -- curves and networks, with their slopes by v -----------------------------------------

    def _curves(self, v: FloatArray) -> list[Pair]:
        """Value and slope of every curve at the voltages `v` (N,)."""
        t, found = self.tables, []
        for form, place in zip(t.leaf_form, t.leaf_place, strict=True):
            a = self.theta[:, place]
            if form > _LINOID:
                found.append((a + 0.0 * v, 0.0 * v))
                continue
            v0, k = self.theta[:, place + 1], self.theta[:, place + 2]
            x = (v - v0) / k
            if form == _EXPONENTIAL:
                value = a * exponential(x)
                found.append((value, np.where(x < 700.0, value / k, 0.0)))
            elif form == _SIGMOID:
                s = logistic(x)
                found.append((a * s, a * s * logistic(-x) / k))
            else:
                value, slope = linoid(x)
                found.append((a * k * value, a * slope))
        for n, kind in enumerate(t.node_kind):
            children = [found[c] for c in t.children[slice(*t.node_bounds[n : n + 2])]]
            number, rows = float(t.node_exponent[n]), t.table_rows
            if NODE_FORMS[kind] == "table":
                rows = rows[slice(*t.table_bounds[int(number) : int(number) + 2])]
            found.append(_node(NODE_FORMS[kind], number, children, v, rows))
        return found

    def _network(self, net: int, inputs: list[Pair]) -> list[Pair]:
        """Outputs of a network, and their slopes along those of the inputs."""
        t = self.tables
        layers = t.layers[t.network_bounds[net] : t.network_bounds[net + 1]]
        name, place = ACTIVATIONS[t.network_activation[net]], int(t.network_place[net])
        z = np.stack([np.broadcast_to(x, inputs[0][0].shape) for x, _ in inputs], axis=-1)
        d = np.stack([np.broadcast_to(x, inputs[0][0].shape) for _, x in inputs], axis=-1)
        for layer, (n_in, n_out) in enumerate(pairwise(layers)):
            weight = self.theta[0, place : place + n_in * n_out].reshape(n_out, n_in)
            bias = self.theta[0, place + n_in * n_out : place + (n_in + 1) * n_out]
            place += (n_in + 1) * n_out
            z, d = z @ weight.T + bias, d @ weight.T
            if layer + 2 < len(layers):
                z, d = activate(name, z), d * activation_slope(name, z)
        return [(z[..., i], d[..., i]) for i in range(z.shape[-1])]

    # -- gates ------------------------------------------------------------------------------

    def rates(self, v: FloatArray) -> list[tuple[FloatArray, FloatArray] | None]:
        """a and s of dx/dt = a - s x of every gate; x and its slope where it is instantaneous."""
        curves, t = self._curves(v), self.tables
        return [self._gate(g, GateKind(kind), v, curves) for g, kind in enumerate(t.gate_kind)]

    def _gate(self, g: int, kind: GateKind, v: FloatArray, curves: list[Pair]) -> Pair | None:
        t = self.tables
        factor, shift, inverse, low, span, bound = t.gate_numbers[g]
        first, second = t.gate_curves[g]
        if kind == GateKind.INSTANTANEOUS:
            return curves[first]
        if kind == GateKind.FREE:
            return None
        if kind == GateKind.RATES:
            a = factor * curves[first][0]
            return a, a + factor * curves[second][0]
        if kind == GateKind.STEADY_STATE:
            s = factor / curves[second][0]
            return s * curves[first][0], s
        one, other = (
            x for x, _ in self._network(t.gate_network[g], [((v - shift) * inverse, 0.0 * v)])
        )
        if kind == GateKind.NEURAL_STEADY_STATE:
            held = np.clip(other, -40.0, 60.0)
            tau = low + np.exp(held) if np.isnan(span) else low * np.exp(span * logistic(other))
            return factor / tau * logistic(one), factor / tau
        alpha = factor * np.exp(bound * np.tanh(one / bound))
        beta = factor * np.exp(bound * np.tanh(other / bound))
        if t.gate_prior[g]:
            x, y = curves[first][0], curves[second][0]
            rates = t.gate_prior[g] == _PRIOR_RATES
            alpha, beta = (alpha * x, beta * y) if rates else (alpha * x / y, beta * (1.0 - x) / y)
        return alpha, alpha + beta

    def _free(self, g: int, v: FloatArray, own: FloatArray) -> FloatArray:
        """dx/dt of a gate that is a network of v and x, or of x."""
        t, net = self.tables, self.tables.gate_network[g]
        factor, shift, inverse = t.gate_numbers[g, :3]
        inputs = [((v - shift) * inverse, 0.0 * v), (own, 0.0 * v)]
        n = int(t.layers[t.network_bounds[net]])
        return factor * self._network(net, inputs[2 - n :])[0][0]

    def relax_gates(self, y: FloatArray, v: FloatArray, h: float) -> None:
        """The gates of the states `y` (N, S) after `h` ms at the voltages `v`, in place."""
        for g, pair in enumerate(self.rates(v)):
            state, kind = self.tables.gate_state[g], self.tables.gate_kind[g]
            if kind == GateKind.INSTANTANEOUS:
                continue
            own = y[:, state]
            if pair is None:
                middle = own + 0.5 * h * self._free(g, v, own)
                y[:, state] = own + h * self._free(g, v, middle)
            else:
                level = pair[0] / pair[1]
                y[:, state] = level + (own - level) * np.exp(-h * pair[1])

    def steady_state(self, v: FloatArray) -> FloatArray:
        """States (N, S) at the voltages `v` (N,), as `Neuron.initial_state`."""
        t = self.tables
        y = np.empty((len(v), len(t.states)))
        y[:, 0] = v
        for g, pair in enumerate(self.rates(v)):
            if t.gate_state[g] != NONE:
                y[:, t.gate_state[g]] = 0.5 if pair is None else pair[0] / pair[1]
        own = ~np.isnan(t.initial)
        own[0] = False
        y[:, own] = t.initial[own]
        return y

    # -- the current ------------------------------------------------------------------------

    def relax_voltage(self, y: FloatArray, u: FloatArray, g: FloatArray, h: float) -> FloatArray:
        """The voltage after `h` ms at held gates under the current u - g v."""
        v = y[:, 0]
        gates = self._open(y)
        if self.linear:
            for open_, e in self._conductances(gates):
                u, g = u + open_ * e, g + open_
            return v + h * ((u - g * v) / self.c_m) / linoid(h * g / self.c_m)[0]
        total, slope = u - g * v, -g
        for channel, (open_, e) in enumerate(self._conductances(gates)):
            total, slope = total - open_ * (v - e), slope - open_
            slope = slope - self._slope_of_gates(channel, gates) * (v - e)
        for current, (value, by_v) in enumerate(self._unknown(v, gates)):
            scale = self.tables.current_numbers[current, 0]
            total, slope = total - scale * value, slope - scale * by_v
        return v + h * (total / self.c_m) / linoid(-h * slope / self.c_m)[0]

    def _open(self, y: FloatArray) -> list[Pair]:
        """Every gate, and its slope by v where it is instantaneous."""
        t, v = self.tables, y[:, 0]
        curves = self._curves(v) if (t.gate_kind == GateKind.INSTANTANEOUS).any() else []
        zero = 0.0 * v
        return [
            curves[t.gate_curves[g, 0]] if kind == GateKind.INSTANTANEOUS
            else (y[:, t.gate_state[g]], zero)
            for g, kind in enumerate(t.gate_kind)
        ]  # fmt: skip

    def _conductances(self, gates: list[Pair]):
        t = self.tables
        for i, (g, e) in enumerate(t.channel_places):
            open_ = self.theta[:, g]
            for gate, power in t.factors[t.channel_bounds[i] : t.channel_bounds[i + 1]]:
                open_ = open_ * gates[gate][0] ** power
            yield open_, self.theta[:, e]

    def _slope_of_gates(self, i: int, gates: list[Pair]) -> FloatArray:
        """The slope by v of the conductance of channel `i` through instantaneous gates."""
        t = self.tables
        factors = t.factors[t.channel_bounds[i] : t.channel_bounds[i + 1]]
        total = np.zeros(len(gates[0][0])) if gates else np.zeros(1)
        for j, (gate, power) in enumerate(factors):
            part = self.theta[:, t.channel_places[i, 0]] * gates[gate][1]
            for k, (other, exponent) in enumerate(factors):
                value = gates[other][0]
                part = part * (power * value ** (power - 1) if k == j else value**exponent)
            total = total + part
        return total

    def _unknown(self, v: FloatArray, gates: list[Pair]):
        t = self.tables
        for i, net in enumerate(t.current_network):
            _, shift, inverse = t.current_numbers[i]
            own = t.current_gates[t.current_bounds[i] : t.current_bounds[i + 1]]
            inputs = [((v - shift) * inverse, inverse + 0.0 * v), *(gates[g] for g in own)]
            yield self._network(net, inputs)[0]


def _node(kind: str, number: float, children: list[Pair], v: FloatArray, rows: FloatArray) -> Pair:
    """A curve that is made of others; `rows` are those of a table."""
    if kind == "number":
        return number + 0.0 * v, 0.0 * v
    if kind == "voltage":
        return v, 0.0 * v + 1.0
    if kind in FUNCTIONS:
        return FUNCTIONS[kind][2](*children)
    value, slope = children[0]
    if kind == "table":
        value, along = value_and_slope(rows, value)
        return value, along * slope
    if kind == "sum":
        return sum(x for x, _ in children), sum(d for _, d in children)  # type: ignore[return-value]
    if kind == "product":
        for x, d in children[1:]:
            value, slope = value * x, slope * x + value * d
        return value, slope
    return value**number, number * value ** (number - 1.0) * slope
