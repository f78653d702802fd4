"""A parser of the command line whose errors are one line each, in plain words."""

from __future__ import annotations

import argparse
import re
from collections.abc import Sequence
from typing import Any, NoReturn

from ..errors import InputError, nearest

# argparse takes "-1e5" for an option, since it knows no exponents.
_NEGATIVE = re.compile(r"^-(\d[\d_]*\.?\d*|\.\d+)([eE][+-]?\d+)?$|^-(inf|nan|infinity)$", re.I)
_WHOLE = re.compile(r"[+-]?\d+")


class Parser(argparse.ArgumentParser):
    """Numbers may be negative in every notation; names that are close to a known one are told."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._negative_number_matcher = _NEGATIVE  # type: ignore[assignment]

    def error(self, message: str) -> NoReturn:
        message = re.sub(r"^argument ((?:-\w/)?(--[\w-]+|\w+)): ", r"\2: ", message)
        message = re.sub(r"^(--[\w-]+|\w+): (?=expected|not allowed|ignored)", r"\1 ", message)
        message = message.replace("not allowed with argument", "cannot be given together with")
        message = message.replace("expected at least one argument", "needs at least one value")
        message = message.replace("expected one argument", "needs a value")
        message = message.replace("the following arguments are required:", "missing:")
        message = message.replace("one of the arguments", "give one of")
        message = re.sub(r"^give one of (.*) is required$", r"give one of \1", message)
        raise InputError(f"{message} (see {self.prog} --help)")

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        if action.choices is None or value in action.choices:
            return
        kind = "command " if isinstance(action, argparse._SubParsersAction) else ""
        hint = nearest(str(value), [str(choice) for choice in action.choices])
        between = "; " if hint.startswith("did") else " "
        text = f'unknown {kind}"{value}"{between}{hint}'
        raise argparse.ArgumentError(None if kind else action, text)

    def check_names(self, arguments: Sequence[str]) -> None:
        """Whether every option among `arguments` is one of this command's.

        Raises
        ------
        InputError
            With the nearest option.
        """
        known = [name for name in self._option_string_actions if name.startswith("--")]
        for argument in arguments:
            name = argument.partition("=")[0]
            if argument == "--":
                return
            if not name.startswith("--") or any(option.startswith(name) for option in known):
                continue
            hint = nearest(name, known).partition(" (known")[0]
            hint = hint if hint.startswith("did") else ""
            raise InputError(
                f"unknown option {name}" + (f"; {hint}" if hint else "")
                + f" (see {self.prog} --help)"
            )  # fmt: skip


def number(text: str) -> float:
    """A finite number, for ``type=``.

    Examples
    --------
    >>> number("-1e5")
    -100000.0
    """
    try:
        value = float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(_no_number(text)) from None
    if value - value != 0.0:
        raise argparse.ArgumentTypeError(f'"{text}" is not a finite number')
    return value


def positive(text: str) -> float:
    """A number above zero."""
    value = number(text)
    if value <= 0:
        raise argparse.ArgumentTypeError(f'"{text}" is not above zero')
    return value


def whole(text: str) -> int:
    """A whole number."""
    if not _WHOLE.fullmatch(text.strip()):
        number(text)
        raise argparse.ArgumentTypeError(f'"{text}" is not a whole number')
    return int(text)


def zero_or_more(text: str) -> float:
    """A number that is not negative."""
    value = number(text)
    if value < 0:
        raise argparse.ArgumentTypeError(f'"{text}" is below zero')
    return value


def count(text: str) -> int:
    """A whole number, at least 1."""
    value = whole(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f'"{text}" is less than 1')
    return value


def _no_number(text: str) -> str:
    if not text.strip():
        return "an empty text is not a number"
    if re.fullmatch(r"[+-]?\d*,\d+([eE][+-]?\d+)?", text.strip()):
        return f'"{text}" is not a number: write {text.strip().replace(",", ".")}'
    return f'"{text}" is not a number'
