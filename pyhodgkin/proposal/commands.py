"""Commands that were measured: without their noise, and in few pieces."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..protocols import CurrentClamp
from ..recordings import Recording

COMMAND_BLOCK = 0.5  # ms
# A command with a piece for each so many samples was measured sample by sample.
PER_SAMPLE = 4


def smoothed_command(recording: Recording) -> Recording:
    """The recording with the means of a measured current over blocks of `COMMAND_BLOCK`.

    A solver has to stop at each sample of a measured current, which takes ten times as long as the
    neuron asks for. The charge of each block is kept. Other recordings are returned as they are.

    Examples
    --------
    >>> t = np.arange(0.0, 50.0, 0.05)
    >>> noisy = CurrentClamp.sampled(t, np.random.default_rng(0).normal(9.0, 1.0, len(t)))
    >>> found = smoothed_command(Recording(t, noisy, v=np.zeros(len(t))))
    >>> found.protocol.segments.n_segments < 110, round(float(np.mean(found.command)))
    (True, 9)
    """
    protocol, t = recording.protocol, recording.t
    spacing = float(np.median(np.diff(t)))
    pieces = protocol.segments.n_segments
    if not isinstance(protocol, CurrentClamp) or spacing > 0.5 * COMMAND_BLOCK:
        return recording
    if pieces * PER_SAMPLE < len(t):
        return recording
    block = np.floor((t - t[0]) / COMMAND_BLOCK + 1e-6).astype(np.intp)
    counts = np.bincount(block)
    means = np.bincount(block, weights=recording.command) / counts
    middles = np.bincount(block, weights=t) / counts
    inside = middles[1:-1] if len(means) > 2 else middles[:0]
    times = np.concatenate([[0.0], inside, [protocol.t_end]])
    values = means if len(means) > 1 else np.repeat(means, 2)
    command = CurrentClamp.sampled(times, values, t_end=protocol.t_end, unit=protocol.unit)
    return replace(recording, protocol=command)
