"""The functions that rate laws are made of, exact and without overflow for every argument."""

from __future__ import annotations

import numpy as np

from .arrays import FloatArray

# Below this |x/2| the linoid is summed as a series: the closed form loses digits to 0/0.
LINOID_SERIES = 0.05
# exp of more than this is infinite in float64.
LARGEST_EXPONENT = 700.0


def exponential(x: FloatArray) -> FloatArray:
    """exp(x), held at its value at 700 beyond it."""
    return np.exp(np.minimum(x, LARGEST_EXPONENT))


def logistic(x: FloatArray) -> FloatArray:
    """1/(1 + exp(-x)), to full relative precision on both sides."""
    return np.exp(np.minimum(x, 0.0)) / (1.0 + np.exp(-np.abs(x)))


def linoid(x: FloatArray) -> tuple[FloatArray, FloatArray]:
    """x/(1 - exp(-x)) and its derivative, smooth through 0, to full relative precision.

    With p = |x| and f(p) = p/(1 - exp(-p)) it is f(p) for x > 0 and f(p) exp(-p) for x < 0;
    near zero it is x/2 plus an even function, which is summed as a series.
    """
    p = np.abs(x)
    small = p < 2.0 * LINOID_SERIES
    q = np.where(small, 1.0, p)
    f = q / -np.expm1(-q)
    falling = np.exp(-q)
    right, left = f, f * falling  # the values at q and -q
    value = np.where(x > 0.0, right, left)
    # d/dx = value(x)/x · (1 - value(-x))
    slope = np.where(x > 0.0, right * (1.0 - left), left * (right - 1.0)) / q
    y = np.where(small, 0.5 * x, 0.0)
    w = y * y
    near = y + 1.0 + w * (1 / 3 + w * (-1 / 45 + w * (2 / 945 - w / 4725)))
    near_slope = 0.5 + y * (1 / 3 + w * (-2 / 45 + w * (6 / 945 - w * 4 / 4725)))
    return np.where(small, near, value), np.where(small, near_slope, slope)
