"""What was observed in recordings of both clamps: v in current clamp, the current in the other."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..numerics.arrays import Indices
from . import Recording

OBSERVABLES = ("v", "current")


def observables_of(recordings: Sequence[Recording]) -> tuple[str, ...]:
    """Those that occur, ``"v"`` first.

    Examples
    --------
    >>> from pyhodgkin import CurrentClamp, VoltageClamp
    >>> v = Recording([0, 1], CurrentClamp(0, 1), v=[-65, -65])
    >>> i = Recording([0, 1], VoltageClamp(-65, 1), current=[0, 0], current_unit="nA")
    >>> observables_of([i, v, i]), places_of([i, v, i], "current").tolist()
    (('v', 'current'), [0, 2])
    """
    found = {r.observed for r in recordings}
    return tuple(name for name in OBSERVABLES if name in found)


def places_of(recordings: Sequence[Recording], observed: str) -> Indices:
    """The places of the recordings of one observable."""
    found = [i for i, r in enumerate(recordings) if r.observed == observed]
    return np.array(found, dtype=np.intp)


def of(recordings: Sequence[Recording], observed: str) -> list[Recording]:
    """The recordings of one observable."""
    return [r for r in recordings if r.observed == observed]
