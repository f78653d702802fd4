"""Waveforms given by samples: recorded commands, and noise from a seed."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import ArrayLike, NDArray

from ..errors import InputError, unknown
from ..numerics.arrays import FloatArray, Indices
from . import checks
from .base import Waveform
from .segments import Segments

MODES = ("linear", "held", "command")

# A change between two samples that exceeds both its neighbours this many times is a jump.
_JUMP_RATIO = 10.0
# Changes up and down in turn, so many at most, are looked for anywhere; more of them only as a
# whole, between samples that change less.
_LONGEST = 8


@dataclass(frozen=True, eq=False)
class Sampled(Waveform):
    """Samples of a signal; the first and last values hold outside them.

    Parameters
    ----------
    t : array, shape (T,)
        Times in ms, increasing, evenly spaced or not.
    values : array, shape (T,)
        The signal at these times.
    mode : {"linear", "held", "command"}
        Between samples: a straight line; the earlier sample; or what an amplifier was told:
        straight lines, but a change that stands alone (ten times the changes before and after
        it) is a jump at the later sample, so that steps stay steps. So are changes up and down
        in turn that stand alone together: a pulse of one sample is held until the next sample,
        as a converter holds it.
    tolerance : float, optional
        Samples that a straight line meets to within this (unit of `values`) share one piece.
        By default the rounding of the numbers given: twice machine epsilon of their type times
        the largest magnitude.

    Examples
    --------
    >>> float(Sampled([0, 1, 2], [0.0, 10.0, 10.0])(0.5))
    5.0
    >>> float(Sampled([0, 1, 2], [0.0, 10.0, 10.0], mode="held")(0.5))
    0.0
    >>> Sampled([0, 1, 2, 3], [-80, -80, 20, 20], mode="command").segments().breakpoints
    array([2.])
    >>> Sampled([0, 1, 2, 3], [0, 5, 0, 0], mode="command")([0.9, 1.0, 1.9, 2.0])
    array([0., 5., 5., 0.])
    """

    t: ArrayLike
    values: ArrayLike
    mode: str = "linear"
    tolerance: float | None = None

    def __post_init__(self) -> None:
        kind = np.asarray(self.values).dtype
        t, values = checks.increasing("t", self.t), checks.vector("values", self.values)
        checks.same_length("t", t, "values", values)
        if self.mode not in MODES:
            raise unknown("mode of a sampled waveform", str(self.mode), MODES)
        if self.tolerance is None:
            epsilon = np.finfo(kind if kind.kind == "f" else np.float64).eps
            tolerance = 2 * float(epsilon) * float(np.max(np.abs(values)))
        else:
            tolerance = checks.finite("tolerance", self.tolerance)
            if tolerance < 0:
                raise InputError(f"tolerance must not be negative, got {tolerance:g}")
        self._set(t=t, values=values, tolerance=tolerance)

    def __repr__(self) -> str:
        t = np.asarray(self.t)
        return f"Sampled({t.size} samples, {t[0]:g} to {t[-1]:g} ms, mode={self.mode!r})"

    def compile(self) -> Segments:
        t, values = np.asarray(self.t), np.asarray(self.values)
        if self.mode == "held":
            return Segments(t, values).simplified()
        cuts = jumps(values) if self.mode == "command" else np.array([], dtype=int)
        return _polyline(t, values, cuts, float(self.tolerance or 0.0))

    def to_dict(self) -> dict:
        return {**super().to_dict(), "t": _times_to_plain(np.asarray(self.t))}

    @classmethod
    def _from_values(cls, values: dict) -> Waveform:
        t = _times_from_plain(values["t"], len(values["values"]))
        return super()._from_values({**values, "t": t})


@dataclass(frozen=True, eq=False)
class OrnsteinUhlenbeck(Waveform):
    """Coloured Gaussian noise: dx = (mean - x) dt / tau + sd sqrt(2 / tau) dW, from a seed.

    The samples, `dt` apart, have the exact distribution of the process, which starts in its
    stationary state; between them the signal is a straight line.

    Parameters
    ----------
    mean, sd : float
        Mean and standard deviation, in the unit of the protocol.
    tau : float
        Correlation time, ms.
    dt : float
        Spacing of the samples, ms.
    t_end : float
        Length, ms; the last value holds afterwards.
    seed : int
        The same seed gives the same noise.

    References
    ----------
    Gillespie 1996, Phys Rev E 54:2084. :doi:`10.1103/PhysRevE.54.2084`

    Examples
    --------
    >>> noise = OrnsteinUhlenbeck(mean=5.0, sd=1.0, tau=3.0, dt=0.1, t_end=200.0, seed=0)
    >>> noise([0.0, 0.1]) == OrnsteinUhlenbeck(5.0, 1.0, 3.0, 0.1, 200.0, seed=0)([0.0, 0.1])
    array([ True,  True])
    """

    mean: float
    sd: float
    tau: float
    dt: float
    t_end: float
    seed: int

    def __post_init__(self) -> None:
        sd = checks.finite("sd", self.sd)
        if sd < 0:
            raise InputError(f"sd must not be negative, got {sd:g}")
        if not isinstance(self.seed, (int, np.integer)) or self.seed < 0:
            raise InputError(f"seed must be a whole number, at least 0, got {self.seed!r}")
        times = {n: checks.positive(n, getattr(self, n), "ms") for n in ("tau", "dt", "t_end")}
        self._set(mean=checks.finite("mean", self.mean), sd=sd, seed=int(self.seed), **times)

    def samples(self) -> tuple[FloatArray, FloatArray]:
        """Times in ms and values of the samples."""
        t = self.dt * np.arange(0.0, int(np.ceil(self.t_end / self.dt - 1e-9)) + 1)
        normal = np.random.default_rng(self.seed).standard_normal(len(t))
        keep = np.exp(-self.dt / self.tau)
        kicks = normal * np.sqrt(-np.expm1(-2 * self.dt / self.tau))
        kicks[0] = normal[0]
        path = np.array(list(accumulate(kicks.tolist(), lambda x, kick: keep * x + kick)))
        return t, self.mean + self.sd * path

    def compile(self) -> Segments:
        return Sampled(*self.samples()).segments()


def jumps(values: FloatArray) -> Indices:
    """Indices of samples that a jump leads to.

    Jumps are changes far larger than both their neighbours, and runs of changes up and down in
    turn, of which each is far larger than the changes before and after the run: pulses of one
    sample.
    """
    change = np.diff(values)
    size = np.abs(change)
    around = np.concatenate([[0.0], size, [0.0]])
    jump = (size > 0) & (size > _JUMP_RATIO * np.maximum(around[:-2], around[2:]))
    turns = change[1:] * change[:-1] < 0
    for length in range(2, min(_LONGEST, len(size)) + 1):
        least = sliding_window_view(size, length).min(axis=1)
        outside = np.maximum(around[: len(least)], around[length + 1 :])
        run = sliding_window_view(turns, length - 1).all(axis=1) & (least > _JUMP_RATIO * outside)
        for first in range(length):
            jump[first : first + len(run)] |= run
    for first, last in _runs(turns):  # a long train, of which the whole must stand alone
        outside = max(around[first], around[last + 2])
        if last - first >= _LONGEST and size[first : last + 1].min() > _JUMP_RATIO * outside:
            jump[first : last + 1] = True
    return np.flatnonzero(jump) + 1


def _runs(turns: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """First and last change of each longest run of changes up and down in turn."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], turns, [False]]).astype(int)))
    return [(int(a), int(b)) for a, b in edges.reshape(-1, 2)]


def _polyline(t: NDArray, values: NDArray, cuts: NDArray, tolerance: float) -> Segments:
    """Straight lines through the samples, broken (the earlier value held) before each cut."""
    starts, offsets, slopes = [], [], []
    for piece in np.split(np.arange(len(t)), cuts):
        knots = piece[0] + _knots(t[piece], values[piece], tolerance)
        starts.append(t[knots])
        offsets.append(values[knots])
        with np.errstate(over="ignore"):
            slopes.append(np.append(np.diff(values[knots]) / np.diff(t[knots]), 0.0))
    start, offset, slope = map(np.concatenate, (starts, offsets, slopes))
    if not np.isfinite(slope).all():
        raise InputError(
            f"values reach {np.abs(values).max():.3g} and change by more than a number holds "
            "in 1 ms"
        )
    if slope[0] != 0:
        start = np.concatenate([[start[0] - 1.0], start])
        offset = np.concatenate([offset[:1], offset])
        slope = np.concatenate([[0.0], slope])
    return Segments(start, offset, slope).simplified()


def _knots(t: NDArray, v: NDArray, tolerance: float) -> Indices:
    """The samples to keep so that lines between them meet all others to `tolerance`.

    From each knot the line goes to the furthest sample such that it passes within `tolerance`
    of all samples in between: their slopes as seen from the knot bound its own.
    """
    if len(t) < 3:
        return np.arange(len(t))
    inside_run = (v[1:-1] == v[:-2]) & (v[1:-1] == v[2:])
    index = np.flatnonzero(np.concatenate([[True], ~inside_run, [True]]))
    times, values = t[index].tolist(), v[index].tolist()
    knots = [0]
    t0, v0, low, high = times[0], values[0], -np.inf, np.inf
    for i in range(1, len(times)):
        rise = (values[i] - v0) / (times[i] - t0)
        if not low <= rise <= high:
            knots.append(i - 1)
            t0, v0, low, high = times[i - 1], values[i - 1], -np.inf, np.inf
            rise = (values[i] - v0) / (times[i] - t0)
        slack = tolerance / (times[i] - t0)
        low, high = max(low, rise - slack), min(high, rise + slack)
    knots.append(len(times) - 1)
    return index[np.unique(knots)]


def _times_to_plain(t: NDArray) -> dict | list:
    """Evenly spaced times as three numbers when that gives them back bit by bit."""
    if len(t) > 2:
        for step in (t[1] - t[0], (t[-1] - t[0]) / (len(t) - 1)):
            if np.array_equal(t, t[0] + step * np.arange(len(t))):
                return {"start": float(t[0]), "step": float(step), "count": len(t)}
    return t.tolist()


def _times_from_plain(data: dict | list, count: int) -> NDArray | list:
    """The times of `count` values."""
    if not isinstance(data, dict):
        return data
    if data["count"] != count:  # before an array of that size is made
        raise InputError(f"t has {data['count']} values and values has {count}: need as many")
    return checks.finite("t.start", data["start"]) + checks.finite(
        "t.step", data["step"]
    ) * np.arange(count)
