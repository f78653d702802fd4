"""Long recordings: which part of them the first stages of a schedule are given.

A stage that simulates costs as much as the neuron does in the recordings: each spike takes a
hundred steps of the solver, and a second of spikes as long as all that a short recording needs.
A few spikes say nearly as much of a gate as hundreds. So the first stages see the beginning of
each recording, then more and more of it, and the last one all of it. In the clamped mode the cost
is the number of samples.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ...numerics.arrays import FloatArray
from ...recordings import Recording
from ...recordings.denoise import fineness
from ..stage import Stage

BLOCK = 0.5  # ms: averages over it show spikes and hardly any noise
MOVE = 2.0  # mV in one step of the solver
QUIET = 0.05  # steps for a block in which v rests
LONG, FIRST = 1500.0, 400.0  # steps: of a long recording, and of the part of it that comes first
AFTER = 10.0  # ms after the first change of the stimulus that the first part holds at least
GROWTH, MOST = 3.0, 0.6  # times as many steps in the next stage, up to this part of all
NEARLY = 0.9  # of the length: a part that is as good as all
SAMPLES, ENOUGH = 20_000, 6_000  # in the clamped mode, in current clamp: long, and enough
COMMANDED = 60_000  # the same in voltage clamp, where each evaluation is quicker
_OBSERVED, _STEPS, _GROWN, _LAST = 6, 10, 6, 6  # steps on the first part, on more, and on all
_FINE = 100  # in voltage clamp, on all samples


def cost(recording: Recording) -> tuple[FloatArray, FloatArray]:
    """Times (n,), ms, and about how many steps of the solver it takes to each of them.

    Examples
    --------
    >>> from pyhodgkin.protocols import CurrentClamp
    >>> t = np.arange(0.0, 100.0, 0.05)
    >>> quiet = Recording(t, CurrentClamp.constant(0.0, 100.0), v=np.full(2000, -65.0))
    >>> bool(cost(quiet)[1][-1] < 20)
    True
    """
    t = recording.t
    block = np.floor((t - t[0]) / BLOCK).astype(np.intp)
    _, place, counts = np.unique(block, return_inverse=True, return_counts=True)
    means = np.bincount(place, weights=recording.data) / counts
    ends = t[np.cumsum(counts) - 1]
    moved = np.abs(np.diff(means, prepend=means[0])) / MOVE
    return ends, np.cumsum(np.maximum(moved, QUIET))


def coarse_to_fine(
    stages: Sequence[Stage], recordings: Sequence[Recording], noise: Sequence[float] = ()
) -> tuple[tuple[Stage, ...], str]:
    """The stages with long recordings cut for the first of them, and what the log says of it.

    Parameters
    ----------
    stages : sequence of Stage
        Chosen for recordings of any length.
    recordings : sequence of Recording
        Of one clamp.
    noise : sequence of float
        Of the measured v of each, mV.

    Returns
    -------
    tuple of Stage, str
        The same and nothing where no recording is long.
    """
    if any(x.sampling != "all" for x in stages):
        return tuple(stages), ""  # these see few samples of all of it
    if recordings[0].observed != "v":
        return _commanded(stages, recordings)
    out, told = list(stages), []
    costs = [cost(r) for r in recordings]
    whole = max(float(r.t[-1]) for r in recordings)
    total = max(float(steps[-1]) for _, steps in costs)
    lengths = _lengths(recordings, costs, total)
    sizes = noise if len(noise) else np.zeros(len(recordings))
    samples = sum(
        len(r) * (fineness(r) if size == 0.0 else 1)
        for r, size in zip(recordings, sizes, strict=True)
    )
    if samples > SAMPLES or total > LONG:
        horizon = max([whole * ENOUGH / samples, *lengths[:1]])
        if horizon < NEARLY * whole:
            out = [replace(x, horizon=horizon) if x.mode.name == "clamped" else x for x in out]
            told.append(
                f"gates are driven by the first {horizon:.0f} ms ({samples} samples in all)"
            )
    if total > LONG and lengths and any(x.mode.name != "clamped" for x in out):
        out = _grown(out, lengths)
        listed = ", ".join(f"{x:.0f}" for x in lengths)
        told.append(
            f"simulated are the first {listed} ms and then all {whole:.0f} ms "
            f"(about {total:.0f} steps of the solver)"
        )
    if not told:
        return tuple(stages), ""
    return tuple(out), f"long recordings: {'; '.join(told)}; errors are of all samples"


def _lengths(
    recordings: Sequence[Recording], costs: Sequence[tuple[FloatArray, FloatArray]], total: float
) -> list[float]:
    """ms of the first part, and of those that take `GROWTH` times as many steps each."""
    whole = max(float(r.t[-1]) for r in recordings)
    changed = 0.0
    for r in recordings:
        breaks = r.protocol.breakpoints
        inside = breaks[(breaks > r.t[0] + 1e-9) & (breaks < r.t[-1])]
        changed = max(changed, float(inside[0]) + AFTER if len(inside) else 0.0)
    found, steps = [], FIRST
    while steps < MOST * total:
        reached = [float(ends[np.searchsorted(n, steps)]) for ends, n in costs if n[-1] > steps]
        length = max(min(reached), changed)
        if (not found or length > found[-1]) and length < NEARLY * whole:
            found.append(length)
        steps *= GROWTH
    return found


def _grown(stages: list[Stage], lengths: list[float]) -> list[Stage]:
    """Observers on the first part; the stages that simulate on it, on more, and on all of it."""
    last = max(i for i, x in enumerate(stages) if x.mode.name != "clamped")
    out: list[Stage] = []
    for i, stage in enumerate(stages):
        if stage.mode.name == "clamped" or stage.horizon is not None:
            out.append(stage)
        elif i < last or stage.mode.name != "simulation":
            few = min(stage.steps, _OBSERVED) if stage.optimizer == "levenberg" else stage.steps
            out.append(replace(stage, steps=few, horizon=lengths[0]))
        else:
            quick = stage.optimizer == "levenberg"
            steps = [_STEPS, *([_GROWN] * (len(lengths) - 1)), _LAST]
            for n, length in zip(steps, [*lengths, None], strict=True):
                most = min(stage.steps, n) if quick else max(1, stage.steps // len(steps))
                out.append(replace(stage, steps=most, horizon=length))
    return out


def _commanded(
    stages: Sequence[Stage], recordings: Sequence[Recording]
) -> tuple[tuple[Stage, ...], str]:
    """In voltage clamp all stages on every n-th sample, and the last one again on all."""
    samples = sum(len(r) for r in recordings)
    if samples <= COMMANDED or any(x.mode.name != "clamped" for x in stages):
        return tuple(stages), ""
    every = int(np.ceil(samples / SAMPLES))
    thin = [replace(x, every=every) for x in stages]
    last = replace(stages[-1], steps=min(stages[-1].steps, _FINE), multistart=0)
    return (*thin, last), (
        f"long recordings: every {every}th of {samples} samples first, then all of them; "
        "errors are of all samples"
    )
