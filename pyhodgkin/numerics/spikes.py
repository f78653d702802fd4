"""Spike times, which of two trains belong together, and how far the trains agree.

By cubics, for scores; by straight lines between samples, for losses, whose derivatives by the
samples are then exact. One rule pairs the spikes of both.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .arrays import FloatArray, Indices
from .interpolation import newton_coefficients, newton_polynomial

_BISECTIONS = 60


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


def upward_crossings(
    t: ArrayLike, v: ArrayLike, threshold: float = 0.0, dead_time: float = 0.0
) -> FloatArray:
    """Times at which `v` rises through `threshold`, by cubic interpolation of four samples.

    Parameters
    ----------
    t : array, shape (T,)
        Increasing times, ms.
    v : array, shape (T,)
        Voltage, mV; NaN never crosses.
    threshold : float
        mV.
    dead_time : float
        ms after a crossing in which no other one counts: noise crosses several times.

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
    return _apart(roots, dead_time) if dead_time > 0 else roots


def _apart(times: FloatArray, dead_time: float) -> FloatArray:
    """Without the times that follow the last one kept within `dead_time`."""
    kept: list[float] = []
    for time in times:
        if not kept or time - kept[-1] > dead_time:
            kept.append(time)
    return np.array(kept)


def match(first: ArrayLike, second: ArrayLike, window: float) -> Indices:
    """Pairs of spikes, one of each train, at most `window` apart.

    As many pairs as there can be, each spike in one at most; among such pairings the one whose
    times differ least in sum.

    Parameters
    ----------
    first, second : array (N,), (M,)
        Increasing times, ms.
    window : float
        ms.

    Returns
    -------
    array of int, shape (number of pairs, 2)
        Places in `first` and `second`.

    Examples
    --------
    >>> match([10.0, 30.0], [8.5, 10.1, 50.0], window=2.0).tolist()
    [[0, 1]]
    >>> match([10.0, 13.0], [12.0, 14.5], window=2.5).tolist()
    [[0, 0], [1, 1]]
    """
    a, b = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
    pairs: list[tuple[int, int]] = []
    times = np.sort(np.concatenate([a, b]))
    # Spikes on both sides of a longer silence cannot be paired, so each cluster stands alone.
    edges = np.append(times[1:][np.diff(times) > window * (1 + 1e-9)], np.inf)
    i = j = 0
    for edge in edges:
        n, m = int(np.searchsorted(a, edge)), int(np.searchsorted(b, edge))
        pairs += [(i + p, j + q) for p, q in _pairs(a[i:n], b[j:m], window)]
        i, j = n, m
    return np.array(pairs, dtype=np.intp).reshape(-1, 2)


def _pairs(a: FloatArray, b: FloatArray, window: float) -> list[tuple[int, int]]:
    """The best pairing of one cluster, by dynamic programming: no two pairs need to cross."""
    n, m = len(a), len(b)
    apart = np.abs(b[None] - a[:, None])
    # One more pair is worth more than all distances together.
    bonus = 2.0 * window * (1 + min(n, m))
    cost = np.where(apart <= window + 1e-9, apart - bonus, np.inf)
    best = np.zeros((n + 1, m + 1))  # of the first i and the first j spikes
    for i in range(n):
        least = np.minimum(best[i, 1:], best[i, :-1] + cost[i])
        best[i + 1, 1:] = np.minimum.accumulate(least)
    pairs, i, j = [], n, m
    while i and j:
        if best[i, j] == best[i - 1, j]:
            i -= 1
        elif best[i, j] == best[i, j - 1]:
            j -= 1
        else:
            i, j = i - 1, j - 1
            pairs.append((i, j))
    return pairs[::-1]


def coincidence_factor(
    measured: ArrayLike, predicted: ArrayLike, duration: float, window: float = 2.0
) -> float:
    """Γ of Kistler, Gerstner and van Hemmen (1997): coincident spikes beyond those by chance.

    Γ = (N_coinc - ⟨N_coinc⟩) / (½ (N_measured + N_predicted)) / (1 - 2 ν Δ), where
    ν = N_predicted/duration is the predicted rate, Δ the window, and ⟨N_coinc⟩ = 2 ν Δ N_measured
    what a Poisson train of that rate would hit. Identical trains have 1, unrelated ones about
    0, trains that avoid each other less than 0. Each spike takes part in one coincidence at most.

    Parameters
    ----------
    measured, predicted : array (N,), (M,)
        Increasing spike times, ms.
    duration : float
        Length of what was observed, ms.
    window : float
        Δ, ms: spikes at most so far apart coincide.

    Returns
    -------
    float
        By convention 1 when neither train has a spike, since then they agree; 0 when only one
        of them has (which is what the formula gives); NaN where 2 ν Δ >= 1: at such a rate the
        window holds a spike by chance alone, and Γ is not defined.

    References
    ----------
    doi:10.1162/neco.1997.9.5.1015; used to compare models by Jolivet et al. (2008),
    doi:10.1016/j.jneumeth.2007.11.006.

    Examples
    --------
    >>> coincidence_factor([10.0, 30.0], [10.5, 31.0], duration=100.0)
    1.0
    >>> round(coincidence_factor([10.0, 30.0], [10.5, 80.0], duration=100.0), 4)
    0.4565
    """
    n, m = np.size(measured), np.size(predicted)
    if n == 0 or m == 0:
        return 1.0 if n == m else 0.0
    chance = 2.0 * window * m / duration
    if chance >= 1.0:
        return float("nan")
    coincident = len(match(measured, predicted, window))
    return float((coincident - chance * n) / (0.5 * (n + m)) / (1.0 - chance))


def _root(x: FloatArray, y: FloatArray, low: FloatArray, high: FloatArray) -> FloatArray:
    """Root in [low, high] of the polynomial through (x, y), row by row, by bisection."""
    coefficients = newton_coefficients(x, y)
    for _ in range(_BISECTIONS):
        middle = 0.5 * (low + high)
        value = newton_polynomial(x, coefficients, middle)
        low, high = np.where(value < 0, middle, low), np.where(value < 0, high, middle)
    return 0.5 * (low + high)
