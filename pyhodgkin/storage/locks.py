"""A lock on what one process at a time may write, which the system releases when it ends."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from ..errors import InputError


class Lock:
    """A lock on a file or folder, as a file beside it; another process is refused.

    Where no file can be written beside it, or the file system knows no locks, there is none.

    Parameters
    ----------
    path : Path
        What is to be written.
    argument : str
        What the caller calls it.

    Raises
    ------
    InputError
        If another process has it.
    """

    def __init__(self, path: Path, argument: str = "out") -> None:
        self._place = path.with_name(f".{path.name}.lock")
        self._file: IO[str] | None = None
        try:
            self._file = open(self._place, "w", encoding="ascii")
        except OSError:  # no permission there; what is written says more
            return
        try:
            import fcntl
        except ImportError:  # not on Windows
            return
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            current = self._place.stat().st_ino == os.fstat(self._file.fileno()).st_ino
        except (BlockingIOError, FileNotFoundError):
            current = False
        except OSError:  # a file system without locks
            return
        if not current:  # held, or the file of a lock that has just been released
            self._file.close()
            self._file = None
            raise InputError(f"{argument} = {path}: another process is writing to it")

    def release(self) -> None:
        """Give it back; its file goes first, while no other process can have it."""
        if self._file is None:
            return
        if os.name == "nt":  # where an open file keeps its name
            self._file.close()
        try:
            self._place.unlink(missing_ok=True)
        except OSError:  # the folder is gone, or cannot be written to any more
            pass
        self._file.close()
        self._file = None


@contextmanager
def locked(path: Path, argument: str = "out") -> Iterator[None]:
    """The lock for a block.

    Examples
    --------
    >>> run = getfixture("tmp_path") / "run"
    >>> with locked(run):
    ...     print([path.name for path in run.parent.iterdir()])
    ['.run.lock']
    """
    lock = Lock(path, argument)
    try:
        yield
    finally:
        lock.release()
