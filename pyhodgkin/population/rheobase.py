"""The rheobase of each cell of a population, by bisection of all cells side by side."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from ..errors import InputError
from ..numerics.arrays import FloatArray
from ..protocols import CurrentClamp, Protocol, Step

# Currents tried, times c_m: from 0.1 mV/ms to more than any cell stands; see `rheobase`.
FIRST, LAST = 0.1, 5e3


@dataclass(frozen=True)
class Rheobase:
    """The smallest step of current at which a cell fires, to be recorded for each cell.

    Parameters
    ----------
    duration, start : float
        Of the step, and the time without a current before it, ms.
    tolerance : float
        Relative.

    Raises
    ------
    InputError
        For a duration or start that is not positive, or a tolerance outside (0, 1).

    Examples
    --------
    >>> import pyhodgkin as ph
    >>> cells = ph.Population(ph.library.get("squid_axon"), 3, {"na.g": [100.0, 120.0, 140.0]})
    >>> found = cells.simulate(
    ...     ph.CurrentClamp.constant(0.0, 1.0), record=ph.Rheobase(duration=50.0, start=20.0)
    ... )
    >>> found["rheobase"].round(2)
    array([2.98, 2.24, 1.68])
    """

    duration: float = 200.0
    start: float = 50.0
    tolerance: float = 0.01

    def __post_init__(self) -> None:
        for name in ("duration", "start"):
            if not 0 < getattr(self, name) < np.inf:
                raise InputError(f"Rheobase: {name} = {getattr(self, name)} ms must be positive")
        if not 0 < self.tolerance < 1:
            raise InputError(f"Rheobase: tolerance = {self.tolerance}: give one between 0 and 1")

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers, safe for JSON."""
        return asdict(self)

    def protocol(self, amplitude: float, unit: str) -> Protocol:
        """A step of `amplitude`."""
        return CurrentClamp(
            Step(self.start, None, float(amplitude)), self.start + self.duration, unit
        )

    def compute(
        self,
        fires: Callable[[np.ndarray, list[Protocol]], np.ndarray],
        c_m: FloatArray,
        unit: str,
    ) -> FloatArray:
        """The rheobase of B cells of capacitance `c_m` (B,), in `unit`.

        NaN for a cell that fires without a current, inf for one that fires at none.

        Parameters
        ----------
        fires : callable
            Cells (N,) and a protocol for each, to whether each fires after `start`.
        """
        size = len(c_m)
        low, high = np.zeros(size), FIRST * c_m
        out = np.full(size, np.nan)

        def tried(cells: np.ndarray, amplitudes: FloatArray) -> np.ndarray:
            return fires(cells, [self.protocol(a, unit) for a in amplitudes])

        every = np.arange(size)
        left = every[~tried(every, np.zeros(size))]
        quiet = left.copy()
        while len(left):
            found = tried(left, high[left])
            left = left[~found]
            low[left] = high[left]
            none = high[left] > LAST * c_m[left]
            out[left[none]] = np.inf
            left = left[~none]
            high[left] *= 2.0
        active = quiet[~np.isinf(out[quiet])]
        left = active
        while len(left):
            middle = 0.5 * (low[left] + high[left])
            found = tried(left, middle)
            high[left] = np.where(found, middle, high[left])
            low[left] = np.where(found, low[left], middle)
            left = left[high[left] - low[left] > self.tolerance * high[left]]
        out[active] = high[active]
        return out
