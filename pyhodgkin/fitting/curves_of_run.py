"""The learned curves of a run: moved to the mode of their posterior, and the source of bands."""

from __future__ import annotations

import numpy as np

from ..numerics.arrays import FloatArray
from .learned_curves import CurveSource
from .penalties import CurvePenalty
from .plan import Plan
from .run.interface import Run
from .toward_prior import toward_prior


def curves_at_mode(
    plan: Plan, trainer: Run, best: int, voltages: tuple[float, float]
) -> tuple[FloatArray, CurveSource | None, list[str]]:
    """Parameters (K, P) with the curves of the best start at their mode; the source; the log."""
    source = _source(plan, trainer, best, voltages)
    asked, kinds = plan.problem.prior, plan.problem.observables
    if source is None or asked == "none" or trainer.interrupted:
        return trainer.theta, source, []
    if asked == "auto" and kinds != ("current",):
        return trainer.theta, source, []
    source, text = toward_prior(source)
    theta = np.array(trainer.theta)
    theta[best] = source.neuron.theta
    return theta, source, [text] if text else []


def _source(
    plan: Plan, trainer: Run, best: int, voltages: tuple[float, float]
) -> CurveSource | None:
    """What the bands of learned curves are found from; None where there are none."""
    problem = plan.problem
    if problem.cells is not None or not np.isfinite(trainer.score[best]):
        return None
    neuron = problem.neuron.with_theta(trainer.theta[best])
    y0 = None if trainer.y0 is None else trainer.y0[best]
    shown = problem.prepared[0].measured
    noise = [x or None for x in problem.noise] or [None] * len(shown)
    curves = [p for p in problem.penalties if isinstance(p, CurvePenalty)]
    curves += [s.penalty for s in plan.stages if s.penalty is not None]
    monotone = any(p.monotone > 0.0 for p in curves)
    of = (problem.backend, neuron, shown, plan.indices, noise, problem.options, voltages, y0)
    source = CurveSource(*of, monotone=monotone)
    return source if source.names else None
