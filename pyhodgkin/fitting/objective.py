"""What a stage minimises: loss and penalties as a function of phi, for K starts at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..backends.base import Backend, Penalty, SolveOptions, ValueAndGradient
from ..backends.loss import Loss
from ..neuron.neuron import Neuron
from ..optimize.levenberg_marquardt import QuadraticModel
from ..recordings import Recording
from ..status import Status
from .hierarchical import Cells, HierarchicalParameterization, MeanConductance
from .losses import pooled_scale
from .minibatches import pick
from .modes.observer import Observer
from .parameterization import Parameterization
from .penalties import CurvePenalty, PenaltyOf
from .prepared_recordings import PreparedRecordings, cut, thinned
from .quadratic_model import Comparison, Terms, quadratic_model
from .residuals import gauss_newton, jacobian, residuals
from .stage import Stage

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class Problem:
    """Everything about a fit that stays the same from stage to stage."""

    backend: Backend
    neuron: Neuron
    recordings: Sequence[Recording]
    heldout: Sequence[Recording] = ()
    loss: Loss = field(default_factory=Loss)
    options: SolveOptions = field(default_factory=SolveOptions)
    penalties: Sequence[Penalty | CurvePenalty] = ()
    noise: Sequence[float] = ()
    heldout_noise: Sequence[float] = ()
    cells: Cells | None = None
    noise_stated: bool = False

    @cached_property
    def prepared(self) -> tuple[PreparedRecordings, PreparedRecordings]:
        """What was trained on and held out, as measured and without its noise."""
        rest = self.neuron.v_rest
        return (
            PreparedRecordings(self.recordings, self.noise, rest),
            PreparedRecordings(self.heldout, self.heldout_noise, rest),
        )


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
        self._loss, self._shooting = stage.loss or problem.loss, unknowns.shooting
        if self._shooting is None and stage.mode != "clamped":
            # One that hardly moves would otherwise count for more than all that fire.
            seen = [cut(r, stage.horizon) for r in problem.prepared[0].measured]
            if seen[0].observed == "v":
                self._loss = replace(self._loss, scale=self._loss.scale or pooled_scale(seen))
        self._options = replace(problem.options, **stage.options)
        self._mode, self._observer, self._factor = stage.mode, None, 1.0
        if stage.gain is not None:
            self._mode, self._observer = "simulation", Observer(problem.neuron, stage.gain)
            self._loss, self._factor = self._observer.loss(self._loss)
        if self._shooting is not None:
            self._mode = "simulation"
        self._recordings, self._heldout = (self._seen(view) for view in problem.prepared)
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

    def _seen(self, view: PreparedRecordings) -> list[Recording]:
        """What the engine is shown of these recordings in this stage."""
        horizon = self._stage.horizon
        if self._mode == "clamped":
            return [thinned(cut(r, horizon), self._stage.every) for r in view.driving]
        smooth = [cut(r, horizon) for r in view.smooth]
        measured = [cut(r, horizon) for r in view.measured]
        if self._observer is None:
            return measured
        return self._observer.recordings(measured, [r.data for r in smooth], view.noise)

    def _evaluate(
        self, recordings: Sequence[Recording], theta: FloatArray, y0: FloatArray | None
    ) -> ValueAndGradient:
        """Loss and gradient by theta and y0, with an observer where this stage has one."""
        observer = self._observer
        found = self._problem.backend.value_and_grad(
            self._problem.neuron if observer is None else observer.neuron,
            recordings,
            theta if observer is None else observer.theta(theta),
            self._loss,
            mode=self._mode,
            y0=y0,
            options=self._options,
            **self._cells(recordings),
        )
        if observer is None:
            return found
        by_y0 = found.gradient_y0
        return replace(
            found,
            value=self._factor * found.value,
            gradient=self._factor * observer.vjp(found.gradient),
            gradient_y0=None if by_y0 is None else self._factor * by_y0,
        )

    def _cells(self, recordings: Sequence[Recording]) -> dict[str, Any]:
        """What an engine is told of cells: nothing where there are none."""
        cells = self._problem.cells
        return {} if cells is None else {"cells": cells.of(recordings)}

    def _trained(
        self, theta: FloatArray, y0: FloatArray | None, step: int | None
    ) -> ValueAndGradient:
        """`_evaluate` on what is trained on, in a step of minibatches on the batch of it."""
        count, size = len(self._shooting or self._recordings), self._stage.batch
        part = None if step is None or size is None else pick(count, size, step)
        if self._shooting is not None and y0 is not None:
            return self._shooting.value_and_grad(theta, y0, self._loss, self._options, part)
        if part is None:
            return self._evaluate(self._recordings, theta, y0)
        mine = [self._recordings[i] for i in part]
        found = self._evaluate(mine, theta, None if y0 is None else y0[:, part])
        if y0 is None or found.gradient_y0 is None:
            return found
        by_y0 = np.zeros(y0.shape)
        by_y0[:, part] = found.gradient_y0
        return replace(found, gradient_y0=by_y0)

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
        found = self._trained(theta[at], None if y0 is None else y0[at], step)
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

    def residuals(self, k: int, phi: FloatArray) -> list[FloatArray]:
        """Scaled residuals (M, n) of each recording at M points `phi` (M, p) of start `k`."""
        theta, y0 = self._unknowns.repeated(k, len(phi)).unpack(phi)
        observer = self._observer
        return residuals(
            self._problem.backend,
            self._problem.neuron if observer is None else observer.neuron,
            self._recordings,
            theta if observer is None else observer.theta(theta),
            mode=self._mode,
            loss=self._loss,
            y0=y0,
            options=self._options,
            **self._cells(self._recordings),
        )

    @property
    def _timed(self) -> bool:
        """Whether the loss knows more than residuals: these terms have no differences."""
        special = self._loss.spikes > 0 or self._loss.v_clip is not None
        observed = all(r.observed == "v" for r in self._recordings)
        return special and observed and self._mode == "simulation"

    def curvature(self, k: int, phi: FloatArray) -> QuadraticModel:
        """Gauss and Newton's matrix of start `k` at `phi` (p,), by the directions that matter."""
        stage = self._stage
        networks = np.isin(self._unknowns.indices, self._problem.neuron.layout.select("networks"))
        if networks.any() or self._timed:
            terms = Terms(
                self._curves, self._quadratic, self._mean, self._with_prior, self._prior_weight
            )
            args = (self._recordings, self._mode, self._loss, self._options, self._observer)
            compared = Comparison(*args, self._factor)
            return quadratic_model(self._problem, compared, self._unknowns, terms, k, phi)
        cells, unknowns, directions, places = self._problem.cells, self._unknowns, None, None
        if (
            cells is not None
            and isinstance(unknowns, HierarchicalParameterization)
            and unknowns.y0 is None
        ):
            # The same number of all cells is moved at once: no recording sees two cells.
            directions, places = unknowns.together(cells.of(self._recordings))
        parts = jacobian(lambda x: self.residuals(k, x), phi, directions=directions)
        matrix = self._factor * gauss_newton(*parts, self._loss, places)
        if stage.prior_weight and len(self._with_prior):
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
        theta, nodes = self._unknowns.unpack(phi)
        if self._shooting is None or nodes is None or not rows.any():
            return ""
        jumps = self._shooting.jumps(theta[rows], nodes[rows], self._loss, self._options)
        v, gates = np.median(jumps[:, 0]), np.median(np.max(jumps[:, 1:], axis=-1, initial=0.0))
        return f"largest jump between windows {v:.3g} mV, of a gate {gates:.2g}"

    def heldout(self, phi: FloatArray, rows: NDArray[np.bool_]) -> FloatArray:
        """Loss (K,) on the held-out recordings; NaN outside `rows`, inf where a solve failed."""
        out = np.full(len(phi), np.nan)
        theta, _ = self._unknowns.unpack(phi)
        at = np.flatnonzero(rows)
        if len(at):
            found = self._unseen(theta[at])
            out[at] = np.where(np.isfinite(found.value) & ~found.failed, found.value, np.inf)
        return out

    def _unseen(self, theta: FloatArray) -> ValueAndGradient:
        if self._shooting is not None:
            return self._shooting.heldout(theta, self._loss, self._options)
        return self._evaluate(self._heldout, theta, None)

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
