"""Loops between two numbers, and arrays whose elements are variables of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..errors import InputError
from .algebra import num
from .syntax import Statement, Term

if TYPE_CHECKING:
    from .execution import Execution

MOST_ELEMENTS, MOST_TURNS = 100, 200


def element_names(name: str, size: int) -> list[str]:
    """The variables that are the elements of an array.

    Examples
    --------
    >>> element_names("inf", 2)
    ['inf[0]', 'inf[1]']
    """
    return [f"{name}[{i}]" for i in range(size)]


def loop(run: Execution, s: Statement) -> None:
    """Each turn of a loop; its variable is known within it."""
    assert s.term is not None
    first, last = (_whole(run, x, "the bound of a loop") for x in s.term.parts)
    if last - first >= MOST_TURNS:
        raise InputError(f"has {last - first + 1} turns; the limit is {MOST_TURNS}")
    before = run.local[-1].get(s.name)
    for i in range(first, last + 1):
        run.local[-1][s.name] = num(float(i))
        run.statements(s.body)
    run.local[-1].pop(s.name, None)
    if before is not None:
        run.local[-1][s.name] = before


def element(run: Execution, name: str, at: Term) -> str:
    """The variable that is an element of an array."""
    found = f"{name}[{_whole(run, at, f'the index of {name}')}]"
    if found not in run.mechanism.assigned and found not in run.local[-1]:
        raise InputError(f"has {found}, which is not in an array that is declared")
    return found


def no_array(run: Execution, name: str) -> None:
    """Refuse the name of an array without an index."""
    if f"{name}[0]" in run.mechanism.assigned:
        raise InputError(f"has the array {name} without an index")


def _whole(run: Execution, x: Term, what: str) -> int:
    value = run.value(x).value
    if value is None or value != int(value):
        raise InputError(f"has no whole number as {what}")
    return int(value)
