"""How a solve ended."""

from __future__ import annotations

from enum import IntEnum


class Status(IntEnum):
    """How a solve ended; `message` says what to do about it.

    Examples
    --------
    >>> Status.SUCCESS.message
    'the whole time span was solved'
    """

    SUCCESS = 0
    MAX_STEPS = 1
    STEP_UNDERFLOW = 2
    NONFINITE = 3
    INTERRUPTED = 4

    @property
    def message(self) -> str:
        """What happened, and what to do."""
        return _MESSAGES[self]


_MESSAGES = {
    Status.SUCCESS: "the whole time span was solved",
    Status.MAX_STEPS: "max_steps was reached before t_end; raise max_steps, loosen rtol and atol, "
    "or take a stiff solver",
    Status.STEP_UNDERFLOW: "the step became smaller than the rounding of t, or too small ever to "
    "arrive; look for a jump in the equations and for very large parameters, or loosen rtol and "
    "atol",
    Status.NONFINITE: "the state became infinite or NaN; check the parameters (very large "
    "conductances or network outputs), and a fixed step for its size",
    Status.INTERRUPTED: "the solve was interrupted; the samples up to then are kept",
}
