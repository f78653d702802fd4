"""The cells of a fit with numbers of each cell's own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..neuron.parameters import Layout
from ..numerics.arrays import FloatArray, Indices


@dataclass(frozen=True, eq=False)
class FittedCells:
    """C cells, and their parameters.

    Parameters
    ----------
    cells : tuple of str (C,)
    own : array of int
        Places in theta of the parameters that are each cell's own.
    theta : array (K, C, P)
        Of every start.
    """

    cells: tuple[str, ...]
    own: Indices
    theta: FloatArray

    def __len__(self) -> int:
        return len(self.cells)

    def values(self, start: int) -> FloatArray:
        """What is each cell's own (C, n), in the order of `own`."""
        return self.theta[start][:, self.own]

    def rows(self, layout: Layout, start: int) -> list[dict[str, str | float]]:
        """One dict for each cell: its name, and its own parameters."""
        names = [layout.names[i] for i in self.own]
        return [
            {"cell": cell, **{n: float(x) for n, x in zip(names, row, strict=True)}}
            for cell, row in zip(self.cells, self.values(start), strict=True)
        ]

    def table(self, layout: Layout, start: int, most: int = 12) -> str:
        """The rows as text, the first ones of many, with mean and standard deviation."""
        names, values = [layout.names[i] for i in self.own], self.values(start)
        spread = values.std(axis=0, ddof=1) if len(values) > 1 else np.zeros(len(names))
        lines = [f"{'cell':<12}" + "".join(f" {name:>12}" for name in names)]
        lines += [_line(c, v) for c, v in zip(self.cells[:most], values, strict=False)]
        if len(values) > most:
            lines.append(f"… {len(values) - most} more")
        lines += [_line("mean", values.mean(axis=0)), _line("sd", spread)]
        return "\n".join(lines)


def _line(head: str, values: Sequence[float] | FloatArray) -> str:
    return f"{head:<12}" + "".join(f" {x:>12.5g}" for x in values)
