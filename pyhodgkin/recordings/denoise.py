"""Noise of a measured voltage: how much there is, and the voltage without it (numpy only)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike

from ..errors import InputError
from ..numerics.arrays import FloatArray, Indices
from ..numerics.interpolation import lagrange
from . import Recording
from .observables import observables_of, places_of

_MAD = 0.6744897501960817  # of a normal distribution with standard deviation one
_HALF = (2, 3, 5, 7, 10, 15, 22, 32, 47, 68, 100)  # samples on either side of a window
_ICI = 2.0  # widths of a confidence interval, in standard deviations
_SURE = 2.5  # the same for the mean at the start, of which no chance should leave a few samples
_DEGREE = 3
_FINE = 1.0 / 60.0  # ms: rates change little within it
_MANY = 20_000  # samples that are enough as they are
LITTLE = 0.02  # mV: less noise than this is none


def level(recording: Recording) -> float:
    """The standard deviation of white noise in what was measured, robustly.

    Each sample is compared with the cubic through its four neighbours. The median of what is
    left over does not see spikes, which are short. Noise that was filtered before sampling is
    smoother than white noise, and is found smaller than it is.

    Examples
    --------
    >>> from pyhodgkin.protocols import CurrentClamp
    >>> t = np.arange(0.0, 50.0, 0.05)
    >>> v = -65.0 + np.sin(t) + np.random.default_rng(0).normal(0.0, 2.0, len(t))
    >>> round(level(Recording(t, CurrentClamp.constant(0.0, 50.0), v=v)), 1)
    2.0
    """
    t, v = recording.t, recording.data
    if len(t) < 9:
        return 0.0
    around = np.stack([t[:-4], t[1:-3], t[3:-1], t[4:]])
    weights = np.ones_like(around)
    for i in range(4):
        for j in range(4):
            if i != j:
                weights[i] *= (t[2:-2] - around[j]) / (around[i] - around[j])
    off = v[2:-2] - np.sum(weights * np.stack([v[:-4], v[1:-3], v[3:-1], v[4:]]), axis=0)
    off /= np.sqrt(1.0 + np.sum(weights**2, axis=0))
    return float(np.median(np.abs(off - np.median(off))) / _MAD)


def levels(
    recordings: Sequence[Recording], noise: float | Sequence[float] | None
) -> tuple[float, ...]:
    """The noise of each recording: as stated, or estimated where nothing is; little is none.

    One number for recordings of both clamps is that of v; of the currents nothing is stated then.
    """
    if noise is None:
        found = [level(r) if r.observed == "v" else 0.0 for r in recordings]
        return tuple(x if x > LITTLE else 0.0 for x in found)
    stated = np.atleast_1d(np.asarray(noise, dtype=np.float64))
    if stated.shape not in ((1,), (len(recordings),)) or not np.all(np.isfinite(stated)):
        raise InputError(f"noise = {noise}: give one number, or one for each recording")
    if np.any(stated < 0):
        raise InputError(f"noise = {noise}: a standard deviation is not negative")
    sizes = np.array(np.broadcast_to(stated, (len(recordings),)))
    if stated.size == 1 and len(observables_of(recordings)) > 1:
        sizes[places_of(recordings, "current")] = 0.0
    return tuple(float(x) for x in sizes)


def denoised(recording: Recording, noise: float) -> FloatArray:
    """What was measured (T,) without white noise of standard deviation `noise`.

    Cubics are fitted in windows around each sample (Savitzky-Golay), and of all windows the
    widest is taken whose result agrees with those of the narrower ones to within the noise (the
    intersection of confidence intervals, 10.1109/78.771038), so that spikes stay sharp while the
    voltage between them is averaged over milliseconds. No window reaches across a jump of the
    stimulus, where the slope of v jumps.

    Examples
    --------
    >>> from pyhodgkin.protocols import CurrentClamp
    >>> t = np.arange(0.0, 50.0, 0.05)
    >>> true = -65.0 + 5.0 * np.sin(t / 3.0)
    >>> v = true + np.random.default_rng(0).normal(0.0, 2.0, len(t))
    >>> recording = Recording(t, CurrentClamp.constant(0.0, 50.0), v=v)
    >>> bool(np.std(denoised(recording, 2.0) - true) < 0.5)
    True
    """
    if noise <= 0.0 or len(recording) < 9:
        return recording.data
    edges = _edges(recording)
    parts = [_smoothed(recording.data[a:b], noise) for a, b in pairwise(edges)]
    return np.concatenate(parts)


def start(recording: Recording, noise: float, rest: float | None = None) -> float:
    """The first v of a recording, mV: the mean of as many samples as do not contradict it.

    A polynomial is uncertain at its end. A recording mostly starts at rest, and where it does not
    few samples are taken. It is at `rest`, the neuron's, where the noise cannot tell it from that.

    Examples
    --------
    >>> from pyhodgkin.protocols import CurrentClamp
    >>> t = np.arange(0.0, 50.0, 0.05)
    >>> v = -65.0 + np.random.default_rng(0).normal(0.0, 2.0, len(t))
    >>> bool(abs(start(Recording(t, CurrentClamp.constant(0.0, 50.0), v=v), 2.0) + 65.0) < 0.3)
    True
    """
    v = recording.data[: _edges(recording)[1]]
    means = np.cumsum(v) / np.arange(1, len(v) + 1)
    error = noise / np.sqrt(np.arange(1, len(v) + 1))
    low = np.maximum.accumulate(means - _SURE * error)
    high = np.minimum.accumulate(means + _SURE * error)
    last = np.flatnonzero(low <= high)[-1]
    if rest is not None and recording.t_offset == 0.0 and abs(means[last] - rest) < 2 * error[last]:
        return rest
    return float(means[last])


def fineness(recording: Recording) -> int:
    """Into how many parts `refined` divides each gap between samples by default."""
    gap = float(np.median(np.diff(recording.t)))
    many = len(recording) >= _MANY
    return 1 if many else int(np.clip(np.ceil(gap / _FINE - 0.01), 1, 4))


def refined(recording: Recording, parts: int | None = None) -> Recording:
    """The same recording with each gap between samples divided, by polynomials of six samples.

    Into so many parts, or (None) as many as bring the samples to 0.017 ms, four at most, unless
    that were very many samples.

    Gates driven by straight lines between samples, and slopes from differences of samples, miss
    the top of a spike by more than a good fit may. No polynomial reaches across a jump of the
    stimulus. For a voltage with hardly any noise.

    Examples
    --------
    >>> from pyhodgkin.protocols import CurrentClamp
    >>> t = np.arange(0.0, 5.0, 0.05)
    >>> recording = Recording(t, CurrentClamp.constant(0.0, 5.0), v=np.sin(3.0 * t))
    >>> fine = refined(recording, 4)
    >>> bool(np.max(np.abs(fine.v - np.sin(3.0 * fine.t))) < 1e-6)
    True
    """
    t = recording.t
    parts = fineness(recording) if parts is None else parts
    if parts == 1:
        return recording
    between = t[:-1, None] + np.diff(t)[:, None] * np.arange(parts) / parts
    fine = np.append(between.ravel(), t[-1])
    v = np.empty_like(fine)
    for a, b in pairwise(_edges(recording)):
        # The first sample after a jump is also the last before it: v itself does not jump.
        last = min(b + 1, len(t))
        own = slice(a * parts, (last - 1) * parts + 1)
        v[own] = lagrange(t[a:last], recording.data[a:last], fine[own], order=6)
    mask = np.append(np.repeat(recording.mask[:-1] & recording.mask[1:], parts), recording.mask[-1])
    return replace(recording, t=fine, v=v, mask=mask)


def _edges(recording: Recording) -> Indices:
    """Numbers of the first samples at or after each jump of the stimulus; 0 and T at the ends."""
    pieces = recording.protocol.segments
    size = 1e-3 * max(float(np.ptp(recording.command)), 1e-12)
    jumps = pieces.breakpoints[np.abs(pieces.jumps()) > size]
    return np.unique([0, *np.searchsorted(recording.t, jumps - 1e-9), len(recording)])


def anchored(recording: Recording, start: float) -> Recording:
    """The same recording with its first sample, where a simulation starts, put right."""
    v = np.array(recording.data)
    v[0] = start
    return replace(recording, v=v)


def _smoothed(v: FloatArray, noise: float) -> FloatArray:
    n = len(v)
    halves = [h for h in _HALF if 2 * h + 1 <= n]
    if not halves:
        return np.full(n, float(np.mean(v))) if n < 3 else _polynomial(v)
    estimates, spreads = [], []
    for half in halves:
        estimate, spread = _windowed(v, half)
        estimates.append(estimate)
        spreads.append(noise * spread)
    low, high = np.full(n, -np.inf), np.full(n, np.inf)
    chosen, going = np.zeros(n, dtype=np.intp), np.ones(n, bool)
    for i, (estimate, spread) in enumerate(zip(estimates, spreads, strict=True)):
        low = np.maximum(low, estimate - _ICI * spread)
        high = np.minimum(high, estimate + _ICI * spread)
        going &= low <= high
        chosen[going] = i
    return _blended(np.stack(estimates), chosen, np.array(halves))


def _blended(estimates: FloatArray, chosen: Indices, halves: ArrayLike) -> FloatArray:
    """Estimates (W, T) at the windows `chosen` (T,), which change gently from sample to sample."""
    widths = np.log(np.asarray(halves, dtype=np.float64))
    wanted = widths[chosen]
    # A window may be as wide as the distance to where a narrow one is needed allows.
    for _ in range(2):
        wanted = np.convolve(np.pad(wanted, 2, mode="edge"), np.full(5, 0.2), mode="valid")
    place = np.interp(wanted, widths, np.arange(len(widths)))
    low = np.minimum(place.astype(np.intp), max(len(widths) - 2, 0))
    part, at = place - low, np.arange(len(wanted))
    upper = np.minimum(low + 1, len(widths) - 1)
    return (1.0 - part) * estimates[low, at] + part * estimates[upper, at]


def _windowed(v: FloatArray, half: int) -> tuple[FloatArray, FloatArray]:
    """A cubic fitted around each sample: its value there, and its error for noise of one."""
    hat = _hat(half)
    n, width = len(v), 2 * half + 1
    out = np.empty(n)
    out[half : n - half] = np.convolve(v, hat[half][::-1], mode="valid")
    out[:half] = hat[:half] @ v[:width]
    out[n - half :] = hat[half + 1 :] @ v[n - width :]
    norms = np.linalg.norm(hat, axis=1)
    spread = np.full(n, norms[half])
    spread[:half], spread[n - half :] = norms[:half], norms[half + 1 :]
    return out, spread


@lru_cache(maxsize=32)
def _hat(half: int) -> FloatArray:
    """The matrix from the samples of a window to the cubic fitted to them."""
    x = np.vander(np.linspace(-1.0, 1.0, 2 * half + 1), _DEGREE + 1)
    return x @ np.linalg.pinv(x)


def _polynomial(v: FloatArray) -> FloatArray:
    x = np.vander(np.linspace(-1.0, 1.0, len(v)), 2)
    return x @ np.linalg.pinv(x) @ v
