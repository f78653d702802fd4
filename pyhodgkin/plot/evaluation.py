"""What was measured over what was predicted, training and held out, with the numbers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from ..errors import InputError
from ..evaluation.scores import HELDOUT
from ..units import written
from .commands import command_below, time_axis
from .style import (
    MEASURED,
    color,
    label_lines,
    number,
    quantity,
    roomy_panels,
    shade_uncounted,
    styled,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from ..evaluation.evaluation import Evaluation
    from ..results.fit_result import Prediction


@styled
def evaluation(
    evaluation: Evaluation, *, most: int = 6, axes: Sequence[Axes] | None = None
) -> Figure:
    """Measured over predicted traces: training on the left, held out on the right.

    Above each stand its numbers as in the table of the evaluation (over the samples that the mask
    keeps, averaged over the members of an ensemble, each of which is a line), and below it the
    command. Samples that the mask leaves out are shaded.

    Parameters
    ----------
    evaluation : Evaluation
    most : int
        Recordings of each role; the first ones are drawn.
    axes : Axes, optional
        Where to draw, row by row, as many as there would be; by default a new figure.

    Examples
    --------
    >>> import pyhodgkin as ph
    >>> cell = ph.library.get("squid_axon")
    >>> clamp = ph.CurrentClamp.step(10.0, start=2.0, stop=20.0, t_end=25.0)
    >>> trace = ph.Recording.from_solution(ph.simulate(cell, clamp, saveat=0.1), name="step")
    >>> figure = ph.plot.evaluation(ph.evaluate(cell, trace))
    """
    if most < 1:
        raise InputError(f"most = {most}: give at least 1")
    sides = [
        (_role(evaluation, held), [p for p in evaluation.predictions if p.heldout == held])
        for held in (False, True)
    ]
    sides = [(role, found) for role, found in sides if found]
    rows = min(most, max(len(found) for _, found in sides))
    grid = roomy_panels(axes, rows, len(sides))
    for column, (role, found) in enumerate(sides):
        shown = found[:rows]
        more = f", {len(shown)} of {len(found)}" if len(found) > len(shown) else ""
        longest = max((p.t for p in shown), key=lambda t: t[-1])
        for row, prediction in enumerate(shown):
            ax = grid[row * len(sides) + column]
            scale = _trace(ax, prediction, longest)
            ax.set_xlim(longest[0] * scale, longest[-1] * scale)
            head = f"{role}{more}: " if row == 0 else ""
            ax.set_title(f"{head}{prediction.name}\n{_numbers(evaluation, prediction)}")
            # A panel without one below it keeps the numbers of its time axis.
            last, t = row == len(shown) - 1, prediction.t * scale
            command_below(ax, t, prediction.command, prediction.command_unit, last)
        for row in range(len(shown), rows):
            grid[row * len(sides) + column].set_visible(False)
    label_lines(grid[len(sides) - 1])
    return grid[0].figure  # type: ignore[return-value]


def _role(evaluation: Evaluation, heldout: bool) -> str:
    """What the evaluation calls its recordings that were held out, or the others."""
    roles = [role for role, _ in evaluation.groups if (role == HELDOUT) == heldout]
    return roles[0] if roles else HELDOUT


def _trace(ax: Axes, prediction: Prediction, longest: np.ndarray) -> float:
    _, scale = time_axis(ax, longest)
    t = prediction.t * scale
    ax.plot(t, prediction.measured, color=MEASURED, lw=1.8, label="measured")
    members = np.atleast_2d(prediction.predicted)
    faint = 1.0 if len(members) == 1 else max(0.25, 1.0 / len(members))
    for k, values in enumerate(members):
        ax.plot(t, values, color=color(0), lw=0.9, alpha=faint, label=None if k else "model")
    ax.set_ylabel(quantity(prediction.unit))
    shade_uncounted(ax, t, prediction.mask)
    # Capacitive spikes of a few samples must not set the scale of a current.
    if prediction.unit != "mV":
        low, high = np.quantile(prediction.measured, (0.001, 0.999))
        known = members[np.isfinite(members)]
        low, high = known.min(initial=low), known.max(initial=high)
        margin = 0.06 * ((high - low) or 1.0)
        ax.set_ylim(low - margin, high + margin)
    return scale


def _numbers(evaluation: Evaluation, prediction: Prediction) -> str:
    from ..evaluation.evaluation import mean_of

    role = _role(evaluation, prediction.heldout)
    place = [p for p in evaluation.predictions if p.heldout == prediction.heldout].index(prediction)
    k = len(evaluation.members)
    scores = evaluation.select(role)[place * k : (place + 1) * k]
    mean = mean_of(scores)
    parts = [f"RMSE {number(mean['rmse'])} {written(prediction.unit)}"]
    if math.isnan(mean["rmse"]):
        parts = ["solve failed"]
    if scores[0].spikes_measured is not None:
        predicted = float(np.mean([float(s.spikes_predicted or 0) for s in scores]))
        parts.append(f"{scores[0].spikes_measured} spikes, model {number(predicted)}")
        if not math.isnan(mean["gamma"]):
            parts.append(f"Γ {number(mean['gamma'])}")
    return ", ".join(parts)
