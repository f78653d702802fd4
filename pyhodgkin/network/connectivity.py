"""Who is connected with whom: random pairs of a fixed probability, and matrices."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..errors import InputError
from ..numerics.arrays import FloatArray, Indices


def random_pairs(
    n_pre: int, n_post: int, p: float, seed: Sequence[int], skip_same: bool = False
) -> tuple[Indices, Indices]:
    """Pairs (i, j), each there with probability `p`, sorted; `skip_same` leaves out i = j.

    The gaps between the pairs that are there, in the order of rows, are geometric.

    Examples
    --------
    >>> i, j = random_pairs(1000, 1000, 0.02, seed=[1])
    >>> bool(abs(len(i) - 20_000) < 700)
    True
    """
    flat = _places(n_pre * n_post, p, seed)
    i, j = np.divmod(flat, n_post) if n_post else (flat, flat)
    if skip_same:
        i, j = i[i != j], j[i != j]
    return i, j


def random_undirected(n: int, _: int, p: float, seed: Sequence[int]) -> tuple[Indices, Indices]:
    """Pairs i < j of `n` cells, each there with probability `p`.

    Examples
    --------
    >>> i, j = random_undirected(5, 5, 1.0, seed=[1])
    >>> len(i), bool((i < j).all())
    (10, True)
    """
    flat = _places(n * (n - 1) // 2, p, seed)
    # Pairs in the order of j: (0, 1), (0, 2), (1, 2), …, so that j (j - 1)/2 come before row j.
    j = np.floor((1.0 + np.sqrt(1.0 + 8.0 * flat)) / 2.0).astype(np.int64)
    j -= j * (j - 1) // 2 > flat
    j += (j + 1) * j // 2 <= flat
    return flat - j * (j - 1) // 2, j


def _places(count: int, p: float, seed: Sequence[int]) -> Indices:
    """Of `count` places those that are taken, each with probability `p`."""
    if p <= 0.0 or count == 0:
        return np.zeros(0, dtype=np.int64)
    if p >= 1.0:
        return np.arange(count, dtype=np.int64)
    rng = np.random.default_rng(list(seed))
    parts, last = [], -1
    while last < count:
        room = int((count - last) * p * 1.05) + 16
        # A gap of more than everything that is left ends it, whatever it is.
        gaps = np.minimum(rng.geometric(p, room), count + 1)
        parts.append(last + np.cumsum(gaps))
        last = int(parts[-1][-1])
    found = np.concatenate(parts)
    return found[found < count].astype(np.int64)


def pairs_of_matrix(who: str, matrix: Any) -> tuple[tuple[int, int], Indices, Indices, FloatArray]:
    """Shape, rows, columns and values of a matrix where it is not zero, by rows."""
    if hasattr(matrix, "tocoo"):
        matrix = matrix.tocoo()
        i, j, values = np.asarray(matrix.row), np.asarray(matrix.col), np.asarray(matrix.data)
        used = values != 0
        i, j, values = i[used], j[used], values[used]
    else:
        matrix = dense = np.asarray(matrix, dtype=np.float64)
        if not np.isfinite(dense).all():
            raise InputError(f"{who}: the matrix has a value that is not finite")
        i, j = np.nonzero(dense)
        values = dense[i, j]
    order = np.lexsort((j, i))
    shape = (int(matrix.shape[0]), int(matrix.shape[1]))
    return shape, i[order].astype(np.int64), j[order].astype(np.int64), values[order].astype(float)
