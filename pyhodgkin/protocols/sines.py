"""Waveforms of sinusoids: one, several, and one that changes its frequency."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from ..errors import InputError
from . import checks
from .base import Waveform, in_window, numbers, window
from .segments import Segments

_RAD_PER_MS = 2 * np.pi / 1000  # one hertz


@dataclass(frozen=True, eq=False)
class SumOfSines(Waveform):
    """``baseline + sum_j amplitudes_j sin(2 pi frequencies_j (t - start) + phases_j)``.

    Parameters
    ----------
    amplitudes : array, shape (J,)
        Heights of the sinusoids.
    frequencies : array, shape (J,)
        In Hz (cycles per second).
    phases : array, shape (J,), optional
        Angles at `start`, rad; zero when left out.
    start : float
        When the sinusoids begin, ms.
    stop : float or None
        When they end, ms; None: never.
    baseline : float
        Value outside, and the middle inside.

    Examples
    --------
    >>> SumOfSines([2.0, 1.0], frequencies=[10.0, 30.0])([25.0]).round(9)
    array([1.])
    """

    amplitudes: ArrayLike
    frequencies: ArrayLike
    phases: ArrayLike | None = None
    start: float = 0.0
    stop: float | None = None
    baseline: float = 0.0

    def __post_init__(self) -> None:
        amplitudes = checks.vector("amplitudes", self.amplitudes)
        frequencies = checks.vector("frequencies", self.frequencies, "Hz")
        given = np.zeros(len(amplitudes)) if self.phases is None else self.phases
        phases = checks.vector("phases", given, "rad")
        checks.same_length("amplitudes", amplitudes, "frequencies", frequencies)
        checks.same_length("amplitudes", amplitudes, "phases", phases)
        self._set(amplitudes=amplitudes, frequencies=frequencies, phases=phases)
        self._set(**window(self.start, self.stop), **numbers(self, "baseline"))

    def compile(self) -> Segments:
        omega = np.asarray(self.frequencies) * _RAD_PER_MS
        amplitude, phase = np.asarray(self.amplitudes), np.asarray(self.phases)
        return in_window(self, _sinusoids(self, amplitude, omega, np.zeros(len(omega)), phase))


@dataclass(frozen=True, eq=False)
class Sine(Waveform):
    """``baseline + amplitude sin(2 pi frequency (t - start) + phase)`` from `start` to `stop`.

    Parameters
    ----------
    amplitude : float
        Height above the baseline.
    frequency : float
        In Hz (cycles per second).
    start : float
        When the sinusoid begins, ms.
    stop : float or None
        When it ends, ms; None: never.
    phase : float
        Angle at `start`, rad.
    baseline : float
        Value outside, and the middle inside.

    Examples
    --------
    >>> Sine(amplitude=5.0, frequency=10.0)([0.0, 25.0]).round(9)
    array([0., 5.])
    """

    amplitude: float
    frequency: float
    start: float = 0.0
    stop: float | None = None
    phase: float = 0.0
    baseline: float = 0.0

    def __post_init__(self) -> None:
        self._set(**numbers(self, "amplitude", "frequency", "phase", "baseline"))
        self._set(**window(self.start, self.stop))

    def compile(self) -> Segments:
        omega = self.frequency * _RAD_PER_MS
        return in_window(self, _sinusoids(self, [self.amplitude], [omega], [0.0], [self.phase]))


@dataclass(frozen=True, eq=False)
class Chirp(Waveform):
    """A sinusoid whose frequency changes evenly from `f_start` to `f_stop`.

    Between `start` and `stop`, with tau = t - start, ``baseline + amplitude sin(phase +
    2 pi (f_start tau + (f_stop - f_start) tau^2 / (2 (stop - start))))``.

    Parameters
    ----------
    amplitude : float
        Height above the baseline.
    f_start, f_stop : float
        Frequency at both ends, Hz.
    start, stop : float
        Beginning and end, ms.
    phase : float
        Angle at `start`, rad.
    baseline : float
        Value outside, and the middle inside.

    Examples
    --------
    >>> Chirp(5.0, f_start=0.0, f_stop=20.0, start=0.0, stop=1000.0)([0.0, 1000.0])
    array([0., 0.])
    """

    amplitude: float
    f_start: float
    f_stop: float
    start: float
    stop: float
    phase: float = 0.0
    baseline: float = 0.0

    def __post_init__(self) -> None:
        if self.stop is None:
            raise InputError("stop is missing: a chirp needs an end, in ms")
        self._set(**numbers(self, "amplitude", "f_start", "f_stop", "phase", "baseline"))
        self._set(**window(self.start, self.stop))

    def compile(self) -> Segments:
        omega = self.f_start * _RAD_PER_MS
        chirp = (self.f_stop - self.f_start) * _RAD_PER_MS / (self.stop - self.start)
        return in_window(self, _sinusoids(self, [self.amplitude], [omega], [chirp], [self.phase]))


def _sinusoids(waveform, amplitude, omega, chirp, phase) -> Segments:
    row = [np.atleast_2d(np.asarray(x, dtype=np.float64)) for x in (amplitude, omega, chirp, phase)]
    return Segments(np.array([waveform.start]), np.array([waveform.baseline]), np.zeros(1), *row)
