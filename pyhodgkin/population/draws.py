"""Random numbers that belong to a parameter and a cell, however the cells are divided.

The numbers of a parameter come from a stream of its own, in blocks of a fixed number of cells, so
that they do not change when more cells are asked for or another parameter varies as well.
"""

from __future__ import annotations

import zlib

import numpy as np

from ..numerics.arrays import FloatArray

BLOCK = 4096


def standard_normal(seed: int, name: str, start: int, stop: int) -> FloatArray:
    """Standard normal numbers of the cells from `start` to `stop`, (stop - start,).

    Examples
    --------
    >>> some = standard_normal(1, "na.g", 4000, 4200)
    >>> bool((standard_normal(1, "na.g", 4090, 4100) == some[90:100]).all())
    True
    """
    first, last = start // BLOCK, -(-stop // BLOCK)
    parts = [_block(seed, name, k) for k in range(first, last)]
    if not parts:
        return np.zeros(0)
    return np.concatenate(parts)[start - first * BLOCK : stop - first * BLOCK]


def _block(seed: int, name: str, k: int) -> FloatArray:
    sequence = np.random.SeedSequence(seed, spawn_key=(zlib.crc32(name.encode()), k))
    return np.random.Generator(np.random.Philox(sequence)).standard_normal(BLOCK)


def drawn_seed() -> int:
    """A seed, where nobody gave one."""
    return int(np.random.default_rng().integers(2**53))
