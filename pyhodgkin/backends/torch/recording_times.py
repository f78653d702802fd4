"""When the recordings of a batch were sampled."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ...numerics.arrays import FloatArray
from ...recordings import Recording


def times(recordings: Sequence[Recording]) -> FloatArray:
    """Times to save: (T,) where all recordings share them, else (R, T), the last ones repeated."""
    first = recordings[0].t
    if all(len(r.t) == len(first) and np.array_equal(r.t, first) for r in recordings):
        return first
    longest = max(len(r) for r in recordings)
    return np.stack([np.pad(r.t, (0, longest - len(r)), mode="edge") for r in recordings])
