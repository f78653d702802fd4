"""A line search for the strong Wolfe conditions that takes failed solves as too long a step."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass

import numpy as np

from ..numerics.arrays import FloatArray

Answer = tuple[float, FloatArray]  # value and gradient; the value is inf where a solve failed
Search = Generator[FloatArray, Answer, "Trial | None"]

DECREASE, CURVATURE = 1e-4, 0.9
EVALUATIONS = 20


@dataclass(frozen=True)
class Trial:
    """One step length tried: where it leads, the value, gradient and slope there."""

    t: float
    x: FloatArray
    f: float
    g: FloatArray
    slope: float

    @property
    def finite(self) -> bool:
        return bool(np.isfinite(self.f) and np.all(np.isfinite(self.g)))


def wolfe(x: FloatArray, f: float, g: FloatArray, d: FloatArray, t: float) -> Search:
    """Search along `d` from `x`, first trying the step `t`.

    A generator: it yields points and is sent (value, gradient) there. It returns a trial that
    meets the strong Wolfe conditions (Nocedal & Wright 2006, algorithms 3.5 and 3.6), or after
    `EVALUATIONS` points the best one with sufficient decrease, or None.
    """
    start = Trial(0.0, x, f, g, float(g @ d))
    low, high = start, None
    for n in range(EVALUATIONS):
        f_new, g_new = yield x + t * d
        new = Trial(t, x + t * d, float(f_new), g_new, float(g_new @ d))
        if not new.finite or new.f > f + DECREASE * t * start.slope or (n and new.f >= low.f):
            high = new
        elif abs(new.slope) <= -CURVATURE * start.slope:
            return new
        elif new.slope * ((t + 1.0 if high is None else high.t) - low.t) >= 0:
            low, high = new, low
        else:
            low = new
        t = 3.0 * t if high is None else _between(low, high)
        if high is not None and abs(high.t - low.t) < 1e-12 * max(1.0, low.t):
            break
    return low if low.t > 0 else None


def _between(low: Trial, high: Trial) -> float:
    """Minimum of the cubic through both ends, kept away from them; the middle if one failed."""
    middle, width = 0.5 * (low.t + high.t), high.t - low.t
    if not high.finite:
        # A failed solve says nothing of how far it was too far.
        return low.t + (0.5 if low.t > 0 else 0.25) * width
    d1 = low.slope + high.slope - 3.0 * (low.f - high.f) / (low.t - high.t)
    square = d1 * d1 - low.slope * high.slope
    if square < 0:
        return middle
    d2 = np.copysign(np.sqrt(square), width)
    bottom = high.slope - low.slope + 2.0 * d2
    if bottom == 0:
        return middle
    t = high.t - width * (high.slope + d2 - d1) / bottom
    near, far = sorted((low.t + 0.1 * width, high.t - 0.1 * width))
    return float(min(max(t, near), far)) if np.isfinite(t) else middle
