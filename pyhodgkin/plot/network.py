"""Figures of networks: spikes of all cells over time, and rates of groups."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import InputError, unknown
from .style import color, label_lines, line_of, panels, styled

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from ..network.solution import NetworkSolution

# Cells of a raster that get a row; of larger groups so many are drawn, evenly spaced.
MOST_ROWS = 500


@styled
def raster(
    solution: NetworkSolution,
    groups: Sequence[str] | None = None,
    *,
    start: float = 0.0,
    stop: float | None = None,
    most: int = MOST_ROWS,
    axes: Any = None,
) -> Figure:
    """Spikes over time, one row a cell, groups above each other.

    Parameters
    ----------
    solution : NetworkSolution
    groups : sequence of str, optional
        Which, from below; default all.
    start, stop : float
        ms.
    most : int
        Rows of a group; of more cells, `most` evenly spaced ones are drawn.
    axes : matplotlib axes, optional

    Returns
    -------
    matplotlib.figure.Figure
    """
    names, stop = _names(solution, groups), _stop(solution, start, stop)
    (ax,) = panels(axes, [2.4], height=1.1)
    base, ticks = 0, []
    for i, name in enumerate(names):
        trains = solution.spikes[name]
        shown = np.unique(np.linspace(0, trains.n - 1, min(most, trains.n)).round().astype(int))
        rows = np.full(trains.n, -1)
        rows[shown] = np.arange(len(shown))
        used = (trains.times >= start) & (trains.times <= stop) & (rows[trains.indices] >= 0)
        size = max(0.6, min(4.0, 150.0 / max(len(shown), 1)))
        ax.scatter(
            trains.times[used], base + rows[trains.indices[used]],
            s=size, color=color(i), linewidths=0, rasterized=True,
        )  # fmt: skip
        ticks.append((base + 0.5 * len(shown), f"{name} ({trains.n})"))
        base += len(shown) + (2 if len(shown) < 50 else 10)
    ax.set_yticks([y for y, _ in ticks], [text for _, text in ticks])
    ax.set(xlim=(start, stop), ylim=(-1, base), xlabel="time (ms)", ylabel="group (cells)")
    return ax.figure  # type: ignore[return-value]


@styled
def population_rates(
    solution: NetworkSolution,
    groups: Sequence[str] | None = None,
    *,
    bin: float = 5.0,
    axes: Any = None,
) -> Figure:
    """Firing rates of the groups over time, in bins of `bin` ms.

    Parameters
    ----------
    solution : NetworkSolution
    groups : sequence of str, optional
    bin : float
        ms.
    axes : matplotlib axes, optional

    Returns
    -------
    matplotlib.figure.Figure
    """
    (ax,) = panels(axes, [2.0], height=1.0)
    for i, name in enumerate(_names(solution, groups)):
        t, rate = solution.population_rate(name, bin)
        ax.plot(t, rate, label=name, drawstyle="steps-mid", **line_of(i))
    ax.set(xlim=(0.0, solution.duration), xlabel="time (ms)", ylabel="rate (Hz)")
    ax.set_ylim(bottom=0.0)
    label_lines(ax)
    return ax.figure  # type: ignore[return-value]


def _names(solution: NetworkSolution, groups: Sequence[str] | None) -> list[str]:
    names = list(solution.spikes) if groups is None else list(groups)
    for name in names:
        if name not in solution.spikes:
            raise unknown("group", str(name), solution.spikes)
    if not names:
        raise InputError("groups: give at least one")
    return names


def _stop(solution: NetworkSolution, start: float, stop: float | None) -> float:
    stop = solution.duration if stop is None else float(stop)
    if not start < stop:
        raise InputError(f"start = {start:g} ms is not before stop = {stop:g} ms")
    return stop
