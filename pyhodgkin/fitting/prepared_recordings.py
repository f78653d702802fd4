"""Recordings as a stage is shown them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ..numerics.cached import cached_property
from ..recordings import Recording
from ..recordings.denoise import anchored, denoised, refined, start
from ..recordings.plausible import judged_before
from ..recordings.sampling import around_spikes, for_simulation

_BREAKS = 200  # changes of a stimulus; more of them are samples of a curve


class PreparedRecordings:
    """Recordings as they were measured, and what they are without noise (mV each).

    `measured` is what is compared; its first samples, where a simulation starts, are denoised.
    `smooth` is what an observer draws to. `driving` drives gates under a known voltage: where
    there is no noise, with samples between the samples. `noise` (mV) is that of each, `rest` the
    neuron's, mV. `starts` (mV) are the first voltages of noisy ones, where they are known better.
    """

    def __init__(
        self,
        recordings: Sequence[Recording],
        noise: Sequence[float] = (),
        rest: float | None = None,
        starts: Sequence[float] = (),
    ) -> None:
        sizes = noise if len(noise) else np.zeros(len(recordings))
        self.noise = tuple(map(float, sizes))
        self.measured, self.smooth = list(recordings), list(recordings)
        for i, (recording, size) in enumerate(zip(recordings, sizes, strict=True)):
            if size > 0.0 and recording.observed == "v":
                first = starts[i] if len(starts) else start(recording, float(size), rest)
                smooth = replace(recording, v=denoised(recording, float(size)))
                self.smooth[i] = anchored(smooth, first)
                self.measured[i] = anchored(recording, first)

    @cached_property
    def driving(self) -> list[Recording]:
        """What drives gates under a known voltage."""
        return [
            r if size > 0.0 or r.observed != "v" else refined(r)
            for r, size in zip(self.smooth, self.noise, strict=True)
        ]

    def sampled(self, sampling: str, driving: bool = False) -> list[Recording]:
        """`measured`, or `driving`, with all samples or those that a cell with spikes needs."""
        if sampling == "all":
            return self.driving if driving else self.measured
        of, from_ = (around_spikes, self.smooth) if driving else (for_simulation, self.measured)
        return [of(r) if r.observed == "v" else r for r in from_]


def cut(recording: Recording, horizon: float | None) -> Recording:
    """The samples of the first `horizon` ms of a recording, under the same protocol."""
    if horizon is None or horizon >= recording.t[-1]:
        return recording
    n = int(np.searchsorted(recording.t, horizon, side="right"))
    part = {recording.observed: recording.data[:n]}
    with judged_before():
        return replace(recording, t=recording.t[:n], mask=recording.mask[:n], **part)


def left_out(count: int, leave_out: tuple[int, int] | None) -> list[int]:
    """The places of the recordings that a stage leaves out; none where few would be left."""
    if leave_out is None or count < 2 * leave_out[1]:
        return []
    return list(range(leave_out[0], count, leave_out[1]))


def without(recordings: list[Recording], leave_out: tuple[int, int] | None) -> list[Recording]:
    """The recordings that a stage is trained on."""
    away = left_out(len(recordings), leave_out)
    return [r for i, r in enumerate(recordings) if i not in away]


def thinned(recording: Recording, every: int, whole: float = 1.0) -> Recording:
    """Every so many-th sample, and all within `whole` ms after each change of the stimulus.

    Examples
    --------
    >>> from pyhodgkin.protocols import CurrentClamp
    >>> t = np.arange(0.0, 50.0, 0.1)
    >>> recording = Recording(t, CurrentClamp.step(9.0, 10.0, 40.0, 50.0), v=np.zeros(500))
    >>> len(thinned(recording, 10)) < 100
    True
    """
    if every == 1:
        return recording
    t, keep = recording.t, np.zeros(len(recording), bool)
    keep[::every] = True
    keep[-1] = True
    for at in recording.protocol.breakpoints[:_BREAKS]:
        keep |= (t >= at - 1e-9) & (t < at + whole)
    if not recording.mask[keep].any() or keep.sum() < 9:
        return recording
    part = {recording.observed: recording.data[keep]}
    return replace(recording, t=t[keep], mask=recording.mask[keep], **part)
