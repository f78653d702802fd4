"""Times printed with few digits: the even spacing that was printed, if there is just one."""

from __future__ import annotations

import warnings

import numpy as np

from ...errors import RecordingError, RecordingWarning
from ...numerics.arrays import FloatArray

# Spacing that differs by less than this part of itself is even.
_EVEN = 1e-6
# With fewer samples, uneven times are taken as they stand: too little speaks for rounding.
_ENOUGH = 20
# Significant digits of a spacing (ms) or a rate (Hz) that are tried.
_DIGITS = (1, 2, 3, 4)


def times(values: FloatArray, scale: float, where: str) -> FloatArray:
    """Times in ms from printed `values`; times that rounding made uneven are even again.

    The spacing is the one with the fewest digits (as a spacing in ms or as a rate in Hz) whose
    times, printed with as many digits as the file has, are those of the file.

    Raises
    ------
    RecordingError
        When times go back, or repeat and no such spacing exists.

    Warns
    -----
    RecordingWarning
        When the times were made even, with the spacing.

    Examples
    --------
    >>> printed = np.round(np.arange(100) * 0.05, 1)
    >>> with warnings.catch_warnings():
    ...     warnings.simplefilter("ignore")
    ...     times(printed, 1.0, "cell.csv")[:4]
    array([0.  , 0.05, 0.1 , 0.15])
    """
    t = values if scale == 1.0 else values * scale
    steps = np.diff(t)
    back = np.flatnonzero(steps < 0)
    if back.size:
        i = int(back[0])
        raise RecordingError(
            f"{where}: t must increase (ms): t[{i + 1}] = {t[i + 1]:g} goes back after t[{i}] = "
            f"{t[i]:g}; sweeps below one another need a column called sweep that numbers them"
        )
    if len(t) < 3:
        return t
    mean = float(t[-1] - t[0]) / len(steps)
    if mean == 0 or np.all(np.abs(steps - mean) <= _EVEN * mean):
        return t
    repeats = np.flatnonzero(steps == 0)
    if len(t) < _ENOUGH and not repeats.size:
        return t
    half = _rounding(values) * scale
    step = _spacing(t, half) if len(t) >= _ENOUGH else None
    if step is not None:
        warnings.warn(
            f"{where}: the times are printed with few digits (to {2 * half.max():.3g} ms); they "
            f"are those of samples {step:.6g} ms apart, which is taken. Give dt={step:.6g} (ms) "
            "to state it",
            RecordingWarning,
            stacklevel=2,
        )
        return t[0] + step * np.arange(len(t))
    if repeats.size:
        i = int(repeats[0])
        uneven = float(steps.max()) > 3 * float(np.min(steps[steps > 0]))
        raise RecordingError(
            f"{where}: t must increase, but t[{i + 1}] = {t[i + 1]:g} ms repeats: "
            + (
                "the samples are unevenly spaced, so keep one of the two (some simulators print "
                "both sides of an event); if they are even, give the spacing, dt= (ms)"
                if uneven
                else "times printed with too few digits? Then give the spacing, dt= (ms); on "
                f"average it is {mean:.4g} ms"
            )
        )
    return t


def _rounding(values: FloatArray) -> FloatArray:
    """Half a unit of the last printed digit, for each value.

    Numbers with a fixed count of decimals have the same last digit; those with a fixed count of
    significant digits (``%.6g``) lose decimals as they grow.
    """
    texts = [f"{x!r}".lower() for x in np.abs(values).tolist()]
    decimals = np.array([_decimals(text) for text in texts])
    digits = max(len(text.split("e")[0].replace(".", "").strip("0")) for text in texts)
    most = np.full(len(values), decimals.max())
    magnitude = np.floor(np.log10(np.maximum(np.abs(values), 1e-300)))
    significant = np.minimum(digits - 1 - magnitude, most)
    # A value with more decimals than its digits would allow shows that the decimals are fixed.
    fixed = np.any(decimals > significant)
    return 0.5 * 10.0 ** -(most if fixed else significant)


def _decimals(text: str) -> int:
    number, _, exponent = text.partition("e")
    after = number.partition(".")[2].rstrip("0")
    return len(after) - int(exponent or 0)


def _spacing(t: FloatArray, half: FloatArray) -> float | None:
    """The simplest spacing whose times lie within the rounding of all printed ones."""
    k = np.arange(len(t))
    slope = float(np.polyfit(k, t, 1)[0])
    slack = half * (1 + 1e-6) + 1e-12 * np.abs(t).max()
    for digits in _DIGITS:
        for step in (_rounded(slope, digits), 1000.0 / _rounded(1000.0 / slope, digits)):
            rest = t - step * k
            if np.max(rest - slack) <= np.min(rest + slack):
                return step
    return None


def _rounded(value: float, digits: int) -> float:
    return float(f"{value:.{digits - 1}e}")
