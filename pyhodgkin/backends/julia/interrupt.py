"""Ctrl-C while Julia computes.

Python notes a signal in C, at once, but runs its handler only when the main thread is back from
Julia. What it can do at once is write the number of the signal to a socket
(`signal.set_wakeup_fd`). A thread waits there, sets a flag in memory that the Julia loops look
at, and they return; then Python runs its handler, whichever that is.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import sys
import threading
from collections.abc import Iterator

import numpy as np


class Watcher:
    """Sets `flag` (uint8, length 1) when SIGINT arrives between `begin` and `end`.

    It acts in the main thread, the only one in which Python handles signals, and does nothing
    in others.
    """

    def __init__(self) -> None:
        self.flag = np.zeros(1, dtype=np.uint8)
        self._read, self._write = socket.socketpair()
        self._write.setblocking(False)
        self._descriptor = self._write.fileno()
        self._main = threading.main_thread().ident
        self._before = -1
        self._active = False
        thread = threading.Thread(target=self._watch, name="pyhodgkin-interrupt", daemon=True)
        with _blocked():  # so that a signal goes to the main thread, and wakes what it waits in
            thread.start()

    def begin(self) -> bool:
        """Watch from here on; whether `end` has to be called."""
        if threading.get_ident() != self._main:
            return False
        self.flag[0] = 0
        before = signal.set_wakeup_fd(self._descriptor, warn_on_full_buffer=False)
        if before != self._descriptor:  # it is ours when an interrupt kept `end` from being called
            self._before = before
        self._active = True
        return True

    def end(self) -> None:
        """Watch no longer, and let whoever watched before (asyncio does) do so again."""
        self._active = False
        signal.set_wakeup_fd(self._before)
        self.flag[0] = 0

    def _watch(self) -> None:
        while True:
            try:
                numbers = self._read.recv(64)
            except OSError:
                return
            if not numbers:
                return
            if self._active and signal.SIGINT in numbers:
                self.flag[0] = 1
            if self._before != -1:
                with contextlib.suppress(OSError):  # it would not have got more than a byte either
                    os.write(self._before, numbers)


@contextlib.contextmanager
def _blocked() -> Iterator[None]:
    """A thread that is started here does not receive SIGINT."""
    if sys.platform == "win32":
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextlib.contextmanager
def python_keeps_its_signals() -> Iterator[None]:
    """While Julia starts: afterwards Ctrl-C and the like reach Python's handlers again.

    A Julia that handles signals blocks some in the thread that starts it, and waits for them in
    a thread of its own. The kernel prefers a thread that does not block a signal.
    """
    if sys.platform == "win32":
        yield
        return
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    try:
        yield
    finally:
        newly = signal.pthread_sigmask(signal.SIG_BLOCK, ()) - mask
        # Julia's profiler sends itself SIGUSR1, which without a handler ends the process.
        if not callable(signal.getsignal(signal.SIGUSR1)):
            newly.discard(signal.SIGUSR1)
        if threading.current_thread() is threading.main_thread():
            for number in newly:
                handler = signal.getsignal(number)
                if handler is not None:
                    signal.signal(number, handler)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, newly)
