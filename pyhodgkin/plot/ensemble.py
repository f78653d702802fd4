"""Bands: what the starts of a fit agree on, and where they part."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from ..errors import InputError
from ..numerics.arrays import FloatArray
from ..units import written
from .commands import command_below, time_axis
from .kinetics import curves, scale_taus
from .style import (
    INK,
    MEASURED,
    SHADE,
    color,
    label_lines,
    number,
    panels,
    quantity,
    roomy_panels,
    styled,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from ..neuron.neuron import Neuron
    from ..results.ensemble import Band, Ensemble


@styled
def ensemble(
    ensemble: Ensemble,
    *,
    published: Neuron | None = None,
    gates: Sequence[str] | None = None,
    quantiles: tuple[float, float] = (0.05, 0.95),
    v_range: tuple[float, float] = (-100.0, 50.0),
    axes: Sequence[Axes] | None = None,
) -> Figure:
    """Steady state and time constant of learned gates: the mean of the members, and a band.

    Parameters
    ----------
    ensemble : Ensemble
        From ``result.ensemble()``.
    published : Neuron, optional
        Drawn dashed; it has gates of the same names.
    gates : sequence of str, optional
        Default: those that are networks.
    quantiles : (float, float)
        Ends of the band; a paler one holds all members.
    v_range : (float, float)
        Limits of the voltage axis, mV; widened to hold the voltages seen, which are shaded.
    axes : sequence of Axes, optional
        Two for each gate; by default a new figure.
    """
    names = list(ensemble.gates if gates is None else gates)
    if not names:
        raise InputError("ensemble: no gate is a network of the voltage; name gates=")
    seen = ensemble.voltage_range
    v = np.linspace(min(v_range[0], seen[0]), max(v_range[1], seen[1]), 401)
    inside = (v >= seen[0]) & (v <= seen[1])
    grid = panels(axes, [1] * len(names), columns=2, width=6.8, height=1.9)
    taus = []
    for i, name in enumerate(names):
        bands = ensemble.curve(name, v)
        pair = grid[2 * i], grid[2 * i + 1]
        for ax, band in zip(pair, bands.values(), strict=True):
            ax.axvspan(*seen, color=SHADE, lw=0, zorder=0, label="seen in training")
            _band(ax, v, band, quantiles, color(i))
            ax.set_xlim(v[0], v[-1])
        taus.append(bands["tau"].values[:, inside].ravel())
        if published is not None:
            x_inf, tau = curves(published, name, v)
            pair[0].plot(v, x_inf, color=INK, ls=(0, (4, 2)), lw=1.1, label="published")
            if np.any(tau > 0):  # an instantaneous gate has none
                pair[1].plot(v, tau, color=INK, ls=(0, (4, 2)), lw=1.1, label="published")
                taus[-1] = np.append(taus[-1], tau[inside])
        pair[0].set_ylim(-0.03, 1.03)
        pair[0].set_ylabel(f"{name}: steady state")
        pair[1].set_ylabel(f"{name}: time constant (ms)")
    scale_taus(grid[1::2], taus)
    for ax in grid[-2:]:
        ax.set_xlabel("potential (mV)")
    label_lines(grid[1], of=grid[0])
    return grid[0].figure  # type: ignore[return-value]


@styled
def ensemble_predictions(
    ensemble: Ensemble,
    *,
    recordings: Sequence[int] | None = None,
    quantiles: tuple[float, float] = (0.05, 0.95),
    most: int = 6,
    axes: Sequence[Axes] | None = None,
) -> Figure:
    """What was measured, the mean of what the members predict, and a band.

    Parameters
    ----------
    ensemble : Ensemble
        From ``result.ensemble()``.
    recordings : sequence of int, optional
        Places of predictions; default the first ones, at most `most`.
    quantiles : (float, float)
        Ends of the band; a paler one holds all members.
    most : int
    axes : sequence of Axes, optional
        One for each recording; by default a new figure.
    """
    places = list(range(len(ensemble.predictions)))[:most] if recordings is None else recordings
    if not places:
        raise InputError("ensemble_predictions: there is no prediction to draw")
    grid = roomy_panels(axes, len(places))
    longest = max((ensemble.predictions[i].t for i in places), key=lambda t: t[-1])
    for ax, place in zip(grid, places, strict=True):
        p, band = ensemble.predictions[place], ensemble.prediction(place)
        _, scale = time_axis(ax, longest)
        ax.plot(p.t * scale, p.measured, color=MEASURED, lw=1.8, label="measured")
        _band(ax, p.t * scale, band, quantiles, color(0))
        ax.set_ylabel(quantity(p.unit))
        spread = float(np.sqrt(np.nanmean(band.sd**2)))
        role = "held out" if p.heldout else "training"
        ax.set_title(f"{role}: {p.name}, spread {number(spread)} {written(p.unit)}")
        command_below(ax, p.t * scale, p.command, p.command_unit, last=ax is grid[-1])
    label_lines(grid[0])
    return grid[0].figure  # type: ignore[return-value]


def _band(ax: Axes, x: FloatArray, band: Band, quantiles: tuple[float, float], line: str) -> None:
    ax.fill_between(x, band.quantile(0.0), band.quantile(1.0), color=line, alpha=0.15, lw=0)
    low, high = (band.quantile(q) for q in quantiles)
    name = f"{100 * quantiles[0]:g} to {100 * quantiles[1]:g} %"
    ax.fill_between(x, low, high, color=line, alpha=0.3, lw=0, label=name)
    ax.plot(x, band.mean, color=line, lw=1.3, label="mean")
