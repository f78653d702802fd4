"""Which exponentials of a neuron several of its curves can share.

A curve of the voltage v is made of exp(v/k), or exp(-v/k). Where k is the same in all of a batch,
and one of these rates is a small multiple of another, its exponential is a power of the other's,
which takes a product or two.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from ...neuron.tables import Tables
from ...numerics.arrays import FloatArray

MOST = 16  # the highest power: each doubles the relative error
# exp(±v0/k) has to be far from the largest and smallest numbers of a precision.
FARTHEST = {"float64": 300.0, "float32": 40.0}


@dataclass(frozen=True)
class Sharing:
    """Exponentials exp(rate v) of the voltage, and products of them.

    Parameters
    ----------
    rates : tuple of float
        1/mV.
    pairs : tuple of (int, int)
        The places of the factors of each product; products follow the exponentials.
    powers : tuple of int
        For each elementary curve the place of its exponential, or -1.
    """

    rates: tuple[float, ...]
    pairs: tuple[tuple[int, int], ...]
    powers: tuple[int, ...]


def nothing_shared(tables: Tables) -> Sharing:
    """Each curve computes its own."""
    return Sharing((), (), (-1,) * len(tables.leaf_form))


def sharing(tables: Tables, theta: FloatArray, dtype: np.dtype) -> Sharing | None:
    """What the curves of a batch (K, P) of parameters can share; None where that is nothing."""
    forms = tables.leaf_form
    curves = np.flatnonzero(forms < 3)
    place = tables.leaf_place[curves]
    k = theta[0, place + 2]
    constant = (theta[:, place + 2] == k).all(axis=0)
    far = np.abs(theta[:, place + 1]).max(axis=0) / np.abs(k) > FARTHEST[np.dtype(dtype).name]
    rate = np.where(forms[curves] == 0, 1.0, -1.0) / k
    rates = [float(r) if good else 0.0 for r, good in zip(rate, constant & ~far, strict=True)]
    return shared_by(tuple(rates), len(forms))


@lru_cache(maxsize=64)
def shared_by(rates: tuple[float, ...], leaves: int) -> Sharing | None:
    """What curves of these rates (1/mV, 0 for one that stays on its own) can share.

    Examples
    --------
    >>> shared_by((-1 / 80, -1 / 20, -1 / 18, -1 / 10), 4)
    Sharing(rates=(-0.0125,), pairs=((0, 0), (1, 1), (2, 2)), powers=(0, 2, -1, 3))
    """
    groups: dict[float, dict[int, int]] = {}
    for i in sorted((i for i, r in enumerate(rates) if r), key=lambda i: abs(rates[i])):
        for base, members in groups.items():
            power = round(rates[i] / base)
            if 1 <= power <= MOST and abs(rates[i] / base - power) < 1e-12 * power:
                members[i] = power
                break
        else:
            groups[rates[i]] = {i: 1}
    groups = {base: members for base, members in groups.items() if len(members) > 1}
    if not groups:
        return None
    chain = _Chain(len(groups))
    places = [-1] * leaves
    for first, members in enumerate(groups.values()):
        for i, power in members.items():
            places[i] = chain.power(first, power)
    return Sharing(tuple(groups), tuple(chain.pairs), tuple(places))


class _Chain:
    """Products that make powers of some bases, each made once."""

    def __init__(self, bases: int) -> None:
        self.bases = bases
        self.pairs: list[tuple[int, int]] = []
        self.known: dict[tuple[int, int], int] = {(i, 1): i for i in range(bases)}

    def power(self, base: int, n: int) -> int:
        """The place of the n-th power of a base."""
        if (base, n) not in self.known:
            half = n // 2
            pair = self.power(base, half), self.power(base, n - half)
            self.known[base, n] = self.bases + len(self.pairs)
            self.pairs.append(pair)
        return self.known[base, n]
