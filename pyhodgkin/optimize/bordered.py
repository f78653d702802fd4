"""A quadratic model whose matrix is bordered block-diagonal: blocks that meet in what is shared.

Of C cells with numbers of their own and a network that they share, no recording depends on the
numbers of two cells. So the matrix has a block for each cell, and a border for what is shared. It
is never written out, and a step takes a time in proportion to the number of cells: the blocks are
eliminated one by one, and what is left is as large as the border (the Schur complement).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol as Interface

import numpy as np

from ..numerics.arrays import FloatArray
from .models import EPS, Damped, DampedModel, Model


class Directions(Interface):
    """Directions in phi: s shared ones, then b of each cell."""

    def up(self, step: FloatArray) -> FloatArray:
        """What a step (q,) is in phi (p,)."""
        ...

    def down(self, slope: FloatArray) -> FloatArray:
        """A slope by phi (p,) along the directions (q,)."""
        ...


@dataclass(frozen=True)
class Bordered:
    """The matrix [[shared, border], [borderᵀ, blocks]] + rowsᵀ rows of order q = s + C·b.

    `shared` (s, s), `border` (C, s, b), `blocks` (C, b, b). The few rows are of terms that the
    numbers of several cells have in common, along what is shared (n, s) and of each cell (C, n, b).

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> found = Bordered.empty(2, 3, 1)
    >>> rows = rng.standard_normal((9, 3))
    >>> found.add(1, rows.T @ rows)
    >>> found.dense().shape, bool((found.dense()[2] == 0.0).all())
    ((5, 5), True)
    """

    shared: FloatArray
    border: FloatArray
    blocks: FloatArray
    rows: tuple[FloatArray, FloatArray] | None = None

    @classmethod
    def empty(cls, s: int, cells: int, b: int) -> Bordered:
        """One of zeros."""
        return cls(np.zeros((s, s)), np.zeros((cells, s, b)), np.zeros((cells, b, b)))

    def add(self, cell: int, found: FloatArray) -> None:
        """Add a matrix (s + b, s + b) along what is shared and what is a cell's own."""
        s = len(self.shared)
        self.shared[...] += found[:s, :s]
        self.border[cell] += found[:s, s:]
        self.blocks[cell] += found[s:, s:]

    def times(self, step: FloatArray) -> FloatArray:
        """The product (q,) with a vector (q,)."""
        s, c, b = len(self.shared), *self.blocks.shape[:2]
        first, own = step[:s], step[s:].reshape(c, b)
        shared = self.shared @ first + np.einsum("csb,cb->s", self.border, own)
        each = np.einsum("csb,s->cb", self.border, first) + np.einsum(
            "cij,cj->ci", self.blocks, own
        )
        if self.rows is not None:
            by_shared, by_own = self.rows
            size = by_shared @ first + np.einsum("cnb,cb->n", by_own, own)
            shared = shared + by_shared.T @ size
            each = each + np.einsum("cnb,n->cb", by_own, size)
        return np.concatenate([shared, each.ravel()])

    @property
    def diagonal(self) -> FloatArray:
        """(q,)"""
        shared, each = np.diagonal(self.shared), np.einsum("cii->ci", self.blocks)
        if self.rows is not None:
            shared = shared + np.sum(self.rows[0] ** 2, axis=0)
            each = each + np.sum(self.rows[1] ** 2, axis=1)
        return np.concatenate([shared, each.ravel()])

    def dense(self) -> FloatArray:
        """The matrix (q, q) written out."""
        q = len(self.diagonal)
        return np.stack([self.times(row) for row in np.eye(q)], axis=1)


@dataclass(frozen=True)
class BorderedModel(Model):
    """A model with a `Bordered` matrix."""

    matrix: Bordered
    directions: Directions

    @property
    def diagonal(self) -> FloatArray:
        return self.matrix.diagonal

    def up(self, step: FloatArray) -> FloatArray:
        return self.directions.up(step)

    def down(self, slope: FloatArray) -> FloatArray:
        return self.directions.down(slope)

    def curvature(self, step: FloatArray) -> float:
        return float(step @ self.matrix.times(step))

    def damped(self, damping: float) -> Damped:
        return _Eliminated(self, self.matrix, damping * self._least)


class _Eliminated(DampedModel):
    """By elimination of the blocks."""

    def __init__(self, model: Model, matrix: Bordered, added: FloatArray) -> None:
        s, c, b = len(matrix.shared), *matrix.blocks.shape[:2]
        self._s, n = s, 0 if matrix.rows is None else len(matrix.rows[0])
        blocks = matrix.blocks + np.einsum("cb,bd->cbd", added[s:].reshape(c, b), np.eye(b))
        self._size, self._vectors = np.linalg.eigh(blocks)
        # A row r adds r rᵀ: one more unknown y = r·x, with a curvature of -1.
        self._corner, border = np.zeros((s + n, s + n)), matrix.border
        self._corner[:s, :s] = matrix.shared + np.diag(added[:s])
        if matrix.rows is not None:
            self._corner[s:, :s], self._corner[:s, s:] = matrix.rows[0], matrix.rows[0].T
            self._corner[s:, s:] = -np.eye(n)
            border = np.concatenate([border, matrix.rows[1]], axis=1)
        self._border = border @ self._vectors
        largest = max(float(self._size.max(initial=0.0)), float(np.abs(self._corner).max()))
        super().__init__(model, largest)

    def solve(self, slope: FloatArray) -> FloatArray:
        s, (c, b) = self._s, self._size.shape
        size = self._size + self._more
        least = EPS * b * max(float(size.max(initial=0.0)), 1e-300)
        inverse = np.where(size > least, 1.0 / np.maximum(size, least), 0.0)
        own = np.einsum("cbd,cb->cd", self._vectors, slope[s:].reshape(c, b))
        weighed = self._border * inverse[:, None, :]
        corner = self._corner - np.einsum("cib,cjb->ij", weighed, self._border)
        corner[np.arange(s), np.arange(s)] += self._more
        right = -np.einsum("cib,cb->i", weighed, own)
        right[:s] += slope[:s]
        try:
            first = np.linalg.solve(corner, right)
        except np.linalg.LinAlgError:
            first = np.linalg.lstsq(corner, right, rcond=None)[0]
        each = inverse * (own - np.einsum("cib,i->cb", self._border, first))
        found = np.einsum("cbd,cd->cb", self._vectors, each)
        return -np.concatenate([first[:s], found.ravel()])
