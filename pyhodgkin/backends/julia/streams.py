"""Standard input and output as they were: Julia makes pipes of them that do not block."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress


@contextmanager
def streams_as_before() -> Iterator[None]:
    """Restore whether the standard streams block.

    A pipe that does not block looks to Python's `input` as if it had ended, and a long print to
    one fails.
    """
    before: dict[int, bool] = {}
    for stream in range(3):
        with suppress(OSError, AttributeError):  # closed, or a system that cannot tell
            before[stream] = os.get_blocking(stream)
    try:
        yield
    finally:
        for stream, blocking in before.items():
            with suppress(OSError):
                os.set_blocking(stream, blocking)
