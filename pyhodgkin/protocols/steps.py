"""Waveforms of straight lines: steps, ramps, pulse trains."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from ..errors import InputError
from . import checks
from .base import EARLIER, Waveform, in_window, numbers, window
from .segments import Segments


@dataclass(frozen=True, eq=False)
class Steps(Waveform):
    """Levels that follow one another.

    Parameters
    ----------
    times : array, shape (K,)
        When each level begins, ms, increasing. The first level also holds before.
    values : array, shape (K,)
        The levels; the last one holds for ever.

    Examples
    --------
    >>> Steps(times=[0, 10, 60], values=[-80, 20, -80])([5.0, 10.0, 60.0])
    array([-80.,  20., -80.])
    """

    times: ArrayLike
    values: ArrayLike

    def __post_init__(self) -> None:
        times = checks.increasing("times", self.times)
        values = checks.vector("values", self.values)
        checks.same_length("times", times, "values", values)
        self._set(times=times, values=values)

    def compile(self) -> Segments:
        return Segments(np.asarray(self.times), np.asarray(self.values)).simplified()


@dataclass(frozen=True, eq=False)
class Step(Waveform):
    """`baseline`, and ``baseline + amplitude`` from `start` to `stop` (ms).

    Parameters
    ----------
    start : float
        Beginning of the step, ms.
    stop : float or None
        End of the step, ms; None: it does not end.
    amplitude : float
        Height *above the baseline*.
    baseline : float
        Value outside the step.

    Examples
    --------
    >>> Step(start=10, stop=60, amplitude=7.0)([0.0, 10.0, 59.9, 60.0])
    array([0., 7., 7., 0.])
    """

    start: float
    stop: float | None
    amplitude: float
    baseline: float = 0.0

    def __post_init__(self) -> None:
        self._set(**window(self.start, self.stop), **numbers(self, "amplitude", "baseline"))

    def compile(self) -> Segments:
        return in_window(self, Segments([self.start], [self.baseline + self.amplitude]))


@dataclass(frozen=True, eq=False)
class Ramp(Waveform):
    """A straight line from `initial` at `start` to `final` at `stop`.

    Parameters
    ----------
    start, stop : float
        Beginning and end of the line, ms.
    initial, final : float
        Values at its two ends.
    baseline : float or None
        Value outside the line. None: `initial` before, `final` after.

    Examples
    --------
    >>> Ramp(start=0, stop=10, initial=-80.0, final=20.0)([0.0, 5.0, 10.0, 50.0])
    array([-80., -30.,  20.,  20.])
    """

    start: float
    stop: float
    initial: float
    final: float
    baseline: float | None = None

    def __post_init__(self) -> None:
        if self.stop is None:
            raise InputError("stop is missing: a ramp needs an end, in ms")
        self._set(**window(self.start, self.stop), **numbers(self, "initial", "final"))
        if self.baseline is not None:
            self._set(**numbers(self, "baseline"))

    def compile(self) -> Segments:
        before = self.initial if self.baseline is None else self.baseline
        after = self.final if self.baseline is None else self.baseline
        return Segments(
            [self.start - EARLIER, self.start, self.stop],
            [before, self.initial, after],
            [0.0, (self.final - self.initial) / (self.stop - self.start), 0.0],
        )


@dataclass(frozen=True, eq=False)
class PulseTrain(Waveform):
    """`count` equal pulses.

    Parameters
    ----------
    start : float
        Beginning of the first pulse, ms.
    period : float
        From the beginning of one pulse to the next, ms.
    width : float
        Length of each pulse, ms, at most `period`.
    amplitude : float
        Height above the baseline.
    count : int
        Number of pulses.
    baseline : float
        Value between the pulses.

    Examples
    --------
    >>> PulseTrain(start=5, period=20, width=1, amplitude=30.0, count=2)([5.5, 6.0, 25.5, 45.5])
    array([30.,  0., 30.,  0.])
    """

    start: float
    period: float
    width: float
    amplitude: float
    count: int
    baseline: float = 0.0

    def __post_init__(self) -> None:
        self._set(**numbers(self, "start", "amplitude", "baseline"))
        self._set(period=checks.positive("period", self.period, "ms"))
        self._set(width=checks.positive("width", self.width, "ms"))
        if self.width > self.period:
            raise InputError(
                f"width ({self.width:g} ms) is longer than period ({self.period:g} ms)"
            )
        if int(self.count) != self.count or self.count < 1:
            raise InputError(
                f"count must be a whole number of pulses, at least 1, got {self.count}"
            )
        self._set(count=int(self.count))

    def compile(self) -> Segments:
        high, on = self.baseline + self.amplitude, self.start + self.period * np.arange(self.count)
        if self.width == self.period:
            end = self.start + self.period * self.count
            return Segments(
                [self.start - EARLIER, self.start, end], [self.baseline, high, self.baseline]
            )
        edges = np.stack([on, on + self.width], axis=1).ravel()
        start = np.concatenate([[self.start - EARLIER], edges])
        return Segments(start, np.r_[self.baseline, np.tile([high, self.baseline], self.count)])
