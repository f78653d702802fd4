"""One line where a kernel has to be compiled first: that takes a while, once on a machine."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Timer

PATIENCE = 1.5  # s; from disk a kernel is there sooner
TEXT = "pyhodgkin: compiling the integrators for this processor, once (10 to 60 s)"

_called: set[tuple[Callable, bool]] = set()


@contextmanager
def first_call(kernel: Callable, gamma: float | None) -> Iterator[None]:
    """Say so where the first call of a kernel takes longer than reading it from disk.

    ``PYHODGKIN_QUIET=1`` silences it.
    """
    key = kernel, gamma is None
    if key in _called or os.environ.get("PYHODGKIN_QUIET", "") not in ("", "0"):
        yield
        return
    timer = Timer(PATIENCE, lambda: print(TEXT, file=sys.stderr, flush=True))
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        _called.add(key)
