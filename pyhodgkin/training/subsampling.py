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
from numpy.typing import NDArray

from ..recordings import Recording
from .noise import fineness
from .stages import Stage

FloatArray = NDArray[np.float64]

BLOCK = 0.5  # ms: averages over it show spikes and hardly any noise
MOVE = 2.0  # mV in one step of the solver
QUIET = 0.05  # steps for a block in which v rests
LONG, FIRST = 1500.0, 400.0  # steps: of a long recording, and of the part of it that comes first
AFTER = 10.0  # ms after the first change of the stimulus that the first part holds at least
GROWTH, MOST = 3.0, 0.6  # times as much in the next stage, up to this part of the whole
SAMPLES, ENOUGH = 20_000, 6_000  # in the clamped mode, in current clamp: long, and enough
COMMANDED = 60_000  # the same in voltage clamp, where each evaluation is quicker
_STEPS, _GROWN, _LAST, _FINE = 10, 6, 8, 100  # of stages on the first part, on more, and on all


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
    noise : sequence of float
        Of the measured v of each, mV.

    Returns
    -------
    tuple of Stage, str
        The same and nothing where no recording is long.
    """
    if recordings[0].observed != "v":
        return _commanded(stages, recordings)
    out, told = list(stages), []
    costs = [cost(r) for r in recordings]
    whole = max(float(r.t[-1]) for r in recordings)
    total = max(float(steps[-1]) for _, steps in costs)
    first = min(max(_first(r, *c) for r, c in zip(recordings, costs, strict=True)), whole)
    sizes = noise if len(noise) else np.zeros(len(recordings))
    samples = sum(
        len(r) * (fineness(r) if size == 0.0 else 1)
        for r, size in zip(recordings, sizes, strict=True)
    )
    if samples > SAMPLES or total > LONG:
        horizon = max(first, whole * ENOUGH / samples)
        if horizon < MOST * whole:
            out = [replace(x, horizon=horizon) if x.mode == "clamped" else x for x in out]
            told.append(
                f"gates are driven by the first {horizon:.0f} ms ({samples} samples in all)"
            )
    if total > LONG and first < MOST * whole and any(x.mode != "clamped" for x in out):
        out, lengths = _grown(out, first, whole)
        listed = ", ".join(f"{x:.0f}" for x in lengths)
        told.append(
            f"simulated are the first {listed} ms and then all {whole:.0f} ms "
            f"(about {total:.0f} steps of the solver)"
        )
    if not told:
        return tuple(stages), ""
    return tuple(out), f"long recordings: {'; '.join(told)}; errors are of all samples"


def _first(recording: Recording, ends: FloatArray, steps: FloatArray) -> float:
    """ms from the start until the first part has been seen, and the stimulus has changed."""
    enough = float(ends[min(np.searchsorted(steps, FIRST), len(ends) - 1)])
    breaks = recording.protocol.breakpoints
    breaks = breaks[breaks > recording.t[0] + 1e-9]
    changed = float(breaks[0]) if len(breaks) else 0.0
    return max(enough, changed + AFTER) if steps[-1] > FIRST else 0.0


def _grown(stages: list[Stage], first: float, whole: float) -> tuple[list[Stage], list[float]]:
    """Observers on the first part; the stages that simulate on it, on more, and on all of it."""
    lengths = [first]
    while GROWTH * lengths[-1] < MOST * whole:
        lengths.append(GROWTH * lengths[-1])
    last = max(i for i, x in enumerate(stages) if x.mode != "clamped")
    out: list[Stage] = []
    for i, stage in enumerate(stages):
        if stage.mode == "clamped" or stage.horizon is not None:
            out.append(stage)
        elif i < last or stage.mode != "simulation":
            out.append(replace(stage, horizon=first))
        else:
            quick = stage.optimizer == "levenberg"
            steps = [_STEPS, *([_GROWN] * (len(lengths) - 1)), _LAST]
            for n, length in zip(steps, [*lengths, None], strict=True):
                most = min(stage.steps, n) if quick else max(1, stage.steps // len(steps))
                out.append(replace(stage, steps=most, horizon=length))
    return out, lengths


def _commanded(
    stages: Sequence[Stage], recordings: Sequence[Recording]
) -> tuple[tuple[Stage, ...], str]:
    """In voltage clamp all stages on every n-th sample, and the last one again on all."""
    samples = sum(len(r) for r in recordings)
    if samples <= COMMANDED or any(x.mode != "clamped" for x in stages):
        return tuple(stages), ""
    every = int(np.ceil(samples / SAMPLES))
    thin = [replace(x, every=every) for x in stages]
    last = replace(stages[-1], steps=min(stages[-1].steps, _FINE), search=0)
    return (*thin, last), (
        f"long recordings: every {every}th of {samples} samples first, then all of them; "
        "errors are of all samples"
    )
