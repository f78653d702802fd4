"""The command that a header describes against a recorded channel that may be its monitor."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..numerics.arrays import FloatArray

# Differences up to this part of the range of the command are those of a monitor's gain, filter
# and offset; up to the second they are told; beyond it the two are different waveforms.
_NEAR, _FAR = 0.05, 0.25
# Samples in a row that must differ, so that edges do not count, and the part of all samples.
_RUN, _PART = 7, 0.01
# No membrane potential: such a channel in mV records something else.
_NO_POTENTIAL = 300.0


@dataclass(frozen=True)
class Comparison:
    """What a comparison found; `text` says it with its numbers, in the unit given."""

    differs: bool  # clearly another waveform
    text: str  # empty when the two agree


def compare(
    commands: Sequence[FloatArray], recorded: Sequence[FloatArray], unit: str, is_voltage: bool
) -> Comparison:
    """Compare commands with a recorded channel, sweep by sweep, arrays of shape (T,).

    Examples
    --------
    >>> step = np.repeat([0.0, 100.0, 0.0], 100)
    >>> compare([step], [step + 1.0], "pA", False)
    Comparison(differs=False, text='')
    >>> compare([step], [2 * step], "pA", False).text
    'differs from it by up to 100 pA, in 31 % of the samples'
    """
    c, y = np.concatenate(commands), np.concatenate(recorded)
    if not len(c):
        return Comparison(False, "")
    noise = _noise(recorded)
    moving = moves(recorded)
    if is_voltage and np.median(np.abs(y)) > _NO_POTENTIAL:
        return Comparison(False, f"has values around {np.median(y):.3g} {unit}: no potential")
    span = float(np.ptp(c))
    if span == 0.0:
        return _against_constant(c, y, noise, moving, unit, is_voltage)
    if _part(commands, recorded, max(_NEAR * span, 6 * noise)) <= _PART:
        return Comparison(False, "")
    if not moving:
        return Comparison(False, f"stays at {np.median(y):.3g} {unit} while the command changes")
    far = max(_FAR * span, 8 * noise)
    differing = _part(commands, recorded, max(_NEAR * span, 6 * noise))
    worst = _worst(commands, recorded)
    text = f"differs from it by up to {worst:.3g} {unit}, in {100 * differing:.0f} % of the samples"
    return Comparison(_part(commands, recorded, far) > _PART, text)


def moves(recorded: Sequence[FloatArray]) -> bool:
    """Whether the level of a signal changes by more than its noise."""
    levels, spreads = [], []
    for y in recorded:
        size = max(len(y) // 64, 1)
        blocks = y[: len(y) // size * size].reshape(-1, size)
        levels.append(blocks.mean(axis=1))
        spreads.append(blocks.std(axis=1))
    spread = float(np.median(np.concatenate(spreads)))
    return bool(np.ptp(np.concatenate(levels)) > 4 * spread + 1e-9)


def _against_constant(
    c: FloatArray, y: FloatArray, noise: float, moving: bool, unit: str, is_voltage: bool
) -> Comparison:
    if moving:
        low, high = np.quantile(y, [0.001, 0.999])
        return Comparison(True, f"changes between {low:.3g} and {high:.3g} {unit}")
    offset = float(np.median(y)) - float(c[0])
    if abs(offset) > max(5 * noise, _NEAR * abs(float(c[0])), 2.0 if is_voltage else 0.0):
        return Comparison(False, f"is at {np.median(y):.3g} {unit}")
    return Comparison(False, "")


def _noise(recorded: Sequence[FloatArray]) -> float:
    steps = np.concatenate([np.diff(y) for y in recorded])
    return float(1.4826 * np.median(np.abs(steps)) / np.sqrt(2.0))


def _runs(far: NDArray[np.bool_]) -> NDArray[np.bool_]:
    return np.convolve(far, np.ones(_RUN), "same") == _RUN


def _part(
    commands: Sequence[FloatArray], recorded: Sequence[FloatArray], tolerance: float
) -> float:
    pairs = zip(commands, recorded, strict=True)
    counts = [int(_runs(np.abs(y - c) > tolerance).sum()) for c, y in pairs]
    return sum(counts) / sum(len(c) for c in commands)


def _worst(commands: Sequence[FloatArray], recorded: Sequence[FloatArray]) -> float:
    """The largest difference that lasts for some samples."""
    found = 0.0
    for c, y in zip(commands, recorded, strict=True):
        d = np.abs(y - c)
        windows = np.lib.stride_tricks.sliding_window_view(d, min(_RUN, len(d)))
        found = max(found, float(windows.min(axis=1).max()))
    return found
