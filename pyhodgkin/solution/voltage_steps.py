"""The voltage on the steps that a solver took: threshold crossings that no sampling can miss."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..numerics.arrays import FloatArray, Indices

# Where a batch has more rising steps than this (112 MB), only those that cross `KEPT` are kept.
MOST_STEPS = 2_000_000
KEPT = 0.0  # mV

# A polynomial is looked at in so many places inside its step, so that a crossing and the fall
# after it may lie in one step.
_PLACES = np.linspace(0.0, 1.0, 9)
_BISECTIONS = 50
_ROWS = 100_000
_SLACK = 1e-3  # mV: a crossing may lie between the ends of two steps, a rounding apart
_ARRAYS = ("element", "t", "h", "coefficients")


@dataclass(frozen=True, eq=False)
class VoltageSteps:
    """The solver's steps in which v rises, each with its polynomial; of a batch, or of one cell.

    In a step from `t` to ``t + h`` the voltage is ``Σ_p coefficients[p] θ^p`` with
    ``θ = (time - t)/h``. Steps in which v only falls are left out, as no upward crossing is in
    them.

    Parameters
    ----------
    size : int
        Number of elements of the batch, B.
    element : array of int, shape (N,)
        Which element each step is of, increasing.
    t, h : array, shape (N,)
        Start and length of each step, ms; `t` increases within an element.
    coefficients : array, shape (N, P)
        mV.
    threshold : float, optional
        mV. When given, only the steps that cross this were kept, to save memory; crossings of
        another threshold are not known.

    Examples
    --------
    >>> steps = VoltageSteps(1, [0], [10.0], [2.0], [[-1.0, 2.0]])
    >>> steps.crossings(0.0)
    [array([11.])]
    """

    size: int
    element: NDArray[np.int64]
    t: FloatArray
    h: FloatArray
    coefficients: FloatArray
    threshold: float | None = None

    def __post_init__(self) -> None:
        for name, kind in (("element", np.int64), ("t", float), ("h", float)):
            object.__setattr__(self, name, np.asarray(getattr(self, name), dtype=kind))
        object.__setattr__(self, "coefficients", np.atleast_2d(np.asarray(self.coefficients)))

    def __len__(self) -> int:
        return len(self.t)

    def knows(self, threshold: float) -> bool:
        """Whether all upward crossings of `threshold` (mV) are in the steps kept."""
        return self.threshold is None or threshold == self.threshold

    def crossings(self, threshold: float = 0.0) -> list[FloatArray]:
        """Times (ms) at which v rises through `threshold` (mV), for each element."""
        rows, times = [], []
        for first in range(0, len(self), _ROWS):
            found, at = self._crossings(first, first + _ROWS, threshold)
            rows.append(found)
            times.append(at)
        if not rows:
            return [np.zeros(0)] * self.size
        of = self.element[np.concatenate(rows)]
        every = np.concatenate(times)
        return np.split(every, np.searchsorted(of, np.arange(1, self.size)))

    def of(self, i: int) -> VoltageSteps:
        """Those of element `i`."""
        first, last = np.searchsorted(self.element, [i, i + 1])
        own = slice(first, last)
        zeros = np.zeros(last - first, dtype=np.int64)
        return VoltageSteps(
            1, zeros, self.t[own], self.h[own], self.coefficients[own], self.threshold
        )

    def only(self, threshold: float) -> VoltageSteps:
        """Without the steps that do not cross `threshold`."""
        near = self._rows(np.flatnonzero(self._may_cross(threshold)))
        keep = np.zeros(len(near), dtype=bool)
        for first in range(0, len(near), _ROWS):
            values = near._values(slice(first, first + _ROWS))
            keep[first : first + _ROWS] = _upward(values, threshold).any(axis=1)
        return replace(near._rows(np.flatnonzero(keep)), threshold=threshold)

    def _rows(self, rows: Indices) -> VoltageSteps:
        element, t, h, coefficients = (getattr(self, name)[rows] for name in _ARRAYS)
        return VoltageSteps(self.size, element, t, h, coefficients, self.threshold)

    def _may_cross(self, threshold: float) -> NDArray[np.bool_]:
        """Where bounds of the voltage within a step leave that open; a quick look at many."""
        found = []
        for first in range(0, len(self), _ROWS):
            part = self.coefficients[first : first + _ROWS]
            top = part[:, 0] + np.maximum(part[:, 1:], 0.0).sum(axis=1)
            bottom = part[:, 0] + np.minimum(part[:, 1:], 0.0).sum(axis=1)
            found.append((top >= threshold - _SLACK) & (bottom <= threshold + _SLACK))
        return np.concatenate(found) if found else np.zeros(0, dtype=bool)

    @classmethod
    def merged(
        cls, parts: Sequence[VoltageSteps], members: Iterable[Sequence[int]]
    ) -> VoltageSteps:
        """Parts of a batch as one; element i of a part is ``members[part][i]`` of the batch."""
        where = [np.asarray(own) for own in members]
        size = sum(len(own) for own in where)
        limited = next((p.threshold for p in parts if p.threshold is not None), None)
        if limited is not None:
            parts = [part.only(limited) for part in parts]
        element = np.concatenate([o[p.element] for o, p in zip(where, parts, strict=True)])
        order = np.argsort(element, kind="stable")
        t, h = (np.concatenate([getattr(p, name) for p in parts])[order] for name in ("t", "h"))
        coefficients = np.concatenate([p.coefficients for p in parts])[order]
        return cls(size, element[order], t, h, coefficients, limited)

    def _values(self, own: slice) -> FloatArray:
        """Voltages (n, places); the last of a step is the first of the one that follows it."""
        c = self.coefficients[own]
        values = np.repeat(c[:, -1:], len(_PLACES), axis=1)
        for p in range(c.shape[1] - 2, -1, -1):
            values = values * _PLACES + c[:, p : p + 1]
        t, end = self.t[own], self.t[own] + self.h[own]
        next_to = (self.element[own][1:] == self.element[own][:-1]) & (
            np.abs(t[1:] - end[:-1]) <= 1e-9 * self.h[own][:-1] + 1e-12 * np.abs(t[1:])
        )
        values[:-1, -1] = np.where(next_to, c[1:, 0], values[:-1, -1])
        return values

    def _crossings(self, first: int, last: int, threshold: float) -> tuple[Indices, FloatArray]:
        """Rows of the steps with a crossing among `first` to `last`, and when it is."""
        # One more step than asked for: the end of a step is the start of the one after it.
        values = self._values(slice(first, last + 1))[: last - first]
        row, place = np.nonzero(_upward(values, threshold))
        low, high = _PLACES[place], _PLACES[place + 1]
        row = row + first
        c = self.coefficients[row].T
        for _ in range(_BISECTIONS):
            middle = 0.5 * (low + high)
            value = c[-1]
            for p in range(len(c) - 2, -1, -1):
                value = value * middle + c[p]
            below = value < threshold
            low, high = np.where(below, middle, low), np.where(below, high, middle)
        return row, self.t[row] + 0.5 * (low + high) * self.h[row]


def _upward(values: FloatArray, threshold: float) -> NDArray[np.bool_]:
    below = values < threshold
    return below[:, :-1] & (values[:, 1:] >= threshold)


class Collector:
    """Collects steps while a solve runs, within `MOST_STEPS`.

    Parameters
    ----------
    size : int
        Number of elements of the batch.
    threshold : float, optional
        mV; keep only the steps that cross it, from the start.
    """

    def __init__(self, size: int, threshold: float | None = None) -> None:
        self.size = size
        self._parts: list[VoltageSteps] = []
        self._count = 0
        self._threshold = threshold

    def add(
        self,
        element: ArrayLike,
        t: ArrayLike,
        h: ArrayLike,
        coefficients: ArrayLike,
        near: bool = False,
    ) -> None:
        """Steps in which v rises, in the order of time for each element.

        `near` says that they are near the threshold: those that are not have been left out.
        """
        part = VoltageSteps(self.size, element, t, h, coefficients)  # type: ignore[arg-type]
        self._keep(part if near or self._threshold is None else part.only(self._threshold))

    def result(self) -> VoltageSteps:
        """All steps, element by element."""
        if not self._parts:
            nothing = np.zeros(0)
            return VoltageSteps(self.size, nothing, nothing, nothing, np.zeros((0, 2)))  # type: ignore[arg-type]
        return _Collected(self.size, self._parts, self._threshold)

    @property
    def threshold(self) -> float | None:
        """What steps must cross to be kept, mV; None while all are."""
        return self._threshold

    def _keep(self, part: VoltageSteps) -> None:
        self._parts.append(part)
        self._count += len(part)
        if self._threshold is None and self._count > MOST_STEPS:
            self._threshold = KEPT
            self._parts = [p.only(KEPT) for p in self._parts]
            self._count = sum(len(p) for p in self._parts)


class _Collected(VoltageSteps):
    """Steps in the order in which they were collected; put in that of the elements when asked for.

    That takes longer than many a solve, whose spike times may not be asked for.
    """

    def __init__(self, size: int, parts: list[VoltageSteps], threshold: float | None) -> None:
        own = {"size": size, "threshold": threshold, "_parts": parts}
        for name, value in own.items():
            object.__setattr__(self, name, value)

    def __getattr__(self, name: str) -> NDArray:
        if name not in _ARRAYS or "_parts" not in self.__dict__:
            raise AttributeError(name)
        found = [np.concatenate([getattr(p, n) for p in self._parts]) for n in _ARRAYS]
        order = np.argsort(found[0], kind="stable")
        for key, array in zip(_ARRAYS, found, strict=True):
            object.__setattr__(self, key, array[order])
        object.__setattr__(self, "_parts", [])
        return self.__dict__[name]
