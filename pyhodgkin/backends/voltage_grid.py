"""The known voltage of a recording, cut into steps in which it is nearly constant (numpy only).

Under voltage clamp the command is known, in current clamp the measured voltage stands in for it;
between samples it is taken as linear. Gates driven by it need nothing else.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ..errors import InputError
from ..neuron.coupled import coupling_of
from ..neuron.neuron import Neuron
from ..numerics.arrays import FloatArray, Indices
from ..numerics.voltage_table import SPACING
from ..protocols import Segments
from ..recordings import Recording

# A step in which the voltage moves by more is divided: rates bend over some 10 mV, and the rule of
# the middle is of second order.
MOVE = 2.0  # mV
# Longer than any time constant, yet its product with a rate is finite.
FOREVER = 1e30  # ms


@dataclass(frozen=True)
class VoltageGrid:
    """Steps of one recording. The first one lasts for ever: it settles the gates at the start.

    `h` (N,) ms and `v` (N,) mV in the middle of each step; `places` (T,) the last step before
    each sample; `v_samples` (T,) the voltage there.
    """

    h: FloatArray
    v: FloatArray
    places: Indices
    v_samples: FloatArray


def check_linear(neuron: Neuron) -> None:
    """Raise unless a known voltage drives every gate of `neuron` linearly."""
    if neuron.is_linear_in_gates:
        return
    what = 'gates of the form "free"' if neuron.right_hand_side is None else "a NeuralRightHandSide"
    what = coupling_of(neuron) or what
    raise InputError(
        f'mode = "clamped" needs gates that a known voltage drives linearly; neuron '
        f'"{neuron.name}" has {what}: use mode = "simulation"'
    )


def spacing_for(neuron: Neuron) -> float | None:
    """How far the nodes lie apart from which its kinetics are interpolated, mV.

    None where some curve has kinks, which a polynomial smooths: then they are not interpolated.
    """
    curves = (c for gate in neuron.gates for c in gate.kinetics.curves().values())
    return SPACING if all(curve.is_smooth for curve in curves) else None


def voltage_grid_of(recording: Recording, move: float = MOVE) -> VoltageGrid:
    """The known voltage of `recording`, from t = 0 on, where its protocol starts."""
    knots, value = _knots_and_value(recording)
    length = np.diff(knots)
    quarter = 0.25 * length
    moved = 2.0 * np.abs(value(knots[1:] - quarter) - value(knots[:-1] + quarter))
    parts = np.maximum(1, np.ceil(moved / move - 1e-9)).astype(np.intp)
    h = np.repeat(length / parts, parts)
    ends = np.cumsum(parts)
    number = np.arange(len(h)) - np.repeat(ends - parts, parts)
    middle = np.repeat(knots[:-1], parts) + (number + 0.5) * h
    # At a sample all steps up to its knot are done; step 0 is the one that settles.
    at = np.searchsorted(knots, recording.t - _close(recording.t))
    return VoltageGrid(
        h=np.concatenate([[FOREVER], h]),
        v=np.concatenate([value(knots[:1]), value(middle)]),
        places=np.concatenate([[0], ends])[at],
        v_samples=value(recording.t),
    )


def _knots_and_value(recording: Recording) -> tuple[FloatArray, Callable[[FloatArray], FloatArray]]:
    t = recording.t
    if recording.observed == "v":
        v = recording.data
        return _merged(t, np.zeros(1)), lambda at: np.interp(at, t, v)
    pieces = recording.protocol.segments
    inside = pieces.breakpoints[pieces.breakpoints < t[-1]]
    return _merged(t, np.concatenate([[0.0], inside])), pieces.value


def _merged(t: FloatArray, others: FloatArray) -> FloatArray:
    """All of `t`, and those of `others` that are not the same time but for rounding."""
    after = np.minimum(np.searchsorted(t, others), len(t) - 1)
    gap = np.minimum(np.abs(t[after] - others), np.abs(t[np.maximum(after - 1, 0)] - others))
    return np.union1d(t, others[gap > _close(t)])


def _close(t: FloatArray) -> float:
    return 1e-6 * float(np.min(np.diff(t)))


@dataclass(frozen=True)
class Balance:
    """What Kirchhoff's law asks of the ionic current of a current-clamp recording.

    Around each sample, from the one before to the one after, the mean of the ionic current is
    the mean of the stimulus less c_m times the mean slope of v. `weights` (T, 3) average the
    ionic current at these three samples (Simpson's rule); `stimulus` and `slope` are (T,).
    """

    weights: FloatArray
    stimulus: FloatArray
    slope: FloatArray

    def target(self, c_m: float) -> FloatArray:
        """The ionic current measured, (T,), in the unit of the stimulus."""
        return self.stimulus - c_m * self.slope


def balance_of(recording: Recording) -> Balance:
    """The current balance of a current-clamp recording."""
    t, v = recording.t, recording.data
    first, last = (
        np.maximum(np.arange(len(t)) - 1, 0),
        np.minimum(np.arange(len(t)) + 1, len(t) - 1),
    )
    span = t[last] - t[first]
    charge = _integral(recording.protocol.segments, t)
    return Balance(
        weights=_mean_weights(np.diff(t)),
        stimulus=(charge[last] - charge[first]) / span,
        slope=(v[last] - v[first]) / span,
    )


def _mean_weights(h: FloatArray) -> FloatArray:
    """Weights (T, 3) of the sample before, the sample and the one after in a mean over both gaps.

    Simpson's rule for uneven spacing; the trapezium's where that would be very uneven, and over
    the one gap there is at either end.
    """
    a, b = h[:-1], h[1:]
    trapezium = np.stack([a, a + b, b]) / (2.0 * (a + b))
    simpson = np.stack([2.0 - b / a, (a + b) ** 2 / (a * b), 2.0 - a / b]) / 6.0
    even = (a < 1.9 * b) & (b < 1.9 * a)
    inner = np.where(even, simpson, trapezium).T
    return np.concatenate([[[0.0, 0.5, 0.5]], inner, [[0.5, 0.5, 0.0]]])


def _integral(pieces: Segments, t: FloatArray) -> FloatArray:
    """Integral of a signal from t[0] to each of `t`, by Gauss's rule with two points."""
    inside = pieces.breakpoints[(pieces.breakpoints > t[0]) & (pieces.breakpoints < t[-1])]
    knots = _merged(t, inside)
    middle, half = 0.5 * (knots[1:] + knots[:-1]), 0.5 * np.diff(knots)
    gauss = half / np.sqrt(3.0)
    parts = half * (pieces.value(middle - gauss) + pieces.value(middle + gauss))
    return np.concatenate([[0.0], np.cumsum(parts)])[np.searchsorted(knots, t - _close(t))]
