"""Which estimates of parameters go together."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..errors import InputError
from .style import INK, panels, styled

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from ..results.identifiability import Identifiability

_WRITTEN = 14  # parameters whose correlations are written into the squares
_DARK = 0.6  # of a square: numbers on it are white


@styled
def correlations(known: Identifiability, *, axes: Axes | None = None) -> Figure:
    """Correlations of the estimates of parameters, as a table of squares.

    Near 1 or -1 the recordings determine a combination of two parameters rather than each. A
    square without a colour is of a parameter that is at a bound or not determined at all.

    Parameters
    ----------
    known : Identifiability
        Of a fit, or from `pyhodgkin.identifiability`; of two parameters or more.
    axes : Axes, optional
        Where to draw; by default a new figure.

    Examples
    --------
    >>> import numpy as np
    >>> from pyhodgkin.results.identifiability import Identifiability
    >>> known = Identifiability(("k.g", "k.e"), ("mS/cm²", "mV"), np.array([36.0, -77.0]),
    ...     np.ones(2), np.array([[2.0, 1.0], [1.0, 2.0]]), 100, (0.1,))
    >>> figure = correlations(known)
    """
    count = len(known.names)
    if count < 2:
        raise InputError(f"known: correlations need two parameters or more, there is {count}")
    side = float(np.clip(0.42 * count, 1.6, 6.0))
    (ax,) = panels(axes, [1], width=side + 2.4, height=side + 0.6)
    values = known.correlations
    shown = ax.imshow(values, cmap="RdBu_r", vmin=-1.0, vmax=1.0, aspect="equal")
    ax.set_facecolor("#F4F4F4")
    ax.set_xticks(range(count), known.names, rotation=60, ha="right", rotation_mode="anchor")
    ax.set_yticks(range(count), known.names)
    ax.tick_params(length=0, labelsize=7.5 if count <= 24 else 5.5)
    ax.spines[:].set_visible(False)
    if count <= _WRITTEN:
        for i, row in enumerate(values):
            for j, value in enumerate(row):
                if np.isfinite(value):
                    ink = "white" if abs(value) > _DARK else INK
                    text = f"{value:+.2f}" if i != j else "1"
                    ax.text(j, i, text, ha="center", va="center", fontsize=6.5, color=ink)
    bar = ax.figure.colorbar(shown, ax=ax, shrink=0.8, ticks=(-1, -0.5, 0, 0.5, 1))
    bar.set_label("correlation of the estimates")
    bar.outline.set_visible(False)  # type: ignore[operator]
    return ax.figure  # type: ignore[return-value]
