"""Exceptions of Julia as exceptions of the package: one line, and no Julia object in them."""

from __future__ import annotations

import sys
from typing import Any

from ...errors import InputError, SolveError
from .environment import debug

MORE = "PYHODGKIN_DEBUG=1 in the environment shows where in Julia"


class JuliaTrace(Exception):
    """The text that Julia itself prints for an exception, with its stack; a cause, never raised.

    A plain string, because the exception of juliacall holds Julia objects and cannot be pickled.
    """


def translated(error: BaseException, name: str) -> BaseException:
    """What to raise for `error`, which came out of a call of `name`.

    An `InputError` of the Julia package is ours, with its message; an interrupt and exhausted
    memory are Python's own; everything else is a `SolveError` of one line. With
    ``PYHODGKIN_DEBUG=1`` its cause holds Julia's text.
    """
    kind, message = described(error)
    found: BaseException
    if kind == "InputError":
        found = InputError(message)
    elif kind == "InterruptException":
        found = KeyboardInterrupt()
    elif kind == "OutOfMemoryError":
        found = MemoryError(f"the Julia engine ran out of memory in {name}")
    else:
        found = SolveError(f"the Julia engine failed in {name}: {message} ({MORE})")
    found.__cause__ = JuliaTrace(str(error)) if debug() else None
    found.__suppress_context__ = True
    return found


def described(error: BaseException) -> tuple[str, str]:
    """Name of the type of the Julia exception, and what it says, in one line."""
    exception = getattr(error, "exception", None)
    if exception is None:  # juliacall makes a few of them TypeError, IndexError, …
        return type(error).__name__, one_line(str(error))
    base: Any = sys.modules["juliacall"].Base
    inner = root(exception, base)
    kind, said = str(base.nameof(base.typeof(inner))), str(base.sprint(base.showerror, inner))
    return kind, said if kind == "InputError" else one_line(said)


def root(exception: Any, base: Any) -> Any:
    """The first exception inside those that tasks and threads wrap around it."""
    for _ in range(8):
        kind = str(base.nameof(base.typeof(exception)))
        if kind == "TaskFailedException":
            exception = base.getproperty(exception.task, base.Symbol("result"))
        elif kind == "CompositeException" and len(exception.exceptions) > 0:
            exception = exception.exceptions[0]
        elif kind in ("CapturedException", "LoadError"):
            name = "ex" if kind == "CapturedException" else "error"
            exception = base.getfield(exception, base.Symbol(name))
        else:
            break
    return exception


def one_line(text: str, longest: int = 300) -> str:
    """The first line that says something, cut where it gets long."""
    line = next((line.strip() for line in text.splitlines() if line.strip()), "no message")
    return line if len(line) <= longest else line[: longest - 1] + "…"
