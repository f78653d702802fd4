"""The best parameters of each start within a stage, and early stopping by them."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from ...numerics.arrays import FloatArray
from ..stage import Stage

Rows = NDArray[np.bool_]

EVERY = 10  # steps between held-out losses, and whole ones of minibatches, at most
_PARTS = 8  # so often at least within the patience of a stage
LEARNED = 0.01  # relative decrease of the training loss that counts where others are judged by


def interval(stage: Stage) -> int:
    """Steps between evaluations of the held-out loss, or of the whole loss of minibatches.

    Patience counts steps, so the loss is evaluated several times within it.

    Examples
    --------
    >>> interval(Stage()), interval(Stage(patience=8)), interval(Stage(patience=30))
    (10, 1, 3)
    """
    if stage.patience is None:
        return EVERY
    return int(np.clip(stage.patience // _PARTS, 1, EVERY))


class EarlyStopping:
    """The best parameters phi (K, p) of K starts so far, and for how many steps none was better.

    Where the best are chosen by held-out recordings, Levenberg-Marquardt is not stopped while the
    training loss still goes down: in its few long steps the held-out loss can rise several times
    before it falls, while spikes that are not trained on move past those that were measured.

    Parameters
    ----------
    phi : array (K, p)
        Where the stage begins.
    stage : Stage
        Its `patience` and `target`.

    Examples
    --------
    >>> stopping = EarlyStopping(np.zeros((1, 2)), Stage(patience=2))
    >>> for value in (3.0, 2.0, 2.0, 2.0):
    ...     stopped = stopping.update(np.ones((1, 2)), np.array([value]), [True], [True])
    >>> stopped.tolist(), stopping.best.tolist()
    ([True], [2.0])
    """

    _ARRAYS = (
        *("best_phi", "best", "_judged", "_learned", "_waited"),
        *("train_phi", "train_best", "train_kept"),
    )

    def __init__(self, phi: FloatArray, stage: Stage) -> None:
        self._patience, self._target = stage.patience, stage.target
        self.best_phi, self.best = phi.copy(), np.full(len(phi), np.inf)
        self._improved = 1.0 - stage.min_improvement
        self._judged = np.full(len(phi), np.inf)  # the value at the last clear improvement
        self._descends = stage.optimizer == "levenberg"
        self._learned = np.full(len(phi), np.inf)  # the training loss then
        self._waited = np.zeros(len(phi), np.int64)
        # The best in training, where the best are chosen by other recordings.
        self.train_phi, self.train_best = phi.copy(), np.full(len(phi), np.inf)
        self.train_kept = np.full(len(phi), np.inf)  # the training loss of `best_phi`

    def keep(
        self, point: FloatArray, value: FloatArray, rows: Rows, trained: FloatArray | None = None
    ) -> None:
        """Keep `point` (K, p) of the starts in `rows` (K,) whose `value` (K,) is the best.

        `trained` (K,) is the training loss there, where `value` is another one.
        """
        if trained is not None:
            lower = np.isfinite(trained) & (trained < self.train_best)
            self.train_best = np.where(lower, trained, self.train_best)
            self.train_phi = np.where(lower[:, None], point, self.train_phi)
        better = rows & (np.nan_to_num(value, nan=np.inf) < self.best)
        self.best = np.where(better, value, self.best)
        self.best_phi = np.where(better[:, None], point, self.best_phi)
        if trained is not None:
            self.train_kept = np.where(better, trained, self.train_kept)

    def update(
        self,
        point: FloatArray,
        value: FloatArray,
        rows: Rows,
        active: Rows,
        trained: FloatArray | None = None,
    ) -> Rows:
        """The same after a step of the starts in `active`; which of them (K,) are to stop.

        `rows` are those whose `value` was evaluated: no start stops before its latest parameters
        are among those compared.
        """
        rows = np.asarray(rows)
        self.keep(point, value, rows, trained)
        clear = rows & (self.best < _below(self._judged, self._improved))
        self._judged = np.where(clear, self.best, self._judged)
        if trained is not None and self._descends:
            learned = self.train_best < _below(self._learned, min(self._improved, 1.0 - LEARNED))
            self._learned = np.where(learned, self.train_best, self._learned)
            clear = clear | learned
        self._waited = np.where(clear, 0, self._waited + np.asarray(active))
        stopped = np.zeros(len(rows), bool)
        if self._patience is not None:
            stopped |= rows & (self._waited >= self._patience)
        if self._target is not None:
            stopped |= self.best < self._target
            if trained is not None and self._descends:  # nothing is left to learn from
                stopped |= rows & (self.train_best < self._target)
        return stopped

    def state(self) -> dict[str, NDArray]:
        """Everything, as arrays."""
        return {name: np.array(getattr(self, name)) for name in self._ARRAYS}

    def restore(self, state: Mapping[str, NDArray]) -> None:
        """The inverse of `state`."""
        for name in self._ARRAYS:
            if name in state:
                setattr(self, name, np.array(state[name]))


def _below(value: FloatArray, factor: float) -> FloatArray:
    """`factor` times the values (K,) that are finite, else themselves."""
    return np.where(value < np.inf, factor * value, np.inf)
