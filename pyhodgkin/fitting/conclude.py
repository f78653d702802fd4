"""What a trainer that has stopped has found: errors, limits reached, goodness of fit."""

from __future__ import annotations

import time
import warnings
from collections.abc import Sequence

import numpy as np

from ..errors import FitWarning
from ..numerics.arrays import FloatArray
from ..recordings import Recording
from ..recordings.observables import observables_of
from ..results.active_bounds import ActiveBound, active_bounds
from ..results.cells import FittedCells
from ..results.errors import errors, predict
from ..results.fit_result import FitResult
from ..results.goodness_of_fit import SMALL, GoodnessOfFit, driven, residual_of
from ..results.history import named
from ..results.identifiability import Identifiability
from ..results.prediction import Prediction
from ..status import Status
from .advice import advice, transients
from .curves_of_run import curves_at_mode
from .information import judge
from .initialize.random_networks import left_random
from .plan import Plan
from .run.interface import Run

FEW = 30  # numbers whose standard errors come with a result; each costs two predictions
WORSE = 2.0  # times the error of the parameters that were best in training
_TOLD = 8  # recordings whose residuals the log lists


def concluded(plan: Plan, trainer: Run, began: float) -> FitResult:
    """The result of a run; `began` is when it did, by `time.monotonic`."""
    problem = plan.problem
    best = int(np.argmin(trainer.score))
    voltages = voltage_range(problem.recordings)
    theta, source, moved = curves_at_mode(plan, trainer, best, voltages)
    shown, unseen = problem.prepared
    cells = problem.cells
    seen = _predicted(plan, shown.measured, theta, trainer.y0, heldout=False)
    held = _predicted(plan, unseen.measured, theta, None, heldout=True) if problem.heldout else []
    labels = [stage.label for stage in plan.stages]
    status = Status.INTERRUPTED if trainer.interrupted else Status(int(trainer.status[best]))
    mean = theta if cells is None else theta.mean(axis=1)
    train_error = errors(problem.recordings, seen)
    reached: tuple[ActiveBound, ...] = ()
    goodness = None
    if np.isfinite(trainer.score[best]):
        reached = _reached(plan, theta, best, voltages)
        goodness = _goodness(plan, trainer, seen, held, reached)
    known = _identified(plan, trainer, best, reached)
    # Currents under a known voltage need no solver, so that the bands cost little.
    learned = source() if source is not None and problem.observables == ("current",) else None
    log = [*trainer.log, *moved, *(f"limit reached: {x.text}" for x in reached), *_told(goodness)]
    if goodness is not None and goodness.warning():
        warnings.warn(goodness.warning(), FitWarning, stacklevel=4)
    log += [f"curves: {learned.summary()}"] if learned is not None and learned.summary() else []
    return FitResult(
        neuron=problem.neuron.with_theta(mean[best]),
        theta=mean,
        seeds=plan.seeds,
        best=best,
        scores=trainer.score,
        status=status,
        statuses=trainer.status,
        history=named(trainer.history.arrays(), labels),
        train_error=train_error,
        heldout_error=errors(problem.heldout, held) if problem.heldout else None,
        voltage_range=voltages,
        predictions=(
            *_predictions(problem.recordings, seen, False),
            *_predictions(problem.heldout, held, True),
        ),
        initial_states=trainer.y0,
        log=(*log, *([] if known is None else [known.summary()])),
        seconds=max(trainer.elapsed, time.monotonic() - began),
        settings=plan.settings(),
        identifiability=known,
        population=None if cells is None else FittedCells(cells.names, cells.own, theta),
        active_bounds=reached,
        goodness=goodness,
        start=problem.neuron.theta,
        curves=source if learned is None else learned,
    )


def _told(goodness: GoodnessOfFit | None) -> list[str]:
    """What the log says of residuals."""
    if goodness is None:
        return []
    rows = goodness.lines()
    more = len(rows) - _TOLD
    last = [f"goodness of fit: {goodness.summary()}"] if goodness.summary() else []
    return [*rows[:_TOLD], *([f"… and {more} more recordings"] if more > 0 else []), *last]


def _predicted(
    plan: Plan,
    recordings: Sequence[Recording],
    theta: FloatArray,
    y0: FloatArray | None,
    heldout: bool,
) -> list[FloatArray]:
    problem = plan.problem
    of = problem.heldout if heldout else problem.recordings
    own = None if problem.cells is None else problem.cells.of(of)
    return predict(problem.backend, problem.neuron, recordings, theta, problem.options, y0, own)


def _identified(
    plan: Plan, trainer: Run, best: int, reached: Sequence[ActiveBound]
) -> Identifiability | None:
    """What the recordings tell of the numbers trained, when they are few and no networks."""
    problem, layout = plan.problem, plan.problem.neuron.layout
    networks = np.isin(plan.indices, layout.select("networks")).any()
    few = len(plan.indices) <= FEW and problem.cells is None
    if networks or not few or not np.isfinite(trainer.score[best]):
        return None
    y0 = None if trainer.y0 is None else trainer.y0[best]
    neuron, noise = problem.neuron.with_theta(trainer.theta[best]), problem.noise
    sizes: Sequence[float | None] | None = noise if len(noise) and min(noise) > 0 else None
    if len(observables_of(problem.recordings)) > 1 and any(noise):
        sizes = [x if x > 0 else None for x in noise]  # of a current it may not be known
    args = (problem.backend, neuron, problem.recordings, plan.indices, sizes, problem.options)
    every = layout.names
    names = {every[i] for i in plan.indices}
    limits = [x.name for x in reached if x.name in names]
    return judge(*args, y0=y0, at_bounds=limits, starts=problem.starts)


def _reached(
    plan: Plan, theta: FloatArray, best: int, voltages: tuple[float, float]
) -> tuple[ActiveBound, ...]:
    """The limits that the best start has reached, of each cell where there are several."""
    problem = plan.problem
    indices = plan.moved
    if problem.cells is None:
        neuron = problem.neuron.with_theta(theta[best])
        return active_bounds(neuron, plan.theta[best], indices, plan.bounds, voltages)
    found: list[ActiveBound] = []
    for c, name in enumerate(problem.cells.names):
        neuron = problem.neuron.with_theta(theta[best, c])
        own = indices if c == 0 else np.intersect1d(indices, problem.cells.own)
        start = plan.theta[best, c]
        of = str(name) if np.isin(own, problem.cells.own).any() else ""
        found += active_bounds(neuron, start, own, plan.bounds, voltages, of)
    return tuple(found)


def _goodness(
    plan: Plan,
    trainer: Run,
    seen: Sequence[FloatArray],
    held: Sequence[FloatArray],
    reached: Sequence[ActiveBound],
) -> GoodnessOfFit:
    """Residuals of the best start against the noise."""
    problem, rows, best = plan.problem, [], int(np.argmin(trainer.score))
    for recordings, predicted, heldout in (
        (problem.recordings, seen, False),
        (problem.heldout, held, True),
    ):
        sizes = problem.heldout_noise if heldout else problem.noise
        known = problem.noise_stated if len(sizes) == len(recordings) else ()
        for i, (recording, values) in enumerate(zip(recordings, predicted, strict=True)):
            stated = float(sizes[i]) if recording.observed in known else None
            rows.append(residual_of(recording, values[best], stated, heldout))
    here = errors(problem.recordings, seen)
    notes = _cost_of_heldout(plan, trainer, best, here.rmse[best])
    if "falling" in trainer.limit:
        notes.append(f"the last stage was {trainer.limit}: allow it more steps (Stage(steps=…))")
    if np.isin(plan.moved, problem.neuron.layout.select("networks")).any():
        still = driven(problem.recordings, problem.noise)
        notes += [still] if still else []
    random = left_random(problem.neuron, plan.moved)
    if random:
        notes.append(
            f"the network of {', '.join(random)} is at its random start, so that what is fitted "
            'around it means nothing: train it too (trainable=["networks", …])'
        )
    text = transients(problem.recordings, [values[best] for values in seen])
    text += advice(problem.neuron, plan.moved, len(plan.seeds), reached)
    return GoodnessOfFit(tuple(rows), text, tuple(notes))


def _cost_of_heldout(plan: Plan, trainer: Run, best: int, kept: FloatArray) -> list[str]:
    """Where the choice by held-out recordings costs a training recording its fit.

    `kept` (R,) are the errors of the parameters chosen.
    """
    other = trainer.best_in_training(best)
    if other is None:
        return []
    theta, y0 = other
    shown = plan.problem.prepared[0].measured
    found = errors(plan.problem.recordings, _predicted(plan, shown, theta, y0, heldout=False))
    out = []
    for i, name in enumerate(found.names):
        could = float(found.rmse[0, i])
        spread = float(np.std(plan.problem.recordings[i].data))
        if kept[i] > max(WORSE * could, SMALL * spread) and np.isfinite(could):
            unit = found.units[i]
            out.append(
                f"the parameters chosen by the held-out recordings have an RMSE of {kept[i]:.3g} "
                f"{unit} in training recording {name}, where others reached {could:.3g} {unit}: "
                "hold out recordings like those trained on, or train on these too"
            )
    return out[:3]


def voltage_range(recordings: Sequence[Recording]) -> tuple[float, float]:
    """Lowest and highest voltage, measured or commanded, mV."""
    traces = [r.data if r.observed == "v" else r.command for r in recordings]
    return float(min(v.min() for v in traces)), float(max(v.max() for v in traces))


def _predictions(
    recordings: Sequence[Recording], predicted: Sequence[FloatArray], heldout: bool
) -> list[Prediction]:
    return [
        Prediction.of(recording, values, heldout)
        for recording, values in zip(recordings, predicted, strict=True)
    ]
