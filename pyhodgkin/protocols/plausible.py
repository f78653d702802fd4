"""Commands that are hardly meant: too large to be survived, in another unit, after the end.

A command is refused above 1e6 µA/cm², 1e6 nA, 1e9 pA or 1e5 mV, and where it begins at or
after ``t_end``. A `PlausibilityWarning` names the likely unit above 1e4 µA/cm², 1000 nA,
1e5 pA or 500 mV, below 1e-6 of a unit of current (amperes are of that size), and for voltages
that all lie within ±0.5 mV (volts are).
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import numpy as np

from ..errors import InputError, PlausibilityWarning
from .base import Constant, Piecewise, Sum, Waveform
from .sampled import Sampled
from .steps import PulseTrain, Ramp, Step, Steps

if TYPE_CHECKING:
    from .protocol import Protocol

# Unit: refused from, warned above, and what such a number usually is.
_LARGE = {
    "uA/cm2": (1e6, 1e4, "nA/cm2, or pA of a whole cell"),
    "nA": (1e6, 1e3, "pA"),
    "pA": (1e9, 1e5, "fA"),
    "mV": (1e5, 500.0, "uV"),
}
_SMALL = {"uA/cm2": (1e-6, "A/cm2"), "nA": (1e-6, "A"), "pA": (1e-6, "A"), "mV": (0.5, "V")}


def check(protocol: Protocol) -> None:
    """Raise or warn where the numbers of a protocol are hardly meant so.

    Raises
    ------
    InputError
        For a command that no cell is given, and one that begins at or after its end.

    Warns
    -----
    PlausibilityWarning
        For a command that looks like one in another unit.
    """
    start = begin(protocol.waveform)
    if start is not None and start >= protocol.t_end:
        raise InputError(
            f"the command starts at {start:g} ms and the protocol ends at t_end = "
            f"{protocol.t_end:g} ms, so nothing would happen: give an earlier start or a later "
            "t_end (ms)"
        )
    level, unit = largest(protocol.waveform), protocol.unit
    if level is None or unit not in _LARGE:
        return
    refused, warned, large = _LARGE[unit]
    kind = "the voltage command" if unit == "mV" else "the injected current"
    if level >= refused:
        raise InputError(
            f"{kind} reaches {level:g} {unit}, more than {refused:g} {unit}: is the number in "
            f"{large}?"
        )
    small, other = _SMALL[unit]
    if level > warned:
        text = f"{kind} reaches {level:g} {unit}: is the number in {large}?"
        warnings.warn(text, PlausibilityWarning, stacklevel=4)
    elif 0 < level < small:
        text = f"{kind} stays below {level:.3g} {unit}: is the number in {other}?"
        warnings.warn(text, PlausibilityWarning, stacklevel=4)


def begin(waveform: Waveform) -> float | None:
    """Time (ms) at which a waveform first departs from its baseline, None where it has none.

    Examples
    --------
    >>> begin(Step(10, 20, 5.0) + Step(5, 8, 1.0)), begin(Constant(3.0))
    (5.0, None)
    """
    if isinstance(waveform, Sum):
        times = [begin(term) for term in waveform.terms]
        known = [t for t in times if t is not None]
        constant = [isinstance(term, Constant) for term in waveform.terms]
        return min(known) if known and len(known) + sum(constant) == len(times) else None
    if isinstance(waveform, Step) and waveform.amplitude == 0:
        return None
    return waveform.start if isinstance(waveform, (Step, Ramp, PulseTrain)) else None


def largest(waveform: Waveform) -> float | None:
    """A bound of the magnitude of a waveform, None for those that are not known by levels."""
    if isinstance(waveform, Sum):
        parts = [largest(term) for term in waveform.terms]
        return None if None in parts else float(sum(p for p in parts if p is not None))
    if isinstance(waveform, Constant):
        return abs(waveform.value)
    if isinstance(waveform, (Step, PulseTrain)):
        return max(abs(waveform.baseline), abs(waveform.baseline + waveform.amplitude))
    if isinstance(waveform, Ramp):
        return max(abs(waveform.initial), abs(waveform.final), abs(waveform.baseline or 0.0))
    if isinstance(waveform, (Steps, Sampled)):
        return float(np.max(np.abs(np.asarray(waveform.values))))
    if isinstance(waveform, Piecewise):
        return float(np.max(np.abs(waveform.pieces.offset)))
    return None
