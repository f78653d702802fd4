"""Samples of a series of an NWB file: times, values, and where the recording stopped."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import RecordingError
from ..numerics.arrays import FloatArray
from .assemble import Trace


@dataclass(frozen=True)
class Samples:
    """Values of a series; `t` in ms from `start` (s), `dt` the spacing of the last ones."""

    start: float
    t: FloatArray
    trace: Trace

    @property
    def values(self) -> FloatArray:
        """As stored."""
        return np.asarray(self.trace.values)

    @property
    def dt(self) -> float:
        """Spacing, ms."""
        return float(np.median(np.diff(self.t))) if len(self.t) > 1 else 0.0

    def kept(self, keep: slice) -> Samples:
        """Some of the samples; times stay."""
        part = replace(self.trace, values=self.values[keep])
        return replace(self, t=self.t[keep], trace=part)


def samples(series: Any, part: slice, where: str) -> Samples:
    """The samples of a part of a series."""
    stored = np.asarray(series.data[part])
    if stored.ndim == 2 and stored.shape[1] == 1:
        stored = stored[:, 0]
    label = f"{where}, {series.name}"
    if stored.ndim != 1 or stored.dtype.kind not in "fiu":
        raise RecordingError(f"{label} holds {stored.dtype} of shape {stored.shape}, not (T,)")
    rounding = None
    if stored.dtype.kind == "f" and stored.dtype.itemsize < 8:
        finite = stored[np.isfinite(stored)].astype(np.float64)
        rounding = 2.0 * float(np.finfo(stored.dtype).eps) * np.max(np.abs(finite), initial=0.0)
    factor, offset = float(series.conversion), float(getattr(series, "offset", 0.0) or 0.0)
    if not (np.isfinite(factor) and factor != 0.0 and np.isfinite(offset)):
        raise RecordingError(f"{label} has conversion {factor:g} and offset {offset:g}")
    start, t = _times(series, part, len(stored), label)
    values = stored.astype(np.float64)
    trace = Trace(values, str(series.unit), series.name, None, factor, offset, 0.0, rounding)
    return Samples(start, t, trace)


def _times(series: Any, part: slice, count: int, label: str) -> tuple[float, FloatArray]:
    if series.timestamps is not None:
        stamps: FloatArray = np.asarray(series.timestamps[part], dtype=np.float64)
        if len(stamps) != count:
            raise RecordingError(f"{label} has {count} samples and {len(stamps)} timestamps")
        start = float(stamps[0]) if count else 0.0
        return start, (stamps - start) * 1000.0
    rate = float(series.rate) if series.rate is not None else np.nan
    if not (np.isfinite(rate) and rate > 0):
        raise RecordingError(f"{label} states neither timestamps nor a rate (rate: {rate:g} Hz)")
    first = part.start or 0
    start = float(series.starting_time or 0.0) + first / rate
    return start, np.arange(count, dtype=np.float64) * (1000.0 / rate)


@dataclass(frozen=True)
class Cut:
    """A response and its command over the time in which both are known.

    Parameters
    ----------
    response : Samples
    command : Samples or None
        Its times count from the start of the response, as it is in the file.
    mask : array of bool or None
        False at samples of the response that are missing.
    notes : tuple of str
        What was left out, and why.
    """

    response: Samples
    command: Samples | None
    mask: NDArray[np.bool_] | None
    notes: tuple[str, ...]


def cut(response: Samples, command: Samples | None, where: str) -> Cut | None:
    """Without what is missing (NaN) at the ends; None when nothing is left.

    A gap in the middle is masked in the response, and refused in the command.
    """
    known = np.isfinite(response.values)
    notes: list[str] = []
    first, last = _ends(known)
    _tell(notes, "the response", response.t, first, last, len(known))
    if command is not None:
        command = replace(command, t=command.t + 1000.0 * (command.start - response.start))
        command, begin, end = _whole(command, notes, where)
        if command is None:
            return None
        early = int(np.searchsorted(response.t, begin - 0.5 * command.dt - 1e-9))
        late = int(np.searchsorted(response.t, end - 1e-6 * command.dt))
        if early > first or late < last:
            a, b = begin, end
            notes.append(f"the stimulus is known from {a:.6g} to {b:.6g} ms of the response")
        first, last = max(first, early), min(last, late)
    if last - first < 2:
        return None
    if command is not None and last < len(known):
        stop = int(np.searchsorted(command.t, response.t[last - 1], side="right"))
        command = command.kept(slice(0, max(stop, 1)))
    response, known = response.kept(slice(first, last)), known[first:last]
    if known.all():
        return Cut(response, command, None, tuple(notes))
    gaps = int(np.sum(~known))
    notes.append(f"{gaps} samples in the middle of the response are missing: they are masked")
    filled = np.interp(response.t, response.t[known], response.values[known])
    values = np.where(known, response.values, filled)
    response = replace(response, trace=replace(response.trace, values=values))
    return Cut(response, command, known, tuple(notes))


def _whole(command: Samples, notes: list[str], where: str) -> tuple[Samples | None, float, float]:
    """The command without missing samples at its ends, and from when to when it is known, ms."""
    known = np.isfinite(command.values)
    first, last = _ends(known)
    if first == last:
        return None, 0.0, 0.0
    if not known[first:last].all():
        i = first + int(np.argmin(known[first:last]))
        raise RecordingError(
            f"{where}: the stimulus {command.trace.label} is NaN in the middle, at "
            f"{command.t[i]:.6g} ms: what was applied is not known; give protocol=, or leave the "
            "sweep out with exclude="
        )
    _tell(notes, "the stimulus", command.t, first, last, len(known))
    end = float(command.t[last] if last < len(command.t) else command.t[-1] + command.dt)
    return command.kept(slice(first, last)), float(command.t[first]), end


def _ends(known: NDArray[np.bool_]) -> tuple[int, int]:
    """First known sample, and the one after the last."""
    at = np.flatnonzero(known)
    return (int(at[0]), int(at[-1]) + 1) if len(at) else (0, 0)


def _tell(notes: list[str], what: str, t: FloatArray, first: int, last: int, count: int) -> None:
    if first > 0:
        notes.append(f"{what} is NaN up to {t[first]:.6g} ms")
    if last < count:
        notes.append(f"{what} stops (NaN) after {last} of {count} samples, at {t[last]:.6g} ms")
