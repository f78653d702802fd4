"""A network as layers from symbols to symbols."""

from __future__ import annotations

from ..neuron.networks import Network
from .expressions import Layer


def network(
    net: Network, prefix: str, inputs: tuple[str, ...]
) -> tuple[tuple[Layer, ...], tuple[str, ...]]:
    """Layers of a network from symbols to symbols, and the names of its outputs."""
    layers = []
    for i, (weight, bias) in enumerate(zip(net.weights, net.biases, strict=True)):
        last = i == len(net.weights) - 1
        out = tuple(f"{prefix}_{'out' if last else f'h{i}'}_{j}" for j in range(len(bias)))
        layers.append(Layer(out, inputs, weight, bias, "" if last else net.activation))
        inputs = out
    return tuple(layers), inputs
