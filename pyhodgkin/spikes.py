"""Spike times: where a sampled voltage crosses a threshold upwards."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

_BISECTIONS = 60


def upward_crossings(t: ArrayLike, v: ArrayLike, threshold: float = 0.0) -> NDArray[np.float64]:
    """Times at which `v` rises through `threshold`, by cubic interpolation of four samples.

    Parameters
    ----------
    t : array, shape (T,)
        Increasing times, ms.
    v : array, shape (T,)
        Voltage, mV; NaN never crosses.
    threshold : float
        mV.

    Returns
    -------
    array, shape (number of crossings,)
        ms.

    Examples
    --------
    >>> t = np.linspace(0, 3, 31)
    >>> bool(abs(upward_crossings(t, t**3 - 1) - 1.0) < 1e-12)
    True
    """
    t, v = np.asarray(t, dtype=np.float64), np.asarray(v, dtype=np.float64)
    below = v < threshold
    i = np.flatnonzero(below[:-1] & (v[1:] >= threshold))
    if i.size == 0:
        return np.zeros(0)
    width = min(4, len(t))
    first = np.clip(i - 1, 0, len(t) - width)
    window = first[:, None] + np.arange(width)
    # A failed solve leaves NaN after its last sample: there the two samples must do.
    window = np.where(np.isfinite(v[window]).all(axis=1, keepdims=True), window, -1)
    short = window[:, 0] < 0
    roots = np.empty(len(i))
    if (~short).any():
        w = window[~short]
        roots[~short] = _root(t[w], v[w] - threshold, t[i[~short]], t[i[~short] + 1])
    if short.any():
        w = i[short][:, None] + np.arange(2)
        roots[short] = _root(t[w], v[w] - threshold, t[i[short]], t[i[short] + 1])
    return roots


def _root(x: NDArray, y: NDArray, low: NDArray, high: NDArray) -> NDArray:
    """Root in [low, high] of the polynomial through (x, y), row by row, by bisection."""
    newton = _divided_differences(x, y)
    for _ in range(_BISECTIONS):
        middle = 0.5 * (low + high)
        value = newton[-1]
        for k in range(len(newton) - 2, -1, -1):
            value = value * (middle - x[:, k]) + newton[k]
        low, high = np.where(value < 0, middle, low), np.where(value < 0, high, middle)
    return 0.5 * (low + high)


def _divided_differences(x: NDArray, y: NDArray) -> list[NDArray]:
    """Coefficients of Newton's form of the interpolating polynomial."""
    column, coefficients = y, [y[:, 0]]
    for k in range(1, x.shape[1]):
        column = np.diff(column, axis=1) / (x[:, k:] - x[:, :-k])
        coefficients.append(column[:, 0])
    return coefficients
