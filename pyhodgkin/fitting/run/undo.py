"""A stage taken back where the spikes agree less after it than before."""

from __future__ import annotations

import numpy as np

from ...numerics.arrays import FloatArray
from ..modes.spike_trains import comparison_of
from ..prepared_recordings import left_out
from ..problem import Problem
from ..stage import Stage

WORSE = 1e-3  # relative increase of the cost that is none
MISCOUNTED = 0.01  # spikes in a recording: a larger difference of the numbers is one
CLEAR = 0.2  # relative decrease of the cost that makes up for it, of up to
FEW = 0.25  # spikes in a recording
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
        Of each start whichever costs less (`SpikeTrains`), simulated; without `undo` those after.
    """
    if not stage.undo:
        return after, []
    part = problem.of("v") if len(problem.observables) > 1 else problem
    comparison = comparison_of(part, stage)
    each = [
        np.nan_to_num(comparison.value_and_grad(theta, None).per_recording, nan=np.inf)
        for theta in (before, after)
    ]
    old, new = (costs.mean(axis=-1) for costs in each)
    lost = ~(new <= (1.0 + WORSE) * old) | ~np.isfinite(new)
    # A smaller error of v between spikes does not pay for spikes that are lost, or come too many.
    counts = [comparison.miscounted(theta) for theta in (before, after)]
    more = counts[1] - counts[0]
    lost |= (more > MISCOUNTED) & ~((more <= FEW) & (new < (1.0 - CLEAR) * old))
    away, notes = left_out(each[0].shape[-1], stage.leave_out), []
    if away:
        unseen = [costs[:, away].mean(axis=-1) for costs in each]
        lost |= ~(unseen[1] < (1.0 - EVIDENCE) * unseen[0])
        names = ", ".join(comparison.recordings[i].name for i in away)
        notes.append(
            f"{stage.label}: cost in {names}, left out of it: {np.min(unseen[1]):.3g}, before it "
            f"{np.min(unseen[0]):.3g}"
        )
    rows = lost.reshape(-1, *(1 for _ in after.shape[1:]))
    kept = np.where(rows, before, after)
    best = int(np.argmin(np.where(lost, old, new)))
    text = comparison.remark(kept[best : best + 1], None)
    lines = notes
    if lost.any():
        of = f" in {lost.sum()} of {len(lost)} starts" if len(lost) > 1 else ""
        lines.append(
            f"{stage.label}: taken back{of}, since spikes and v between them agreed less after "
            f"it (cost {np.min(new):.3g}, before {np.min(old):.3g})"
        )
    return kept, [*lines, text] if text else lines
