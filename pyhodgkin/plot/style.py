"""One look for all figures: colours that also differ in grey, thin axes, units on every axis."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, ParamSpec

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from ..numerics.arrays import FloatArray
from ..storage.atomic import atomic_write
from ..units import written

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Okabe and Ito's palette, which colour-blind readers can tell apart, without its yellow.
COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
# In grey some of these colours are alike, so lines of different things differ in dashes as well.
DASHES: tuple[Any, ...] = (
    "-",
    (0, (6, 1.5)),
    (0, (2, 1)),
    (0, (6, 1.5, 1.5, 1.5)),
    (0, (1, 1.2)),
    (0, (8, 1.5, 1, 1.5, 1, 1.5)),
)
INK = "#222222"
MEASURED = "#BEBEBE"  # lighter than any line over it, in grey too
STIMULUS = "#555555"
SHADE = "#E9EEF3"

RC: dict[Any, Any] = {
    "figure.dpi": 110,
    "savefig.dpi": 160,
    "figure.facecolor": "white",
    "font.size": 9.0,
    "font.family": "sans-serif",
    "axes.titlesize": 9.5,
    "axes.titlelocation": "left",
    "axes.labelsize": 9.0,
    "axes.labelcolor": INK,
    "axes.edgecolor": INK,
    "axes.linewidth": 0.7,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.unicode_minus": True,
    "xtick.color": INK,
    "ytick.color": INK,
    "xtick.labelsize": 8.0,
    "ytick.labelsize": 8.0,
    "xtick.major.width": 0.7,
    "ytick.major.width": 0.7,
    "xtick.major.size": 3.0,
    "ytick.major.size": 3.0,
    "xtick.minor.width": 0.4,
    "ytick.minor.width": 0.4,
    "xtick.minor.size": 1.8,
    "ytick.minor.size": 1.8,
    "lines.linewidth": 1.3,
    "lines.solid_capstyle": "round",
    "legend.frameon": False,
    "legend.fontsize": 8.0,
    "legend.handlelength": 2.2,
    "legend.borderaxespad": 0.3,
    "text.color": INK,
}

P = ParamSpec("P")


@contextmanager
def settings(wanted: Mapping[str, Any]) -> Iterator[None]:
    """matplotlib with these settings, of which alone the values before are restored."""
    import matplotlib

    values: Any = matplotlib.rcParams
    before = {name: values[name] for name in wanted}
    values.update(wanted)
    try:
        yield
    finally:
        values.update(before)


def styled(draw: Callable[P, Figure]) -> Callable[P, Figure]:
    """A drawing function inside the house style, which leaves the user's own settings alone."""

    @wraps(draw)
    def inside(*args: P.args, **kwargs: P.kwargs) -> Figure:
        if managed():
            # Before the settings are changed: it may turn interactive mode on, which must stay.
            import matplotlib.pyplot  # noqa: F401
        with settings(RC):
            return draw(*args, **kwargs)

    return inside


def panels(
    axes: Any,
    heights: Sequence[float],
    *,
    columns: int = 1,
    width: float = 6.4,
    height: float = 1.0,
    layout: str = "constrained",
) -> list[Axes]:
    """The axes given by the user, checked for their number, or those of a new figure.

    The list is row by row. `height` is that of one unit of `heights`, in inches.
    """
    needed = len(heights) * columns
    if axes is None:
        figure = new_figure(figsize=(width, height * sum(heights) + 0.5), layout=layout)
        grid = figure.subplots(
            len(heights), columns, height_ratios=list(heights), sharex="col", squeeze=False
        )
        return list(grid.flat)
    given = list(axes) if hasattr(axes, "__iter__") else [axes]
    if len(given) != needed:
        raise InputError(f"axes: {len(given)} given, this figure draws into {needed}")
    return given


# Whether figures are for files only, which pyplot and its windows need not know.
_for_files: ContextVar[bool] = ContextVar("for_files", default=False)


@contextmanager
def for_files() -> Iterator[None]:
    """Figures that are drawn in this block are not registered with pyplot."""
    token = _for_files.set(True)
    try:
        yield
    finally:
        _for_files.reset(token)


def managed() -> bool:
    """Whether new figures are those of pyplot, which ``plt.show()`` shows."""
    from . import notebook

    return not _for_files.get() and not notebook.wanted()


def new_figure(**options: Any) -> Figure:
    """A figure of pyplot's; in a notebook and for files, one that pyplot does not know."""
    if managed():
        import matplotlib.pyplot as plt

        return plt.figure(**options)
    from matplotlib.figure import Figure

    from . import notebook

    return Figure(**options) if _for_files.get() else notebook.figure(**options)


def roomy_panels(axes: Any, rows: int, columns: int = 1) -> list[Axes]:
    """Panels that leave room for a title of two lines above, and a strip below, each of them."""
    new = axes is None
    width = 4.3 * columns + 0.6 if columns > 1 else 6.4
    pitch, high, top, bottom, left, right = 2.1, 1.1, 0.5, 0.95, 0.75, 1.15  # inches
    total = top + bottom + high + (rows - 1) * pitch
    grid = panels(
        axes, [1] * rows, columns=columns, width=width, height=(total - 0.5) / rows, layout="none"
    )
    if new:
        figure: Any = grid[0].figure
        gap = 0.85
        wide = (width - left - right - (columns - 1) * gap) / columns
        figure.subplots_adjust(
            left=left / width,
            right=1.0 - right / width,
            top=1.0 - top / total,
            bottom=bottom / total,
            hspace=(pitch - high) / high,
            wspace=gap / wide,
        )
    return grid


def color(i: int) -> str:
    """The colour of the i-th of several lines; the palette repeats."""
    return COLORS[i % len(COLORS)]


def line_of(i: int) -> dict[str, Any]:
    """Colour and dashes of the i-th of several lines that are of different things."""
    return {"color": color(i), "ls": DASHES[(i + i // len(COLORS)) % len(DASHES)]}


def quantity(unit: str) -> str:
    """What an axis of this unit shows, with the unit, for instance ``current (nA)``."""
    return f"{'potential' if unit == 'mV' else 'current'} ({written(unit)})"


def number(value: float) -> str:
    """A number to as many digits as the tables on the screen have."""
    return f"{value:.4g}"


def shade_uncounted(ax: Axes, t: FloatArray, mask: NDArray[np.bool_]) -> None:
    """Shade the times of the samples that the mask (T,) leaves out of the error."""
    if mask.all():
        return
    ends = np.flatnonzero(np.diff(np.concatenate([[False], ~mask, [False]]).astype(int)))
    half = 0.5 * float(np.median(np.diff(t))) if len(t) > 1 else 0.0
    for k, (first, after) in enumerate(ends.reshape(-1, 2)):
        ax.axvspan(
            float(t[first]) - half,
            float(t[after - 1]) + half,
            color="#E4E4E4",
            lw=0,
            zorder=0,
            label=None if k else "not counted",
        )


def label_lines(ax: Axes, of: Axes | None = None) -> None:
    """A legend beside the axes, where no line can run through it; `of` the lines of others."""
    handles, labels = (of or ax).get_legend_handles_labels()
    if handles:
        ax.legend(
            handles,
            labels,
            loc="upper left",
            bbox_to_anchor=(1.005, 1.02),
        )


def save(figure: Figure, path: str | os.PathLike[str], close: bool = True) -> Path:
    """Write a figure to `path` (PNG, PDF or SVG by its ending), whole or not at all.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
    path : path
    close : bool
        Whether to free the figure afterwards.
    """
    path = Path(path)
    # In pieces: a noisy line of very many samples would not fit the memory of the rasteriser.
    with atomic_write(path) as temporary, settings({"agg.path.chunksize": 20000}):
        figure.savefig(temporary, format=path.suffix.lstrip(".") or "png", dpi=RC["savefig.dpi"])
    if close:
        from . import notebook

        notebook.forget(figure)
        if figure.canvas.manager is not None:
            import matplotlib.pyplot as plt

            plt.close(figure)
    return path
