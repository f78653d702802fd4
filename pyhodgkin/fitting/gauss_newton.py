"""The Gauss-Newton matrix where networks are trained: along the directions that matter.

A network of two thousand weights with the voltage as its input has two smooth curves as outputs;
along all but some tens of directions in its weights these do not change. The matrix is taken along
those only.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from ..backends.linearization import Directions, Linearization, WeightDirections
from ..numerics.arrays import FloatArray, Indices
from ..optimize.bordered import Bordered
from .normal_equations import Part, equations_of
from .parameterization import Parameterization

POINTS = 250  # states at which the outputs of networks are taken to find their directions
PART = 0.3  # of a step, to see how the slopes turn along it
LEAST = 1e-5  # of the largest: a direction that changes the outputs by less is none
MANY = 600  # directions from which on the matrix is not written out, where it need not be


# theta (R, P) and y0 (R, S) or None of the recordings, of phi (p,).
Parameters = Callable[[FloatArray], tuple[FloatArray, FloatArray | None]]


class DirectionBasis:
    """Some tens of directions for each network, and every other unknown for itself.

    Parameters
    ----------
    unknowns : Parameterization
    phi : array (p,)
    networks : sequence of (array of int (W,), array (n, W))
        Places in theta of the weights of each network, and its outputs by them.
    """

    def __init__(
        self,
        unknowns: Parameterization,
        phi: FloatArray,
        networks: Sequence[tuple[Indices, FloatArray]],
    ) -> None:
        self._unknowns, self.size = unknowns, len(phi)
        self.indices, slopes = unknowns.indices, unknowns.slopes(phi)
        where = {int(place): j for j, place in enumerate(self.indices)}
        self.weights: list[WeightDirections] = []
        self.basis: list[tuple[Indices, FloatArray]] = []  # places in phi, and columns
        taken: list[Indices] = []
        for places, outputs in networks:
            own = np.array([i for i, x in enumerate(places) if int(x) in where], dtype=np.intp)
            at = np.array([where[int(places[i])] for i in own], dtype=np.intp)
            columns = _span(outputs[:, own] * slopes[at])
            self.weights.append(WeightDirections(own, slopes[at][:, None] * columns))
            self.basis.append((at, columns))
            taken.append(at)
        rest = np.setdiff1d(np.arange(len(self.indices)), np.concatenate([[], *taken]))
        self.rest, self._slopes = rest.astype(np.intp), slopes
        self.learned = sum(columns.shape[1] for _, columns in self.basis)
        self.count = self.learned + len(self.rest) + self.size - len(self.indices)

    def of(self, cell: int | None) -> tuple[Directions, Indices]:
        """Those that a recording of `cell` depends on, and which they are of all."""
        positions = self._unknowns.of_cell(cell)
        mine = np.flatnonzero(np.isin(self.rest, positions))
        entries = self.rest[mine]
        own = np.concatenate([np.arange(self.learned), self.learned + mine])
        return Directions(self.weights, self.indices[entries], self._slopes[entries]), own

    def matrix(self) -> FloatArray:
        """All directions as columns (p, q) in phi."""
        out, place = np.zeros((self.size, self.count)), 0
        for at, columns in self.basis:
            out[at, place : place + columns.shape[1]] = columns
            place += columns.shape[1]
        states = np.arange(len(self.indices), self.size)
        out[np.concatenate([self.rest, states]), np.arange(self.learned, self.count)] = 1.0
        return out

    def up(self, step: FloatArray) -> FloatArray:
        """What a step (q,) along the directions is in phi (p,)."""
        out, place = np.zeros(self.size), 0
        for at, columns in self.basis:
            out[at] = columns @ step[place : place + columns.shape[1]]
            place += columns.shape[1]
        out[self.rest] = step[place : place + len(self.rest)]
        out[len(self.indices) :] = step[place + len(self.rest) :]
        return out

    def down(self, slope: FloatArray) -> FloatArray:
        """A slope by phi (p,) along the directions (q,)."""
        learned = [columns.T @ slope[at] for at, columns in self.basis]
        return np.concatenate([*learned, slope[self.rest], slope[len(self.indices) :]])

    def scale(self, diagonal: FloatArray) -> FloatArray:
        """What damping is measured by (q,): of a network its largest, else each its own."""
        out, place = np.array(diagonal), 0
        for _, columns in self.basis:
            own = slice(place, place + columns.shape[1])
            out[own] = out[own].max(initial=0.0)
            place = own.stop
        return out


def _span(rows: FloatArray) -> FloatArray:
    """Orthonormal columns (w, r) that span the rows (n, w), but for what is next to nothing."""
    if 0 in rows.shape:
        return np.zeros((rows.shape[1], 0))
    size, vectors = np.linalg.eigh(rows @ rows.T)
    keep = size > LEAST**2 * size[-1]
    return rows.T @ vectors[:, keep] / np.sqrt(size[keep])


class GaussNewton:
    """The Gauss-Newton matrix at `phi` (p,) of start 0 of `unknowns`, and its second-order term.

    Parameters
    ----------
    linearization : Linearization
        Of the recordings at `phi`.
    parameters : callable
    unknowns : Parameterization
    phi : array (p,)
    cells : array of int (R,), optional
        The cell of each recording.

    Attributes
    ----------
    directions : DirectionBasis
    """

    def __init__(
        self,
        linearization: Linearization,
        parameters: Parameters,
        unknowns: Parameterization,
        phi: FloatArray,
        cells: Indices | None = None,
    ) -> None:
        self._parameters, self._phi = parameters, phi
        self._cells = cells
        y0, valid = parameters(phi)[1], linearization.valid
        self.directions = DirectionBasis(unknowns, phi, linearization.networks(POINTS))
        self._count = len(valid)
        self._parts = [
            self._part(i, unknowns, None if y0 is None else y0[i])
            for i in np.flatnonzero(valid).tolist()
        ]
        self._equations = equations_of(linearization)
        self._products = self._equations.products([part for part, _ in self._parts])

    def dense(self) -> FloatArray:
        """The matrix (q, q) of the mean of the loss over the recordings, along the directions."""
        matrix = np.zeros((self.directions.count,) * 2)
        for (_, own), product in zip(self._parts, self._products, strict=True):
            matrix[np.ix_(own, own)] += product / self._count
        return matrix

    def bordered(self, cells: int, own: int) -> Bordered:
        """The same for so many cells with `own` numbers each, which are the last directions."""
        assert self._cells is not None
        matrix = Bordered.empty(self.directions.count - cells * own, cells, own)
        for (part, _), product in zip(self._parts, self._products, strict=True):
            matrix.add(int(self._cells[part.number]), product / self._count)
        return matrix

    def _part(
        self, i: int, unknowns: Parameterization, y0: FloatArray | None
    ) -> tuple[Part, Indices]:
        """What moves a recording, and which directions of all these are."""
        basis, states = self.directions, None
        directions, own = basis.of(None if self._cells is None else int(self._cells[i]))
        if y0 is not None:
            at, states = unknowns.of_state(y0, i)
            own = np.concatenate([own, basis.count - basis.size + at])
        return Part(i, directions, states), own

    def second_order(self, step: FloatArray, part_of: float = PART) -> FloatArray:
        """What the second derivative along `step` (q,) adds to the slope of the loss (q,).

        By a difference: one more prediction, a part of the step away.
        """
        whole, out = self._whole(step), np.zeros(len(step))
        theta, y0 = self._parameters(self._phi + part_of * whole)
        which = [part.number for part, _ in self._parts]
        if not which:
            return out
        steps = [step[own] for _, own in self._parts]
        moved = theta[which], None if y0 is None else y0[which]
        found = self._equations.second_order(which, *moved, steps, part_of)
        for (_, own), slope in zip(self._parts, found, strict=True):
            out[own] += slope / self._count
        return out

    def _whole(self, step: FloatArray) -> FloatArray:
        """A step (q,) in phi (p,)."""
        if self.directions.count < MANY:
            return self.directions.matrix() @ step
        return self.directions.up(step)
