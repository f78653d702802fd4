"""The quadratic model of an objective that Levenberg and Marquardt step by."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from ..backends.base import Penalty
from ..numerics.arrays import FloatArray, Indices
from ..optimize.levenberg_marquardt import QuadraticModel
from .comparison import LeastSquares
from .gauss_newton import GaussNewton
from .hierarchical import MeanConductance
from .parameterization import Parameterization
from .penalties import PenaltyOf
from .problem import Problem


@dataclass(frozen=True)
class Terms:
    """What an objective adds to the loss.

    The entries of phi in `with_prior` are drawn to where they began, by their `prior_weight`.
    """

    curves: Sequence[PenaltyOf]
    quadratic: Sequence[Penalty]
    mean: MeanConductance | None
    with_prior: Indices
    prior_weight: FloatArray


def quadratic_model(
    problem: Problem,
    comparison: LeastSquares,
    unknowns: Parameterization,
    terms: Terms,
    k: int,
    phi: FloatArray,
) -> QuadraticModel:
    """The model of start `k` at `phi` (p,), by the variational equations."""
    of = None if problem.cells is None else problem.cells.of(comparison.recordings)
    one = unknowns.repeated(k, 1)

    def parameters(x: FloatArray) -> tuple[FloatArray, FloatArray | None]:
        theta, states = one.unpack(x[None])
        return comparison.parameters(theta[0]), None if states is None else states[0]

    linearization = comparison.linearize(*parameters(phi))
    found = GaussNewton(linearization, parameters, unknowns, phi, of)
    basis, matrix = found.directions.matrix(), comparison.factor * found.matrix
    whole = one.unpack(phi[None])[0][0]
    for rows in _rows(problem, unknowns, terms, phi, whole, basis):
        matrix += 2.0 * rows.T @ rows

    def geodesic_acceleration(step: FloatArray) -> FloatArray:
        return comparison.factor * found.second_order(step)

    return QuadraticModel(matrix, basis, found.directions.scale(matrix), geodesic_acceleration)


def _rows(
    problem: Problem,
    unknowns: Parameterization,
    terms: Terms,
    phi: FloatArray,
    theta: FloatArray,
    basis: FloatArray,
) -> Iterator[FloatArray]:
    """Rows (n, q), whose squares sum to half the curvature of each term along `basis`."""
    indices = unknowns.indices
    moves = unknowns.slopes(phi)[:, None] * basis[: len(indices)]
    one = theta if theta.ndim == 1 else theta[0]
    directions = np.zeros((one.size, basis.shape[1]))
    networks = np.isin(indices, problem.neuron.layout.select("networks"))
    directions[indices[networks]] = moves[networks]
    for curve in terms.curves:
        yield curve.rows(one, directions)
    for p in terms.quadratic:
        yield np.sqrt(p.strength / p.centre.size) * moves[np.isin(indices, p.indices)]
    if terms.mean is not None:
        rows = terms.mean.row(theta)
        slopes = [unknowns.without_states().vjp(phi[None], row[None], None, np.arange(1))[0]
                  for row in rows]  # fmt: skip
        yield np.array(slopes).reshape(len(rows), -1) @ basis[: len(indices)]
    if terms.prior_weight.any():
        yield np.sqrt(terms.prior_weight)[:, None] * basis[terms.with_prior]
