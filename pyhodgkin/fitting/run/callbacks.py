"""What a callback of `fit` is called with after each step."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ...numerics.arrays import FloatArray

EVERY = 0.2  # seconds between calls of a callback during a search


@dataclass(frozen=True)
class StepInfo:
    """One step of training.

    Parameters
    ----------
    stage : int
        Counted from 0.
    label : str
        Mode and optimizer of the stage, or ``"search"``.
    step : int
        Of this stage, counted from 1; 0 during the search that comes before its steps, when the
        callback is called several times a second and no loss is known.
    loss : array (K,)
        The objective of each start at this step; NaN during the search.
    best : array (K,)
        The best so far in this stage: of the held-out recordings if there are any; NaN
        during the search.
    """

    stage: int
    label: str
    step: int
    loss: FloatArray
    best: FloatArray


Callback = Callable[[StepInfo], object]


class Watcher:
    """The callback of a run, if there is one, and what it said.

    Examples
    --------
    >>> info = StepInfo(0, "clamped lbfgs", 3, np.zeros(1), np.zeros(1))
    >>> Watcher(None).told(info), Watcher(lambda info: info.step >= 3).told(info)
    (False, True)
    """

    def __init__(self, callback: Callback | None) -> None:
        self._callback, self._last = callback, time.monotonic()

    def told(self, info: StepInfo) -> bool:
        """Whether the run is to stop."""
        return self._callback is not None and bool(self._callback(info))

    def searching(self, stage: int, starts: int) -> bool:
        """The same during the search of a stage with so many starts, asked now and then."""
        if self._callback is None or time.monotonic() - self._last < EVERY:
            return False
        self._last, none = time.monotonic(), np.full(starts, np.nan)
        return self.told(StepInfo(stage, "search", 0, none, none))
