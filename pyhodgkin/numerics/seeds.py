"""Seeds of random numbers."""

from __future__ import annotations

from typing import Any

from ..errors import InputError


def check_seed(seed: Any) -> int:
    """`seed` as a whole number that is not negative.

    Raises
    ------
    InputError
        For anything else.

    Examples
    --------
    >>> check_seed(3.0)
    3
    """
    try:
        if not isinstance(seed, bool) and int(seed) == seed and seed >= 0:
            return int(seed)
    except (TypeError, ValueError, OverflowError):
        pass
    raise InputError(f"seed = {seed!r}: give a whole number of at least 0")
