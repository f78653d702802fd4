"""Ctrl-C during training: the first one asks for a clean stop, the second one aborts."""

from __future__ import annotations

import signal
import sys
import threading
from types import FrameType
from typing import Any


class Interrupts:
    """While it is entered, SIGINT sets `requested`; the next one raises KeyboardInterrupt.

    Outside the main thread, where Python allows no handlers, it does nothing.

    Examples
    --------
    >>> with Interrupts() as interrupts:
    ...     interrupts.requested
    False
    """

    def __init__(self) -> None:
        self.requested = False
        self._before: Any = None

    def __enter__(self) -> Interrupts:
        if threading.current_thread() is threading.main_thread():
            self._before = signal.signal(signal.SIGINT, self._handle)
        return self

    def __exit__(self, *_: object) -> None:
        if self._before is not None:
            signal.signal(signal.SIGINT, self._before)
            self._before = None

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self.requested:
            raise KeyboardInterrupt
        self.requested = True
        print(
            "\npyhodgkin: interrupted; stopping after this step, the best parameters are kept. "
            "Press Ctrl-C again to abort at once.",
            file=sys.stderr,
            flush=True,
        )
