"""Calls into Julia by what juliacall documents, for interpreters the quick way is not known in.

The same interface as `JuliaConnection`, some hundred times slower for each argument, and for the
thread that started Julia only.
"""

from __future__ import annotations

import threading
from types import ModuleType
from typing import Any

import numpy as np

from ...errors import BackendUnavailableError
from .abi import check_array, element_of, plain_value
from .connection import BRIDGE, JuliaFailure
from .environment import debug


class PlainPiece:
    """Something that Julia holds for Python, of an array of numbers with its memory."""

    __slots__ = ("__array_interface__", "value")

    def __init__(self, value: Any) -> None:
        self.value = value
        memory = getattr(value, "__array_interface__", None)
        if memory is not None:
            self.__array_interface__ = memory

    def __repr__(self) -> str:
        return "<Julia object>"

    def __reduce__(self) -> Any:
        raise TypeError("an object of a running Julia cannot be pickled")


class PlainConnection:
    """The plain way into Julia; see `Connection`."""

    def __init__(self, juliacall: ModuleType) -> None:
        base = juliacall.Base
        self._bridge: Any = base.Module(base.Symbol("pyhodgkin"))
        base.include(self._bridge, str(BRIDGE))
        self._guarded = self._bridge.guarded._jl_call_nogil
        self._free = juliacall.PythonCall.GC.gc  # what Julia finalised while Python was not locked
        self._thread = threading.get_ident()

    def call(self, function: PlainPiece, arguments: tuple[Any, ...]) -> Any:
        """See `Connection.call`."""
        return self._call(function.value, arguments)

    def built_in(self, name: str, *arguments: Any) -> Any:
        """See `Connection.built_in`."""
        return self._call(getattr(self._bridge, name), arguments)

    def _call(self, function: Any, arguments: tuple[Any, ...]) -> Any:
        if threading.get_ident() != self._thread:
            raise BackendUnavailableError(
                "in this Python only the thread that started Julia can call it; call the engine "
                'from there, or use backend="torch"'
            )
        self._free()
        failed, found = self._guarded(function, int(debug()), *map(self._argument, arguments))
        if failed:
            raise JuliaFailure(*found.split("\0"))
        return found if found is None or isinstance(found, (int, float, str)) else PlainPiece(found)

    def _argument(self, argument: Any) -> Any:
        if isinstance(argument, PlainPiece):
            return argument.value
        if not isinstance(argument, np.ndarray):
            return plain_value(argument)
        check_array(argument)
        address = argument.__array_interface__["data"][0]
        return self._bridge.wrapped(element_of(argument), address, *argument.shape)
