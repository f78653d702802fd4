"""Reading the fields of a JSON object, with messages that say where and what is wrong."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from ..errors import DocumentError, nearest


class Fields:
    """The fields of one JSON object: each is taken once, and none may be left over.

    Parameters
    ----------
    data : object
        What the JSON held.
    where : str
        Place of the object in the document, for the messages.

    Examples
    --------
    >>> Fields({"c_m": "one"}, "neuron").number("c_m")
    Traceback (most recent call last):
    pyhodgkin.errors.DocumentError: neuron: field "c_m" is "one"; it must be a number
    """

    def __init__(self, data: Any, where: str) -> None:
        if not isinstance(data, dict):
            raise DocumentError(f"{where} is {_text(data)}; it must be an object with fields")
        self._data = data
        self._where = where
        self._taken: list[str] = []

    def take(self, name: str) -> Any:
        """The field `name`, whatever it is."""
        self._taken.append(name)
        if name not in self._data:
            raise DocumentError(f'{self._where}: field "{name}" is missing')
        return self._data[name]

    def optional(self, name: str) -> Any:
        """The field `name`, or None where it is missing."""
        self._taken.append(name)
        return self._data.get(name)

    def text(self, name: str) -> str:
        return self._checked(name, lambda x: isinstance(x, str), "a text")

    def number(self, name: str) -> float:
        return float(self._checked(name, _is_number, "a number"))

    def number_or_none(self, name: str) -> float | None:
        value = self._checked(name, lambda x: x is None or _is_number(x), "a number or null")
        return None if value is None else float(value)

    def integer(self, name: str) -> int:
        whole = self._checked(name, lambda x: _is_number(x) and x == int(x), "a whole number")
        return int(whole)

    def listing(self, name: str) -> list[Any]:
        return self._checked(name, lambda x: isinstance(x, list), "a list")

    def texts(self, name: str) -> tuple[str, ...]:
        return tuple(self._checked(name, _list_of(lambda x: isinstance(x, str)), "a list of texts"))

    def numbers(self, name: str) -> tuple[float, ...]:
        return tuple(self._checked(name, _list_of(_is_number), "a list of numbers"))

    def numbers_by_name(self, name: str) -> dict[str, float]:
        def fits(x: Any) -> bool:
            return isinstance(x, dict) and all(_is_number(value) for value in x.values())

        return self._checked(name, fits, "an object of numbers")

    def finish(self) -> None:
        """Refuse fields that nobody took: a misspelt name would otherwise be ignored."""
        for name in self._data:
            if name not in self._taken:
                hint = nearest(name, self._taken)
                raise DocumentError(f'{self._where}: unknown field "{name}"; {hint}')

    def _checked(self, name: str, fits: Callable[[Any], bool], wanted: str) -> Any:
        value = self.take(name)
        if not fits(value):
            text = _text(value)
            raise DocumentError(f'{self._where}: field "{name}" is {text}; it must be {wanted}')
        return value


def _is_number(value: Any) -> bool:
    if not isinstance(value, int | float) or isinstance(value, bool):
        return False
    try:
        return math.isfinite(value)
    except OverflowError:  # a whole number beyond what a float can hold
        return False


def _list_of(fits: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, list) and all(fits(item) for item in value)


def _text(value: Any) -> str:
    if isinstance(value, str):
        return f'"{value[:40]}"'
    if isinstance(value, dict | list):
        return "an object" if isinstance(value, dict) else "a list"
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    return str(value)[:40]
