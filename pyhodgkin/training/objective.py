"""What a stage minimises: loss and penalties as a function of phi, for K starts at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ..backends.base import Backend, Loss, Penalty, SolveOptions, ValueAndGradient
from ..neuron.neuron import Neuron
from ..recordings import Recording
from ..status import Status
from .noise import anchored, denoised
from .observer import Observer
from .penalties import CurvePenalty, PenaltyOf
from .sensitivities import gauss_newton, jacobian, residuals
from .stages import Stage
from .starts import Unknowns

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

    @cached_property
    def views(self) -> tuple[View, View]:
        """What was trained on and held out, as measured and without its noise."""
        return View(self.recordings, self.noise), View(self.heldout, self.heldout_noise)


class View:
    """Recordings as they were measured, and what they are without noise (mV each).

    `measured` is what is compared; its first samples, where a simulation starts, are denoised.
    `smooth` drives gates under a known voltage, and an observer.
    """

    def __init__(self, recordings: Sequence[Recording], noise: Sequence[float] = ()) -> None:
        sizes = noise if len(noise) else np.zeros(len(recordings))
        self.measured, self.smooth = list(recordings), list(recordings)
        for i, (recording, size) in enumerate(zip(recordings, sizes, strict=True)):
            if size > 0.0 and recording.observed == "v":
                v = denoised(recording, float(size))
                self.smooth[i] = replace(recording, v=v)
                self.measured[i] = anchored(recording, float(v[0]))


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
    unknowns : Unknowns
        What of theta and of the initial states phi holds.
    """

    def __init__(self, problem: Problem, stage: Stage, unknowns: Unknowns) -> None:
        self._problem, self._stage, self._unknowns = problem, stage, unknowns
        self._loss = stage.loss or problem.loss
        self._options = replace(problem.options, **stage.options)
        self._mode, self._observer, self._factor = stage.mode, None, 1.0
        if stage.gain is not None:
            self._mode, self._observer = "simulation", Observer(problem.neuron, stage.gain)
            self._loss, self._factor = self._observer.loss(self._loss)
        self._recordings, self._heldout = (self._seen(view) for view in problem.views)
        given = problem.penalties if stage.penalty is None else [stage.penalty]
        self._quadratic = [p for p in given if isinstance(p, Penalty)]
        layout, trained = problem.neuron.layout, unknowns.transform.indices
        self._pulled = np.flatnonzero(~np.isin(trained, layout.select("networks")))
        self._origin = unknowns.start()[:, self._pulled]
        self._curves = [PenaltyOf(p, problem.neuron) for p in given if isinstance(p, CurvePenalty)]

    def _seen(self, view: View) -> list[Recording]:
        """What the engine is shown of these recordings in this stage."""
        horizon = self._stage.horizon
        smooth = [_cut(r, horizon) for r in view.smooth]
        if self._mode == "clamped":
            return smooth
        measured = [_cut(r, horizon) for r in view.measured]
        if self._observer is None:
            return measured
        return self._observer.recordings(measured, [r.data for r in smooth])

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
        )
        if observer is None:
            return found
        by_y0 = found.gradient_y0
        return replace(
            found,
            value=self._factor * found.value,
            gradient=self._factor * observer.pull(found.gradient),
            gradient_y0=None if by_y0 is None else self._factor * by_y0,
        )

    def __call__(self, phi: FloatArray, rows: NDArray[np.bool_]) -> Evaluation:
        """Value and gradient at `phi` (K, p) of the starts in `rows` (K,); others are inf, 0."""
        k = len(phi)
        out = Evaluation(np.full(k, np.inf), np.zeros(phi.shape), np.full(k, Status.SUCCESS))
        theta, y0 = self._unknowns.unpack(phi)
        usable = np.all(np.isfinite(theta), axis=-1)
        out.status[rows & ~usable] = Status.NONFINITE
        at = np.flatnonzero(rows & usable)
        if len(at) == 0:
            return out
        found = self._evaluate(self._recordings, theta[at], None if y0 is None else y0[at])
        value, by_theta = np.array(found.value), np.array(found.gradient)
        for cost, slope in self._penalty(theta[at]):
            value, by_theta = value + cost, by_theta + slope
        status = np.max(found.statuses, axis=-1)
        gradient = self._unknowns.pull(phi, by_theta, found.gradient_y0, at)
        if self._stage.pull and len(self._pulled):
            away = phi[np.ix_(at, self._pulled)] - self._origin[at]
            value = value + self._stage.pull * np.mean(away**2, axis=-1)
            gradient[:, self._pulled] += 2.0 * self._stage.pull / len(self._pulled) * away
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
        )

    def curvature(self, k: int, phi: FloatArray) -> FloatArray:
        """Gauss-Newton matrix (p, p) of start `k` at `phi` (p,), without that of `CurvePenalty`."""
        parts = jacobian(lambda x: self.residuals(k, x), phi)
        matrix = self._factor * gauss_newton(*parts, self._loss)
        if self._stage.pull and len(self._pulled):
            own = np.ix_(self._pulled, self._pulled)
            matrix[own] += 2.0 * self._stage.pull / len(self._pulled) * np.eye(len(self._pulled))
        return matrix

    def heldout(self, phi: FloatArray, rows: NDArray[np.bool_]) -> FloatArray:
        """Loss (K,) on the held-out recordings; NaN outside `rows`, inf where a solve failed."""
        out = np.full(len(phi), np.nan)
        theta, _ = self._unknowns.unpack(phi)
        at = np.flatnonzero(rows)
        if len(at):
            found = self._evaluate(self._heldout, theta[at], None)
            out[at] = np.where(np.isfinite(found.value) & ~found.failed, found.value, np.inf)
        return out

    def _penalty(self, theta: FloatArray) -> list[tuple[FloatArray, FloatArray]]:
        out = [curve(theta) for curve in self._curves]
        for p in self._quadratic:
            away, slope = theta[:, p.indices] - p.centre, np.zeros_like(theta)
            slope[:, p.indices] = 2.0 * p.strength / len(p.indices) * away
            out.append((p.strength * np.mean(away**2, axis=-1), slope))
        return out


def _cut(recording: Recording, horizon: float | None) -> Recording:
    """The samples of the first `horizon` ms of a recording, under the same protocol."""
    if horizon is None or horizon >= recording.t[-1]:
        return recording
    n = int(np.searchsorted(recording.t, horizon, side="right"))
    part = {recording.observed: recording.data[:n]}
    return replace(recording, t=recording.t[:n], mask=recording.mask[:n], **part)
