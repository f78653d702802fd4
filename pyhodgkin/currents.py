"""Ionic currents and open probabilities along a trajectory, in numpy."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .neuron.channels import Channel, Current, NeuralCurrent

if TYPE_CHECKING:
    from .neuron.gates import Gate
    from .neuron.neuron import Neuron

FloatArray = NDArray[np.float64]
Lazy = dict[str, Any]  # functions that return an array


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


def currents_of(base: Neuron, theta: FloatArray, y: FloatArray, batched: bool) -> Lazy:
    """By channel a function that computes its current; `theta` is (1, P) or (B, P)."""
    return _lazily(base, theta, y, batched, base.channels, ionic_current)


def open_probabilities_of(base: Neuron, theta: FloatArray, y: FloatArray, batched: bool) -> Lazy:
    """By channel a function that computes its open probability."""
    channels = [c for c in base.channels if isinstance(c, Channel)]
    return _lazily(base, theta, y, batched, channels, open_probability)


def _lazily(
    base: Neuron,
    theta: FloatArray,
    y: FloatArray,
    batched: bool,
    channels: Iterable[Current],
    compute: Callable[..., FloatArray],
) -> Lazy:
    def later(name: str) -> Callable[[], FloatArray]:
        def now() -> FloatArray:
            if len(theta) == 1:
                neuron = base.with_theta(theta[0])
                return compute(neuron, neuron.channel(name), y)
            cells = [base.with_theta(row) for row in theta]
            return np.stack([compute(c, c.channel(name), x) for c, x in zip(cells, y, strict=True)])

        return now

    return {channel.name: later(channel.name) for channel in channels}
