"""Cells of which nothing is shared in a stage: each is a problem by itself."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..backends.base import ValueAndGradient
from ..numerics.arrays import FloatArray, Indices
from ..optimize.models import QuadraticModel
from ..status import Status
from .comparison import Comparison, RecordingComparison
from .hierarchical import CellParameters, Cells
from .parameterization import Parameterization
from .residuals import gauss_newton, jacobian

AT_ONCE = 256  # cells whose slopes are computed by one call of an engine: memory is bounded


class SeparateCells:
    """The parts of an objective that each cell has for itself; see `Blocks`.

    A part is what the objective of the cell alone would be: the mean over its own recordings.

    Parameters
    ----------
    comparison : RecordingComparison
    unknowns : Parameterization
        Nothing but `CellParameters`.
    cells : Cells
    prior_weight : float
        Of the stage.
    """

    def __init__(
        self,
        comparison: RecordingComparison,
        unknowns: Parameterization,
        cells: Cells,
        prior_weight: float,
    ) -> None:
        own = unknowns.blocks[-1]
        assert isinstance(own, CellParameters)
        self._comparison, self._unknowns, self._transform = comparison, unknowns, own.transform
        self._cell, self._count = cells.of(comparison.recordings), len(cells)
        recordings = np.bincount(self._cell, minlength=self._count)
        self.weights: FloatArray = recordings / recordings.sum()
        self.scale = own.scale
        k = len(unknowns.theta)
        self._shape = k, self._count, own.transform.size
        self._origin = self.scale * unknowns.start().reshape(self._shape)
        self._prior = prior_weight / own.transform.size
        self._values, self._gradients = np.full(self._shape[:2], np.inf), np.zeros(self._shape)

    @property
    def values(self) -> FloatArray:
        return self._values.ravel()

    @property
    def gradients(self) -> FloatArray:
        return self._gradients.reshape(-1, self._shape[2])

    def keep(
        self, phi: FloatArray, theta: FloatArray, rows: Sequence[int], found: ValueAndGradient
    ) -> None:
        """Take the parts from what was `found` at `theta` (n, C, P) of the starts `rows`."""
        self._values[:], self._gradients[:] = np.inf, 0.0
        for i, k in enumerate(rows):
            good, by_theta = self._good(theta[i], found, i)
            cost = self._comparison.factor * found.per_recording[i]
            cost = np.where(found.statuses[i] == Status.SUCCESS, cost, np.inf)
            each = np.zeros(self._count)
            np.add.at(each, self._cell, cost)
            sizes = self.weights * len(self._cell)
            slopes = self._unknowns.vjp(phi[k : k + 1], by_theta, None, np.arange(1))
            slopes = slopes.reshape(self._shape[1:]) / self.scale / self.weights[:, None]
            away = self.scale * phi[k].reshape(self._shape[1:]) - self._origin[k]
            self._values[k] = each / sizes + self._prior * np.sum(away**2, axis=-1)
            self._gradients[k] = np.where(good[:, None], slopes + 2.0 * self._prior * away, 0.0)

    def _good(
        self, theta: FloatArray, found: ValueAndGradient, i: int
    ) -> tuple[NDArray[np.bool_], FloatArray]:
        """Which cells (C,) were solved, and the gradient (1, C, P) of those."""
        bad = found.statuses[i] != Status.SUCCESS
        lost = np.bincount(self._cell[bad], minlength=self._count) > 0
        if not bad.any() or lost.all():
            return ~lost, found.gradient[i : i + 1]
        # An engine gives no gradient where one recording fails.
        others = np.flatnonzero(~lost[self._cell])
        again = self._comparison.value_and_grad(theta[None], None, others)
        return ~lost, again.gradient * (len(others) / len(bad))

    def curvatures(self, which: Sequence[int], points: FloatArray) -> list[QuadraticModel]:
        """The models of some cells, of all starts, at `points` (n, b); see `Blocks`."""
        found: list[QuadraticModel] = []
        for begin in range(0, len(which), AT_ONCE):
            own = slice(begin, begin + AT_ONCE)
            found += self._some(np.asarray(which)[own], points[own])
        return found

    def _some(self, which: Indices, points: FloatArray) -> list[QuadraticModel]:
        starts, cells = np.divmod(which, self._count)
        rows = self._unknowns.theta[starts, cells]  # (n, P)
        n, b = points.shape
        at = [np.flatnonzero(self._cell == c) for c in cells]
        recordings = np.concatenate(at)
        of = np.repeat(np.arange(n), [len(x) for x in at])

        def residuals(phi: FloatArray) -> list[FloatArray]:
            moved = points[None] + phi[:, None, :]
            theta = self._transform.to_theta(moved, np.repeat(rows[None], len(phi), axis=0))
            return self._comparison.residuals_of(recordings, theta, of)

        values, slopes = jacobian(residuals, np.zeros(b))
        out = []
        for i in range(n):
            mine = np.flatnonzero(of == i)
            matrix = gauss_newton(
                [values[j] for j in mine], [slopes[j] for j in mine], self._comparison.loss
            )
            prior = 2.0 * self._prior * np.eye(b)
            out.append(QuadraticModel(self._comparison.factor * matrix + prior))
        return out


def separate(
    comparison: Comparison,
    unknowns: Parameterization,
    cells: Cells | None,
    prior_weight: float,
) -> SeparateCells | None:
    """The cells of a stage as problems of their own; None where something connects them."""
    if cells is None or unknowns.states is not None or len(unknowns.blocks[0].indices):
        return None
    if not isinstance(comparison, RecordingComparison) or comparison.timed():
        return None
    return SeparateCells(comparison, unknowns, cells, prior_weight)
