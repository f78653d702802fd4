"""One line where a kernel has to be compiled first: that takes a while, once on a machine."""

from __future__ import annotations

import os
import tempfile
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Timer

from ...notices import notice

PATIENCE = 1.5  # s; from disk a kernel is there sooner
LONGEST = 240.0  # s; of waiting for another process that compiles the same
TEXT = "compiling the integrators for this processor, once (10 s to 2 min)"

_called: set[tuple[Callable, bool]] = set()


@contextmanager
def first_call(kernel: Callable, gamma: float | None) -> Iterator[None]:
    """Say so where the first call of a kernel takes longer than reading it from disk.

    ``PYHODGKIN_QUIET=1`` silences it.
    """
    key = kernel, gamma is None
    if key in _called:
        yield
        return
    timer = Timer(PATIENCE, _say)
    timer.daemon = True
    timer.start()
    try:
        with _alone(f"{kernel.__qualname__.split('.')[0]}-{kernel.__name__}-{gamma is None}"):
            yield
    finally:
        timer.cancel()
        _called.add(key)


def _say() -> None:
    if os.environ.get("PYHODGKIN_QUIET", "") in ("", "0"):
        notice(TEXT)


@contextmanager
def _alone(name: str) -> Iterator[None]:
    """Let other processes of this user wait: they then read from disk what this one compiles."""
    try:
        import fcntl
    except ImportError:  # not on this system
        yield
        return
    try:
        lock = open(lock_file(name), "a")
    except OSError:
        yield
        return
    with lock:
        began = time.monotonic()
        # A process that holds it may be suspended: compiling twice is better than waiting for ever.
        while time.monotonic() - began < LONGEST:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                time.sleep(0.1)
            except OSError:  # a file system without locks
                break
        yield


def lock_file(name: str) -> Path:
    """That of a kernel, of this user and this copy of the package: each copy compiles its own."""
    copy = zlib.crc32(os.fsencode(Path(__file__).resolve().parent))
    return Path(tempfile.gettempdir()) / f"pyhodgkin-{os.getuid()}-{copy:08x}-{name}.lock"
