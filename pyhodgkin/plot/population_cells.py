"""Populations over the cells: f-I curves, distributions, features against parameters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import InputError
from ..numerics.arrays import FloatArray
from ..units import written
from .style import INK, MEASURED, color, new_figure, panels, styled

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from ..population.result import PopulationResult

MOST_POINTS, SPECIMENS, BINS = 5000, 30, 40


@styled
def fi_curves(
    result: PopulationResult,
    *,
    feature: str = "rate",
    quantiles: tuple[float, float] = (0.05, 0.95),
    cells: int = SPECIMENS,
    axes: Sequence[Axes] | None = None,
) -> Figure:
    """A feature against the amplitude of the step: some cells, the median, and a band.

    Parameters
    ----------
    result : PopulationResult
        Of a family of steps, with the feature.
    feature : str
        Default: the firing rate, the f-I curve.
    quantiles : (float, float)
        Ends of the band; a darker one holds the middle half of the cells.
    cells : int
        How many single cells are drawn, evenly spaced.
    axes : sequence of Axes, optional
        One; by default a new figure.
    """
    current = result.amplitudes
    if current is None:
        raise InputError("result: an f-I curve needs a family of steps, CurrentClamp.family(…)")
    values = np.asarray(result[feature], dtype=np.float64)
    order = np.argsort(current)
    current, values = current[order], values[order]
    (ax,) = panels(axes, [1], width=4.6, height=2.9)
    for i in np.unique(np.linspace(0, result.n - 1, min(cells, result.n)).astype(int)):
        ax.plot(current, values[:, i], color=MEASURED, lw=0.6, zorder=1)
    some = np.isfinite(values).any(axis=1)
    low, q1, middle, q3, high = np.full((5, len(current)), np.nan)
    if some.any():
        found = np.nanquantile(values[some], [quantiles[0], 0.25, 0.5, 0.75, quantiles[1]], axis=1)
        low[some], q1[some], middle[some], q3[some], high[some] = found
    name = f"{100 * quantiles[0]:g} to {100 * quantiles[1]:g} %"
    ax.fill_between(current, low, high, color=color(0), alpha=0.2, lw=0, label=name, zorder=2)
    ax.fill_between(
        current, q1, q3, color=color(0), alpha=0.35, lw=0, label="middle half", zorder=3
    )
    ax.plot(current, middle, color=color(0), lw=1.6, label="median", zorder=4)
    ax.set_xlabel(f"current ({written(result.protocols[0].unit)})")
    ax.set_ylabel(_label(result, feature))
    ax.legend(loc="best")
    return ax.figure  # type: ignore[return-value]


@styled
def distributions(
    result: PopulationResult,
    names: Sequence[str] | None = None,
    *,
    protocol: int | None = None,
    axes: Sequence[Axes] | None = None,
) -> Figure:
    """Histograms of parameters and features over the cells.

    Parameters
    ----------
    result : PopulationResult
    names : sequence of str, optional
        Default: the parameters that vary, and all features.
    protocol : int, optional
        Which one of a family; default: the last.
    axes : sequence of Axes, optional
        One for each name; by default a new figure.
    """
    shown = _names(result) if names is None else list(names)
    if not shown:
        raise InputError("distributions: nothing varies and no feature was recorded; give names=")
    k = last(result) if protocol is None else protocol
    columns = min(3, len(shown))
    rows = -(-len(shown) // columns)
    grid = _grid_of(rows, columns) if axes is None else panels(axes, [1] * len(shown))
    for ax, name in zip(grid, shown, strict=False):
        values = of_cells(result, name, k)
        good = values[np.isfinite(values)]
        varied = name in result.population.varied
        if len(good):
            ax.hist(good, bins=BINS, color=color(0 if varied else 1), alpha=0.75, lw=0)
            ax.axvline(np.median(good), color=INK, lw=1.0, ls=(0, (4, 2)))
        missing = len(values) - len(good)
        ax.set_title(f"{missing:,} of {len(values):,} without" if missing else "")
        ax.set_xlabel(_label(result, name))
        ax.set_ylabel("cells")
    for ax in grid[len(shown) :]:
        ax.set_visible(False)
    return grid[0].figure  # type: ignore[return-value]


@styled
def scatter(
    result: PopulationResult,
    x: Sequence[str] | str | None = None,
    y: Sequence[str] | str | None = None,
    *,
    protocol: int | None = None,
    axes: Sequence[Axes] | None = None,
) -> Figure:
    """Features against parameters, a dot for each cell, with the rank correlation.

    Parameters
    ----------
    result : PopulationResult
    x, y : str or sequence of str, optional
        Default: the parameters that vary, and all features (without features, the other
        parameters).
    protocol : int, optional
        Which one of a family; default: the last.
    axes : sequence of Axes, optional
        One for each pair, row by row (rows: y); by default a new figure.
    """
    k = last(result) if protocol is None else protocol
    varied = list(result.population.varied)
    features = [name for name in _names(result) if name not in varied]
    rows = [y] if isinstance(y, str) else list(y if y is not None else features or varied)
    columns = [x] if isinstance(x, str) else list(x if x is not None else varied)
    if not rows or not columns:
        raise InputError("scatter: nothing varies; give x= and y=")
    if axes is None:
        grid = _grid_of(len(rows), len(columns), sharex="col", sharey="row")
    else:
        grid = panels(axes, [1] * len(rows), columns=len(columns))
    use = np.unique(np.linspace(0, result.n - 1, min(result.n, MOST_POINTS)).astype(int))
    values = {name: of_cells(result, name, k)[use] for name in dict.fromkeys([*rows, *columns])}
    for i, row in enumerate(rows):
        for j, column in enumerate(columns):
            ax = grid[i * len(columns) + j]
            size = 3.0 if len(use) > 500 else 8.0
            ax.scatter(values[column], values[row], s=size, color=color(0), alpha=0.4, lw=0)
            ax.set_title(_rank_correlation(values[column], values[row]))
            ax.set_xlabel(_label(result, column) if i == len(rows) - 1 else "")
            ax.set_ylabel(_label(result, row) if j == 0 else "")
    return grid[0].figure  # type: ignore[return-value]


def _grid_of(rows: int, columns: int, **shared: Any) -> list[Axes]:
    figure = new_figure(figsize=(2.5 * columns + 0.4, 1.9 * rows + 0.3), layout="constrained")
    return list(figure.subplots(rows, columns, squeeze=False, **shared).flat)


def _rank_correlation(x: FloatArray, y: FloatArray) -> str:
    """Spearman's, in words; nothing where it is not defined."""
    good = np.isfinite(x) & np.isfinite(y)
    if good.sum() < 3 or np.ptp(x[good]) == 0 or np.ptp(y[good]) == 0:
        return ""
    import pandas

    ranks = [pandas.Series(values[good]).rank().to_numpy() for values in (x, y)]
    return f"ρ = {np.corrcoef(*ranks)[0, 1]:.2f}"


def _names(result: PopulationResult) -> list[str]:
    features = [name for name in result.names if name not in result.neuron.states]
    return [*result.population.varied, *features]


def of_cells(result: PopulationResult, name: str, protocol: int) -> FloatArray:
    """A parameter or feature of all cells (n,)."""
    values = np.asarray(result.select(name), dtype=np.float64)
    return values[protocol] if values.ndim == 2 and name not in result.population.varied else values


def _label(result: PopulationResult, name: str) -> str:
    unit = result.unit(name)
    text = name.replace("_", " ")
    return f"{text} ({written(unit)})" if unit not in ("", "1") else text


def last(result: PopulationResult) -> int:
    """The last protocol of a family."""
    return result.runs - 1
