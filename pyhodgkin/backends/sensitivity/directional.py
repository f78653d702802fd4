"""Derivatives along directions in theta, from an engine's derivatives by single entries.

Networks have thousands of weights but a few smooth outputs: of all directions in which their
weights can move, some tens change these. So derivatives are taken by the outputs of the networks
first, and by the weights only along the directions asked for.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ...numerics.arrays import FloatArray, Indices
from ...numerics.interpolation import even_stencils, weighted
from ..linearization import Directions, WeightDirections
from .local import LocalDerivatives, NetworkInputs, Quantity

_LEVELS = 600  # of the input of a network with one input
_POINTS = 1_000  # at once: rows by weight of a large network are large


def jvp(
    local: LocalDerivatives,
    quantity: Quantity,
    theta: FloatArray,
    y: FloatArray,
    u: FloatArray,
    directions: Directions,
) -> FloatArray:
    """Derivatives (N, F, q) of a quantity along q directions, those of networks first.

    Parameters
    ----------
    local : LocalDerivatives
    quantity : str
    theta : array (P,)
    y : array (S, N)
        States, in the order of `local.states`.
    u : array (N,)
    directions : Directions
    """
    networks = network_inputs(local, theta, y, u)
    # An output of a network moves as its last bias does.
    outputs = [network.biases for network in networks]
    entries = np.concatenate([*outputs, directions.entries]).astype(np.intp)
    slopes, found, place = local.slopes(quantity, theta, y, u, entries), [], 0
    for network, block in zip(networks, directions.networks, strict=True):
        own = slopes[:, :, place : place + network.outputs]
        place += network.outputs
        if own.any() and block.columns.size:
            found.append(own @ _projected(network, block))
        else:
            found.append(np.zeros((*own.shape[:2], block.columns.shape[1])))
    return np.concatenate([*found, slopes[:, :, place:] * directions.slopes], axis=-1)


def network_inputs(
    local: LocalDerivatives, theta: FloatArray, y: FloatArray, u: FloatArray
) -> list[NetworkInputs]:
    """The networks of a neuron in the order of their places in theta, and their inputs."""
    return sorted(local.networks(theta, y, u), key=lambda network: int(network.places[0]))


def _projected(network: NetworkInputs, block: WeightDirections) -> FloatArray:
    """The outputs of a network along directions (N, out, r) in its weights."""
    x = network.inputs
    if x.shape[1] == 1:
        levels = Levels(x[:, 0])
        nodes = replace(network, inputs=levels.nodes[:, None])
        return levels.spread(nodes.rows()[:, :, block.trained] @ block.columns)
    parts = (replace(network, inputs=x[i : i + _POINTS]) for i in range(0, len(x), _POINTS))
    return np.concatenate([part.rows()[:, :, block.trained] @ block.columns for part in parts])


class Levels:
    """Where a function of one number is looked at, so as to know it at many points `x` (N,).

    Examples
    --------
    >>> x = np.random.default_rng(0).uniform(-3.0, 3.0, 10_000)
    >>> levels = Levels(x)
    >>> off = levels.spread(np.sin(levels.nodes)) - np.sin(x)
    >>> len(levels.nodes), bool(np.abs(off).max() < 1e-9)
    (600, True)
    """

    def __init__(self, x: FloatArray) -> None:
        self.nodes: FloatArray = x
        self._all = len(x) <= 2 * _LEVELS
        if self._all:
            return
        low, high = float(x.min()), float(x.max())
        step = max((high - low) / (_LEVELS - 3), 1e-9)
        self.nodes = low + step * np.arange(-1.0, _LEVELS - 1.0)
        self._stencils = even_stencils((x - self.nodes[0]) / step, _LEVELS, order=4)

    @property
    def stencils(self) -> tuple[Indices, FloatArray]:
        """The nodes that each point is interpolated between, and their weights, (N, k) each."""
        if self._all:
            return np.arange(len(self.nodes))[:, None], np.ones((len(self.nodes), 1))
        return self._stencils

    def spread(self, table: FloatArray) -> FloatArray:
        """Values (N, …) at the points, from those (n, …) at the nodes, by cubics."""
        return table if self._all else weighted(*self._stencils, table)
