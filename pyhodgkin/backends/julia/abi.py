"""Arguments and results as numbers in memory: what goes over the bridge is an address.

In words of 64 bits: a kind, then what belongs to it. Julia wraps the memory of an array where it
lies and sees a plain `Array`, for which its code is compiled beforehand. What Julia made stays in
its memory, held there under a number until the last Python object that looks at it is gone.
"""

from __future__ import annotations

import ctypes
import struct
import sys
import threading
from collections.abc import Callable
from typing import Any

import numpy as np

from ...errors import InputError

INTEGER, FLOAT, BOOLEAN, STRING, NOTHING, OBJECT = range(6)

# Order of `ELEMENTS` in bridge.jl; an array of kind e with n axes is 16 e + n.
ELEMENTS = ("float64", "int64", "uint8", "bool", "float32", "int32")
_CODES = {np.dtype(name): 16 * i for i, name in enumerate(ELEMENTS, 1)}
_WORDS = 1024
_bits = struct.Struct("q"), struct.Struct("d")


class Piece:
    """Something that Julia holds for Python: an object, or with `shape` an array of numbers."""

    __slots__ = ("__array_interface__", "_released", "number")

    def __init__(self, number: int, released: list[int]) -> None:
        self.number = number
        self._released = released

    def __del__(self) -> None:
        # Into a list that the next call works through: this may run in any thread, at any time.
        self._released.append(self.number)

    def __repr__(self) -> str:
        return f"<Julia object {self.number}>"

    def __reduce__(self) -> Any:
        raise TypeError("an object of a running Julia cannot be pickled")


class Packer(threading.local):
    """A piece of memory for each thread, for the arguments of one call, and then its result."""

    def __init__(self, released: list[int]) -> None:
        self._memory = (ctypes.c_int64 * _WORDS)()
        self._released = released
        self.address = ctypes.addressof(self._memory)

    def pack(self, arguments: tuple[Any, ...]) -> list[Any]:
        """Write arguments; what is returned must live as long as the call."""
        words: list[int] = []
        alive: list[Any] = []
        for argument in arguments:
            if type(argument) is np.ndarray:
                _array(argument, words)
            elif type(argument) is Piece:
                words += (OBJECT, argument.number)
            else:
                _other(argument, words, alive)
        try:
            struct.pack_into(f"{len(words)}q", self._memory, 0, *words)
        except struct.error as error:
            raise InputError(f"the arguments of a Julia function: {error}") from None
        return alive

    def unpack(self) -> Any:
        """Read a result."""
        kind, word = self._memory[0], self._memory[1]
        if kind == NOTHING:
            return None
        if kind == INTEGER:
            return word
        if kind == FLOAT:
            return _bits[1].unpack(_bits[0].pack(word))[0]
        if kind == BOOLEAN:
            return bool(word)
        piece, more = Piece(word, self._released), self._memory[2:20]
        if kind == STRING:
            return ctypes.string_at(more[0], more[1]).decode("utf-8", "replace")
        if kind != OBJECT:
            element, axes = divmod(kind, 16)
            piece.__array_interface__ = _interface(
                ELEMENTS[element - 1], more[0], more[1 : axes + 1]
            )
        return piece


def _interface(element: str, address: int, sizes: list[int]) -> dict[str, Any]:
    """What `numpy.asarray` asks for, the axes in Julia's order."""
    dtype = np.dtype(element)
    strides = [dtype.itemsize]
    for size in sizes[:-1]:
        strides.append(strides[-1] * size)
    return {
        "version": 3, "typestr": dtype.str, "data": (address, False), "shape": tuple(sizes),
        "strides": tuple(strides[: len(sizes)]),
    }  # fmt: skip


def element_of(array: np.ndarray) -> int:
    """The place of an array's type in `ELEMENTS`, from 1 on."""
    return _CODES[array.dtype] // 16


def plain_value(argument: Any) -> bool | int | float | str | None:
    """A number, text or None as Python's own."""
    if isinstance(argument, (bool, np.bool_)):
        return bool(argument)
    if isinstance(argument, (int, np.integer)):
        if not -(2**63) <= argument < 2**63:
            raise InputError(f"the arguments of a Julia function: {argument} is not of 64 bits")
        return int(argument)
    if isinstance(argument, (float, np.floating)):
        return float(argument)
    if argument is None or isinstance(argument, str):
        return argument
    raise TypeError(f"a {type(argument).__name__} cannot be an argument of a Julia function")


def check_array(array: np.ndarray) -> None:
    """Raise unless Julia can use an array where it lies."""
    if array.dtype not in _CODES or not array.flags.f_contiguous or array.ndim > 15:
        raise InputError(
            f"an array {array.shape} of {array.dtype} cannot go to Julia as it lies: give "
            f"{', '.join(ELEMENTS)}, in Fortran order (the transpose of a C-order array)"
        )


def _array(array: np.ndarray, words: list[int]) -> None:
    """Kind, address and sizes, in Julia's order: the first index runs fastest."""
    check_array(array)
    words += (_CODES[array.dtype] + array.ndim, _address(array), *array.shape)


def _by_interface(array: np.ndarray) -> int:
    return array.__array_interface__["data"][0]


def _by_structure(array: np.ndarray) -> int:
    """Ten times faster: numpy's C structure begins with the address, after Python's own part."""
    return _pointer(id(array) + object.__basicsize__).value


_pointer: Any = ctypes.c_size_t.from_address


def _fastest() -> Callable[[np.ndarray], int]:
    trials = [np.zeros(5), np.zeros((2, 3, 4)).T, np.zeros((4, 4))[:, 1:2]]
    right = sys.implementation.name == "cpython" and all(
        _by_structure(trial) == _by_interface(trial) for trial in trials
    )
    return _by_structure if right else _by_interface


_address = _fastest()


def _other(argument: Any, words: list[int], alive: list[Any]) -> None:
    if isinstance(argument, np.ndarray):
        return _array(argument.view(np.ndarray), words)
    value = plain_value(argument)
    if isinstance(value, bool):
        words += (BOOLEAN, int(value))
    elif isinstance(value, int):
        words += (INTEGER, value)
    elif isinstance(value, float):
        words += (FLOAT, _bits[0].unpack(_bits[1].pack(value))[0])
    elif isinstance(value, str):
        text = np.frombuffer(value.encode() + b"\0", np.uint8)
        alive.append(text)
        words += (STRING, text.__array_interface__["data"][0], len(text) - 1)
    else:
        words += (NOTHING, 0)
