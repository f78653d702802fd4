"""Spike times cell by cell, and as the rows of an array that a store and xarray can hold."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..numerics.arrays import FloatArray

COLUMNS = 32  # spikes of a cell that lie in one file of a store


def padded(times: Sequence[FloatArray], counts: NDArray, columns: int) -> FloatArray:
    """Rows (K, B, columns) of spike times, NaN after the last of a cell.

    Parameters
    ----------
    times : sequence of K arrays
        Cell by cell, ms.
    counts : array of int (K, B)
        Spikes of each cell.

    Examples
    --------
    >>> padded([np.array([1.0, 2.0, 5.0])], np.array([[2, 0, 1]]), 2).tolist()
    [[[1.0, 2.0], [nan, nan], [5.0, nan]]]
    """
    out = np.full((*counts.shape, columns), np.nan)
    out[np.arange(columns) < counts[..., None]] = np.concatenate([*times, np.zeros(0)])
    return out
