"""Calls to the file system, counted; one of them fails with an error of the system."""

from __future__ import annotations

import builtins
import errno
import io
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pyhodgkin.population import store
from pyhodgkin.storage import claims

NUMBERS = (errno.ENOSPC, errno.EIO, errno.EACCES)
NAMES = (
    *("replace", "rename", "mkdir", "rmdir", "unlink", "remove", "listdir", "scandir", "open"),
    *("fsync", "ftruncate"),
)


class Calls:
    """In a `with` statement, all calls with a path in `folder`, or an open file of it, are counted.

    Files that are opened for writing count each time something goes to the system.

    Parameters
    ----------
    folder : Path
    failing : int
        The call that fails, from 1; 0 for none.
    number : int
        Of the error, from `errno`.
    """

    def __init__(self, folder: Path, failing: int = 0, number: int = errno.ENOSPC) -> None:
        self.folder, self.failing, self.number = os.fspath(folder), failing, number
        self.count, self.failed = 0, ""
        self._before: list[tuple[Any, str, Any]] = []

    def __enter__(self) -> Calls:
        for name in NAMES:
            self._patch(os, name, self._wrapped(name, getattr(os, name)))
        for module in (builtins, io):
            self._patch(module, "open", self._opener(module.open))
        for module in (claims, store):
            self._patch(module, "exchange", self._exchanging(module.exchange))
        return self

    def __exit__(self, *_: object) -> None:
        while self._before:
            setattr(*self._before.pop())

    def _patch(self, module: Any, name: str, function: Callable) -> None:
        self._before.append((module, name, getattr(module, name)))
        setattr(module, name, function)

    def counted(self, name: str, path: Any) -> None:
        """One call more, which may be the one that fails."""
        self.count += 1
        if self.count == self.failing:
            self.failed = f"{name} {path}"
            # As the system tells: a write does not know the name of its file.
            named = () if isinstance(path, int) else (os.fspath(path),)
            raise OSError(self.number, os.strerror(self.number), *named)

    def _within(self, path: Any, in_folder: bool) -> bool:
        if isinstance(path, int) or in_folder:  # an open file, or a name relative to one
            return True
        return isinstance(path, str | os.PathLike) and os.fspath(path).startswith(self.folder)

    def _wrapped(self, name: str, function: Callable) -> Callable:
        def call(path: Any = ".", *args: Any, **options: Any) -> Any:
            if self._within(path, options.get("dir_fd") is not None):
                self.counted(name, path)
            return function(path, *args, **options)

        return call

    def _exchanging(self, function: Callable) -> Callable:
        def call(a: Path, b: Path) -> bool:
            try:
                self.counted("exchange", a)
            except OSError:  # told by its result
                return False
            return function(a, b)

        return call

    def _opener(self, function: Callable) -> Callable:
        def call(file: Any, mode: str = "r", buffering: int = -1, *args: Any, **more: Any) -> Any:
            if isinstance(file, int) or not self._within(file, False):
                return function(file, mode, buffering, *args, **more)
            self.counted(f"open({mode})", file)
            if not set(mode) & set("wax+"):
                return function(file, mode, buffering, *args, **more)
            raw = Written(self, file, mode.replace("b", "").replace("t", ""))
            if buffering == 0:
                return raw
            buffered = (io.BufferedRandom if "+" in mode else io.BufferedWriter)(raw)
            return buffered if "b" in mode else io.TextIOWrapper(buffered, *args, **more)

        return call


class Written(io.FileIO):
    """A file whose writes are counted."""

    def __init__(self, calls: Calls, file: Any, mode: str) -> None:
        super().__init__(file, mode)
        self._calls = calls

    def write(self, data: Any) -> int:
        """To the system, or the error."""
        self._calls.counted("write", self.fileno())
        return super().write(data)
