"""A package in the running Julia, and calls of its functions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import BackendUnavailableError
from .connection import Connection, JuliaFailure
from .errors import translated
from .interrupt import Watcher


class Session:
    """The running Julia, with one package loaded.

    Attributes
    ----------
    flag : uint8 array (1,)
        Handed to the Julia functions that poll it: not zero means stop, return what you have.
    version, julia_version : str
    threads : int
    """

    def __init__(
        self, connection: Connection, name: str, watcher: Watcher, check: Callable[[], None]
    ) -> None:
        self.name = name
        self.flag: NDArray[np.uint8] = watcher.flag
        self._connection, self._watcher, self._check = connection, watcher, check
        self._package = connection.built_in("load", name)
        self._functions: dict[str, Any] = {}
        self.version: str = connection.built_in("version", self._package)
        self.julia_version: str = connection.built_in("julia")
        self.threads: int = connection.built_in("threads")

    def call(self, name: str, *args: Any) -> Any:
        """Call the function `name` of the package, without the lock of the interpreter.

        Arguments are numbers, strings, None, what a call returned, and numpy arrays in Fortran
        order (the transpose of a C-order array). Julia sees an `Array` in the same memory: for
        the length of the call, or as long as the caller keeps that memory alive. Numbers,
        strings and None come back as such, anything else as a handle; `julia_view` makes a numpy
        array of that of an array. Ctrl-C sets `flag`.

        Raises
        ------
        InputError
            Where Julia raised an `InputError`, with its message.
        SolveError
            Where it raised anything else.
        BackendUnavailableError
            In a process that was forked after Julia started.
        """
        self._check()
        function = self._functions.get(name)
        if function is None:
            function = self._functions[name] = self._function(name)
        watching = self._watcher.begin()
        try:
            return self._connection.call(function, args)
        except JuliaFailure as failure:
            found = translated(failure, name)
            raise found from found.__cause__
        finally:
            if watching:
                self._watcher.end()

    def _function(self, name: str) -> Any:
        if not self._connection.built_in("has", self._package, name):
            raise BackendUnavailableError(
                f"the Julia package {self.name} {self.version} has no {name}: it is not of this "
                "version of pyhodgkin; run: pyhodgkin doctor --install"
            )
        return self._connection.built_in("find", self._package, name)
