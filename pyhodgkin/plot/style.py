"""One look for all figures: a colour-blind palette, thin axes, units on every axis."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, ParamSpec

from ..errors import InputError
from ..files import replacing

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Okabe and Ito's palette, which colour-blind readers can tell apart, without its yellow.
COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
INK = "#222222"
MEASURED = "#9A9A9A"
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
    "legend.handlelength": 1.6,
    "legend.borderaxespad": 0.3,
    "text.color": INK,
}

P = ParamSpec("P")


def styled(draw: Callable[P, Figure]) -> Callable[P, Figure]:
    """A drawing function inside the house style, which leaves the user's own settings alone."""

    @wraps(draw)
    def inside(*args: P.args, **kwargs: P.kwargs) -> Figure:
        import matplotlib

        if managed():
            # Before the settings are changed: it may turn interactive mode on, which must stay.
            import matplotlib.pyplot
        with matplotlib.rc_context(RC):
            return draw(*args, **kwargs)

    return inside


def panels(
    axes: Any,
    heights: Sequence[float],
    *,
    columns: int = 1,
    width: float = 6.4,
    height: float = 1.0,
) -> list[Axes]:
    """The axes given by the user, checked for their number, or those of a new figure.

    The list is row by row. `height` is that of one unit of `heights`, in inches.
    """
    needed = len(heights) * columns
    if axes is None:
        figure = new_figure(figsize=(width, height * sum(heights) + 0.5), layout="constrained")
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


def color(i: int) -> str:
    """The colour of the i-th of several lines; the palette repeats."""
    return COLORS[i % len(COLORS)]


def shades(n: int) -> list[Any]:
    """Colours of `n` traces in order: the palette for a few, one ramp for many."""
    if n <= len(COLORS):
        return list(COLORS[:n])
    import matplotlib

    ramp = matplotlib.colormaps["viridis"]
    return [ramp(0.92 * i / (n - 1)) for i in range(n)]


def label_lines(ax: Axes, columns: int = 1) -> None:
    """A legend beside the axes, where no line can run through it."""
    handles, labels = ax.get_legend_handles_labels()
    if handles:
        ax.legend(handles, labels, loc="upper left", bbox_to_anchor=(1.005, 1.02), ncols=columns)


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
    with replacing(path) as temporary:
        figure.savefig(temporary, format=path.suffix.lstrip(".") or "png", dpi=RC["savefig.dpi"])
    if close:
        from . import notebook

        notebook.forget(figure)
        if figure.canvas.manager is not None:
            import matplotlib.pyplot as plt

            plt.close(figure)
    return path
