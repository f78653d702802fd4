"""Voltage steps of large batches: those with a spike are kept, the others are computed again."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from ..numerics.arrays import FloatArray
from .voltage_steps import KEPT, VoltageSteps

_COPIED = ("element", "t", "h", "coefficients")


class Recomputed(VoltageSteps):
    """The steps of a batch, of which only those that cross 0 mV are in memory.

    To write down every step in which v rises takes a fifth of the time of a large solve, and few
    ask for more than spike times. What else is asked for is had by solving once more.

    Parameters
    ----------
    kept : VoltageSteps
        Those that cross 0 mV.
    again : callable
        Solves the batch once more and returns all steps.

    Examples
    --------
    >>> import numpy as np
    >>> rising = VoltageSteps(1, [0], [10.0], [2.0], [[-1.0, 2.0]])
    >>> steps = Recomputed(rising.only(0.0), lambda: rising)
    >>> steps.crossings(0.0), steps.crossings(0.5)
    ([array([11.])], [array([11.5])])
    """

    def __init__(self, kept: VoltageSteps, again: Callable[[], VoltageSteps]) -> None:
        for name, value in {"size": kept.size, "_kept": kept, "_again": again}.items():
            object.__setattr__(self, name, value)

    @property
    def threshold(self) -> float | None:  # type: ignore[override]
        return self.every().threshold

    def __getattr__(self, name: str) -> Any:
        if name not in _COPIED:
            raise AttributeError(name)
        return getattr(self.every(), name)

    def __reduce__(self) -> tuple:
        every = self.every()
        arrays = (getattr(every, name) for name in _COPIED)
        return VoltageSteps, (self.size, *arrays, every.threshold)

    def kept(self) -> VoltageSteps:
        """Those that cross 0 mV."""
        return self.__dict__["_kept"]

    def every(self) -> VoltageSteps:
        """All of them; the batch is solved again the first time."""
        found = self.__dict__.get("_every")
        if found is None:
            found = self.__dict__["_again"]()
            object.__setattr__(self, "_every", found)
            object.__setattr__(self, "_again", None)
        return found

    def knows(self, threshold: float) -> bool:
        return threshold == KEPT or self.every().knows(threshold)

    def crossings(self, threshold: float = 0.0) -> list[FloatArray]:
        return (self.kept() if threshold == KEPT else self.every()).crossings(threshold)

    def of(self, i: int) -> VoltageSteps:
        return Recomputed(self.kept().of(i), lambda: self.every().of(i))


def merged(parts: Sequence[VoltageSteps], members: Iterable[Sequence[int]]) -> VoltageSteps:
    """As `VoltageSteps.merged`; nothing is computed again for it."""
    where = list(members)
    if not any(isinstance(part, Recomputed) for part in parts):
        return VoltageSteps.merged(parts, where)
    kept = [p.kept() if isinstance(p, Recomputed) else p.only(KEPT) for p in parts]

    def again() -> VoltageSteps:
        every = [p.every() if isinstance(p, Recomputed) else p for p in parts]
        return VoltageSteps.merged(every, where)

    return Recomputed(VoltageSteps.merged(kept, where), again)
