"""Sweeps above each other, each shifted by the same amount."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from ..numerics.arrays import FloatArray
from .families import Family, color_bar

if TYPE_CHECKING:
    from matplotlib.axes import Axes


_NAMED = 24  # more names than this, one above the other, touch


def spacing(rows: FloatArray) -> float:
    """A round distance at which no sweep of `rows` (N, T) runs into the one above it.

    Examples
    --------
    >>> spacing(np.array([[0.0, 97.0, 0.0], [0.0, 0.0, 97.0]]))
    120.0
    """
    gaps = rows[:-1] - rows[1:]  # each over the one that is drawn above it
    known = gaps[np.isfinite(gaps)]
    size = rows[np.isfinite(rows)]
    spread = float(np.ptp(size)) if size.size else 1.0
    needed = max(1.08 * float(known.max()) if known.size else 0.0, 0.25 * spread)
    if not needed > 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(needed))
    return power * next(k for k in (1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10) if k * power >= needed)


def draw_offset(
    ax: Axes, t: FloatArray, rows: FloatArray, family: Family, label: str
) -> tuple[str, FloatArray]:
    """Draw `rows` (N, T), the first one lowest and at its own values.

    Returns the text of the axis, and the rows as they are drawn.
    """
    from matplotlib.ticker import MaxNLocator

    step = spacing(rows)
    colors, last = family.colors, t[-1]
    shifted = rows + step * np.arange(len(rows))[:, None]
    named = len(rows) <= _NAMED
    for i, row in enumerate(shifted):
        ax.plot(t, row, color=colors[i], lw=0.9)
        known = np.flatnonzero(np.isfinite(row))
        if named:
            text = family.names[i] if family.unit else f"{family.what} {family.names[i]}"
            height = row[known[0]] if known.size else i * step
            ax.annotate(
                text,
                (last, height),
                xytext=(4, 0),
                textcoords="offset points",
                fontsize=7.5,
                color=colors[i],
                va="center",
                annotation_clip=False,
            )
    if len(rows) > 1 and not named:
        color_bar(ax, family)
    lowest = rows[0][np.isfinite(rows[0])]
    if lowest.size:
        low, high = float(lowest.min()), float(lowest.max())
        ticks = MaxNLocator(2, steps=[1, 2, 5, 10]).tick_values(low, max(high, low + 0.3 * step))
        ticks = [float(x) for x in ticks if low - 0.2 * step <= x <= low + step]
        apart = 0.035 * step * len(rows)  # nearer to each other, the numbers would touch
        kept = ticks[:1]
        for x in ticks[1:]:
            kept += [x] if x - kept[-1] >= apart else []
        ax.set_yticks(kept)
    ax.margins(y=0.02)
    text = f"{label} of the lowest sweep;\neach other one {step:g} {_unit(label)} higher"
    return text, shifted


def _unit(label: str) -> str:
    return label[label.rindex("(") + 1 : label.rindex(")")]
