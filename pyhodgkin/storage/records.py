"""Plain dataclasses and texts from JSON, of the kinds that they state."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import fields
from typing import Any, TypeVar

T = TypeVar("T")
_KINDS: dict[str, tuple[type, ...]] = {
    "str": (str,), "bool": (bool,), "int": (int,), "float": (int, float),
}  # fmt: skip


def record(cls: type[T], data: Mapping[str, Any]) -> T:
    """A dataclass from the values of its fields, those of plain kinds checked.

    Raises
    ------
    ValueError
        If a text is no text, a number no number.
    TypeError
        If a field is missing, or there is another one.

    Examples
    --------
    >>> from dataclasses import dataclass
    >>> @dataclass
    ... class Spike:
    ...     time: float
    >>> record(Spike, {"time": "late"})
    Traceback (most recent call last):
    ValueError: time = 'late' is no float
    """
    for field in fields(cls):  # type: ignore[arg-type]
        kind = getattr(field.type, "__name__", field.type)
        kinds, value = _KINDS.get(str(kind)), data.get(field.name)
        if kinds is None or field.name not in data:
            continue
        if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
            raise ValueError(f"{field.name} = {value!r:.60} is no {kind}")
    return cls(**data)


def texts(values: Iterable[Any]) -> tuple[str, ...]:
    """Texts of a list; ValueError where one is none.

    Examples
    --------
    >>> texts(["na.g", "k.g"])
    ('na.g', 'k.g')
    """
    found = tuple(values)
    for value in found:
        if not isinstance(value, str):
            raise ValueError(f"{value!r:.60} stands where a text should")
    return found
