"""Recordings whose numbers are hardly meant so: a warning with the number and the likely unit.

Nothing is changed: the warnings say what to state. The rules, with their thresholds:

- samples less than 0.001 ms apart (1 MHz), or more than 20 ms: seconds taken as ms, or ms as s;
- a median potential between -0.2 and -0.01 mV with 99 % of the samples within 0.5 mV: volts
  taken as mV; a median beyond 500 mV: µV taken as mV, or mV converted twice. The median, so that
  artefacts of -1500 mV mean nothing;
- a current that never reaches 1e-6 nA or pA: amperes; a median beyond 0.1 mA: another prefix;
- where the user says which clamp it was, a stepwise "response" to a "command" that changes at
  every sample: the other clamp;
- a command whose first change comes after the last sample: seconds in one, ms in the other.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..errors import PlausibilityWarning
from ..protocols import Sampled

if TYPE_CHECKING:
    from .recording import Recording

# With fewer samples nothing can be said of their size.
_ENOUGH = 10
_LARGE = {"nA": (1e5, "pA"), "pA": (1e8, "fA"), "uA/cm2": (1e6, "nA/cm2")}


@contextmanager
def judged_before() -> Iterator[None]:
    """No warnings: a part of a recording is made of numbers that were judged when it was made."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PlausibilityWarning)
        yield


def check(recording: Recording) -> None:
    """A `PlausibilityWarning` for each number that is hardly meant so."""
    for text in findings(recording):
        _warn(recording, text)


def check_clamp(recording: Recording) -> None:
    """A `PlausibilityWarning` where the data look like those of the other clamp."""
    text = _clamp(recording)
    if text:
        _warn(recording, text)


def _warn(recording: Recording, text: str) -> None:
    label = recording.name or recording.source
    text = f'recording "{label}": {text}' if label else f"recording: {text}"
    warnings.warn(text, PlausibilityWarning, stacklevel=5)


def findings(recording: Recording) -> list[str]:
    """What is hardly meant so, in one sentence each.

    Examples
    --------
    >>> from pyhodgkin import CurrentClamp, Recording
    >>> t = np.arange(0, 100, 0.1)
    >>> with warnings.catch_warnings():
    ...     warnings.simplefilter("ignore")
    ...     volts = Recording(t, CurrentClamp.step(7.0, 10.0, 60.0, 100.0), v=np.full(1000, -0.065))
    >>> findings(volts)
    ['v has a median of -0.065 mV: are these volts? State the unit (voltage_unit="V"), or ...
    """
    if len(recording) < _ENOUGH:
        return []
    observed = _voltage if recording.observed == "v" else _current
    found = [_spacing(recording), observed(recording), _start(recording)]
    return [text for text in found if text]


def _spacing(recording: Recording) -> str:
    step = float(np.median(np.diff(recording.t)))
    if step < 0.999e-3:
        return (
            f"its samples are {step:.3g} ms apart ({1 / step:.3g} kHz): are the times in seconds? "
            'State the unit (time_unit="s"), or multiply by 1000'
        )
    if step > 20:
        return (
            f"its samples are {step:.3g} ms apart ({1000 / step:.3g} Hz): are the times in ms, or "
            "in another unit than stated? Action potentials last about 1 ms"
        )
    return ""


def _voltage(recording: Recording) -> str:
    v = recording.data
    middle = float(np.median(v))
    if -0.2 < middle < -0.01 and float(np.percentile(np.abs(v), 99)) < 0.5:
        return (
            f"v has a median of {middle:.3g} mV: are these volts? State the unit "
            '(voltage_unit="V"), or multiply by 1000'
        )
    if abs(middle) > 500:
        return (
            f"v has a median of {middle:.4g} mV: are these microvolts, or mV converted twice? "
            'State the unit (voltage_unit="uV"), or divide by 1000'
        )
    return ""


def _current(recording: Recording) -> str:
    size, unit = np.abs(recording.data), recording.current_unit
    top, middle = float(size.max()), float(np.median(size))
    limit, other = _LARGE.get(unit, (np.inf, ""))
    if 0 < top < 1e-6:
        amperes = "A/cm2" if "cm2" in unit else "A"
        return (
            f"its current never exceeds {top:.3g} {unit}: is it in {amperes}? State the unit "
            f'(current_unit="{amperes}")'
        )
    if middle > limit:
        return (
            f"its current has a median size of {middle:.3g} {unit}: is it in {other}? State the "
            f'unit (current_unit="{other}")'
        )
    return ""


def _clamp(recording: Recording) -> str:
    waveform = recording.protocol.waveform
    if not isinstance(waveform, Sampled) or len(recording) < 50:
        return ""
    command, data = np.asarray(waveform.values), recording.data
    if len(command) != len(data):
        return ""
    still, moving = _changes(data), _changes(command)
    if still > max(4, 0.02 * len(data)) or moving < 0.5 * len(command):
        return ""
    kind = recording.protocol.kind
    names = {"current": ("potential", "current"), "voltage": ("current", "potential")}[kind]
    other = "voltage" if kind == "current" else "current"
    return (
        f"it is read as {kind} clamp, but its {names[0]} changes at {still} and its {names[1]} at "
        f'{moving} of {len(data)} samples, as in {other} clamp: clamp="{other}"?'
    )


def _start(recording: Recording) -> str:
    if isinstance(recording.protocol.waveform, Sampled):
        return ""
    breaks, last = recording.protocol.breakpoints, float(recording.t[-1])
    if len(breaks) == 0 or breaks[0] <= last + 1e-6:
        return ""
    return (
        f"its command first changes at {breaks[0]:g} ms, after the last sample at {last:g} ms: "
        "are both in ms?"
    )


def _changes(values: NDArray) -> int:
    return int(np.count_nonzero(np.diff(values)))
