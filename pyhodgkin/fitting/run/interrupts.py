"""Ctrl-C during training: the first one asks for a clean stop, the second one aborts.

A step in progress has two seconds to end; after that it is left where it is, and what was there
before it is kept.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from ...notices import notice

GRACE = 2.0  # seconds that a step has after Ctrl-C
_AGAIN = 0.1  # seconds until the next try, where a step may not be left


class StopNow(KeyboardInterrupt):
    """A step took too long after Ctrl-C, and is left."""


class Interrupts:
    """While it is entered, SIGINT sets `requested`; the next one raises KeyboardInterrupt.

    Outside the main thread, where Python allows no handlers, it does nothing.

    Examples
    --------
    >>> with Interrupts() as interrupts:
    ...     interrupts.requested
    False
    """

    total = 0  # stops that were asked for in this process

    def __init__(self) -> None:
        self.requested = self._abortable = False
        self._before: Any = None
        self._alarm: Any = None

    def __enter__(self) -> Interrupts:
        if threading.current_thread() is threading.main_thread():
            self._before = signal.signal(signal.SIGINT, self._handle)
        return self

    def __exit__(self, *_: object) -> None:
        if self._before is not None:
            signal.signal(signal.SIGINT, self._before)
            self._before = None
        if self._alarm is not None:
            signal.setitimer(signal.ITIMER_REAL, 0.0)
            signal.signal(signal.SIGALRM, self._alarm)
            self._alarm = None

    @contextmanager
    def abortable(self) -> Iterator[None]:
        """A part of a step that changes nothing, and may be left by `StopNow`."""
        self._abortable = True
        try:
            yield
        finally:
            self._abortable = False

    def _expired(self, number: int, frame: FrameType | None) -> None:
        if self._abortable:
            self._abortable = False
            raise StopNow
        signal.setitimer(signal.ITIMER_REAL, _AGAIN)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self.requested:
            raise KeyboardInterrupt
        self.requested = True
        Interrupts.total += 1
        if hasattr(signal, "setitimer"):  # not on Windows: there a step comes to its end
            self._alarm = signal.signal(signal.SIGALRM, self._expired)
            signal.setitimer(signal.ITIMER_REAL, GRACE)
        notice(
            "interrupted; stopping within seconds, the best parameters are kept. "
            "Press Ctrl-C again to abort at once."
        )
