"""Ionic currents and open probabilities along a trajectory, in numpy."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..neuron.channels import Channel, Current, NeuralCurrent
from .solution import NamedArrays

if TYPE_CHECKING:
    from ..neuron.gates import Gate
    from ..neuron.neuron import Neuron

FloatArray = NDArray[np.float64]


def open_probability(neuron: Neuron, channel: Channel, y: FloatArray) -> FloatArray:
    """Π x^p of a channel for states `y` (..., S) of `neuron`: (...)."""
    product = np.ones(y.shape[:-1])
    for gate in channel.gates:
        product = product * _value(neuron, gate, y) ** gate.power
    return product


def _value(neuron: Neuron, gate: Gate, y: FloatArray) -> FloatArray:
    if gate.has_state:
        return y[..., neuron.states.index(gate.name)]
    return gate.kinetics.x_inf(y[..., 0])


def ionic_current(neuron: Neuron, channel: Current, y: FloatArray) -> FloatArray:
    """Current of a channel for states `y` (..., S): (...), outward positive."""
    v = y[..., 0]
    if isinstance(channel, NeuralCurrent):
        own = [_value(neuron, gate, y) for gate in channel.gates]
        inputs = np.stack([(v - channel.v_shift) / channel.v_scale, *own], axis=-1)
        return channel.scale * channel.network(inputs)[..., 0]
    return channel.g * open_probability(neuron, channel, y) * (v - channel.e)


def currents_of(base: Neuron, theta: FloatArray, y: FloatArray) -> NamedArrays:
    """Currents by channel, computed when asked for; `theta` is (1, P) or (B, P)."""
    names = [channel.name for channel in base.channels]
    return NamedArrays.computed("current", names, partial(_along, ionic_current, base, theta, y))


def open_probabilities_of(base: Neuron, theta: FloatArray, y: FloatArray) -> NamedArrays:
    """Open probabilities by channel, computed when asked for."""
    names = [channel.name for channel in base.channels if isinstance(channel, Channel)]
    return NamedArrays.computed("channel", names, partial(_along, open_probability, base, theta, y))


def _along(
    compute: Callable[..., FloatArray], base: Neuron, theta: FloatArray, y: FloatArray, name: str
) -> FloatArray:
    if len(theta) == 1:
        neuron = base.with_theta(theta[0])
        return compute(neuron, neuron.channel(name), y)
    cells = [base.with_theta(row) for row in theta]
    return np.stack([compute(c, c.channel(name), x) for c, x in zip(cells, y, strict=True)])
