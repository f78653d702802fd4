"""Minibatches: which recordings or windows a step of AdamW sees."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from ..numerics.arrays import Indices

_DEAL, _ORDER = 1, 2  # streams of random numbers


@lru_cache(maxsize=256)
def pick(count: int, size: int, step: int) -> Indices:
    """The places, in order, of the batch of step number `step`, from `count` in all.

    They are dealt once into batches of `size` or one less, because an engine prepares a batch
    once and keeps it; in each round of these their order is drawn anew. Nothing but the
    arguments decides.

    Examples
    --------
    >>> [pick(5, 2, step).tolist() for step in range(3)]
    [[2, 3], [0, 4], [1]]
    >>> sorted(np.concatenate([pick(5, 2, step) for step in range(3, 6)]).tolist())
    [0, 1, 2, 3, 4]
    """
    if size >= count:
        return np.arange(count)
    dealt = np.random.default_rng([_DEAL, count, size]).permutation(count)
    batches = np.array_split(dealt, -(-count // size))
    turn, place = divmod(step, len(batches))
    order = np.random.default_rng([_ORDER, count, size, turn]).permutation(len(batches))
    return np.sort(batches[order[place]])
