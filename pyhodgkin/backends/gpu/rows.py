"""The parameters of a kernel: those of the neuron, and what is computed from them once.

A kernel reads an array of R rows for K parameter sets. The first P rows are theta; then come
1/k, -v0/k and a·k of each elementary curve, and 1/c_m. For one set the array is (R,); for more it
is (⌈K/32⌉, R, 32), so that the rows of an element lie at fixed distances from its first one and
threads that lie side by side read numbers that do.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...neuron.tables import LEAF_FORMS, Tables

WIDTH = 32  # parameter sets that lie side by side
CONSTANT = LEAF_FORMS.index("constant")


@dataclass(frozen=True)
class Rows:
    """The places of rows.

    Parameters
    ----------
    size : int
        P, the parameters of the neuron.
    leaf_place : array of int (L,)
        Row of `a` of each elementary curve that has v0 and k too.
    c_m : int
        Row of the capacitance; -1 for none.
    """

    size: int
    leaf_place: NDArray[np.int64]
    c_m: int

    @classmethod
    def of(cls, tables: Tables) -> Rows:
        shaped = tables.leaf_form != CONSTANT  # the constants are the last
        return cls(tables.size, tables.leaf_place[shaped], tables.c_m)

    def inverse(self, leaf: int) -> int:
        return self.size + leaf

    def shift(self, leaf: int) -> int:
        return self.size + len(self.leaf_place) + leaf

    def height(self, leaf: int) -> int:
        return self.size + 2 * len(self.leaf_place) + leaf

    @property
    def inverse_c(self) -> int:
        return self.size + 3 * len(self.leaf_place)

    @property
    def count(self) -> int:
        return self.inverse_c + (self.c_m >= 0)
