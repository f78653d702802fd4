"""Which columns or arrays hold the time, the potential, the current: named, usual, or by unit."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from ..errors import RecordingError, nearest
from .names import USUAL, Measured, measured

_LISTED = 6


def named(
    names: Sequence[str], quantity: str, given: Any, signals: Mapping[str, str], path: str
) -> list[str]:
    """The columns that the user means by `given`.

    A full name, a name without its unit, a number of a column, a recorded signal or a series of
    sweeps (``"IN 0"``, ``"Trace"``), a pattern (``"Trace * (mV)"``), or several of these.
    """
    if isinstance(given, (list, tuple)):
        return [name for item in given for name in named(names, quantity, item, signals, path)]
    if isinstance(given, int) and 0 <= given < len(names):
        return [names[given]]
    text = str(given).strip()
    if text in names:
        return [text]
    known = {name: measured(name) for name in names}
    other = {"voltage": "current", "current": "voltage"}.get(quantity)
    fits = [name for name in names if known[name].quantity != other or other is None]
    if "*" in text:
        pattern = re.compile(".*".join(map(re.escape, text.split("*"))))
        found = [name for name in fits if pattern.fullmatch(name)]
    else:
        found = [name for name in fits if known[name].base == text and text]
        found = found or [name for name in fits if signals.get(name) == text]
        found = found or [name for name in fits if known[name].series == text]
        if len(_series(found, known, signals)) > 1:
            found = []
    if not found:
        raise RecordingError(
            f'{path} has no {quantity} called "{given}"; {nearest(text, names)}'
            + ("" if len(names) <= 20 else f"(it has {listed(names)})")
        )
    return found


def usual(names: Sequence[str], quantity: str, signals: Mapping[str, str], path: str) -> list[str]:
    """The columns of a quantity by their usual name, else the only ones in mV or in pA.

    Columns that differ in the number of a sweep alone (``"Trace #1 (mV)"``, ``"Trace #2 (mV)"``)
    are the sweeps of one signal.

    Raises
    ------
    RecordingError
        When several columns may be meant.
    """
    known = {name: measured(name) for name in names}
    words = USUAL[quantity]
    found = [
        name
        for name in names
        if known[name].base.lower() in words and known[name].quantity in (None, quantity)
    ]
    if not found and quantity in ("voltage", "current"):
        found = [name for name in names if known[name].quantity == quantity]
    groups = _series(found, known, signals)
    if len(groups) > 1:
        shown = [group[0] if len(group) == 1 else f"{group[0]} …" for group in groups.values()]
        labels = [
            f"{x} ({signals[g[0]]})" if signals.get(g[0]) else x
            for x, g in zip(shown, groups.values(), strict=True)
        ]
        first = next((signals[g[0]] for g in groups.values() if signals.get(g[0])), "")
        fix = f'{quantity}= one of them, or {quantity}="…*" where each is a sweep'
        raise RecordingError(
            f"{path} has several arrays that may be the {quantity} ({listed(labels)}): give "
            + (f'{quantity}= the signal, for instance {quantity}="{first}"' if first else fix)
        )
    return found


def listed(names: Sequence[str]) -> str:
    """The first names and how many more there are."""
    more = f", … {len(names)} in all" if len(names) > _LISTED else ""
    return ", ".join(names[:_LISTED]) + more


def _series(
    found: Sequence[str], known: Mapping[str, Measured], signals: Mapping[str, str]
) -> dict[tuple, list[str]]:
    """Names by the signal whose sweeps they are."""
    groups: dict[tuple, list[str]] = {}
    for name in found:
        what = known[name]
        key = (what.series, what.unit, signals.get(name)) if what.sweep is not None else (name,)
        groups.setdefault(key, []).append(name)
    return groups
