"""Sweeps chosen on the command line: ``--sweeps 0 2``, ``--exclude 1``, ``cell.csv[0,2]``."""

from __future__ import annotations

import argparse
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..errors import InputError

Choice = int | slice | str

_WHOLE = re.compile(r"[+-]?\d+")
_RANGE = re.compile(r"([+-]?\d*):([+-]?\d*)")
_BRACKET = re.compile(r"(.+?)\[([^\[\]]+)\]((?::.*)?)", re.S)

HELP = (
    "Sweeps are counted from 0 (-1 is the last) or named as the recordings are; 0:3 stands for "
    "0, 1 and 2. For one file write FILE[0,2] or FILE[0:3], in quotes where the shell expands "
    "brackets; pyhodgkin show FILE lists the sweeps. --sweeps and the like are of RECORDING; for "
    "the files of --heldout and --test write FILE[3]."
)


def add_arguments(parser: argparse.ArgumentParser, unseen: Sequence[str] = ()) -> None:
    """``--sweeps`` and ``--exclude``, and ``--NAME-sweeps`` for each of `unseen`."""
    group = parser.add_argument_group("choosing sweeps", HELP)
    group.add_argument("--sweeps", nargs="+", metavar="N", help="sweeps to use [all]")
    group.add_argument("--exclude", nargs="+", metavar="N", help="sweeps to leave out")
    what = {"heldout": "not trained on, and", "test": "neither trained on nor chosen by, only"}
    for name in unseen:
        group.add_argument(
            f"--{name}-sweeps",
            nargs="+",
            metavar="N",
            help=f"sweeps of RECORDING that are {what[name]} scored",
        )


def choices(texts: Sequence[str] | None) -> list[Choice] | None:
    """Positions, ranges and names as `pyhodgkin.read` takes them.

    Examples
    --------
    >>> choices(["0", "2"]), choices(["0,2", "5:"]), choices(["sweep 1"])
    ([0, 2], [0, 2, slice(5, None, None)], ['sweep 1'])
    """
    if texts is None:
        return None
    return [item for text in texts for item in _items(text)]


def _items(text: str) -> list[Choice]:
    parts = [part.strip() for part in re.split(r"[,+;]", text)]
    if all(_WHOLE.fullmatch(part) or _is_range(part) for part in parts):
        return [_item(part) for part in parts]
    return [text.strip()]


def _is_range(text: str) -> bool:
    return text != ":" and _RANGE.fullmatch(text) is not None


def _item(text: str) -> Choice:
    if _WHOLE.fullmatch(text):
        return int(text)
    first, last = (int(x) if x else None for x in text.split(":"))
    return slice(first, last)


def bracketed(source: str) -> tuple[str, list[Choice] | None]:
    """A source without the sweeps in brackets after its file, and these.

    Examples
    --------
    >>> bracketed("cell.csv[0,2]"), bracketed("cell.npz[1]:dt=0.1"), bracketed("cell.csv")
    (('cell.csv', [0, 2]), ('cell.npz:dt=0.1', [1]), ('cell.csv', None))
    """
    found = None if Path(source).exists() else _BRACKET.fullmatch(source)
    if found is None:
        return source, None
    items = choices([found[2]]) or []
    if any(isinstance(item, str) and "," in item for item in items):
        items = [name.strip() for name in found[2].split(",")]
    return found[1] + found[3], items


def of_role(options: argparse.Namespace, role: str) -> dict[str, Any]:
    """Arguments of `pyhodgkin.read` for RECORDING as training data, or as held-out or test data.

    Sweeps that are held out or tested are not trained on.
    """
    if role != "train":
        return {"sweeps": choices(getattr(options, f"{role}_sweeps"))}
    others = [getattr(options, f"{name}_sweeps", None) or [] for name in ("heldout", "test")]
    left_out = choices([*(options.exclude or []), *others[0], *others[1]])
    given = {"sweeps": choices(options.sweeps), "exclude": left_out}
    return {name: value for name, value in given.items() if value}


def check(options: argparse.Namespace) -> None:
    """Raise where sweeps are chosen and there is no file to choose them from."""
    for name in ("sweeps", "exclude", "heldout_sweeps", "test_sweeps"):
        if getattr(options, name, None) and not options.recordings:
            raise InputError(f"--{name.replace('_', '-')}: there is no RECORDING to choose from")
