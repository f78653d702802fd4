"""Calls into Julia by an address, past juliacall's conversions.

juliacall starts Julia; but converting arguments and results by it has to be compiled anew in
every process, which takes seconds, costs some ten microseconds for each array of each call, and
leaves arrays alive until Julia's garbage collector comes by. Here numbers in memory go over.
Where this interpreter is not one that this is known to work in, `plain` does it by juliacall.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any, Protocol

import numpy as np

from .abi import Packer, Piece
from .environment import debug

# The order in which bridge.jl holds them, from 1 on.
BUILT_IN = ("release", "load", "has", "find", "version", "julia", "threads", "safe_enter", "trial")

BRIDGE = Path(__file__).with_name("bridge.jl")

# The path is not part of the text, so that the text is always the same.
OPEN = b'Base.include(Module(:pyhodgkin), ENV["PYHODGKIN_JULIA_BRIDGE"])'


class JuliaFailure(Exception):
    """An exception in Julia: the name of its type, what it says, and its stack or nothing."""

    def __init__(self, kind: str, said: str, stack: str) -> None:
        super().__init__(kind, said, stack)
        self.kind, self.said, self.stack = kind, said, stack


class Connection(Protocol):
    """A way into Julia. Python's lock is free during a call."""

    def call(self, function: Any, arguments: tuple[Any, ...]) -> Any:
        """Call a function that `built_in("find", package, name)` returned.

        Arguments are numbers, text, None, arrays in Fortran order and what calls returned.
        Returns numbers, text and None as such, else an object that only Julia can look into,
        of arrays of numbers with an ``__array_interface__``.

        Raises
        ------
        JuliaFailure
            When there was an exception in Julia.
        InputError, TypeError
            For an argument that cannot go over.
        """
        ...

    def built_in(self, name: str, *arguments: Any) -> Any:
        """Call a function of bridge.jl."""
        ...


class JuliaConnection:
    """The quick way; thread-safe. `ours` says that this thread has just started Julia."""

    def __init__(self, juliacall: ModuleType, ours: bool) -> None:
        word = ctypes.c_int64
        kind = ctypes.CFUNCTYPE(word, word, word, word, word)
        self._invoke: Any = kind(_open(juliacall) if ours else _open_slowly(juliacall))
        self._released: list[int] = []
        self._packer = Packer(self._released)
        self._built_in = {name: i for i, name in enumerate(BUILT_IN, 1)}
        self._free_other_threads()

    def call(self, function: Piece, arguments: tuple[Any, ...]) -> Any:
        """See `Connection.call`."""
        return self._call(function.number, arguments)

    def _call(self, function: int, arguments: tuple[Any, ...]) -> Any:
        packer = self._packer
        if self._released:
            self._release()
        alive = packer.pack(arguments)
        failed = self._invoke(function, packer.address, len(arguments), debug())
        del alive
        found = packer.unpack()
        if failed:
            raise JuliaFailure(*found.split("\0"))
        return found

    def built_in(self, name: str, *arguments: Any) -> Any:
        """See `Connection.built_in`."""
        return self._call(self._built_in[name], arguments)

    def _release(self) -> None:
        """Let Julia let go of what no Python object looks at any more."""
        with contextlib.suppress(IndexError):  # another thread was quicker
            while True:
                self._packer.pack((self._released.pop(),))
                self._invoke(self._built_in["release"], self._packer.address, 1, 0)

    def _free_other_threads(self) -> None:
        """Let threads of Python call Julia while the one that started it waits in Python.

        Julia's garbage collector stops every thread at a safe point. The thread that started
        Julia has none while it runs Python: without this, a call from another thread would wait
        for ever.
        """
        address = self.built_in("safe_enter")
        if address:
            ctypes.CFUNCTYPE(ctypes.c_int8)(address)()


def connect(juliacall: ModuleType, ours: bool) -> Connection:
    """The quick way into Julia where a trial of it comes out right here, else the plain one."""
    if is_known() and not os.environ.get("PYHODGKIN_PLAIN_JULIA"):
        with contextlib.suppress(JuliaFailure, AttributeError, OSError):
            connection = JuliaConnection(juliacall, ours)
            if works(connection):
                return connection
    from .plain import PlainConnection

    return PlainConnection(juliacall)


def is_known() -> bool:
    """Whether this interpreter is CPython with its lock, on a machine of 64 bits."""
    locked = not sysconfig.get_config_var("Py_GIL_DISABLED")
    return sys.implementation.name == "cpython" and locked and sys.maxsize > 2**32


def works(connection: Connection) -> bool:
    """Whether arguments of each kind arrive as they are, and arrays in the same memory."""
    numbers = np.arange(6.0).reshape(2, 3)
    said = connection.built_in("trial", numbers.T, 2, -0.5, True, "µ", None)
    return said == "2.5 true µ nothing" and numbers[0, 1] == 3.0


def _open(juliacall: ModuleType) -> int:
    """Address of `invoke`. By the C interface, since juliacall's takes seconds to compile."""
    library = juliacall.CONFIG["lib"]
    evaluate, number = library.jl_eval_string, library.jl_unbox_int64
    evaluate.argtypes, evaluate.restype = [ctypes.c_char_p], ctypes.c_void_p
    number.argtypes, number.restype = [ctypes.c_void_p], ctypes.c_int64
    with _variable("PYHODGKIN_JULIA_BRIDGE", str(BRIDGE)):
        boxed = evaluate(OPEN)
    if not boxed:
        raise JuliaFailure("ErrorException", f"{BRIDGE} could not be read", "")
    return number(boxed)


def _open_slowly(juliacall: ModuleType) -> int:
    """The same by juliacall, from any thread: the C interface is for Julia's own."""
    base = juliacall.Base
    return int(base.include(base.Module(base.Symbol("pyhodgkin")), str(BRIDGE)))


@contextlib.contextmanager
def _variable(name: str, value: str) -> Iterator[None]:
    os.environ[name] = value
    try:
        yield
    finally:
        del os.environ[name]
