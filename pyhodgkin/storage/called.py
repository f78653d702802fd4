"""What was called, a command line or a verb with its arguments, so that a result can say it."""

from __future__ import annotations

import inspect
import re
import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import MISSING, Field, fields, is_dataclass
from functools import wraps
from typing import Any, ParamSpec, TypeVar

import numpy as np

P = ParamSpec("P")
R = TypeVar("R")

# How a run is done and where it is kept, which changes nothing in its result.
ASIDE = (
    *("out", "resume", "overwrite", "checkpoint_every", "progress", "callback", "throw"),
    *("workers", "cluster", "say"),
)
_MOST = 100  # numbers of an array that are written one by one
_command: ContextVar[tuple[str, ...]] = ContextVar("command", default=())
_call: ContextVar[str] = ContextVar("call", default="")


def command() -> str:
    """The command line that is running, quoted for a shell; empty in a program of one's own."""
    arguments = [a for a in _command.get() if a not in ("--resume", "--traceback")]
    return shlex.join(["pyhodgkin", *arguments]) if arguments else ""


def call() -> str:
    """The call that is running, with the arguments that are not the default; or empty."""
    return _call.get()


@contextmanager
def commanded(arguments: Sequence[str]) -> Iterator[None]:
    """`command` says these arguments of a command line in this block.

    Examples
    --------
    >>> with commanded(["fit", "my cell.csv", "--out", "run", "--resume"]):
    ...     print(command())
    pyhodgkin fit 'my cell.csv' --out run
    """
    token = _command.set(tuple(map(str, arguments)))
    try:
        yield
    finally:
        _command.reset(token)


def remembered(verb: Callable[P, R]) -> Callable[P, R]:
    """The same function, whose call `call` says while it runs.

    Examples
    --------
    >>> @remembered
    ... def double(x, *, times=2):
    ...     return call()
    >>> double([1.0], times=3), double([1.0], times=2)
    ('double([1.0], times=3)', 'double([1.0])')
    """
    signature = inspect.signature(verb)

    @wraps(verb)
    def inside(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            given = signature.bind(*args, **kwargs).arguments
        except TypeError:  # the function says it better
            return verb(*args, **kwargs)
        token = _call.set(f"{verb.__name__}({', '.join(_parts(signature, given))})")
        try:
            return verb(*args, **kwargs)
        finally:
            _call.reset(token)

    return inside


def _parts(signature: inspect.Signature, given: Mapping[str, Any]) -> list[str]:
    parts = []
    for name, value in given.items():
        parameter = signature.parameters[name]
        if parameter.kind is parameter.VAR_KEYWORD:
            parts += [f"{n}={_written(n, x)}" for n, x in value.items()]
        elif parameter.default is parameter.empty:
            parts.append(_written(name, value))
        elif name not in ASIDE and _written(name, value) != _written(name, parameter.default):
            parts.append(f"{name}={_written(name, value)}")
    return parts


def _written(name: str, value: Any) -> str:
    """A value as it would be typed; data and objects by the name of their argument."""
    if isinstance(value, np.ndarray) and value.size <= _MOST:
        value = value.tolist()
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, Mapping):
        inside = (f"{k!r}: {_written(name, x)}" for k, x in value.items())
        return "{" + ", ".join(inside) + "}"
    if isinstance(value, (list, tuple)):
        inside = [_written(name, x) for x in value]
        return name if name in inside else f"[{', '.join(inside)}]"
    if value is None or isinstance(value, (bool, int, float, str)):
        return repr(value)
    if callable(value) and hasattr(value, "__name__"):
        return str(value.__name__)
    text = repr(value)
    typed = re.match(rf"{re.escape(type(value).__name__)}\((\w+=|\)$)", text)
    if not typed or " at 0x" in text:
        return name
    return _fields(value) if is_dataclass(value) else text


def _fields(value: Any) -> str:
    """An object of plain fields, with those that are not the default."""
    own = [f for f in fields(value) if f.init]
    changed = [(f.name, getattr(value, f.name)) for f in own if not _default(f, value)]
    if not changed and isinstance(getattr(value, "name", None), str):
        return repr(value.name)
    inside = ", ".join(f"{n}={_written(n, x)}" for n, x in changed)
    return f"{type(value).__name__}({inside})"


def _default(field: Field[Any], value: Any) -> bool:
    default = field.default if field.default_factory is MISSING else field.default_factory()
    return default is not MISSING and repr(getattr(value, field.name)) == repr(default)
