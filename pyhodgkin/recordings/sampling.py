"""Fewer samples of a recording with spikes: dense where v moves, sparse where it does not."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np

from ..numerics.arrays import FloatArray
from ..numerics.spikes import upward_crossings
from .plausible import judged_before
from .recording import Recording

SPARSE, DENSE, UPSTROKE = 1.0, 0.25, 0.1  # ms between samples at rest, where it may spike, in one
AFTER = 30.0  # ms after a step in which spikes were measured
BEFORE_SPIKE, AFTER_SPIKE = 1.0, 4.0  # ms
DEAD_TIME = 1.0  # ms
_STEPS = 500  # changes of a stimulus; more of them are samples of a curve


def for_simulation(recording: Recording, threshold: float = 0.0) -> Recording:
    """The recording as a simulation is compared with it: every ms, and denser where it may spike.

    Between the changes of the stimulus v is kept every ms where no spike was measured and the
    stimulus does not depolarize, else every 0.25 ms. Samples that stand for several are their
    means, none across a change of the stimulus.

    Examples
    --------
    >>> from pyhodgkin.protocols import CurrentClamp
    >>> t = np.arange(0.0, 500.0, 0.05)
    >>> clamp = CurrentClamp.step(9.0, 100.0, 200.0, 500.0)
    >>> len(for_simulation(Recording(t, clamp, v=np.zeros(10_000)))) < 1200
    True
    """
    spikes = upward_crossings(recording.t, recording.data, threshold, DEAD_TIME)
    breaks = recording.protocol.breakpoints
    inside = breaks[(breaks > recording.t[0]) & (breaks < recording.t[-1])]
    end = float(recording.t[-1])
    if len(inside) > _STEPS:  # a curve: it may spike anywhere
        return _at(recording, [np.arange(recording.t[0], end, DENSE)])
    parts = [np.arange(recording.t[0], end, SPARSE)]
    for a, b in pairwise([float(recording.t[0]), *inside.tolist(), end]):
        spiking = bool(np.any((spikes >= a) & (spikes < b)))
        if spiking or recording.protocol([0.5 * (a + b)])[0] > 0.0:
            parts.append(np.arange(a, min(b + AFTER, end), DENSE))
    return _at(recording, parts)


def around_spikes(recording: Recording, threshold: float = 0.0) -> Recording:
    """The recording as gates are driven by it: every ms, and every 0.1 ms in spikes."""
    spikes = upward_crossings(recording.t, recording.data, threshold, DEAD_TIME)
    parts = [np.arange(recording.t[0], recording.t[-1], SPARSE)]
    parts += [np.arange(s - BEFORE_SPIKE, s + AFTER_SPIKE, UPSTROKE) for s in spikes]
    return _at(recording, parts)


def _at(recording: Recording, parts: list[FloatArray]) -> Recording:
    """The recording at the samples next to some times: means where they lie apart."""
    t, data = recording.t, recording.data
    wanted = np.unique(np.round(np.concatenate(parts), 6))
    at = np.unique(np.clip(np.searchsorted(t, wanted - 1e-9), 0, len(t) - 1))
    at = np.unique(np.append(at, [0, len(t) - 1]))
    if len(at) > 0.7 * len(t) or len(at) < 9:
        return recording
    gap = np.diff(at)
    # A mean reaches a third of the way to the next sample, so that neighbours share none.
    half = np.minimum(np.append(gap, 1), np.insert(gap, 0, 1)) // 3
    first, last = np.maximum(at - half, 0), np.minimum(at + half, len(t) - 1)
    for step in np.searchsorted(t, recording.protocol.segments.breakpoints[:_STEPS] - 1e-9):
        across = (first < step) & (last >= step)
        first, last = np.where(across, at, first), np.where(across, at, last)
    total = np.concatenate([[0.0], np.cumsum(data - data[0])])
    mean = data[0] + (total[last + 1] - total[first]) / (last + 1 - first)
    mask = recording.mask[at]
    if not mask.any():
        return recording
    with judged_before():
        return replace(recording, t=t[at], mask=mask, **{recording.observed: mean})
