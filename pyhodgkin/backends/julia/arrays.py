"""Arrays over the bridge without copies."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


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
