"""Drift of the resting potential between recordings, as a constant current of each."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ..errors import InputError, RecordingError
from ..numerics.spikes import upward_crossings
from ..units import conductance_of
from .checks import error
from .recording import Recording

SHORTEST = 20.0  # ms before the first change of the command, at least
LONGEST = 1000.0  # ms of it that are used, where it never changes
BEFORE_SPIKE = 3.0  # ms


@dataclass(frozen=True)
class Drift:
    """The current that keeps a cell at the rest of each recording: g·v - i before the stimulus.

    Parameters
    ----------
    conductance : float
        Of the membrane near rest, in the unit of the neuron (nS for pA).
    reference : float
        What g·v - i is in the recordings on average; the current of a recording is what is above
        it.

    Examples
    --------
    >>> from pyhodgkin.protocols import CurrentClamp
    >>> clamp = CurrentClamp.step(50.0, 30.0, 60.0, 100.0, unit="pA")
    >>> recording = Recording(np.arange(100.0), clamp, v=np.full(100, -68.0))
    >>> Drift(conductance=5.0, reference=-350.0).current(recording)
    10.0
    """

    conductance: float
    reference: float

    def __post_init__(self) -> None:
        if not 0.0 < self.conductance < np.inf:
            raise InputError(f"Drift: conductance = {self.conductance} must be positive")
        if not np.isfinite(self.reference):
            raise InputError(f"Drift: reference = {self.reference} must be finite")

    def current(self, recording: Recording) -> float:
        """The current of a recording, in its unit.

        Raises
        ------
        RecordingError
            Where less than 20 ms come before the first change of the command, and in voltage clamp.
        """
        return offset(recording, self.conductance) - self.reference


def offset(recording: Recording, conductance: float) -> float:
    """g·v - i before the first change of the command."""
    v, current = baseline(recording)
    return conductance * v - current


def baseline(recording: Recording) -> tuple[float, float]:
    """v and the command before its first change, medians.

    Where the cell spikes by itself there is no rest; v is then that 3 ms before the spikes, which
    it would rest at least as high as.

    Raises
    ------
    RecordingError
        Where that is too short, and in voltage clamp.
    """
    if recording.observed != "v":
        raise error(recording.name, "v is commanded in voltage clamp and has no drift")
    t, v = recording.t, recording.data
    breaks = recording.protocol.breakpoints
    after = breaks[(breaks > t[0]) & (breaks < t[-1])]
    end = float(after[0]) if len(after) else float(min(t[-1], t[0] + LONGEST))
    if end - t[0] < SHORTEST:
        raise error(
            recording.name,
            f"the command changes {end - float(t[0]):g} ms after the first sample: the rest before "
            f"it needs {SHORTEST:g} ms or more",
        )
    before = t < end - 1e-6
    current = float(np.median(recording.command[before]))
    kept = before & recording.mask if (before & recording.mask).any() else before
    spikes = upward_crossings(t[before], v[before], 0.0, 1.0) - BEFORE_SPIKE
    spikes = spikes[spikes > t[0]]
    return float(np.median(np.interp(spikes, t, v) if len(spikes) else v[kept])), current


def without_drift(recording: Recording, drift: Drift) -> Recording:
    """The recording with the current of its drift in the command; v is what was measured.

    A neuron with a rest of its own is then at that of each recording before the stimulus.

    Raises
    ------
    RecordingError
        Where one is in the command already; otherwise as `Drift.current`.

    Examples
    --------
    >>> from pyhodgkin.protocols import CurrentClamp
    >>> clamp = CurrentClamp.step(50.0, 30.0, 60.0, 100.0, unit="pA")
    >>> recording = Recording(np.arange(100.0), clamp, v=np.full(100, -68.0))
    >>> without_drift(recording, Drift(5.0, -350.0)).command[[0, 30]]
    array([10., 60.])
    """
    if recording.drift_current is not None:
        raise error(
            recording.name,
            f"a current of {recording.drift_current:g} for its drift is in the command already",
        )
    current = drift.current(recording)
    protocol = replace(recording.protocol, waveform=recording.protocol.waveform + current)
    return replace(recording, protocol=protocol, drift_current=current)


def drift_by(recordings: Iterable[Recording], conductance: float) -> Drift | None:
    """The drift of recordings of a cell of known conductance; None where one shows no rest."""
    try:
        found = [offset(r, conductance) for r in recordings]
    except RecordingError:
        return None
    return Drift(conductance, float(np.median(found)))


def summary(drift: Drift, train: Sequence[Recording]) -> str:
    """A line for the log of a fit."""
    currents = [drift.current(r) for r in train]
    rests, unit = [baseline(r)[0] for r in train], train[0].current_unit
    return (
        f"the rest drifts between recordings ({min(rests):.1f} to {max(rests):.1f} mV): currents "
        f"of {min(currents):.3g} to {max(currents):.3g} {unit} ({drift.conductance:.3g} "
        f"{conductance_of(unit)} times the difference before the stimulus) are added to their "
        "commands; drift=False leaves them out"
    )
