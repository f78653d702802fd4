"""One recording and what each start of a fit predicts of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..numerics.arrays import FloatArray
from ..recordings import Recording


@dataclass(frozen=True, eq=False)
class Prediction:
    """One recording and what each of the K starts says of it.

    Parameters
    ----------
    name, unit, command_unit : str
    t : array (T,)
        ms.
    command, measured : array (T,)
    predicted : array (K, T)
    mask : array of bool (T,)
    heldout : bool
    """

    name: str
    unit: str
    t: FloatArray
    command: FloatArray
    measured: FloatArray
    predicted: FloatArray
    mask: NDArray[np.bool_]
    heldout: bool = False
    command_unit: str = ""

    @classmethod
    def of(
        cls, recording: Recording, predicted: FloatArray, heldout: bool = False, name: str = ""
    ) -> Prediction:
        """What is predicted (K, T) of a recording; `name` in place of its own."""
        r = recording
        return cls(
            name or r.name,
            r.unit,
            r.t,
            r.command,
            r.data,
            predicted,
            r.mask,
            heldout,
            r.protocol.unit,
        )
