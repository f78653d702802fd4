"""Checks of numbers that users hand to protocols, with one clear message each."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import InputError
from ..numerics.arrays import FloatArray, unshared


def finite(name: str, value: object, unit: str = "") -> float:
    """`value` as a finite float, or an `InputError` that names it."""
    try:
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        raise InputError(f"{name} must be a number{_in(unit)}, got {value!r}") from None
    if not np.isfinite(number):
        raise InputError(f"{name} must be finite{_in(unit)}, got {number}")
    return number


def positive(name: str, value: object, unit: str = "") -> float:
    """`value` as a finite float above zero."""
    number = finite(name, value, unit)
    if number <= 0:
        raise InputError(f"{name} must be positive{_in(unit)}, got {number:g}")
    return number


def ordered(first: str, start: float, last: str, stop: float) -> None:
    """Times `start` < `stop` in ms, or an error that names both."""
    if stop == start:
        raise InputError(f"{last} equals {first} ({start:g} ms): the duration would be zero")
    if stop < start:
        raise InputError(f"{last} ({stop:g} ms) lies before {first} ({start:g} ms)")


def vector(name: str, values: ArrayLike, unit: str = "") -> FloatArray:
    """`values` as a read-only, finite, non-empty vector of float64."""
    try:
        array = unshared(values)
    except (TypeError, ValueError, OverflowError):
        raise InputError(f"{name} must be a sequence of numbers{_in(unit)}") from None
    if array.ndim != 1:
        raise InputError(f"{name} must have one dimension, got shape {array.shape}")
    if array.size == 0:
        raise InputError(f"{name} is empty: give at least one number{_in(unit)}")
    bad = np.flatnonzero(~np.isfinite(array))
    if bad.size:
        raise InputError(
            f"{name} must be finite{_in(unit)}: {bad.size} of {array.size} values are not, "
            f"the first is {name}[{bad[0]}] = {array[bad[0]]}"
        )
    array.setflags(write=False)
    return array


def increasing(name: str, times: ArrayLike) -> FloatArray:
    """`times` as a read-only vector in ms, each later than the one before."""
    array = vector(name, times, "ms")
    back = np.flatnonzero(np.diff(array) <= 0)
    if back.size:
        i = int(back[0])
        word = "repeats" if array[i + 1] == array[i] else "goes back"
        raise InputError(
            f"{name} must increase (ms): {name}[{i + 1}] = {array[i + 1]:g} {word} "
            f"after {name}[{i}] = {array[i]:g}"
        )
    return array


def same_length(first: str, a: NDArray, second: str, b: NDArray) -> None:
    """Two vectors of one length, or an error that gives both lengths."""
    if len(a) != len(b):
        raise InputError(f"{first} has {len(a)} values and {second} has {len(b)}: need as many")


def fields(what: str, data: object, *names: str) -> None:
    """Raise unless `data` is a dict with these fields."""
    if not isinstance(data, dict):
        raise InputError(f"{what} must be an object with fields, got {type(data).__name__}")
    missing = [name for name in names if name not in data]
    if missing:
        raise InputError(f'{what}: field "{missing[0]}" is missing')


def _in(unit: str) -> str:
    return f" (in {unit})" if unit else ""
