"""Many cells fitted each by itself, as one batch: cells are starts with recordings of their own."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..backends.base import ValueAndGradient
from ..numerics.arrays import FloatArray
from ..optimize.levenberg_marquardt import Curvatures
from ..optimize.models import Model
from ..progress import Bar
from ..results.fit_result import FitResult
from . import joint
from .comparison import Comparison, RecordingComparison
from .conclude import concluded
from .objective import Objective
from .parameterization import Parameterization
from .plan import Plan
from .residuals import differences, points_around
from .run import digests
from .run.interrupts import Interrupts
from .run.stage_summary import at_limit, described
from .run.trainer import Trainer
from .run.undo import kept_or_undone
from .stage import Stage
from .together import Together, may_be_together

AT_ONCE = 128  # cells whose slopes are computed by one call of an engine: memory is bounded


class EachCell(Plan):
    """K plans of one cell and one start each, for which `alike` is the same, as one of K starts."""

    def __init__(self, plans: Sequence[Plan]) -> None:
        one = plans[0]
        self.plans, self.problem, self.stages, self.indices = plans, *_common(one)
        self.seeds, self.bounds = (None,) * len(plans), one.bounds
        self.theta = np.concatenate([plan.theta for plan in plans])
        states = [plan.y0 for plan in plans if plan.y0 is not None]
        self.y0 = np.concatenate(states) if states else None

    def objective(self, stage: Stage, unknowns: Parameterization) -> Objective:
        return EachObjective(self.plans, stage, unknowns)


def _common(plan: Plan) -> tuple[Any, Any, Any]:
    return plan.problem, plan.stages, plan.indices


def alike(plan: Plan) -> tuple[object, ...]:
    """What two plans have in common that may be one batch."""
    problem = plan.problem
    lengths = tuple((r.observed, len(r)) for r in problem.recordings)
    penalties = [part for p in problem.penalties for part in vars(p).values()]
    return (
        digests.digest([plan.stages, plan.indices, sorted(plan.bounds.items()), penalties]),
        digests.of_neuron(problem.neuron),
        digests.digest([problem.options, problem.loss]),
        plan.y0 is None,
        lengths,
    )


class EachObjective(Objective):
    """The objective of each of K cells, start k of cell k."""

    def __init__(self, plans: Sequence[Plan], stage: Stage, unknowns: Parameterization) -> None:
        super().__init__(plans[0].problem, stage, unknowns)
        self._each = [joint.prepare(plan.problem, stage, unknowns) for plan in plans]
        self._together = None
        if may_be_together(self._each):
            self._together = Together([x for x in self._each if isinstance(x, RecordingComparison)])

    def _of(self, k: int) -> Comparison:
        return self._each[k]

    def _trained(
        self,
        theta: FloatArray,
        states: FloatArray | None,
        step: int | None,
        rows: NDArray[np.intp],
    ) -> ValueAndGradient:
        if self._together is not None:
            return self._together.value_and_grad(rows.tolist(), theta, states)
        found = [
            self._each[k].value_and_grad(
                theta[i : i + 1], None if states is None else states[i : i + 1]
            )
            for i, k in enumerate(rows.tolist())
        ]
        by_states = [x.gradient_y0 for x in found if x.gradient_y0 is not None]
        return ValueAndGradient(
            np.concatenate([x.value for x in found]),
            np.concatenate([x.gradient for x in found]),
            np.concatenate(by_states) if by_states else None,
            np.concatenate([x.per_recording for x in found]),
            np.concatenate([x.statuses for x in found]),
        )

    @property
    def several(self) -> Curvatures:
        return self._curvatures

    def _curvatures(self, which: Sequence[int], phi: FloatArray) -> Sequence[Model]:
        """The models of some cells at `phi` (n, p)."""
        if self._together is None or self._by_sensitivities(self._each[0]):
            return [self.curvature(k, x) for k, x in zip(which, phi, strict=True)]
        out: list[Model] = []
        for begin in range(0, len(which), AT_ONCE):
            out += self._some(self._together, which[begin : begin + AT_ONCE], phi[begin:])
        return out

    def _some(self, together: Together, which: Sequence[int], phi: FloatArray) -> list[Model]:
        points = [points_around(x) for x, _ in zip(phi, which, strict=False)]
        found = [
            self._unknowns.repeated(k, len(x)).unpack(x) for k, x in zip(which, points, strict=True)
        ]
        theta = np.stack([rows for rows, _ in found])
        states = [x for _, x in found if x is not None]
        parts = together.residuals(which, theta, np.stack(states) if states else None)
        return [
            self._model(k, *differences(own, phi.shape[1]))
            for k, own in zip(which, parts, strict=True)
        ]


@dataclass(frozen=True)
class CellRun:
    """What a trainer has found for one cell; see `Trainer`."""

    theta: FloatArray
    y0: FloatArray | None
    score: FloatArray
    status: NDArray[np.int64]
    history: Any
    log: Sequence[str]
    limit: str
    interrupted: bool
    elapsed: float

    def best_in_training(self, k: int) -> None:
        """Nothing is held out."""


class EachTrainer(Trainer):
    """A run of training of K cells, with what is to be said of each of them."""

    _plan: EachCell

    def __init__(self, plan: EachCell) -> None:
        self.logs: list[list[str]] = [[] for _ in plan.theta]
        self.limits = [""] * len(plan.theta)
        super().__init__(plan)

    def _describe(self, stage: Stage, phi: FloatArray, before: FloatArray) -> None:
        loss, lr = (self.history.of_stage(self.stage, name) for name in ("loss", "lr"))
        active = np.isfinite(lr)
        for k, steps in enumerate(active.sum(axis=0).tolist()):
            own = slice(k, k + 1)
            limited = steps >= stage.steps and not self.optimizer.done[k]
            self.limits[k] = at_limit(loss[active[:, k], own]) if limited else ""
            known = self.best[own], "loss", "", self.refused[own], self.reason[own]
            problem = self._plan.plans[k].problem
            kept, notes = kept_or_undone(problem, stage, before[own], self.theta[own])
            self.theta[own] = kept
            self.logs[k] += [described(stage.label, steps, *known, self.limits[k]), *notes]

    def of(self, k: int) -> CellRun:
        """What was found for cell `k`."""
        own, arrays = slice(k, k + 1), self.history.arrays()
        active = np.isfinite(arrays["lr"][:, k])
        mine = {n: x[active][:, own] if x.ndim > 1 else x[active] for n, x in arrays.items()}
        mine["step"] = np.arange(len(mine["step"]))
        return CellRun(
            self.theta[own],
            None if self.y0 is None else self.y0[own],
            self.score[own],
            self.status[own],
            _Arrays(mine),
            self.logs[k],
            self.limits[k],
            self.interrupted,
            self.elapsed / len(self.theta),
        )


@dataclass(frozen=True)
class _Arrays:
    """A history that is complete."""

    columns: dict[str, NDArray]

    def arrays(self) -> dict[str, NDArray]:
        return self.columns


def fit_each(plans: Sequence[Plan], told: Sequence[Sequence[str]], bar: Bar) -> list[FitResult]:
    """The results of plans that are `alike`, in their order; `told` is what each log begins with.

    Ctrl-C stops all of them, with the best parameters so far.
    """
    began = time.monotonic()
    trainer = EachTrainer(EachCell(plans))
    for log, lines in zip(trainer.logs, told, strict=True):
        log += lines
    with Interrupts() as interrupts:
        trainer.run(interrupts, bar)
        each = (time.monotonic() - began) / len(plans)
        out = []
        for k, plan in enumerate(plans):
            out.append(concluded(plan, trainer.of(k), time.monotonic() - each))
    return out
