"""Whether a formula can be parsed, is finite, and divides by nothing that is zero."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import accumulate

import numpy as np

from ..errors import InputError
from ..numerics.arrays import FloatArray
from .calcium_curves import at_calcium, uses_calcium
from .curves import Curve, Power
from .functions import Formula

# Formulas must be finite between these voltages, mV.
RANGE = (-200.0, 200.0)
# And at these concentrations of calcium, mM.
CONCENTRATIONS = (1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 0.1, 1.0)


def check_brackets(text: str, most: int) -> None:
    """Raise where brackets are nested too deeply; Python's parser would call it out of memory."""
    deepest = max(accumulate((c in "([{") - (c in ")]}") for c in text), default=0)
    if deepest > most:
        raise InputError(
            f'formula "{text[:60]}…": its brackets are nested {deepest} deep, and at most {most} '
            "are read; divide it into several curves"
        )


def check_finite(found: Formula, text: str) -> None:
    """Raise where the formula is not finite, or divides by zero, within `RANGE`."""
    if uses_calcium(found):
        for ca in CONCENTRATIONS:
            _check(at_calcium(found, ca), f"{text} at ca = {ca:g} mM")
    else:
        _check(found.filled, text)


def _check(tree: Curve, text: str) -> None:
    v = np.linspace(*RANGE, 8001)
    with np.errstate(all="ignore"):
        for divisor in _divisors(tree):
            at = _zero_of(divisor, v)
            if at is not None:
                raise InputError(
                    f'formula "{text}": it divides by {divisor}, which is 0 at v = {at:.6g} mV. '
                    "For x/(1 - exp(-x)) write linoid(x), which is 1 at x = 0: for instance "
                    "0.1*(v + 40)/(1 - exp(-(v + 40)/10)) is linoid((v + 40)/10)"
                )
        value, slope = tree.value_and_slope(v)
    bad = np.flatnonzero(~np.isfinite(value) | ~np.isfinite(slope))
    if bad.size:
        raise InputError(
            f'formula "{text}": at v = {v[bad[0]]:g} mV it is {value[bad[0]]}, with the slope '
            f"{slope[bad[0]]}; it must be finite from {RANGE[0]:g} to {RANGE[1]:g} mV. Limit its "
            "parts with min, max or a choice"
        )


def _divisors(curve: Curve) -> Iterator[Curve]:
    if isinstance(curve, Power) and curve.exponent < 0:
        yield curve.base
    for part in curve.children():
        yield from _divisors(part)


def _zero_of(curve: Curve, v: FloatArray) -> float | None:
    """A voltage where the curve is zero, or None."""
    value = curve(v)
    zero = np.flatnonzero(value == 0.0)
    if zero.size:
        return float(v[zero[0]])
    for i in np.flatnonzero(value[:-1] * value[1:] < 0.0):
        low, high = float(v[i]), float(v[i + 1])
        largest = max(abs(value[i]), abs(value[i + 1]))
        for _ in range(60):
            middle = 0.5 * (low + high)
            if float(curve(low)) * float(curve(middle)) <= 0.0:
                high = middle
            else:
                low = middle
        if abs(float(curve(low))) < 1e-6 * largest:  # else it jumps over zero
            return 0.5 * (low + high)
    return None
