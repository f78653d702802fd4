"""The injected currents of a network as their means over each step."""

from __future__ import annotations

import numpy as np

from ..numerics.arrays import FloatArray, Indices
from ..protocols import CurrentClamp, Segments
from .groups import NeuronGroup

# Gauss-Legendre, three points: exact for lines, and for sinusoids that a step resolves.
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(3)


def step_means(segments: Segments, t_end: float, edges: FloatArray) -> FloatArray:
    """Means of a signal, none after `t_end`, over the steps between `edges` (K + 1,), ms.

    Examples
    --------
    >>> step = CurrentClamp.step(4.0, start=1.5, stop=None, t_end=10.0)
    >>> step_means(step.segments, 10.0, np.arange(4.0)).round(12)
    array([0., 2., 4.])
    """
    first, last = edges[0], edges[-1]
    inside = np.append(segments.breakpoints, t_end)
    inside = inside[(inside > first) & (inside < last)]
    cuts = np.union1d(edges, inside)
    half, middle = 0.5 * np.diff(cuts), 0.5 * (cuts[1:] + cuts[:-1])
    t = middle[:, None] + half[:, None] * _NODES
    values = np.where(t < t_end, segments.value(t), 0.0) @ _WEIGHTS * half
    starts = np.searchsorted(cuts, edges[:-1])
    return np.add.reduceat(values, starts) / np.diff(edges)


class Stimuli:
    """The columns of the stimulus of all groups, each protocol once."""

    def __init__(self) -> None:
        self._columns: list[tuple[CurrentClamp, float]] = []

    def of_group(self, group: NeuronGroup) -> int | Indices | None:
        """The column of a group, or those of its cells (n,)."""
        if group.protocol is None:
            return None
        if isinstance(group.protocol, CurrentClamp):
            return self._column(group.protocol, group)
        known: dict[int, int] = {}
        for protocol in group.protocol:
            if id(protocol) not in known:
                known[id(protocol)] = self._column(protocol, group)
        return np.array([known[id(p)] for p in group.protocol], dtype=np.int64)

    def _column(self, protocol: CurrentClamp, group: NeuronGroup) -> int:
        self._columns.append((protocol, group.scale_of(protocol)))
        return len(self._columns) - 1

    def __len__(self) -> int:
        return len(self._columns)

    def between(self, edges: FloatArray) -> FloatArray:
        """The means over each step (K, columns)."""
        out = np.zeros((len(edges) - 1, max(len(self._columns), 1)))
        for column, (protocol, scale) in zip(out.T, self._columns, strict=False):
            column[:] = scale * step_means(protocol.segments, protocol.t_end, edges)
        return out
