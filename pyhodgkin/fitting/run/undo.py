"""A stage taken back where the spikes agree less after it than before."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...numerics.arrays import FloatArray
from ..modes.spike_trains import SpikeTrainComparison, comparison_of
from ..prepared_recordings import left_out
from ..problem import Problem
from ..stage import Stage

WORSE = 1e-3  # relative increase of the cost that is none
MISCOUNTED = 0.01  # spikes in a recording: a larger difference of the numbers is one
CLEAR = 0.2  # relative decrease of the cost that makes up for it, of up to
FEW = 0.25  # spikes in a recording
PARTS = (1.0, 0.5, 0.25)  # of the way from before a stage to after it
EVIDENCE = 0.01  # relative decrease in recordings left out that speaks for what was trained


def kept_or_undone(
    problem: Problem, stage: Stage, before: FloatArray, after: FloatArray
) -> tuple[FloatArray, list[str]]:
    """The parameters to go on with, and a line on how the spikes agree.

    Parameters
    ----------
    problem : Problem
        With recordings of v, alone or beside others.
    stage : Stage
        The one that has ended.
    before, after : array (K, P) or (K, C, P)
        Before it and after it.

    Returns
    -------
    array, list of str
        Of each start whichever costs least (`SpikeTrains`), simulated: those after, those a half or
        a quarter of the way there, or those before; without `undo` those after.
    """
    if not stage.undo:
        return after, []
    part = problem.of("v") if len(problem.observables) > 1 else problem
    comparison = comparison_of(part, stage)
    old = _judged(comparison, before, stage)
    parts = [(f, before + f * (after - before)) for f in PARTS]
    judged = [_judged(comparison, theta, stage) for _, theta in parts]
    fine = np.array([_agrees(new, old) for new in judged])
    costs = np.where(fine, [new.cost for new in judged], np.inf)
    chosen = np.argmin(costs, axis=0)
    lost = np.isinf(costs.min(axis=0))
    kept = before.copy()
    for k in np.flatnonzero(~lost):
        kept[k] = parts[chosen[k]][1][k]
    best = int(np.argmin(np.where(lost, old.cost, costs.min(axis=0))))
    lines = _notes(stage, comparison, old, judged[0], lost)
    part_way = PARTS[chosen[best]]
    if not lost[best] and part_way < 1.0:
        lines.append(f"{stage.label}: {part_way:g} of its way is kept, where spikes agree better")
    text = comparison.remark(kept[best : best + 1], None)
    return kept, [*lines, text] if text else lines


@dataclass(frozen=True)
class _Judged:
    """Of each start (K,): the cost, that in recordings left out, and the miscounted spikes."""

    cost: FloatArray
    unseen: FloatArray | None
    miscounted: FloatArray
    away: tuple[int, ...]


def _judged(comparison: SpikeTrainComparison, theta: FloatArray, stage: Stage) -> _Judged:
    found = comparison.value_and_grad(theta, None).per_recording
    each = np.nan_to_num(found, nan=np.inf)
    away = left_out(each.shape[-1], stage.leave_out)
    unseen = each[:, away].mean(axis=-1) if away else None
    return _Judged(each.mean(axis=-1), unseen, comparison.miscounted(theta), tuple(away))


def _agrees(new: _Judged, old: _Judged) -> NDArray[np.bool_]:
    """Whether spikes and v between them agree no less than before, (K,)."""
    fine = np.isfinite(new.cost) & (new.cost <= (1.0 + WORSE) * old.cost)
    # A smaller error of v between spikes does not pay for spikes that are lost, or come too many.
    more = new.miscounted - old.miscounted
    fine &= ~(more > MISCOUNTED) | ((more <= FEW) & (new.cost < (1.0 - CLEAR) * old.cost))
    if new.unseen is not None and old.unseen is not None:
        fine &= new.unseen < (1.0 - EVIDENCE) * old.unseen
    return fine


def _notes(
    stage: Stage,
    comparison: SpikeTrainComparison,
    old: _Judged,
    new: _Judged,
    lost: NDArray[np.bool_],
) -> list[str]:
    lines = []
    if new.unseen is not None and old.unseen is not None:
        names = ", ".join(comparison.recordings[i].name for i in new.away)
        lines.append(
            f"{stage.label}: cost in {names}, left out of it: {np.min(new.unseen):.3g}, before it "
            f"{np.min(old.unseen):.3g}"
        )
    if lost.any():
        of = f" in {lost.sum()} of {len(lost)} starts" if len(lost) > 1 else ""
        lines.append(
            f"{stage.label}: taken back{of}, since spikes and v between them agreed less after "
            f"it (cost {np.min(new.cost):.3g}, before {np.min(old.cost):.3g})"
        )
    return lines
