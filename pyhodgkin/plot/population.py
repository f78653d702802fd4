"""Populations over time: spikes of all cells, and their rate."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from ..errors import InputError
from ..numerics.arrays import FloatArray
from ..units import written
from .commands import time_axis
from .population_cells import last, of_cells
from .style import INK, color, label_lines, panels, styled

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from ..population.result import PopulationResult

MOST_CELLS = 1000


@styled
def raster(
    result: PopulationResult,
    *,
    protocol: int = 0,
    order: str | None = None,
    most: int = MOST_CELLS,
    axes: Sequence[Axes] | None = None,
) -> Figure:
    """Spikes of the cells over time, a row for each, above the stimulus.

    Parameters
    ----------
    result : PopulationResult
        With spikes.
    protocol : int
        Which one of a family.
    order : str, optional
        A parameter or feature by which the rows are sorted; default: as the cells come.
    most : int
        Rows at most; of more cells, so many that are evenly spaced.
    axes : sequence of Axes, optional
        Two: spikes and stimulus. By default a new figure.
    """
    shown = np.unique(np.linspace(0, result.n - 1, min(result.n, most)).astype(int))
    ylabel = "cell" if len(shown) == result.n else f"cell ({len(shown):,} of {result.n:,})"
    if order is not None:
        values = of_cells(result, order, protocol)
        shown = shown[np.argsort(values[shown], kind="stable")]
        ylabel = f"{ylabel}, by {order}"
    rows = np.full(result.n, -1)
    rows[shown] = np.arange(len(shown))
    times, cells = result.spikes(protocol)
    times, at = times[rows[cells] >= 0], rows[cells[rows[cells] >= 0]]
    ax, below = panels(axes, [3, 1])
    _, scale = time_axis(ax, _grid(result, protocol))
    ax.set_xlabel("")
    ax.plot(times * scale, at, ls="none", marker="|", ms=_height(len(shown)), mew=0.6, color=INK)
    ax.set_ylim(-1, len(shown))
    ax.set_ylabel(ylabel)
    _stimulus(below, result, [protocol], scale)
    return ax.figure  # type: ignore[return-value]


@styled
def rate_histogram(
    result: PopulationResult,
    *,
    protocols: Sequence[int] | None = None,
    bin_width: float = 1.0,
    axes: Sequence[Axes] | None = None,
) -> Figure:
    """Spikes of all cells for each bin of time, as a rate for a cell, above the stimulus.

    Parameters
    ----------
    result : PopulationResult
        With spikes.
    protocols : sequence of int, optional
        Of a family; default: the last one.
    bin_width : float
        ms.
    axes : sequence of Axes, optional
        Two: rate and stimulus. By default a new figure.
    """
    if not 0 < bin_width < np.inf:
        raise InputError(f"bin_width = {bin_width} ms must be positive")
    chosen = [last(result)] if protocols is None else list(protocols)
    ax, below = panels(axes, [2, 1])
    _, scale = time_axis(ax, _grid(result, chosen[0]))
    ax.set_xlabel("")
    for i, k in enumerate(chosen):
        end = _grid(result, k)[-1]
        edges = np.arange(0.0, end + bin_width, bin_width)
        counts, _ = np.histogram(result.spikes(k)[0], edges)
        rate = 1000.0 * counts / (result.n * bin_width)
        ax.stairs(rate, edges * scale, color=color(i), lw=1.2, label=_name(result, k))
    ax.set_ylabel("rate (Hz)")
    ax.set_ylim(bottom=0)
    if len(chosen) > 1:
        label_lines(ax)
    _stimulus(below, result, chosen, scale)
    return ax.figure  # type: ignore[return-value]


def _name(result: PopulationResult, k: int) -> str:
    amplitudes = result.amplitudes
    if amplitudes is None:
        return f"protocol {k}"
    return f"{amplitudes[k]:g} {written(result.protocols[0].unit)}"


def _grid(result: PopulationResult, k: int) -> FloatArray:
    return np.linspace(0.0, result.protocols[min(k, len(result.protocols) - 1)].t_end, 2001)


def _stimulus(ax: Axes, result: PopulationResult, chosen: Sequence[int], scale: float) -> None:
    protocol = result.protocols[0]
    for i, k in enumerate(chosen):
        protocol = result.protocols[min(k, len(result.protocols) - 1)]
        t = _grid(result, k)
        line = INK if len(chosen) == 1 else color(i)
        ax.plot(t * scale, protocol(t), color=line, lw=1.0)
    ax.set_ylabel(f"{'current' if protocol.kind == 'current' else 'v'}\n({written(protocol.unit)})")
    ax.set_xlabel("time (s)" if scale != 1.0 else "time (ms)")


def _height(rows: int) -> float:
    return float(np.clip(200.0 / max(rows, 1), 0.8, 8.0))
