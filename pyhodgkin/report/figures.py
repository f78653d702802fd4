"""The figures of a fit by name: its own folder has them as files, its report in the page."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import plot
from ..plot.parameters import correlations
from ..plot.style import RC, for_files, settings
from ..results.learned_curves import LearnedCurves

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from ..neuron.neuron import Neuron
    from ..results.fit_result import FitResult, Prediction

# More traces than this in one figure hide each other.
TOGETHER, APART = 12, 6
_LARGE = 150_000  # bytes of an SVG; of what is larger a PNG is taken

Figures = dict[str, Callable[[], "Figure"]]


def of_kinetics(result: FitResult, published: Neuron | None, start: Neuron | None) -> Figures:
    """Learned curves, and what the starts agree on."""
    if not any(gate.kinetics.kind == "neural" for gate in result.neuron.gates):
        return {}
    bands = result.curves if isinstance(result.curves, LearnedCurves) else None
    drawn: Figures = {
        "kinetics": lambda: plot.kinetics(
            result.neuron,
            published=published,
            start=start,
            v_seen=result.voltage_range,
            bands=bands,
        )
    }
    if np.sum(np.isfinite(result.scores)) > 1 and result.ensemble().gates:
        drawn["ensemble"] = lambda: result.ensemble().plot(published=published)
        drawn["ensemble_predictions"] = lambda: result.ensemble().plot_predictions()
    return drawn


def of_traces(result: FitResult, test: Sequence[Prediction] = ()) -> Figures:
    """What was measured over what the best start says, with the difference."""
    groups = {
        "training": [p for p in result.predictions if not p.heldout],
        "heldout": [p for p in result.predictions if p.heldout],
        "test": list(test),
    }
    drawn: Figures = {}
    for role, predictions in groups.items():
        drawn |= _comparisons(role, predictions, result.best)
    return drawn


def _comparisons(role: str, predictions: Sequence[Prediction], best: int) -> Figures:
    """Sweeps of a current in one figure; potentials, whose spikes overlap, in one each."""
    if not predictions:
        return {}
    if len({p.unit for p in predictions}) > 1:
        of_v = [p for p in predictions if p.unit == "mV"]
        of_current = [p for p in predictions if p.unit != "mV"]
        drawn = _comparisons(f"{role}_current", of_current, best)
        return drawn | _comparisons(f"{role}_v", of_v, best)
    if predictions[0].unit != "mV":
        return {f"fit_{role}": lambda: plot.clamp_fit(predictions, start=best, most=TOGETHER)}
    single = len(predictions) == 1

    def draw(p: Prediction) -> Callable[[], Figure]:
        return lambda: plot.clamp_fit(p, start=best)

    return {
        f"fit_{role}" + ("" if single else f"_{i + 1}"): draw(p)
        for i, p in enumerate(predictions[:APART])
    }


def of_history(result: FitResult) -> Figures:
    """The loss over the steps, where one of them had a finite one."""
    loss = np.asarray(result.history["loss"])
    if not np.any(np.isfinite(loss) & (loss > 0)):
        return {}  # a logarithmic axis has nothing to show
    return {"loss": lambda: plot.loss_history(result.history)}


def of_parameters(result: FitResult) -> Figures:
    """Correlations of the estimates, of two parameters or more."""
    known = result.identifiability
    if known is None or len(known.names) < 2:
        return {}
    return {"correlations": lambda: correlations(known)}


def inline(draw: Callable[[], Figure]) -> str:
    """A figure as a data URI: SVG, or PNG where that would be large.

    The same figure gives the same text.
    """
    own: dict[Any, Any] = {"svg.hashsalt": "pyhodgkin", "agg.path.chunksize": 20000}
    with for_files():
        figure = draw()
        with settings(own):
            svg = io.BytesIO()
            figure.savefig(svg, format="svg", metadata={"Date": None, "Creator": None})
            if len(svg.getvalue()) <= _LARGE:
                return _uri("image/svg+xml", svg.getvalue())
            png = io.BytesIO()
            figure.savefig(png, format="png", dpi=RC["savefig.dpi"])
    return _uri("image/png", png.getvalue())


def _uri(kind: str, data: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(data).decode('ascii')}"
