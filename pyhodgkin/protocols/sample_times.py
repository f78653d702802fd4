"""When to sample: times, or a spacing, within the protocols."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from ..errors import InputError
from ..numerics.arrays import FloatArray
from .protocol import Protocol

MOST = 20_001  # samples, where nobody said how many
LARGEST = 1e15  # samples: 8 bytes each are still a number of bytes that a system can be asked for


def sample_times(
    saveat: ArrayLike | float | None, protocols: Sequence[Protocol], spacing: float
) -> FloatArray:
    """Times (T,) of the samples, ms.

    Parameters
    ----------
    saveat : float or array (T,), optional
        Spacing or times, ms; default every `spacing`, and not more than 20,001.
    protocols : sequence of Protocol
        The longest says where the samples end.
    spacing : float
        ms.

    Raises
    ------
    InputError
        For times that do not increase, or lie outside the protocols, and a spacing too small for
        any array.

    Examples
    --------
    >>> from pyhodgkin.protocols import CurrentClamp
    >>> sample_times(0.5, [CurrentClamp.constant(0.0, 1.2)], 0.1)
    array([0. , 0.5, 1. ])
    """
    end = max(protocol.t_end for protocol in protocols)
    if saveat is None:
        saveat = max(spacing, end / (MOST - 1))
    t = np.asarray(saveat, dtype=np.float64)
    if t.ndim == 0:
        if not 0 < t <= end:
            raise InputError(f"saveat = {t:g} ms: give a spacing between 0 and t_end = {end:g} ms")
        if end / float(t) > LARGEST:
            raise InputError(
                f"saveat = {t:g} ms: with t_end = {end:g} ms more samples than an array can hold; "
                "give a larger spacing, or a protocol that ends earlier"
            )
        n = int(np.floor(end / float(t) + 1e-9))
        t = np.minimum(np.arange(n + 1) * float(t), end)
    last = end * (1.0 + 1e-9)
    if t.ndim == 1 and len(t) and 0 <= t[0] and t[-1] <= last and (t[1:] > t[:-1]).all():
        return t
    if t.ndim != 1 or len(t) == 0 or not np.isfinite(t).all():
        raise InputError("saveat: give finite times (T,) in ms, or a spacing")
    if t[0] < 0 or np.any(np.diff(t) <= 0):
        raise InputError(f"saveat: times must increase from 0 ms or later; they start at {t[0]:g}")
    raise InputError(f"saveat: the last time, {t[-1]:g} ms, is after t_end = {end:g} ms")
