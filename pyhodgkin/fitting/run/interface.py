"""What a trainer offers to those who read what it has found."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol as Interface

import numpy as np
from numpy.typing import NDArray

from ...numerics.arrays import FloatArray


class Run(Interface):
    """What a `Trainer` has found."""

    @property
    def theta(self) -> FloatArray: ...
    @property
    def y0(self) -> FloatArray | None: ...
    @property
    def score(self) -> FloatArray: ...
    @property
    def status(self) -> NDArray[np.int64]: ...
    @property
    def history(self) -> Columns: ...
    @property
    def log(self) -> Sequence[str]: ...
    @property
    def limit(self) -> str: ...
    @property
    def interrupted(self) -> bool: ...
    @property
    def elapsed(self) -> float: ...

    def best_in_training(self, k: int) -> tuple[FloatArray, FloatArray | None] | None:
        """See `Trainer.best_in_training`."""
        ...


class Columns(Interface):
    """A history."""

    def arrays(self) -> dict[str, NDArray]: ...
