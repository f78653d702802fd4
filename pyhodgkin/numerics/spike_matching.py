"""Spike times of a loss: rises of v through a threshold, and which belong together (numpy only)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
Indices = NDArray[np.intp]


def rises(v: FloatArray, threshold: float, used: NDArray[np.bool_] | None = None) -> Indices:
    """The samples after which `v` (T,) rises through `threshold`, both neighbours `used`.

    Examples
    --------
    >>> rises(np.array([-1.0, 1.0, -1.0, 0.0, 2.0]), 0.0)
    array([0, 2])
    """
    up = (v[:-1] < threshold) & (v[1:] >= threshold)
    return np.flatnonzero(up if used is None else up & used[:-1] & used[1:])


def crossing(t: FloatArray, v: FloatArray, i: Indices, threshold: float) -> FloatArray:
    """When `v` is at the threshold on the straight lines after the samples `i`."""
    return t[i] + (threshold - v[i]) * (t[i + 1] - t[i]) / (v[i + 1] - v[i])


def nearest_pairs(
    measured: FloatArray, predicted: FloatArray, window: float
) -> tuple[Indices, Indices]:
    """Pairs of times at most `window` apart, the nearest first and each in one at most.

    Examples
    --------
    >>> nearest_pairs(np.array([10.0, 20.0]), np.array([11.0, 9.5, 40.0]), 5.0)
    (array([0]), array([1]))
    """
    apart = np.abs(predicted[None] - measured[:, None])
    i, j = np.nonzero(apart <= window)
    pairs: list[tuple[int, int]] = []
    left, free = np.ones(len(measured), bool), np.ones(len(predicted), bool)
    for n in np.argsort(apart[i, j], kind="stable").tolist():
        if left[i[n]] and free[j[n]]:
            left[i[n]] = free[j[n]] = False
            pairs.append((int(i[n]), int(j[n])))
    first, second = zip(*pairs, strict=True) if pairs else ((), ())
    return np.array(first, dtype=np.intp), np.array(second, dtype=np.intp)
