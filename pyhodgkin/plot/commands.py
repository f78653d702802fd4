"""The time axis, and the command drawn under a trace."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..numerics.arrays import FloatArray
from ..units import written
from .families import command_name
from .style import STIMULUS

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from ..protocols import Protocol
    from ..solution.solution import Solution


def time_axis(ax: Axes, t: FloatArray) -> tuple[FloatArray, float]:
    """Times in the unit that suits their length, which labels the axis, and the factor."""
    long = t[-1] - t[0] > 5000.0
    scale = 1e-3 if long else 1.0
    ax.set_xlabel("time (s)" if long else "time (ms)")
    if t[-1] > t[0]:
        ax.set_xlim(t[0] * scale, t[-1] * scale)
    return t * scale, scale


def protocols_of(solution: Solution) -> list[Protocol]:
    """Those of a solution: one for all elements, or one for each."""
    given: Any = solution.protocol
    return list(given) if isinstance(given, Sequence) else [given]


def stimulus(
    ax: Axes,
    t: FloatArray,
    protocols: Sequence[Protocol],
    scale: float = 1.0,
    colors: Sequence[Any] | None = None,
) -> None:
    """Each different command, to its end, a jump as a vertical line.

    `colors` has one for each protocol; where all are the same the command is grey.
    """
    lines = dict(zip(protocols, colors or [STIMULUS] * len(protocols), strict=True))
    for protocol, line in lines.items():
        edges = protocol.segments.breakpoints
        edges = edges[(edges > t[0]) & (edges < t[-1])]
        times = np.sort(np.concatenate([t, edges, np.nextafter(edges, -np.inf)]))
        times = times[times <= protocol.t_end * (1.0 + 1e-9)]
        shown = STIMULUS if len(lines) == 1 else line
        ax.plot(times * scale, protocol(times), color=shown, lw=1.1)
    label_command(ax, protocols[0].unit, protocols[0].kind)


def label_command(ax: Axes, unit: str, kind: str | None = None) -> None:
    """Name and unit of a command, whose axis leaves room above and below."""
    kind = kind or ("voltage" if unit == "mV" else "current")
    ax.set_ylabel(f"{command_name(kind)}\n({written(unit)})")
    ax.margins(y=0.15)


def command_below(ax: Axes, t: FloatArray, command: FloatArray, unit: str, last: bool) -> None:
    """A strip under `ax` with the command; `t` in the unit of the axis.

    The name of the time axis stands below the strip, and its numbers too where `last`.
    """
    strip = ax.inset_axes((0.0, -0.42, 1.0, 0.3))
    strip.plot(t, command, color=STIMULUS, lw=1.0)
    strip.set_xlim(ax.get_xlim())
    strip.margins(y=0.2)
    kind = "voltage" if unit == "mV" else "current"
    strip.set_ylabel(f"{command_name(kind)}\n({written(unit)})", fontsize=7.0)
    strip.locator_params(axis="y", nbins=2)
    strip.tick_params(labelbottom=last)
    ax.tick_params(labelbottom=False)
    if last:
        ax.xaxis.set_label_coords(0.5, -0.66)
    else:
        ax.set_xlabel("")
