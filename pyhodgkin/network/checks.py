"""Numbers of a network that are one for all or one for each: as arrays, or a clear message."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import InputError
from ..numerics.arrays import FloatArray


def number(who: str, value: Any, unit: str, least: float | None = None, above: bool = False):
    """`value` as a finite float, not below `least` (or above it)."""
    array = numbers(who, value, unit, least, above)
    if array.ndim:
        raise InputError(f"{who} has shape {array.shape}: give one number, in {unit}")
    return float(array)


def numbers(
    who: str, value: Any, unit: str, least: float | None = None, above: bool = False
) -> FloatArray:
    """`value` as a read-only array of finite numbers."""
    try:
        array = np.array(value, dtype=np.float64)
    except (TypeError, ValueError):
        raise InputError(f"{who}: give numbers, in {unit}, not {type(value).__name__}") from None
    wrong = ~np.isfinite(array)
    if wrong.any():
        raise InputError(f"{who}: {_which(array, wrong)} is not finite ({unit})")
    if least is not None:
        wrong = array <= least if above else array < least
        if wrong.any():
            said = f"must be {'above' if above else 'at least'} {least:g} {unit}"
            raise InputError(f"{who}: {_which(array, wrong)} {said}".rstrip())
    array.setflags(write=False)
    return array


def of_cells(who: str, value: Any, n: int, unit: str, least: float | None = None) -> FloatArray:
    """One number for all of `n` cells, (), or one for each, (n,)."""
    array = numbers(who, value, unit, least)
    if array.shape not in ((), (n,)):
        raise InputError(f"{who} has shape {array.shape}: give one number or one for each, ({n},)")
    return array


def indices(who: str, value: Any, n: int | None) -> np.ndarray:
    """`value` as whole numbers (K,) from 0 to n - 1; n None for no limit yet."""
    array = np.asarray(value)
    if array.ndim != 1 or not (array.size == 0 or np.issubdtype(array.dtype, np.integer)):
        raise InputError(f"{who} has shape {array.shape} of {array.dtype}: give indices, (K,)")
    array = array.astype(np.int64)
    if array.size and (array.min() < 0 or (n is not None and array.max() >= n)):
        worst = int(array.min() if array.min() < 0 else array.max())
        allowed = "0 or more" if n is None else f"from 0 to {n - 1}"
        raise InputError(f"{who} has the index {worst}; they are {allowed}")
    array.setflags(write=False)
    return array


def count(who: str, value: Any) -> int:
    """`value` as a whole number of at least 1."""
    whole = isinstance(value, int | np.integer) and not isinstance(value, bool)
    if not whole or value < 1:
        raise InputError(f"{who} = {value!r}: give a whole number of at least 1")
    return int(value)


def _which(array: FloatArray, wrong: np.ndarray) -> str:
    if array.ndim == 0:
        return f"{float(array):g}"
    at = np.unravel_index(int(np.argmax(wrong)), wrong.shape)
    return f"{float(array[at]):g} (at {', '.join(str(int(i)) for i in at)})"
