"""What a stage minimises: loss and penalties as a function of phi, for K starts at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np
from numpy.typing import NDArray

from ..backends.base import Penalty, ValueAndGradient
from ..numerics.arrays import FloatArray, Indices
from ..optimize.levenberg_marquardt import Curvatures
from ..optimize.models import Model, QuadraticModel
from ..status import Status
from . import joint
from .comparison import Comparison, LeastSquares
from .hierarchical import MeanConductance, directions_together
from .minibatches import pick
from .parameterization import Parameterization
from .penalties import CurvePenalty, PenaltyOf
from .problem import Problem
from .quadratic_model import Terms, quadratic_model
from .residuals import jacobian
from .separate_cells import separate
from .stage import Stage


@dataclass(frozen=True)
class Evaluation:
    """Value (K,), gradient by phi (K, p) and status (K,) of each start."""

    value: FloatArray
    gradient: FloatArray
    status: NDArray[np.int64]


class Objective:
    """The objective of one stage.

    Parameters
    ----------
    problem : Problem
    stage : Stage
    unknowns : Parameterization
        What of theta and of the initial states phi holds.
    """

    def __init__(self, problem: Problem, stage: Stage, unknowns: Parameterization) -> None:
        self._problem, self._stage, self._unknowns = problem, stage, unknowns
        self._comparison = joint.prepare(problem, stage, unknowns)
        given = problem.penalties if stage.penalty is None else [stage.penalty]
        self._quadratic = [p for p in given if isinstance(p, Penalty)]
        layout, trained = problem.neuron.layout, unknowns.indices
        self._with_prior = np.flatnonzero(~np.isin(trained, layout.select("networks")))
        self._origin = unknowns.start()[:, self._with_prior]
        size = unknowns.units[self._with_prior] ** 2 / max(1, len(self._with_prior))
        self._prior_weight = stage.prior_weight * size
        self._curves = [PenaltyOf(p, problem.neuron) for p in given if isinstance(p, CurvePenalty)]
        self._mean = None
        if problem.cells is not None:
            self._mean = MeanConductance(problem.neuron, problem.cells.own, trained)
        self.blocks = None
        if stage.optimizer == "levenberg" and not self._quadratic:
            self.blocks = separate(self._comparison, unknowns, problem.cells, stage.prior_weight)

    def _of(self, k: int) -> Comparison:
        """What is compared of start `k`."""
        return self._comparison

    def _trained(
        self,
        theta: FloatArray,
        states: FloatArray | None,
        step: int | None,
        rows: NDArray[np.intp],
    ) -> ValueAndGradient:
        """On what is trained on, in a step of minibatches on the batch of that step."""
        size = self._stage.batch
        part = None if step is None or size is None else pick(len(self._comparison), size, step)
        return self._comparison.value_and_grad(theta, states, part)

    def __call__(
        self, phi: FloatArray, rows: NDArray[np.bool_], step: int | None = None
    ) -> Evaluation:
        """Value and gradient at `phi` (K, p) of the starts in `rows` (K,); others are inf, 0.

        With `step` only the minibatch of that step is looked at, in a stage that has them.
        """
        k = len(phi)
        out = Evaluation(np.full(k, np.inf), np.zeros(phi.shape), np.full(k, Status.SUCCESS))
        theta, y0 = self._unknowns.unpack(phi)
        usable = np.isfinite(theta).reshape(k, -1).all(axis=-1)
        out.status[rows & ~usable] = Status.NONFINITE
        at = np.flatnonzero(rows & usable)
        if len(at) == 0:
            return out
        found = self._trained(theta[at], None if y0 is None else y0[at], step, at)
        if self.blocks is not None:
            self.blocks.keep(phi, theta[at], at.tolist(), found)
        value, by_theta = np.array(found.value), np.array(found.gradient)
        for cost, slope in self._penalty(theta[at]):
            value, by_theta = value + cost, by_theta + slope
        status = np.max(found.statuses, axis=-1)
        gradient = self._unknowns.vjp(phi, by_theta, found.gradient_y0, at)
        if self._stage.prior_weight and len(self._with_prior):
            away = phi[np.ix_(at, self._with_prior)] - self._origin[at]
            value = value + np.sum(self._prior_weight * away**2, axis=-1)
            gradient[:, self._with_prior] += 2.0 * self._prior_weight * away
        bad = (status != Status.SUCCESS) | ~np.isfinite(value) | ~np.all(np.isfinite(gradient), -1)
        out.status[at] = np.where(bad & (status == Status.SUCCESS), Status.NONFINITE, status)
        out.value[at] = np.where(bad, np.inf, value)
        out.gradient[at] = np.where(bad[:, None], 0.0, gradient)
        return out

    def values(self, k: int, phi: FloatArray) -> FloatArray:
        """Values (M,) at M points `phi` (M, p) of start `k`; inf where a solve failed."""
        theta, states = self._unknowns.repeated(k, len(phi)).unpack(phi)
        usable = np.isfinite(theta).reshape(len(phi), -1).all(axis=-1)
        out, at = np.full(len(phi), np.inf), np.flatnonzero(usable)
        if len(at) == 0:
            return out
        found = self._comparison.value_and_grad(theta[at], None if states is None else states[at])
        total = np.array(found.value)
        for cost, _ in self._penalty(theta[at]):
            total = total + cost
        if self._stage.prior_weight and len(self._with_prior):
            away = phi[np.ix_(at, self._with_prior)] - self._origin[k]
            total = total + np.sum(self._prior_weight * away**2, axis=-1)
        out[at] = np.where(np.isfinite(total) & ~found.failed, total, np.inf)
        return out

    def residuals(self, k: int, phi: FloatArray) -> list[FloatArray]:
        """Scaled residuals (M, n) of each recording at M points `phi` (M, p) of start `k`."""
        theta, states = self._unknowns.repeated(k, len(phi)).unpack(phi)
        return self._least_squares(k).residuals(theta, states)

    def _least_squares(self, k: int) -> LeastSquares:
        """The comparison of a mode that may be used with Levenberg-Marquardt."""
        return cast(LeastSquares, self._of(k))

    def _by_sensitivities(self, comparison: Comparison) -> bool:
        """Whether differences are not enough: networks are trained, or spikes are timed."""
        trained, networks = self._unknowns.indices, self._problem.neuron.layout.select("networks")
        return bool(np.isin(trained, networks).any()) or cast(LeastSquares, comparison).timed()

    @property
    def several(self) -> Curvatures | None:
        """`curvature` of several starts at once, where that is less work."""
        return None

    def curvature(self, k: int, phi: FloatArray) -> Model:
        """The Gauss-Newton matrix of start `k` at `phi` (p,), along the directions that matter."""
        comparison, unknowns = self._least_squares(k), self._unknowns
        if self._by_sensitivities(comparison):
            terms = Terms(
                self._curves, self._quadratic, self._mean, self._with_prior, self._prior_weight
            )
            return quadratic_model(self._problem, comparison, unknowns, terms, k, phi)
        cells, directions, places = self._problem.cells, None, None
        if cells is not None and unknowns.states is None:
            of = cells.of(comparison.recordings)
            directions, places = directions_together(unknowns, of)
        parts = jacobian(lambda x: self.residuals(k, x), phi, directions=directions)
        return self._model(k, *parts, places)

    def _model(
        self,
        k: int,
        values: Sequence[FloatArray],
        slopes: Sequence[FloatArray],
        places: Sequence[Indices] | None = None,
    ) -> QuadraticModel:
        """The model of residuals and their slopes, and of what draws them to their origin."""
        matrix = self._least_squares(k).gauss_newton(values, slopes, places)
        if self._stage.prior_weight and len(self._with_prior):
            own = np.ix_(self._with_prior, self._with_prior)
            matrix[own] += 2.0 * np.diag(self._prior_weight)
        return QuadraticModel(matrix)

    def judge(self, phi: FloatArray, rows: NDArray[np.bool_], by_heldout: bool) -> FloatArray:
        """What decides which parameters are the best (K,): the held-out loss, or the whole one."""
        if by_heldout:
            return self.heldout(phi, rows)
        return np.where(rows, self(phi, rows).value, np.nan)

    def remark(self, phi: FloatArray, rows: NDArray[np.bool_]) -> str:
        """What else there is to say of `phi` (K, p) of the starts in `rows`, after a stage."""
        theta, states = self._unknowns.unpack(phi)
        return self._comparison.remark(theta[rows], None if states is None else states[rows])

    def heldout(self, phi: FloatArray, rows: NDArray[np.bool_]) -> FloatArray:
        """Loss (K,) on the held-out recordings; NaN outside `rows`, inf where a solve failed."""
        out = np.full(len(phi), np.nan)
        theta, _ = self._unknowns.unpack(phi)
        at = np.flatnonzero(rows)
        if len(at):
            found = self._comparison.heldout(theta[at])
            out[at] = np.where(np.isfinite(found.value) & ~found.failed, found.value, np.inf)
        return out

    def _penalty(self, theta: FloatArray) -> list[tuple[FloatArray, FloatArray]]:
        out = [_curve(curve, theta) for curve in self._curves]
        for p in self._quadratic:
            away, slope = theta[..., p.indices] - p.centre, np.zeros_like(theta)
            slope[..., p.indices] = 2.0 * p.strength / away[0].size * away
            cost = p.strength * np.mean(away.reshape(len(away), -1) ** 2, axis=-1)
            out.append((cost, slope))
        if self._mean is not None:
            out.append(self._mean(theta))
        return out


def _curve(curve: PenaltyOf, theta: FloatArray) -> tuple[FloatArray, FloatArray]:
    """The penalty of the networks, which cells share: the first one's stand for all."""
    if theta.ndim == 2:
        return curve(theta)
    slope = np.zeros_like(theta)
    cost, slope[:, 0] = curve(theta[:, 0])
    return cost, slope
