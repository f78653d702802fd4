"""What a callback of `fit` is called with after each step."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ...numerics.arrays import FloatArray


@dataclass(frozen=True)
class StepInfo:
    """One step of training.

    Parameters
    ----------
    stage : int
        Counted from 0.
    label : str
        Mode and optimizer of the stage.
    step : int
        Of this stage, counted from 1.
    loss : array (K,)
        The objective of each start at this step.
    best : array (K,)
        The best so far in this stage: of the held-out recordings if there are any.
    """

    stage: int
    label: str
    step: int
    loss: FloatArray
    best: FloatArray


Callback = Callable[[StepInfo], object]
