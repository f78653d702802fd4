"""Exceptions of Julia as exceptions of the package: one line, and no Julia object in them."""

from __future__ import annotations

from ...errors import InputError, SolveError
from .connection import JuliaFailure

MORE = "PYHODGKIN_DEBUG=1 in the environment shows where in Julia"


class JuliaTrace(Exception):
    """The text that Julia itself prints for an exception, with its stack; a cause, never raised.

    A plain string, because the exception of juliacall holds Julia objects and cannot be pickled.
    """


def translated(failure: JuliaFailure, name: str) -> BaseException:
    """What to raise for an exception that came out of a call of `name`.

    An `InputError` of the Julia package is ours, with its message; an interrupt and exhausted
    memory are Python's own; everything else is a `SolveError` of one line. With
    ``PYHODGKIN_DEBUG=1`` its cause holds Julia's text.
    """
    found: BaseException
    if failure.kind == "InputError":
        found = InputError(failure.said)
    elif failure.kind == "InterruptException":
        found = KeyboardInterrupt()
    elif failure.kind == "OutOfMemoryError":
        found = MemoryError(f"the Julia engine ran out of memory in {name}")
    else:
        line = one_line(failure.said)
        found = SolveError(f"the Julia engine failed in {name}: {line} ({MORE})")
    found.__cause__ = JuliaTrace(failure.stack) if failure.stack else None
    return found


def one_line(text: str, longest: int = 300) -> str:
    """The first line that says something, cut where it gets long."""
    line = next((line.strip() for line in text.splitlines() if line.strip()), "no message")
    return line if len(line) <= longest else line[: longest - 1] + "…"
