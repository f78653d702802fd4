"""The quadratic model of an objective that Levenberg and Marquardt step by."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from ..backends.base import Penalty
from ..numerics.arrays import FloatArray, Indices
from ..optimize.bordered import Bordered, BorderedModel
from ..optimize.models import Model, QuadraticModel
from .comparison import LeastSquares
from .gauss_newton import MANY, GaussNewton
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
) -> Model:
    """The model of start `k` at `phi` (p,), by the variational equations."""
    of = None if problem.cells is None else problem.cells.of(comparison.recordings)
    one = unknowns.repeated(k, 1)

    def parameters(x: FloatArray) -> tuple[FloatArray, FloatArray | None]:
        theta, states = one.unpack(x[None])
        return comparison.parameters(theta[0]), None if states is None else states[0]

    linearization = comparison.linearize(*parameters(phi))
    found = GaussNewton(linearization, parameters, unknowns, phi, of)
    whole = one.unpack(phi[None])[0][0]

    def geodesic_acceleration(step: FloatArray) -> FloatArray:
        return comparison.factor * found.second_order(step)

    directions = found.directions
    if directions.count >= MANY and may_be_bordered(problem, unknowns, terms):
        bordered = _bordered(problem, found, comparison.factor, unknowns, terms, phi, whole)
        scale = directions.scale(bordered.diagonal)
        return BorderedModel(
            bordered, directions, scale=scale, geodesic_acceleration=geodesic_acceleration
        )
    basis, matrix = directions.matrix(), comparison.factor * found.dense()
    for rows in _rows(problem, unknowns, terms, phi, whole, basis):
        matrix += 2.0 * rows.T @ rows
    return QuadraticModel(
        matrix,
        basis,
        scale=directions.scale(np.diagonal(matrix)),
        geodesic_acceleration=geodesic_acceleration,
    )


def may_be_bordered(problem: Problem, unknowns: Parameterization, terms: Terms) -> bool:
    """Whether all but a few terms are of what is shared, or of the numbers of one cell."""
    return problem.cells is not None and unknowns.states is None and not terms.quadratic


def _bordered(
    problem: Problem,
    found: GaussNewton,
    factor: float,
    unknowns: Parameterization,
    terms: Terms,
    phi: FloatArray,
    theta: FloatArray,
) -> Bordered:
    """The matrix along the directions of `found`, with what the objective adds to the loss."""
    assert problem.cells is not None
    cells, own = len(problem.cells), len(unknowns.blocks[-1].of_cell(0))
    plain = found.bordered(cells, own)
    shared, border, blocks = factor * plain.shared, factor * plain.border, factor * plain.blocks
    s, directions, indices = len(shared), found.directions, unknowns.indices
    if terms.curves:
        moves = np.zeros((theta.shape[-1], s))
        slopes, place = unknowns.slopes(phi), 0
        for at, columns in directions.basis:
            width = columns.shape[1]
            moves[indices[at], place : place + width] = slopes[at][:, None] * columns
            place += width
        for curve in terms.curves:
            rows = curve.rows(theta[0], moves)
            shared += 2.0 * rows.T @ rows
    if terms.prior_weight.any():
        added = np.zeros(len(indices))
        added[terms.with_prior] = 2.0 * terms.prior_weight
        # Weights of networks have none, so that all of it is on the diagonal.
        size = added[directions.rest]
        first = s - directions.learned
        shared += np.diag(np.concatenate([np.zeros(directions.learned), size[:first]]))
        each = size[first:].reshape(cells, own)
        blocks += np.einsum("cb,bd->cbd", each, np.eye(own))
    if terms.mean is None or not len(terms.mean.indices):
        return Bordered(shared, border, blocks)
    one = unknowns.without_states().repeated(0, 1)
    slopes = [one.vjp(phi[None], row[None], None, np.arange(1))[0] for row in terms.mean.row(theta)]
    rows = np.sqrt(2.0) * np.array([directions.down(x) for x in slopes])
    each = rows[:, s:].reshape(len(rows), cells, own).transpose(1, 0, 2)
    return Bordered(shared, border, blocks, (rows[:, :s], np.ascontiguousarray(each)))


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
