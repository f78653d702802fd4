"""Windows that grow, as a schedule: first shorter than the time constants, then than a spike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ...recordings import Recording
from ..modes import Simulation
from ..penalties import CurvePenalty
from ..stage import Stage

_FIRST, _SAMPLES = 0.5, 5  # ms, and samples: the shortest window holds both
_GROWTH = ((1, 300), (4, 200), (20, 100))  # times as long, and steps there
_LOOSE = {"rtol": 1e-5, "atol": 1e-7}


def growing_windows(recordings: Sequence[Recording], straight: float = 0.0) -> tuple[Stage, ...]:
    """Stages of growing windows, and simulation at last, with a penalty on bends of curves.

    Within half a millisecond a gate hardly moves: what a network is asked for is then its slope at
    the voltages seen, as in collocation, and there is little to be trapped by. Windows of 10 ms
    see what follows from it. Nothing is driven by the measured v but the start, so its noise does
    little harm.

    Parameters
    ----------
    recordings : sequence of Recording
        Of current clamp.
    straight : float
        Of the `CurvePenalty`, on the curvature; the variance of the noise over that of v.

    Examples
    --------
    >>> from pyhodgkin.protocols import CurrentClamp
    >>> t = np.arange(0.0, 50.0, 0.05)
    >>> recording = Recording(t, CurrentClamp.constant(9.0, 50.0), v=np.zeros(1000))
    >>> [getattr(stage.mode, "window", None) for stage in growing_windows([recording])]
    [0.5, 0.5, 2.0, 10.0, None]
    """
    gap = float(np.median(np.concatenate([np.diff(r.t) for r in recordings])))
    longest = max(float(r.t[-1] - r.t[0]) for r in recordings)
    first = max(_FIRST, round(_SAMPLES * gap, 6))
    penalty = CurvePenalty(curvature=straight) if straight > 0.0 else None
    begin = Stage(
        "multiple_shooting", steps=300, lr=0.01, window=first, penalty=penalty, options=_LOOSE
    )
    fine = replace(begin, optimizer="lbfgs", lr=0.1, patience=60)
    windows = [
        replace(fine, steps=steps, window=first * times)
        for times, steps in _GROWTH
        if times == 1 or first * times <= 0.6 * longest
    ]
    last = replace(fine, mode=Simulation(), steps=200, lr=0.01, patience=50, target=2e-8)
    return (begin, *windows, last)
