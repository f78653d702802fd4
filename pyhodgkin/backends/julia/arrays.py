"""Arrays over the bridge without copies."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import InputError
from ...numerics.arrays import FloatArray
from ...solution.voltage_steps import KEPT, VoltageSteps


def julia_view(array: Any) -> NDArray[Any]:
    """A numpy view of an array that a call returned, its axes reversed: C order again.

    A Julia array (state, time, batch) is seen as (batch, time, state). The view keeps the Julia
    array alive; do not resize that one.
    """
    if not hasattr(array, "__array_interface__"):
        raise TypeError(f"{array!r} is not an array of numbers")
    return np.asarray(array).T


def address(array: Any) -> int:
    """Where the numbers of a numpy array, or of a view of a Julia array, begin."""
    return int(np.asarray(array).__array_interface__["data"][0])


def share(a: Any, b: Any) -> bool:
    """Whether two arrays, of numpy or of Julia, hold the same numbers in the same memory."""
    return bool(np.shares_memory(np.asarray(a), np.asarray(b)))


def c_order(x: Any) -> FloatArray:
    """`x` as Julia can use it where it lies: float64, in C order."""
    return np.ascontiguousarray(x, dtype=np.float64)


def check_start(y0: FloatArray, states: int) -> None:
    """Raise unless starts (..., S) are of `states` numbers, all finite."""
    if y0.shape[-1] != states:
        raise InputError(f"y0 has shape {y0.shape}; its last axis must be {states} states")
    if not np.isfinite(y0).all():
        raise InputError("y0 has a value that is NaN or infinite")


def start_of(y0: FloatArray | None, states: int) -> FloatArray:
    """(1 or K, R, S), or (0, 0, S) for the steady state."""
    if y0 is None:
        return np.zeros((0, 0, states))
    rows = c_order(y0)
    check_start(rows, states)
    return rows if rows.ndim == 3 else rows[None]


def voltage_steps(columns: Any, size: int, limited: bool) -> VoltageSteps:
    """The voltage on the steps of a solve of `size` elements, from Julia's `all_steps`."""
    rows = np.array(julia_view(columns))
    threshold = KEPT if limited else None
    return VoltageSteps(size, rows[:, 0], rows[:, 1], rows[:, 2], rows[:, 3:], threshold)  # type: ignore[arg-type]
