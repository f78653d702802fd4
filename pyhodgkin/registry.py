"""Things by name, to which others can be added from outside the package."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Generic, TypeVar

from .errors import InputError, unknown

T = TypeVar("T")


class Registry(Mapping[str, T], Generic[T]):
    """Things of one kind by name: those of the package, and those that were registered.

    Parameters
    ----------
    kind : str
        What they are, for messages: ``"optimizer"``.
    own : mapping of str to thing
        Those of the package; their names cannot be taken.
    reserved : tuple of str
        Names that are taken otherwise.

    Examples
    --------
    >>> colours = Registry("colour", {"red": 1})
    >>> colours.register("green", 2)
    >>> list(colours), colours["green"]
    (['red', 'green'], 2)
    >>> colours["gren"]
    Traceback (most recent call last):
        ...
    pyhodgkin.errors.UnknownNameError: unknown colour "gren"; did you mean "green"? ...
    """

    def __init__(self, kind: str, own: Mapping[str, T], reserved: tuple[str, ...] = ()) -> None:
        self._kind, self._own, self._reserved = kind, dict(own), reserved
        self._added: dict[str, T] = {}

    def register(self, name: str, item: T) -> None:
        """Add `item`, or put it in the place of one that was added under that name.

        Raises
        ------
        InputError
            If the name is one of the package's own, or no text.
        """
        if not isinstance(name, str) or not name.strip():
            raise InputError(f"{self._kind}: name = {name!r}; give a text")
        if name in self._own or name in self._reserved:
            raise InputError(f'{self._kind}: "{name}" is one of the package; give another name')
        self._added[name] = item

    def remove(self, name: str) -> None:
        """Take away what was registered under `name`."""
        if name not in self._added:
            raise unknown(f"registered {self._kind}", str(name), self._added)
        del self._added[name]

    def __getitem__(self, name: str) -> T:
        found = self._added if name in self._added else self._own
        if name not in found:
            raise unknown(self._kind, str(name), [*self._reserved, *self])
        return found[name]

    def __contains__(self, name: object) -> bool:
        return name in self._own or name in self._added

    def __iter__(self) -> Iterator[str]:
        return iter([*self._own, *self._added])

    def __len__(self) -> int:
        return len(self._own) + len(self._added)
