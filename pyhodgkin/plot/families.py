"""Sweeps that belong together: by what they differ, and a colour for each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ..numerics.arrays import FloatArray
from ..units import written
from .style import color

if TYPE_CHECKING:
    from matplotlib.axes import Axes


# So many lines can be named one by one beside a figure; more get a colour bar.
FEW = 6
_LIGHTEST = 0.78  # of the colour map: what is lighter is not seen on white


@dataclass(frozen=True)
class Family:
    """By what N sweeps differ.

    Parameters
    ----------
    values : array (N,)
        Amplitudes of the command, or the places of the sweeps.
    what : str
        What the values are, with their unit.
    unit : str
        As it stands after a value; empty for places.
    """

    values: FloatArray
    what: str
    unit: str = ""

    def __len__(self) -> int:
        return len(self.values)

    @property
    def colors(self) -> list[Any]:
        """A colour for each sweep, from dark to light, so that the order is seen in grey too."""
        if len(self) == 1:
            return [color(0)]
        low, high = float(np.min(self.values)), float(np.max(self.values))
        size = (high - low) or 1.0
        return [_ramp()((value - low) / size) for value in self.values]

    @property
    def names(self) -> list[str]:
        """Each value, with its unit."""
        return [f"{value:.4g} {self.unit}".strip() for value in self.values]


def family_of(
    commands: FloatArray, unit: str, kind: str, element: str = "element", first: int = 0
) -> Family:
    """By what the sweeps of `commands` (N, T) differ: an amplitude, or else their place.

    Parameters
    ----------
    unit : str
        Of the commands.
    kind : {"current", "voltage"}
    element : str
        What a sweep is called where commands do not differ in one amplitude.
    first : int
        Number of the first one.

    Examples
    --------
    >>> steps = np.array([[0.0, 5.0, 5.0, 0.0], [0.0, 10.0, 10.0, 0.0]])
    >>> family_of(steps, "pA", "current").names
    ['5 pA', '10 pA']
    >>> family_of(np.zeros((2, 4)), "pA", "current").names
    ['0', '1']
    """
    found = amplitudes(commands)
    if found is None:
        return Family(first + np.arange(len(commands), dtype=np.float64), element)
    name = command_name(kind)
    return Family(found, f"{name} ({written(unit)})", written(unit))


def command_name(kind: str) -> str:
    """What a command is called: that of a voltage clamp a command, of a current a stimulus."""
    return "command" if kind == "voltage" else "stimulus"


def amplitudes(commands: FloatArray) -> FloatArray | None:
    """What is different in `commands` (N, T), as one number for each sweep (N,).

    It is the value where they differ most. None where one number does not tell them apart: all
    are equal, or they differ in more than an amplitude, for instance in their durations.

    Examples
    --------
    >>> amplitudes(np.array([[0.0, 1, 1, 0], [0.0, 1, 2, 0], [0.0, 1, 4, 0]]))
    array([1., 2., 4.])
    >>> amplitudes(np.array([[0.0, 9, 0, 0], [0.0, 9, 9, 0], [0.0, 9, 9, 9]])) is None
    True
    """
    known = np.isfinite(commands).all(axis=0)
    if len(commands) < 2 or not known.any():
        return None
    seen = commands[:, known]
    spread = np.ptp(seen, axis=0)
    if not spread.max() > 1e-9 * max(1.0, float(np.max(np.abs(seen)))):
        return None
    widest = np.flatnonzero(spread >= spread.max() * (1.0 - 1e-9))
    x = seen[:, widest[len(widest) // 2]]
    if len(np.unique(x)) < 3 and _one_peak(seen):
        return None  # two durations, say, of one and the same amplitude
    # Sweeps of one family are a(t) + b(t) x; anything else has no amplitude.
    off = x - x.mean()
    centred = seen - seen.mean(axis=0)
    slope = off @ centred / (off @ off)
    left = centred - np.outer(off, slope)
    return x.copy() if np.max(np.abs(left)) <= 1e-3 * spread.max() else None


def _one_peak(seen: FloatArray) -> bool:
    """Whether all commands go equally far from where they begin."""
    peaks = np.max(np.abs(seen - seen[:, :1]), axis=1)
    return bool(np.ptp(peaks) <= 1e-9 * peaks.max())


def on_one_axis(times: Sequence[FloatArray], values: Sequence[FloatArray]) -> FloatArray:
    """Sweeps (N, T) at the times of the longest one, NaN where a sweep is over."""
    longest = max(times, key=lambda t: t[-1] - t[0])
    return np.stack(
        [
            np.asarray(v, np.float64)
            if len(t) == len(longest) and np.array_equal(t, longest)
            else np.interp(longest, t, v, left=np.nan, right=np.nan)
            for t, v in zip(times, values, strict=True)
        ]
    )


def name_sweeps(ax: Axes, family: Family) -> None:
    """Beside the axes, what each colour is: a legend for a few sweeps, a colour bar for many."""
    if len(family) < 2:
        return
    if len(family) > FEW:
        color_bar(ax, family)
        return
    from matplotlib.lines import Line2D

    shown = {f"{value:.4g}": line for value, line in zip(family.values, family.colors, strict=True)}
    ax.legend(
        [Line2D([], [], color=line, lw=1.6) for line in shown.values()],
        list(shown),
        title=family.what,
        title_fontsize=8.0,
        alignment="left",
        loc="upper left",
        bbox_to_anchor=(1.005, 1.02),
    )


def color_bar(ax: Axes, family: Family, height: float = 1.0) -> None:
    """A colour scale beside the axes, of a `height` in theirs."""
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Normalize
    from matplotlib.ticker import MaxNLocator

    low, high = float(np.min(family.values)), float(np.max(family.values))
    scale = ScalarMappable(Normalize(low, high if high > low else low + 1.0), _ramp())
    place = ax.inset_axes((1.02, 0.0, 0.022, height))
    ticks = MaxNLocator(6, integer=not family.unit, steps=[1, 2, 5, 10])
    bar = ax.figure.colorbar(scale, cax=place, ticks=ticks)
    bar.set_label(family.what)
    bar.outline.set_linewidth(0.5)  # type: ignore[operator]


def _ramp() -> Any:
    """A colour map whose lightness rises steadily, without its lightest end."""
    import matplotlib
    from matplotlib.colors import ListedColormap

    return ListedColormap(matplotlib.colormaps["viridis"](np.linspace(0.0, _LIGHTEST, 256)))
