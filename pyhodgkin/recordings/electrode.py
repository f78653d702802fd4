"""The electrode in current clamp: the voltage that the injected current leaves across it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..errors import InputError, RecordingError
from ..numerics.arrays import FloatArray
from ..units import AMPERE
from .checks import error
from .recording import Recording

BEFORE, AFTER = 2.0, 1.0  # ms of straight lines on both sides of a step
BLIND = 0.15  # ms after a step that the line leaves out: the electrode charges, the amplifier rings
LEAST = 5.0  # pA: a smaller step says little
QUIET = -20.0  # mV: near a spike v is no straight line
_TAUS = np.geomspace(0.02, 1.0, 60)  # ms


@dataclass(frozen=True)
class Electrode:
    """An electrode of `resistance` (MΩ) and `capacitance` (pF), as far as it is not compensated.

    `error` is the standard error of the resistance, MΩ, and `steps` the number of steps of the
    current that it was found from; both are zero where the electrode is given.
    """

    resistance: float
    capacitance: float = 0.0
    error: float = 0.0
    steps: int = 0

    def __post_init__(self) -> None:
        if not np.isfinite(self.resistance):
            raise InputError(f"Electrode: resistance = {self.resistance} MΩ must be finite")
        if not 0.0 <= self.capacitance < np.inf:
            raise InputError(f"Electrode: capacitance = {self.capacitance} pF must not be negative")

    @property
    def time_constant(self) -> float:
        """With which the electrode charges, ms."""
        return abs(self.resistance) * self.capacitance * 1e-3

    def voltage(self, recording: Recording) -> FloatArray:
        """The voltage (T,) across the electrode, mV; at first that of a steady current.

        Raises
        ------
        RecordingError
            In voltage clamp, and for currents per area.
        """
        current = _current(recording)
        if self.time_constant > 0.0:
            current = _charged(recording.t, current, self.time_constant)
        return self.resistance * 1e-3 * current


def without_electrode(recording: Recording, electrode: Electrode | float) -> Recording:
    """The recording with the voltage across the electrode taken out of v.

    Parameters
    ----------
    recording : Recording
        Of current clamp, in pA or nA.
    electrode : Electrode or float
        Or its resistance alone, MΩ: the bridge error. Positive where the bridge balanced too
        little.

    Raises
    ------
    RecordingError
        Where one has been taken out already.

    Examples
    --------
    >>> from pyhodgkin.protocols import CurrentClamp
    >>> clamp = CurrentClamp.step(100.0, 1.0, 3.0, 4.0, unit="pA")
    >>> recording = Recording([0, 2, 4], clamp, v=[-70, -69, -70])
    >>> without_electrode(recording, 10.0).v
    array([-70., -70., -70.])
    """
    if recording.bridge_error is not None:
        raise error(
            recording.name,
            f"a bridge error of {recording.bridge_error:g} MΩ has been taken out already: it is "
            "not taken out twice",
        )
    if not isinstance(electrode, Electrode):
        electrode = Electrode(float(electrode))
    v = recording.data - electrode.voltage(recording)
    facts: dict[str, Any] = {"bridge_error": electrode.resistance}
    if electrode.capacitance:
        facts["electrode_capacitance"] = electrode.capacitance
    return replace(recording, v=v, **facts)


def electrode_of(
    recordings: Recording | Iterable[Recording], *, capacitance: bool = False
) -> Electrode | None:
    """The electrode by how v jumps with steps of the current; None where there are no steps.

    The membrane charges slowly, so that what v jumps by at once is across the electrode. Straight
    lines are fitted to 2 ms before and 1 ms after each step, where v is far from spikes, and the
    resistance is the slope of the jumps over the steps.

    Parameters
    ----------
    recordings : Recording or several
        Of current clamp, in pA or nA, sampled at 5 kHz or more.
    capacitance : bool
        Fit the capacitance too, by the time constant with which v jumps.

    Examples
    --------
    >>> import pyhodgkin as ph
    >>> cell = ph.Neuron("cell", (ph.leak(5.0, -70.0),), c_m=100.0, v_rest=-70.0)
    >>> step = ph.CurrentClamp.step(50.0, start=20.0, stop=60.0, t_end=100.0, unit="pA")
    >>> sweep = Recording.from_solution(ph.simulate(cell, step, saveat=0.05, backend="torch"))
    >>> recorded = without_electrode(sweep, -12.0)
    >>> round(electrode_of(recorded_anew(recorded)).resistance)
    12
    """
    items = [recordings] if isinstance(recordings, Recording) else list(recordings)
    found = [(size, _jump(r, k)) for r in items for k, size in _steps(r)]
    if not found:
        return None
    x, y = np.array(found).T
    slope = float(x @ y / (x @ x))
    off = y - slope * x
    spread = float(np.sqrt(off @ off / max(1, len(x) - 1) / (x @ x)))
    resistance, size = 1e3 * slope, 0.0
    if capacitance and abs(resistance) > 1e-6:
        size = _time_constant(items, slope) / (abs(resistance) * 1e-3)
    return Electrode(resistance, size, 1e3 * spread, len(x))


def recorded_anew(recording: Recording) -> Recording:
    """The recording as if nothing were known of its electrode."""
    return replace(recording, bridge_error=None, electrode_capacitance=None)


def _current(recording: Recording) -> FloatArray:
    """The injected current (T,), pA."""
    if recording.observed != "v":
        raise error(recording.name, "the electrode's voltage is in v, which voltage clamp commands")
    if recording.current_unit not in AMPERE:
        raise RecordingError(
            f'recording "{recording.name}" has currents in {recording.current_unit}: of an '
            "electrode they must be in pA or nA"
        )
    return 1e3 * AMPERE[recording.current_unit] * recording.protocol(recording.t)


def _charged(t: FloatArray, current: FloatArray, tau: float) -> FloatArray:
    """The current (T,) behind a low-pass of time constant `tau`, ms."""
    out = np.array(current)
    decay = np.exp(-np.diff(t) / tau)
    for i, d in enumerate(decay):
        out[i + 1] = current[i + 1] + (out[i] - current[i + 1]) * d
    return out


def _steps(recording: Recording) -> list[tuple[int, float]]:
    """The first sample at or after each step of the current, and its size, pA."""
    t, dt = recording.t, float(np.median(np.diff(recording.t)))
    if dt > 0.2:
        return []
    before, after, blind = (round(x / dt) for x in (BEFORE, AFTER, BLIND))
    pieces = recording.protocol.segments
    factor = 1e3 * AMPERE.get(recording.current_unit, 0.0)
    found = []
    for at, size in zip(pieces.breakpoints, factor * pieces.jumps(), strict=True):
        k = int(np.searchsorted(t, at - 1e-9))
        if abs(size) < LEAST or k < before + 1 or k + blind + after > len(t):
            continue
        near = recording.data[k - before : k + blind + after]
        others = np.abs(pieces.breakpoints - at)
        lonely = np.all((others == 0.0) | (others > BEFORE + AFTER))
        if lonely and near.max() < QUIET:
            found.append((k, float(size)))
    return found


def _line(recording: Recording, k: int, after: bool) -> FloatArray:
    """The straight line through v (slope per ms, value at sample `k`) on one side of a step."""
    dt = float(np.median(np.diff(recording.t)))
    if after:
        first = k + round(BLIND / dt)
        part = slice(first, first + round(AFTER / dt))
    else:
        part = slice(k - round(BEFORE / dt), k)
    return np.polyfit(recording.t[part] - recording.t[k], recording.data[part], 1)


def _jump(recording: Recording, k: int) -> float:
    """By how much v jumps at sample `k`, mV."""
    old, new = (_line(recording, k, after) for after in (False, True))
    return float(new[1] - old[1])


def _time_constant(items: list[Recording], slope: float) -> float:
    """The time constant, ms, with which the jumps approach their straight lines."""
    traces = []
    for recording in items:
        dt = float(np.median(np.diff(recording.t)))
        for k, size in _steps(recording):
            part = slice(k, k + round((BLIND + AFTER) / dt))
            t = recording.t[part] - recording.t[k]
            off = recording.data[part] - np.polyval(_line(recording, k, True), t)
            traces.append((t, off, slope * size))
    costs = [sum(np.sum((x + jump * np.exp(-t / tau)) ** 2) for t, x, jump in traces)
             for tau in _TAUS]  # fmt: skip
    return float(_TAUS[int(np.argmin(costs))])
