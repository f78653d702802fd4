"""Exceptions of Julia as exceptions of the package: one line, and no Julia object in them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...errors import InputError, SolveError
from .environment import debug

MORE = "PYHODGKIN_DEBUG=1 in the environment shows where in Julia"


class JuliaTrace(Exception):
    """The text that Julia itself prints for an exception, with its stack; a cause, never raised.

    A plain string, because the exception of juliacall holds Julia objects and cannot be pickled.
    """


def translated(
    error: BaseException, name: str, explain: Callable[[Any], tuple[str, str]]
) -> BaseException:
    """What to raise for `error`, which came out of a call of `name`.

    An `InputError` of the Julia package is ours, with its message; an interrupt and exhausted
    memory are Python's own; everything else is a `SolveError` of one line. With
    ``PYHODGKIN_DEBUG=1`` its cause holds Julia's text. `explain` tells the name of the type of a
    Julia exception, and what it says.
    """
    exception = getattr(error, "exception", None)
    if exception is None:  # juliacall makes a few of them TypeError, IndexError, …
        kind, said = type(error).__name__, str(error)
    else:
        kind, said = (str(text) for text in explain(exception))
    found: BaseException
    if kind == "InputError":
        found = InputError(said)
    elif kind == "InterruptException":
        found = KeyboardInterrupt()
    elif kind == "OutOfMemoryError":
        found = MemoryError(f"the Julia engine ran out of memory in {name}")
    else:
        found = SolveError(f"the Julia engine failed in {name}: {one_line(said)} ({MORE})")
    found.__cause__ = JuliaTrace(str(error)) if debug() else None
    return found


def one_line(text: str, longest: int = 300) -> str:
    """The first line that says something, cut where it gets long."""
    line = next((line.strip() for line in text.splitlines() if line.strip()), "no message")
    return line if len(line) <= longest else line[: longest - 1] + "…"
