"""Whether `SolveOptions.max_steps` can be enough for the pieces of a protocol, asked beforehand."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from ..errors import InputError
from ..numerics.arrays import FloatArray
from ..protocols import Protocol
from .compiled.kernels.options import MANY, SECOND


def check_max_steps(max_steps: int, protocols: Sequence[Protocol], ends: ArrayLike) -> None:
    """Raise where a protocol has more pieces than a solve of it may take steps.

    No step goes over a breakpoint, so each piece of a stimulus takes at least one: a solve with
    fewer must end with ``Status.MAX_STEPS``, after all the work that it may do.

    Parameters
    ----------
    max_steps : int
        As in `SolveOptions`.
    protocols : sequence of Protocol
    ends : float or array (B,)
        ms; how far each of them is solved.

    Raises
    ------
    InputError
        With the number of pieces and the least `max_steps` for them.

    Examples
    --------
    >>> from pyhodgkin.protocols import CurrentClamp
    >>> steps = CurrentClamp.sampled([0.0, 1.0, 2.0, 3.0, 4.0], [0.0, 1.0, 0.0, 1.0, 0.0])
    >>> check_max_steps(4, [steps], 4.0)
    >>> check_max_steps(2, [steps], 4.0)
    Traceback (most recent call last):
        ...
    pyhodgkin.errors.InputError: max_steps = 2: the protocol has 4 pieces in 4 ms, and each takes...
    """
    if max_steps >= MANY:  # then the limit grows faster than the number of pieces can
        return
    ends = np.broadcast_to(np.asarray(ends, dtype=np.float64), (len(protocols),))
    seen: set[tuple[int, float]] = set()
    for i, (protocol, end) in enumerate(zip(protocols, ends.tolist(), strict=True)):
        if (id(protocol), end) in seen:
            continue
        seen.add((id(protocol), end))
        starts = _pieces(protocol, end)
        needed = _least(starts)
        if max_steps < needed:
            which = f"protocol {i}" if len(protocols) > 1 else "the protocol"
            raise InputError(
                f"max_steps = {max_steps}: {which} has {len(starts)} pieces in {end:g} ms, and "
                f"each takes at least one step; give max_steps = {needed} or more (the default is "
                "100000), or a protocol with fewer pieces"
            )


def _pieces(protocol: Protocol, end: float) -> FloatArray:
    """Where the pieces of a stimulus begin that a solve from 0 to `end` enters, ms."""
    breaks = protocol.segments.breakpoints
    return np.concatenate([[0.0], breaks[(breaks > 0) & (breaks < end)]])


def _least(starts: FloatArray) -> int:
    """The fewest `max_steps` with which there are steps left at the start of every piece."""
    taken = np.arange(len(starts))  # one step for each piece before
    factor = 1 + np.floor(starts / SECOND).astype(np.int64) + taken // MANY
    return int((taken // factor).max()) + 1
