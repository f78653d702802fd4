"""Names of the kinds of numpy arrays that the package passes around, and arrays to keep."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

FloatArray = NDArray[np.float64]
Indices = NDArray[np.intp]  # places in an array
LARGEST = 1e100  # of a sample or a state: squares, and sums of a few, stay finite


def unshared(values: ArrayLike) -> FloatArray:
    """`values` in float64: a copy, or the array itself where it is read-only and so is its owner.

    Raises
    ------
    TypeError, ValueError, OverflowError
        For what are no numbers.

    Examples
    --------
    >>> given = np.array([1.0, 2.0, 3.0])
    >>> unshared(given) is given
    False
    >>> given.setflags(write=False)
    >>> unshared(given) is given, np.shares_memory(unshared(given[1:]), given)
    (True, True)
    """
    if type(values) is np.ndarray and values.dtype == np.float64 and not values.flags.writeable:
        owner = values if values.base is None else values.base
        whole = type(owner) is np.ndarray and not owner.flags.writeable
        if whole and values.flags.c_contiguous and owner.size < 2 * values.size:
            return values
    return np.array(values, dtype=np.float64)
