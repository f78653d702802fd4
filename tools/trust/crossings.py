"""Spike times from samples of v."""

from __future__ import annotations

import numpy as np


def crossings(t: np.ndarray, v: np.ndarray) -> np.ndarray:
    """Upward crossings of 0 mV, interpolated by a cubic through four samples."""
    found = []
    for i in np.flatnonzero((v[1:-2] < 0.0) & (v[2:-1] >= 0.0)) + 1:
        # The inverse function, t of v, is smooth on the steep flank.
        x, y = v[i - 1 : i + 3], t[i - 1 : i + 3]
        weights = [np.prod([-x[m] / (x[j] - x[m]) for m in range(4) if m != j]) for j in range(4)]
        found.append(float(np.dot(weights, y)))
    return np.array(found)
