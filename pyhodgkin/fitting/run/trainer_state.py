"""The whole state of a trainer as a checkpoint, and back."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import numpy as np

from ...results.history import History
from .checkpoints import Checkpoint, Store, part

if TYPE_CHECKING:
    from .trainer import Trainer


def checkpoint_of(trainer: Trainer) -> Checkpoint:
    """Everything that a trainer knows."""
    arrays = {"theta": trainer.theta, "score": trainer.score, "status": trainer.status}
    if trainer.y0 is not None:
        arrays["y0"] = trainer.y0
    arrays |= {f"history.{n}": a for n, a in trainer.history.arrays().items()}
    arrays |= {"stage._refused": trainer.refused, "stage._reason": trainer.reason}
    arrays |= {f"stage.{n}": a for n, a in trainer.stopping.state().items()}
    arrays |= {f"optimizer.{n}": a for n, a in trainer.optimizer.state().items()}
    counts = {"stage": trainer.stage, "step": trainer.step, "total": trainer.total}
    return Checkpoint(
        arrays, {**counts, "log": trainer.log, "elapsed": trainer.elapsed, "limit": trainer.limit}
    )


def restore(trainer: Trainer, checkpoint: Checkpoint) -> None:
    """Take a trainer back to a checkpoint, to go on exactly as the run before would have."""
    arrays, meta = checkpoint.arrays, checkpoint.meta
    trainer.theta, trainer.score = np.array(arrays["theta"]), np.array(arrays["score"])
    trainer.status = np.array(arrays["status"])
    trainer.y0 = np.array(arrays["y0"]) if "y0" in arrays else None
    trainer.stage, trainer.total, trainer.log = meta["stage"], meta["total"], list(meta["log"])
    trainer.limit = meta.get("limit", "")
    trainer.elapsed = trainer.resumed = meta["elapsed"]
    trainer.history = History.from_arrays(part(arrays, "history."))
    if trainer.stage >= len(trainer.schedule):
        return
    trainer.enter()
    trainer.step = meta["step"]
    trainer.searching &= trainer.step == 0
    of_stage = part(arrays, "stage.")
    trainer.refused = np.array(of_stage["_refused"])
    trainer.reason = np.array(of_stage["_reason"])
    trainer.stopping.restore(of_stage)
    trainer.optimizer.restore(part(arrays, "optimizer."))


def resume(trainer: Trainer, store: Store) -> None:
    """Go on from the newest checkpoint that is whole; without any, start from the beginning."""
    checkpoint, notes = store.load()
    if checkpoint is not None:
        restore(trainer, checkpoint)
    if notes:
        warnings.warn("; ".join(notes), stacklevel=3)
    trainer.log += notes
