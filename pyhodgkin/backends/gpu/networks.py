"""A small network as a graph; its weights are read from memory where they are used."""

from __future__ import annotations

from collections.abc import Sequence

from ...neuron.tables import Tables
from ...numerics.mlp import ACTIVATIONS
from .graph import Node, hyperbolic_tangent, logistic, softplus

NAMES = tuple[str, ...](ACTIVATIONS)


def layers_of(tables: Tables, net: int) -> list[int]:
    first, last = tables.network_bounds[net : net + 2]
    return tables.layers[first:last].tolist()


def network(tables: Tables, net: int, inputs: Sequence[Node]) -> list[Node]:
    """Outputs of the network `net`."""
    place = int(tables.network_place[net])
    activation = NAMES[tables.network_activation[net]]
    layers, values = layers_of(tables, net), list(inputs)
    graph = values[0].graph
    for layer, n_out in enumerate(layers[1:]):
        n_in = len(values)
        bias = place + n_in * n_out
        new = []
        for o in range(n_out):
            total = graph.weight(bias + o)
            for i, z in enumerate(values):
                total = graph.weight(place + o * n_in + i) * z + total
            new.append(total if layer == len(layers) - 2 else _activated(total, activation))
        values, place = new, bias + n_out
    return values


def _activated(z: Node, activation: str) -> Node:
    if activation == "tanh":
        return hyperbolic_tangent(z)
    return softplus(z) if activation == "softplus" else z * logistic(z)
