"""A network of neurons as the engines integrate it: cells, conductances and synapses as arrays."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ..neuron.neuron import Neuron
from ..numerics.arrays import FloatArray

Integers = NDArray[np.int64]


@dataclass(frozen=True)
class Receptor:
    """A synaptic conductance of every cell of a group; its unit is that of the neuron.

    Parameters
    ----------
    kind : {"exponential", "double_exponential", "alpha"}
    reversal : float
        mV.
    tau : tuple of float
        Time constants of its one or two components, ms.
    scale : tuple of float
        Conductance per component.
    start : array (components, N)
        The components at t = 0.
    longest : float
        The longest delay to it, ms.
    """

    kind: str
    reversal: float
    tau: tuple[float, ...]
    scale: tuple[float, ...]
    start: FloatArray
    longest: float

    def decay(self, h: float) -> tuple[float, ...]:
        """What is left of each component after `h` ms."""
        return tuple(float(np.exp(-h / tau)) for tau in self.tau)

    def mean(self, h: float) -> tuple[float, ...]:
        """Mean conductance over `h` ms per amount by which a component fell."""
        out = [s * tau / h for s, tau in zip(self.scale, self.tau, strict=True)]
        if self.kind == "alpha":  # ∫x = ∫y - τ Δx: what y loses opens x
            out[0] = out[1]
        return tuple(out)

    def depth(self, h: float, interval: int) -> int:
        """Steps that the ring of arrivals holds."""
        return int(np.ceil(self.longest / h)) + interval + 2


@dataclass(frozen=True)
class Gaps:
    """Gap junctions: rows of all cells of all groups, their neighbours, and conductances."""

    rows: Integers
    neighbours: Integers
    conductance: FloatArray

    def totals(self) -> FloatArray:
        """The sum of each cell (cells of all groups,)."""
        sums = np.concatenate([[0.0], np.cumsum(self.conductance)])
        return sums[self.rows[1:]] - sums[self.rows[:-1]]


@dataclass(frozen=True)
class Group:
    """N cells of one neuron.

    Parameters
    ----------
    theta : array (1, P) or (N, P)
    y0 : array (N, S)
    threshold, refractory : float
        mV, ms.
    bias : array (N,) or None
        Constant current.
    column_of : int, array (N,) or None
        The column of the stimulus of the group, or of each cell.
    """

    name: str
    neuron: Neuron
    size: int
    theta: FloatArray
    y0: FloatArray
    threshold: float
    refractory: float
    bias: FloatArray | None
    column_of: int | Integers | None
    receptors: tuple[Receptor, ...]
    recorded: Integers
    coupled: bool = False


@dataclass(frozen=True)
class Projection:
    """Synapses from a node to one receptor of a group, by their source.

    A node is a group, or (with a number from the number of groups on) a source of spikes.
    """

    node: int
    group: int
    receptor: int
    rows: Integers
    targets: Integers
    weights: FloatArray
    delays: FloatArray


@dataclass(frozen=True)
class Plan:
    """All of it, and the step (ms); `interval` is how many steps no spike can arrive in."""

    groups: tuple[Group, ...]
    projections: tuple[Projection, ...]
    nodes: int
    gaps: Gaps | None
    h: float
    interval: int
    stride: int = 1
    of_node: tuple[tuple[int, ...], ...] = field(default=())

    def __post_init__(self) -> None:
        rows = [
            tuple(i for i, p in enumerate(self.projections) if p.node == node)
            for node in range(self.nodes)
        ]
        object.__setattr__(self, "of_node", tuple(rows))


@dataclass(frozen=True)
class Inputs:
    """What comes from outside in some steps: stimuli, and spikes of sources.

    Parameters
    ----------
    injected : array (steps, columns)
        Means over each step.
    bounds : array of int (steps + 1,)
        Where the spikes of each step begin.
    cells : array of int (spikes, 2)
        Node and cell.
    times : array (spikes,)
        ms.
    """

    injected: FloatArray
    bounds: Integers
    cells: Integers
    times: FloatArray


@dataclass(frozen=True)
class Spikes:
    """Spikes of cells: the node and cell of each (K, 2), and when (K,), ms."""

    cells: Integers
    times: FloatArray
