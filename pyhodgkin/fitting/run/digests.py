"""Fingerprints of what a run depends on, so that a checkpoint is not used for another run."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence

import numpy as np

from ...neuron.neuron import Neuron
from ...recordings import Recording


def digest(parts: Iterable[object]) -> str:
    """sha256 of arrays and of the text of anything else, as hexadecimal digits."""
    total = hashlib.sha256()
    for part in parts:
        if isinstance(part, np.ndarray):
            total.update(f"{part.dtype}{part.shape}".encode())
            total.update(np.ascontiguousarray(part).tobytes())
        else:
            total.update(repr(part).encode())
        total.update(b"\0")
    return total.hexdigest()


def of_neuron(neuron: Neuron) -> str:
    """Of the equations and the parameters."""
    return digest([neuron, neuron.theta])


def of_recordings(recordings: Sequence[Recording]) -> str:
    """Of the samples, the masks and the commands; names do not matter."""
    parts: list[object] = [len(recordings)]
    for recording in recordings:
        pieces = recording.protocol.segments
        waves = (pieces.amplitude, pieces.omega, pieces.chirp, pieces.phase)
        parts += [recording.protocol.kind, recording.protocol.t_end, recording.unit]
        parts += [recording.t, recording.data, recording.mask]
        parts += [pieces.start, pieces.offset, pieces.slope, *waves]
    return digest(parts)
