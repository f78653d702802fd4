"""Figures of traces, gates, currents, kinetics and training; each function returns a `Figure`.

matplotlib is imported when a figure is drawn. Where there is no display, figures are drawn for
files all the same. Every function takes the keyword `axes` to draw into axes of your own.

In a script the figures are those of pyplot, and ``plt.show()`` shows them. In a notebook each is
shown once, as the value of its cell or at the cell's end; keep it in a variable to change or save
it, since ``plt.gcf()`` does not know it.
"""

from __future__ import annotations

from .cells import currents, gates, open_probabilities
from .clamp import clamp_fit
from .ensemble import ensemble, ensemble_predictions
from .evaluation import evaluation
from .kinetics import kinetics
from .network import population_rates, raster
from .phase_plane import phase_plane
from .style import COLORS, save
from .traces import trace
from .training import loss_history

__all__ = [
    "COLORS",
    "clamp_fit",
    "currents",
    "ensemble",
    "ensemble_predictions",
    "evaluation",
    "gates",
    "kinetics",
    "loss_history",
    "open_probabilities",
    "phase_plane",
    "population_rates",
    "raster",
    "save",
    "trace",
]
