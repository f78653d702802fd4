"""Jacobians and the linear systems (I/(hγ) - J) u = r of an implicit step.

States come first, (S, K, Q). In a conductance-based neuron the voltage touches every gate but a
gate only the voltage and itself: the matrix is an arrowhead and is solved exactly in O(S).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from torch import Tensor

from .arrays import of, records_gradients

# Numbers in an explicit inverse up to which computing it beats the O(S) elimination.
SMALL = 16384


@dataclass
class Arrowhead:
    """The Jacobian [[corner, rowᵀ], [column, diag(diagonal)]].

    corner is (K, Q); row, column, diagonal are (S - 1, K, Q).
    """

    corner: Tensor
    row: Tensor
    column: Tensor
    diagonal: Tensor

    def factor(self, shift: Tensor) -> ArrowheadFactor | Inverse:
        """Prepare to solve with shift·I - J; `shift` is (K, Q)."""
        inverse = 1.0 / (shift - self.diagonal)
        row = self.row * inverse
        pivot = 1.0 / (shift - self.corner - (row * self.column).sum(0))
        n = len(self.diagonal) + 1
        if records_gradients(pivot) or n * n * pivot.shape[0] * pivot.shape[1] > SMALL:
            return ArrowheadFactor(row, self.column, inverse, pivot)
        xp = of(pivot)
        one = xp.ones_like(pivot)[None]
        left = xp.cat([one, self.column * inverse]) * pivot
        out = left[:, None] * xp.cat([one, row])
        for i in range(1, n):
            out[i, i] += inverse[i - 1]
        return Inverse(out)

    def dense(self) -> Tensor:
        """The matrix (S, S, K, Q)."""
        n = len(self.diagonal) + 1
        out = of(self.corner).full((n, n, *self.corner.shape), 0.0, self.corner)
        out[0, 0] = self.corner
        out[0, 1:] = self.row
        out[1:, 0] = self.column
        index = np.arange(1, n)
        out[index, index] = self.diagonal
        return out


@dataclass
class Inverse:
    """The inverse itself (S, S, K, Q): of few elements, two operations a solve beat ten."""

    matrix: Tensor

    def solve(self, r: Tensor) -> Tensor:
        """u (S, K, Q) for a right-hand side r (S, K, Q)."""
        return (self.matrix * r).sum(1)


@dataclass
class ArrowheadFactor:
    """The eliminated matrix: gates first, then the voltage, then the gates again."""

    row: Tensor
    column: Tensor
    inverse: Tensor
    pivot: Tensor

    def solve(self, r: Tensor) -> Tensor:
        """u (S, K, Q) for a right-hand side r (S, K, Q)."""
        gates = r[1:]
        v = (r[0] + (self.row * gates).sum(0)) * self.pivot
        return of(v).cat([v[None], (gates + self.column * v) * self.inverse])


@dataclass
class Dense:
    """A full Jacobian (S, S, K, Q), for a right-hand side that is one network."""

    matrix: Tensor

    def factor(self, shift: Tensor) -> DenseFactor:
        """Prepare to solve with shift·I - J; `shift` is (K, Q)."""
        n = len(self.matrix)
        xp = of(shift)
        eye = xp.convert(np.eye(n), shift)
        system = shift[..., None, None] * eye - xp.moveaxis(self.matrix, (0, 1), (2, 3))
        # The systems are tiny and each is solved eight times: the inverse serves them all.
        return DenseFactor(xp.inverse(system))

    def dense(self) -> Tensor:
        """The matrix (S, S, K, Q)."""
        return self.matrix


@dataclass
class DenseFactor:
    """Inverses (K, Q, S, S)."""

    inverse: Tensor

    def solve(self, r: Tensor) -> Tensor:
        """u (S, K, Q) for a right-hand side r (S, K, Q)."""
        xp = of(r)
        u = (self.inverse @ xp.moveaxis(r, 0, 2)[..., None])[..., 0]
        return xp.moveaxis(u, 2, 0)


Jacobian = Arrowhead | Dense
