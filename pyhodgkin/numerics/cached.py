"""A property that is computed once, without a lock."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from functools import cached_property
else:

    class cached_property:
        """As of `functools`, where until Python 3.11 it has a lock that all instances share.

        A process that is forked while another thread holds that lock waits for it forever. Where
        two threads ask at the same time, both compute, and both get what the first has found.

        Examples
        --------
        >>> class Cell:
        ...     @cached_property
        ...     def area(self):
        ...         return [1.0]
        >>> cell = Cell()
        >>> cell.area is cell.area
        True
        """

        def __init__(self, function: Callable) -> None:
            self.func, self.name = function, function.__name__
            self.__doc__ = function.__doc__

        def __set_name__(self, owner: type, name: str) -> None:
            self.name = name

        def __get__(self, instance: Any, owner: type | None = None) -> Any:
            if instance is None:
                return self
            found = vars(instance)
            if self.name not in found:
                found.setdefault(self.name, self.func(instance))
            return found[self.name]


__all__ = ["cached_property"]
