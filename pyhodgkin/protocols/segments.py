"""Segments: the normal form of every waveform, which both engines consume."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import reduce

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import InputError
from ..numerics.arrays import FloatArray, Indices


@dataclass(frozen=True, eq=False, repr=False, init=False)
class Segments:
    """A signal in pieces: a line plus sinusoids on each, K pieces of J sinusoids.

    On ``start[k] <= t < start[k+1]``, with ``tau = t - start[k]``, the value is ::

        offset + slope tau + sum_j amplitude_j sin(phase_j + omega_j tau + chirp_j tau^2 / 2)

    At a breakpoint the piece to the right holds. The first piece holds before its start too,
    the last one for ever. A batch of B signals (`stack`) has a leading axis B; unused pieces
    start at ``+inf``.

    Parameters
    ----------
    start : array, shape (K,) or (B, K)
        Starts of the pieces in ms, increasing.
    offset : array, shape (K,) or (B, K)
        Value at the start, without the sinusoids, in the unit of the signal.
    slope : array, shape (K,) or (B, K), optional
        Unit of the signal per ms; zero when left out.
    amplitude, omega, chirp, phase : array, shape (K, J) or (B, K, J), optional
        Sinusoids: unit of the signal, rad/ms, rad/ms², rad. None at all when left out.

    Examples
    --------
    >>> s = Segments(start=[0.0, 10.0], offset=[0.0, 5.0], slope=[0.0, 1.0])
    >>> s.value([9.0, 10.0, 12.0])
    array([0., 5., 7.])
    >>> s.breakpoints
    array([10.])
    """

    start: FloatArray
    offset: FloatArray
    slope: FloatArray
    amplitude: FloatArray
    omega: FloatArray
    chirp: FloatArray
    phase: FloatArray

    def __init__(
        self,
        start: ArrayLike,
        offset: ArrayLike,
        slope: ArrayLike | None = None,
        amplitude: ArrayLike | None = None,
        omega: ArrayLike | None = None,
        chirp: ArrayLike | None = None,
        phase: ArrayLike | None = None,
    ) -> None:
        begin = _starts(start)
        count = 0 if amplitude is None else np.shape(amplitude)[-1]
        lines = {"offset": offset, "slope": slope}
        sines = {"amplitude": amplitude, "omega": omega, "chirp": chirp, "phase": phase}
        object.__setattr__(self, "start", begin)
        for name, given in lines.items():
            object.__setattr__(self, name, _checked(name, given, begin.shape))
        for name, given in sines.items():
            object.__setattr__(self, name, _checked(name, given, (*begin.shape, count)))

    @property
    def batched(self) -> bool:
        """Whether there is a leading batch axis."""
        return self.start.ndim == 2

    @property
    def n_segments(self) -> int:
        """K, the number of pieces (with padding, in a batch)."""
        return self.start.shape[-1]

    @property
    def n_sines(self) -> int:
        """J, the number of sinusoids in each piece."""
        return self.amplitude.shape[-1]

    @property
    def breakpoints(self) -> FloatArray:
        """Times in ms where one piece gives way to the next: ``start[..., 1:]``."""
        return self.start[..., 1:]

    @property
    def is_constant(self) -> NDArray[np.bool_]:
        """Pieces without slope or sinusoids, shape of `start`."""
        return (self.slope == 0) & ~np.any(self.amplitude != 0, axis=-1)

    def __repr__(self) -> str:
        batch = f"{len(self.start)} signals of up to " if self.batched else ""
        return f"Segments({batch}{self.n_segments} pieces, {self.n_sines} sinusoids)"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Segments):
            return NotImplemented
        return all(
            np.array_equal(getattr(self, f.name), getattr(other, f.name)) for f in fields(self)
        )

    __hash__ = None  # type: ignore[assignment]

    # -- evaluation ---------------------------------------------------------------------

    def index(self, t: ArrayLike) -> Indices:
        """Which piece holds at `t` (ms): same shapes as `value`."""
        t = np.asarray(t, dtype=np.float64)
        if not self.batched:
            return np.maximum(np.searchsorted(self.start, t, side="right") - 1, 0)
        count = len(self.start)
        rows = np.broadcast_to(t, (count, *t.shape)) if t.ndim < 2 else t
        if len(rows) != count:
            raise InputError(f"t has {len(rows)} rows for a batch of {count} signals")
        found = [
            np.searchsorted(s, r, side="right") - 1 for s, r in zip(self.start, rows, strict=True)
        ]
        return np.maximum(np.stack(found), 0)

    def value(self, t: ArrayLike) -> FloatArray:
        """The signal at `t`.

        Parameters
        ----------
        t : array
            Times in ms. For a single signal any shape; for a batch a scalar or a vector (T,)
            shared by all, or (B, T).

        Returns
        -------
        array
            Shape of `t`; for a batch (B,) or (B, T).
        """
        tau, pick = self._local(t)
        line = pick(self.offset) + pick(self.slope) * tau
        if self.n_sines == 0:
            return line
        amplitude, angle, _ = self._sinusoids(tau, pick)
        return line + np.sum(amplitude * np.sin(angle), axis=-1)

    def derivative(self, t: ArrayLike) -> FloatArray:
        """Time derivative of the signal at `t`, per ms; from the right at a breakpoint."""
        tau, pick = self._local(t)
        slope = pick(self.slope) + np.zeros_like(tau)
        if self.n_sines == 0:
            return slope
        amplitude, angle, speed = self._sinusoids(tau, pick)
        return slope + np.sum(amplitude * speed * np.cos(angle), axis=-1)

    def jumps(self) -> FloatArray:
        """How much a single signal jumps at each of its breakpoints, shape (K - 1,)."""
        tau = np.diff(self.start)
        left = self.offset[:-1] + self.slope[:-1] * tau
        if self.n_sines:
            amplitude, angle, _ = self._sinusoids(tau, lambda a: a[:-1])
            left = left + np.sum(amplitude * np.sin(angle), axis=-1)
        return self.value(self.breakpoints) - left

    def _local(self, t: ArrayLike):
        k = self.index(t)
        if self.batched:
            rows = np.arange(len(self.start)).reshape(-1, *([1] * (k.ndim - 1)))
            return np.asarray(t, dtype=np.float64) - self.start[rows, k], lambda a: a[rows, k]
        return np.asarray(t, dtype=np.float64) - self.start[k], lambda a: a[k]

    def _sinusoids(self, tau: FloatArray, pick):
        tau = tau[..., None]
        omega, chirp = pick(self.omega), pick(self.chirp)
        return (
            pick(self.amplitude),
            pick(self.phase) + tau * (omega + 0.5 * chirp * tau),
            omega + chirp * tau,
        )

    # -- algebra ------------------------------------------------------------------------

    def at(self, start: ArrayLike) -> Segments:
        """The same signal cut at other `start` times, each piece re-expressed there exactly.

        The new starts must contain every breakpoint that lies after the first of them.
        """
        start = np.asarray(start, dtype=np.float64)
        k = self.index(start)
        d = start - self.start[k]
        d2 = d[:, None]
        omega, chirp = self.omega[k], self.chirp[k]
        return Segments(
            start,
            self.offset[k] + self.slope[k] * d,
            self.slope[k],
            self.amplitude[k],
            omega + chirp * d2,
            chirp,
            self.phase[k] + d2 * (omega + 0.5 * chirp * d2),
        )

    def __add__(self, other: Segments) -> Segments:
        """Superposition; the breakpoints are those of both."""
        first = min(self.start[0], other.start[0])
        start = np.union1d([first], np.union1d(self.breakpoints, other.breakpoints))
        a, b = self.at(start), other.at(start)
        sines = {
            name: np.concatenate([getattr(a, name), getattr(b, name)], axis=-1)
            for name in ("amplitude", "omega", "chirp", "phase")
        }
        return Segments(start, a.offset + b.offset, a.slope + b.slope, **sines)

    def between(self, t0: float, t1: float) -> Segments:
        """The pieces that matter on [t0, t1] (ms); the first one starts at `t0` exactly."""
        inside = self.breakpoints[(self.breakpoints > t0) & (self.breakpoints <= t1)]
        return self.at(np.concatenate([[t0], inside]))

    def shifted(self, by: float) -> Segments:
        """The same signal `by` ms later."""
        parts = {f.name: getattr(self, f.name) for f in fields(self)}
        return Segments(**{**parts, "start": self.start + by})

    def simplified(self) -> Segments:
        """Without the breakpoints where one constant only follows the same constant."""
        flat = self.is_constant
        same = flat[1:] & flat[:-1] & (self.offset[1:] == self.offset[:-1])
        keep = np.concatenate([[True], ~same])
        return Segments(**{f.name: getattr(self, f.name)[keep] for f in fields(self)})

    # -- batches and dictionaries -------------------------------------------------------

    @staticmethod
    def stack(signals: Sequence[Segments]) -> Segments:
        """A batch of single signals, padded to the longest: (B, K) and (B, K, J)."""
        if len(signals) == 0:
            raise InputError("stack needs at least one signal")
        shape = (len(signals), max(s.n_segments for s in signals))
        deep = (*shape, max(s.n_sines for s in signals))
        names = [f.name for f in fields(Segments)]
        padded = {name: np.zeros(shape if name in names[:3] else deep) for name in names}
        padded["start"][...] = np.inf
        for i, signal in enumerate(signals):
            k, j = signal.n_segments, signal.n_sines
            for name in names:
                where = (i, slice(k)) if name in names[:3] else (i, slice(k), slice(j))
                padded[name][where] = getattr(signal, name)
        return Segments(**padded)

    def __getitem__(self, i: int) -> Segments:
        """Signal `i` of a batch, without the unused pieces."""
        if not self.batched:
            raise InputError("a single signal has no batch axis to index")
        used = np.isfinite(self.start[i])
        return Segments(**{f.name: getattr(self, f.name)[i][used] for f in fields(self)})

    def to_dict(self) -> dict:
        """Plain lists, safe for JSON (a single signal only)."""
        if self.batched:
            raise InputError("to_dict takes a single signal: index the batch first")
        skip = () if self.n_sines else ("amplitude", "omega", "chirp", "phase")
        return {f.name: getattr(self, f.name).tolist() for f in fields(self) if f.name not in skip}

    @classmethod
    def from_dict(cls, data: dict) -> Segments:
        """The inverse of `to_dict`."""
        return cls(**{name: np.asarray(values, dtype=np.float64) for name, values in data.items()})


def superpose(signals: Sequence[Segments]) -> Segments:
    """The sum of several single signals."""
    return reduce(lambda a, b: a + b, signals)


def _starts(start: ArrayLike) -> FloatArray:
    array = np.array(start, dtype=np.float64)
    if array.ndim not in (1, 2) or array.shape[-1] == 0:
        raise InputError(f"start must have shape (K,) or (B, K), got {array.shape}")
    with np.errstate(invalid="ignore"):
        increases = (np.diff(array, axis=-1) > 0) | np.isposinf(array[..., 1:])
    if not (np.all(increases) and np.all(np.isfinite(array[..., 0]))):
        raise InputError("start must increase (ms) and begin with a finite time")
    array.setflags(write=False)
    return array


def _checked(name: str, values: ArrayLike | None, shape: tuple[int, ...]) -> FloatArray:
    array = np.zeros(shape) if values is None else np.array(values, dtype=np.float64)
    if array.shape != shape:
        raise InputError(f"{name} must have shape {shape} to go with start, got {array.shape}")
    if not np.all(np.isfinite(array)):
        raise InputError(f"{name} must be finite")
    array.setflags(write=False)
    return array
