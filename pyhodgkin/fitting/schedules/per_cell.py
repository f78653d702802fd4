"""The schedule of networks that cells share, each cell with a few numbers of its own."""

from __future__ import annotations

from collections.abc import Sequence

from ...recordings import Recording
from ..losses import Loss
from ..penalties import CurvePenalty
from ..stage import Stage

_GROWTH = (0.3, 0.5, 0.75, 1.0)  # parts of the recordings that each cell's numbers are found from
_LOOSE = {"rtol": 1e-5, "atol": 1e-7}


def shared_networks(
    recordings: Sequence[Recording], weights: Sequence[str], own: Sequence[str], search: int
) -> tuple[Stage, ...]:
    """Stages for `weights` that all cells share and numbers `own` to each of them.

    What the mean of the cells does finds the networks roughly, and the ionic current of each its
    own numbers and better networks. Simulated, a spike too many would drown everything else, so
    the numbers first follow a growing part of the recordings.

    Examples
    --------
    >>> from pyhodgkin.protocols import CurrentClamp
    >>> import numpy as np
    >>> t = np.arange(0.0, 50.0, 0.05)
    >>> recording = Recording(t, CurrentClamp.constant(9.0, 50.0), v=np.zeros(1000))
    >>> [stage.label for stage in shared_networks([recording], ["k.n.network.*"], ["k.g"], 48)][:3]
    ['clamped lbfgs', 'clamped levenberg', 'simulation levenberg']
    """
    robust, smooth = Loss("huber", delta=0.02), CurvePenalty(curvature=1e-5)
    longest = max(float(r.t[-1] - r.t[0]) for r in recordings)
    numbers = [
        Stage("simulation", "levenberg", 6, trainable=tuple(own), horizon=part * longest,
              options=_LOOSE)
        for part in _GROWTH
    ]  # fmt: skip
    return (
        Stage(
            "clamped", "lbfgs", 50, lr=0.1, loss=robust, multistart=search, trainable=tuple(weights)
        ),
        Stage("clamped", "levenberg", 45, loss=robust, penalty=smooth),
        *numbers,
        Stage("simulation", "levenberg", 14, penalty=smooth, options=_LOOSE),
    )
