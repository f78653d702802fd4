"""Recordings as a stage is shown them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ..recordings import Recording
from .noise import anchored, denoised, refined, start


class View:
    """Recordings as they were measured, and what they are without noise (mV each).

    `measured` is what is compared; its first samples, where a simulation starts, are denoised.
    `smooth` is what an observer draws to. `driving` drives gates under a known voltage: where
    there is no noise, with samples between the samples. `rest` is the neuron's, mV.
    """

    def __init__(
        self,
        recordings: Sequence[Recording],
        noise: Sequence[float] = (),
        rest: float | None = None,
    ) -> None:
        sizes = noise if len(noise) else np.zeros(len(recordings))
        self.measured, self.smooth = list(recordings), list(recordings)
        for i, (recording, size) in enumerate(zip(recordings, sizes, strict=True)):
            if size > 0.0 and recording.observed == "v":
                first = start(recording, float(size), rest)
                smooth = replace(recording, v=denoised(recording, float(size)))
                self.smooth[i] = anchored(smooth, first)
                self.measured[i] = anchored(recording, first)
        self.driving = [
            r if size > 0.0 or r.observed != "v" else refined(r)
            for r, size in zip(self.smooth, sizes, strict=True)
        ]


def cut(recording: Recording, horizon: float | None) -> Recording:
    """The samples of the first `horizon` ms of a recording, under the same protocol."""
    if horizon is None or horizon >= recording.t[-1]:
        return recording
    n = int(np.searchsorted(recording.t, horizon, side="right"))
    part = {recording.observed: recording.data[:n]}
    return replace(recording, t=recording.t[:n], mask=recording.mask[:n], **part)
