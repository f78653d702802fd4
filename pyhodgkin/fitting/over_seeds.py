"""The starts of a fit divided over the workers of a Dask cluster: each trains one at a time.

A start is trained as if alone, so that its numbers depend on nothing but its seed: not on how many
workers there are, nor on which of them has it. A worker that dies has its starts trained by others.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import backends
from ..cluster import divided
from ..errors import BackendUnavailableError
from ..numerics.arrays import FloatArray
from ..progress import Bar
from ..results.history import COLUMNS, PER_START
from .plan import Plan
from .run.interrupts import Interrupts
from .run.trainer import Trainer


@dataclass(frozen=True)
class TrainedStarts:
    """What a trainer has found; see `Trainer`. `columns` are those of its history."""

    theta: FloatArray
    y0: FloatArray | None
    score: FloatArray
    status: NDArray[np.int64]
    columns: dict[str, NDArray]
    log: Sequence[str]
    limit: str
    interrupted: bool
    elapsed: float
    other: tuple[tuple[FloatArray, FloatArray | None] | None, ...] = ()

    @property
    def history(self) -> TrainedStarts:
        """Itself."""
        return self

    def arrays(self) -> dict[str, NDArray]:
        """The columns of the history."""
        return self.columns

    def best_in_training(self, k: int) -> tuple[FloatArray, FloatArray | None] | None:
        """See `Trainer.best_in_training`."""
        return self.other[k]


def train_starts(client: Any, plan: Plan, bar: Bar) -> TrainedStarts:
    """Train every start of a plan on the workers of a cluster.

    Raises
    ------
    BackendUnavailableError
        Where a worker cannot start the engine of the plan.
    """
    engine = plan.problem.backend
    backends.check_named(engine)
    problem = replace(plan.problem, backend=None)  # type: ignore[arg-type]
    rest = plan.stages, plan.indices, plan.bounds, plan.y0 is not None
    pieces = ((problem, engine.name, seed, *rest) for seed in plan.seeds)
    found: dict[int, TrainedStarts] = {}
    for k, start in divided(client, _train_one, pieces):
        found[k] = start
        best = min(float(x.score[0]) for x in found.values())
        bar.update("starts", len(found), len(plan.seeds), f"loss {best:.4g}")
    return _merged([found[k] for k in range(len(plan.seeds))], plan)


def engine_on_worker(name: str) -> Any:
    """The engine of a run, on a worker."""
    try:
        return backends.get(name)
    except BackendUnavailableError as error:
        raise BackendUnavailableError(
            f'a worker cannot start the engine of this run, "{name}", and results of two engines '
            f'are not mixed: give backend="torch", or install it there ({error})'
        ) from None


def _train_one(
    problem: Any, engine: str, seed: int, stages: Any, indices: Any, bounds: Any, moving: bool
) -> TrainedStarts:
    problem = replace(problem, backend=engine_on_worker(engine))
    trainer = Trainer(Plan(problem, stages, indices, (seed,), bounds, moving))
    with Bar(False) as bar:
        trainer.run(Interrupts(), bar)
    return TrainedStarts(
        trainer.theta,
        trainer.y0,
        trainer.score,
        trainer.status,
        trainer.history.arrays(),
        trainer.log,
        trainer.limit,
        False,
        trainer.elapsed,
        (trainer.best_in_training(0),),
    )


def _merged(found: Sequence[TrainedStarts], plan: Plan) -> TrainedStarts:
    states = [x.y0 for x in found if x.y0 is not None]
    score = np.concatenate([x.score for x in found])
    lines = [
        f"seed {seed}: {line}" for seed, x in zip(plan.seeds, found, strict=True) for line in x.log
    ]
    return TrainedStarts(
        np.concatenate([x.theta for x in found]),
        np.concatenate(states) if states else None,
        score,
        np.concatenate([x.status for x in found]),
        _history([x.columns for x in found], len(plan.stages)),
        lines,
        found[int(np.argmin(score))].limit,
        False,
        max(x.elapsed for x in found),
        tuple(x.other[0] for x in found),
    )


def _history(each: Sequence[dict[str, NDArray]], stages: int) -> dict[str, NDArray]:
    """The columns of all starts, step by step within each stage, as if trained side by side."""
    parts: dict[str, list[NDArray]] = {name: [] for name in COLUMNS}
    for stage in range(stages):
        rows = [np.flatnonzero(x["stage"] == stage) for x in each]
        longest = max(len(x) for x in rows)
        parts["stage"].append(np.full(longest, stage))
        for name in PER_START:
            block = np.full((longest, len(each)), False if name == "rejected" else np.nan)
            for k, (x, own) in enumerate(zip(each, rows, strict=True)):
                block[: len(own), k] = x[name][own, 0]
            parts[name].append(block)
        seconds = np.zeros(longest)
        for x, own in zip(each, rows, strict=True):
            seconds[: len(own)] = np.maximum(seconds[: len(own)], x["seconds"][own])
        parts["seconds"].append(seconds)
    count = sum(len(x) for x in parts["stage"])
    parts["step"].append(np.arange(count))
    out = {name: np.concatenate(x) for name, x in parts.items()}
    out["rejected"] = out["rejected"].astype(bool)
    return out
