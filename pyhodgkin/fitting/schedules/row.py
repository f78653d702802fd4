"""One row of the table of default schedules."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from .situation import Situation
from .stages_for import Schedule, curves

NOISE = "current clamp, noise of v {s.millivolts}"
HELD = "{held}"  # what is said where numbers are unknown besides networks


@dataclass(frozen=True)
class Row:
    """One default schedule.

    Parameters
    ----------
    applies : callable
        Whether it is for a `Situation`; the first row that applies is taken.
    stages : callable
        The stages for it.
    reason : str
        What the log says; ``{s.…}`` are facts of the situation.
    """

    applies: Callable[[Situation], bool]
    stages: Callable[[Situation], Schedule]
    reason: str


def curves_of(s: Situation) -> Schedule:
    """The stages of networks where there is no noise."""
    return curves(s.weights, s.missing_current, len(s.gates) > 1)
