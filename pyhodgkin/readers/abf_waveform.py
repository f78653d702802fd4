"""The waveform that an output of an Axon Binary Format file put out, from its epoch table."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..errors import RecordingError
from ..numerics.arrays import FloatArray
from .abf_header import Epoch, Header, Output

# The first and the last part of a sweep are held: this fraction of its samples each.
HELD_FRACTION = 64


def waveform(header: Header, output: Output, sweep: int, where: str) -> FloatArray:
    """Levels of `output` at the samples of sweep `sweep` (from 0), shape (T,), in its unit.

    A sweep is held at the holding level for 1/64 of its samples, then come the epochs, then the
    holding level again, or the level of the last epoch where the protocol says so.

    Raises
    ------
    RecordingError
        For an epoch of unknown type, a user list of a parameter that cannot be applied, epochs
        that do not fit in the sweep, or a sweep that the protocol does not have.
    """
    if 0 < header.sweeps_per_run <= sweep:
        raise RecordingError(
            f"{where}: the protocol in the header has {header.sweeps_per_run} sweeps: "
            "give command= (a recorded channel) or protocol="
        )
    _check_lists(header, output, where)
    holding, _ = levels_around(output, sweep)
    held = held_samples(header)
    values = np.full(header.samples, holding)
    at, before = held, holding
    for epoch in output.epochs:
        now = _in_sweep(epoch, output, sweep)
        if now.samples <= 0:
            continue
        if at + now.samples > header.samples:
            raise RecordingError(
                f"{where}: the epochs of {output.label} take {at + now.samples} samples or more, "
                f"the sweep has {header.samples}"
            )
        shape = _SHAPES.get(epoch.kind)
        if shape is None:
            raise RecordingError(f"{where}: epoch {_letter(epoch)} is of unknown type {epoch.kind}")
        _check_train(now, where)
        silent = header.alternating and sweep % 2 != output.number
        values[at : at + now.samples] = holding if silent else shape(now, before, holding)
        at, before = at + now.samples, now.level
    values[at:] = before if output.keeps_last_level else output.holding
    return values


def is_stepwise(output: Output) -> bool:
    """Whether the waveform only has levels that last for some samples, and no slopes."""
    return all(epoch.kind in (1, 3, 6, 7) for epoch in output.epochs)


def held_samples(header: Header) -> int:
    """Samples of one channel that are held at each end of a sweep."""
    return max(header.samples // HELD_FRACTION, 1)


def levels_around(output: Output, sweep: int) -> tuple[float, float]:
    """The levels before and after what is put out in a sweep."""
    last = output.holding
    if output.keeps_last_level and output.epochs:
        last = _in_sweep(output.epochs[-1], output, sweep).level
    before = output.holding
    if output.has_train:
        before = output.holding if output.train_level is None else output.train_level
    elif output.keeps_last_level and sweep > 0 and output.epochs:
        before = _in_sweep(output.epochs[-1], output, sweep - 1).level
    return before, last


def _letter(epoch: Epoch) -> str:
    return chr(ord("A") + epoch.number % 26)


def _check_train(now: _Now, where: str) -> None:
    if now.kind in _TRAINS and not (now.period > 0 and 0 <= now.width <= now.period):
        raise RecordingError(
            f"{where}: epoch {_letter(now.epoch)} is a train with a period of {now.period} and a "
            f"width of {now.width} samples"
        )


# -- what changes from sweep to sweep ----------------------------------------------------------


@dataclass(frozen=True)
class _Now:
    """An epoch in one sweep."""

    epoch: Epoch
    kind: int
    level: float
    samples: int
    period: int
    width: int


# Parameters of a user list, by number. Without effect on the command within a sweep: number,
# durations and levels of conditioning pulses, start to start, digital holding, P/N pulses.
_WITHOUT_EFFECT = {0, 1, 2, 3, 4, 7, 9, 10}
_OTHER_HOLDING = 8
# From here on in blocks of one number an epoch: digital output, level, duration, period, width.
_FIRST_BLOCK = 11
_LEVEL, _SAMPLES, _PERIOD, _WIDTH = 1, 2, 3, 4


def _in_sweep(epoch: Epoch, output: Output, sweep: int) -> _Now:
    values = {
        _LEVEL: epoch.level + epoch.level_step * sweep,
        _SAMPLES: epoch.samples + epoch.samples_step * sweep,
        _PERIOD: epoch.period,
        _WIDTH: epoch.width,
    }
    varied = output.user_list
    if varied is not None and varied.parameter >= _FIRST_BLOCK:
        block, number = divmod(varied.parameter - _FIRST_BLOCK, varied.epochs)
        if block in values and number == epoch.number:
            values[block] = varied[sweep]
    return _Now(
        epoch,
        epoch.kind,
        float(values[_LEVEL]),
        *(int(values[x]) for x in (_SAMPLES, _PERIOD, _WIDTH)),
    )


def _check_lists(header: Header, output: Output, where: str) -> None:
    """Raise for a user list that acts on the command in a way not known here."""
    for other in header.outputs:
        varied = other.user_list
        if varied is None:
            continue
        number = varied.parameter
        block = (number - _FIRST_BLOCK) // varied.epochs
        if other is output:
            known = number in _WITHOUT_EFFECT or 0 <= block <= _WIDTH or number == _OTHER_HOLDING
        else:
            known = number != _OTHER_HOLDING
        if not known:
            raise RecordingError(
                f"{where}: the user list of {other.label} varies parameter {number} of the format "
                f"({', '.join(varied.values)}), which cannot be applied: give command= (a recorded "
                "channel) or protocol="
            )


# -- shapes of an epoch ------------------------------------------------------------------------


def _step(now: _Now, before: float, holding: float) -> FloatArray:
    return np.full(now.samples, now.level)


def _ramp(now: _Now, before: float, holding: float) -> FloatArray:
    """From the level before to the level of the epoch, which its last sample has."""
    return before + (now.level - before) * np.arange(1, now.samples + 1) / now.samples


def _phase(now: _Now) -> NDArray[np.int64]:
    return np.arange(now.samples) % now.period


def _whole(now: _Now) -> NDArray[np.bool_]:
    """Samples of whole periods."""
    return np.arange(now.samples) < now.samples - now.samples % now.period


def _with_pulse(now: _Now) -> NDArray[np.bool_]:
    """Samples of the periods whose pulse is whole."""
    return _whole(now) | (now.samples % now.period >= now.width)


def _pulses(now: _Now, before: float, holding: float) -> FloatArray:
    return np.where(_with_pulse(now) & (_phase(now) < now.width), now.level, before)


def _biphasic(now: _Now, before: float, holding: float) -> FloatArray:
    """The first half of each pulse at the level, the second as far on the other side."""
    phase = _phase(now)
    size = (now.level - before) * np.where(phase < now.width // 2, 1.0, -1.0)
    return before + np.where(_with_pulse(now) & (phase < now.width), size, 0.0)


def _triangles(now: _Now, before: float, holding: float) -> FloatArray:
    """A line up to the level over the width, a line back over the rest of the period."""
    phase = _phase(now)
    rise = phase / max(now.width, 1)
    fall = 1.0 - (phase - now.width) / max(now.period - now.width, 1)
    part = np.where(phase < now.width, rise, fall)
    return before + (now.level - before) * np.where(_whole(now), part, 0.0)


def _cosines(now: _Now, before: float, holding: float) -> FloatArray:
    part = 0.5 - 0.5 * np.cos(2.0 * np.pi * _phase(now) / now.period)
    return before + (now.level - before) * np.where(_whole(now), part, 0.0)


def _resistance(now: _Now, before: float, holding: float) -> FloatArray:
    """A test of the resistance: half of the epoch at the holding level, half at the level."""
    return np.where(np.arange(now.samples) < now.samples // 2, holding, now.level)


_SHAPES: dict[int, Callable[[_Now, float, float], FloatArray]] = {
    1: _step,
    2: _ramp,
    3: _pulses,
    4: _triangles,
    5: _cosines,
    6: _resistance,
    7: _biphasic,
}
_TRAINS = (3, 4, 5, 7)
