"""Directions in which the curves of a network move one at a time, as functions of the voltage.

A network is replaced by a wider one with the same outputs: each added chain of units is a smooth
step at one voltage, and its weights into the outputs are zero. Derivatives by these weights are
derivatives along functions of the voltage, whatever the network itself can represent near its
weights.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from ..neuron.channels import NeuralCurrent
from ..neuron.kinetics import NeuralKinetics
from ..neuron.networks import Network
from ..neuron.neuron import Neuron
from ..numerics.arrays import FloatArray, Indices
from ..numerics.mlp import activate

SPACING = 10.0  # mV between steps
STEEP = 1.3  # width of a step, in units of their distance


@dataclass(frozen=True)
class Added:
    """Added directions of one network: their places in theta (q,), and the functions.

    `functions` (n, out, q) are the changes of the outputs at the voltages asked for.
    """

    name: str
    places: Indices
    functions: FloatArray


def widened(
    neuron: Neuron, names: Sequence[str], knots: FloatArray, v: FloatArray
) -> tuple[Neuron, list[Added]]:
    """The neuron with the networks of gates or currents `names` widened, and what was added.

    Parameters
    ----------
    neuron : Neuron
    names : sequence of str
        ``"channel.gate"``, or a channel whose current is a network of the voltage alone.
    knots, v : array (m,), (n,)
        mV: where steps are, and where their functions are wanted.
    """
    wide, out = neuron, []
    for name in names:
        holder = holder_of(neuron, name)
        network, features = _wider(holder.network, knots, v, holder.v_shift, holder.v_scale)
        wide = _with(wide, name, replace(holder, network=network))
        out.append(features)
    added = []
    for name, features in zip(names, out, strict=True):
        holder = holder_of(neuron, name)
        outs, hidden = holder.network.layers[-1], holder.network.layers[-2]
        prefix = f"{name}.network"
        last = len(holder.network.layers) - 2
        weight, bias = (wide.layout[f"{prefix}.{kind}{last}"] for kind in ("weight", "bias"))
        grid = np.arange(weight.start, weight.start + weight.size).reshape(outs, -1)
        places, functions = [], []
        for o in range(outs):
            places += [*grid[o, hidden:], bias.start + o]
            part = np.zeros((len(v), outs, features.shape[1] + 1))
            part[:, o, :-1], part[:, o, -1] = features, 1.0
            functions.append(part)
        added.append(Added(name, np.array(places), np.concatenate(functions, axis=2)))
    return wide, added


def knots_for(low: float, high: float) -> FloatArray:
    """Voltages of steps, mV, over a range.

    Examples
    --------
    >>> knots_for(-20.0, 20.0)
    array([-20., -10.,   0.,  10.,  20.])
    """
    count = max(2, int(np.ceil((high - low) / SPACING)) + 1)
    return np.linspace(low, high, count)


def _wider(
    network: Network, knots: FloatArray, v: FloatArray, shift: float, scale: float
) -> tuple[Network, FloatArray]:
    """The network with a chain of units for each knot; what leaves the chains at `v` (n, m)."""
    m, weights, biases = len(knots), [], []
    gain = scale / (STEEP * SPACING)
    z = (v[:, None] - shift) / scale
    x = gain * (z - (knots - shift) / scale)
    for i, (weight, bias) in enumerate(zip(network.weights, network.biases, strict=True)):
        rows, columns = weight.shape
        if i == len(network.weights) - 1:
            wide = np.concatenate([weight, np.zeros((rows, m))], axis=1)
            weights.append(wide)
            biases.append(bias)
            continue
        wide = np.zeros((rows + m, columns + (m if i else 0)))
        wide[:rows, :columns] = weight
        if i == 0:
            wide[rows:] = gain
            more = -gain * (knots - shift) / scale
        else:
            wide[rows:, columns:] = np.eye(m)
            more = np.zeros(m)
        weights.append(wide)
        biases.append(np.concatenate([bias, more]))
        x = activate(network.activation, x)
    return Network(tuple(weights), tuple(biases), network.activation), x


def can_widen(holder: NeuralKinetics | NeuralCurrent) -> bool:
    """Whether its network is one of the voltage alone, with a hidden layer."""
    if isinstance(holder, NeuralKinetics) and not holder.is_linear:
        return False
    return holder.network.layers[0] == 1 and len(holder.network.layers) > 2


def holder_of(neuron: Neuron, name: str) -> NeuralKinetics | NeuralCurrent:
    """The kinetics or current with the network that is called `name`."""
    channel, _, gate = name.partition(".")
    found = neuron.gate(gate).kinetics if gate else neuron.channel(channel)
    assert isinstance(found, (NeuralKinetics, NeuralCurrent))
    return found


def _with(neuron: Neuron, name: str, holder: NeuralKinetics | NeuralCurrent) -> Neuron:
    channel, _, gate = name.partition(".")
    if isinstance(holder, NeuralCurrent):
        return neuron.replace_channel(channel, holder)
    return neuron.replace_gate(gate, holder)
