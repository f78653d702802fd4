"""Which sweeps of a file are read: `sweeps=` and `exclude=` of `pyhodgkin.read`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from operator import index
from typing import Any

from ..errors import RecordingError, nearest

# So many names at most are listed in an error.
_LISTED = 12


def chosen(names: Sequence[str], sweeps: Any, exclude: Any, path: str) -> list[int]:
    """Positions of the sweeps to read, in the order of `sweeps` (all, in order, without it).

    Parameters
    ----------
    names : sequence of str
        Names of all sweeps of the file, in order.
    sweeps, exclude : int, str, slice, range, or a sequence of these; or None
        Positions from 0 (negative ones from the end), or names; a name that several sweeps
        have means all of them.
    path : str
        The file, for errors.

    Raises
    ------
    RecordingError
        For a position or name that the file does not have, one that is chosen twice, or when
        nothing is left.

    Examples
    --------
    >>> chosen(["a", "b", "c", "d"], [0, "c", -1], None, "cell.abf")
    [0, 2, 3]
    >>> chosen(["a", "b", "c", "d"], slice(1, None), "c", "cell.abf")
    [1, 3]
    """
    wanted = range(len(names)) if sweeps is None else _positions(names, sweeps, "sweeps", path)
    left_out = () if exclude is None else _positions(names, exclude, "exclude", path)
    found = [i for i in wanted if i not in set(left_out)]
    if names and not found:
        raise RecordingError(
            f"{path}: sweeps={sweeps!r}, exclude={exclude!r} leave no sweep; it has {_all(names)}"
        )
    return found


def _positions(names: Sequence[str], given: Any, argument: str, path: str) -> list[int]:
    several = isinstance(given, Iterable) and not isinstance(given, (str, bytes, range))
    found: list[int] = []
    for item in given if several else [given]:
        found += _position(names, item, argument, path)
    twice = next((i for i in found if found.count(i) > 1), None)
    if twice is not None:
        raise RecordingError(
            f'{path}: {argument}={given!r} names sweep {twice} ("{names[twice]}") twice'
        )
    return found


def _position(names: Sequence[str], item: Any, argument: str, path: str) -> list[int]:
    count = len(names)
    if isinstance(item, slice):
        try:
            return list(range(count))[item]
        except (TypeError, ValueError) as error:
            raise RecordingError(f"{path}: {argument}={item!r}: {error}") from None
    if isinstance(item, range):
        return [i for k in item for i in _position(names, k, argument, path)]
    if isinstance(item, str):
        if item not in names:
            raise RecordingError(
                f'{path}: {argument}: no sweep is called "{item}"; {_near(item, names)}'
            )
        return [i for i, name in enumerate(names) if name == item]
    try:
        place = None if isinstance(item, bool) else index(item)
    except TypeError:
        place = None
    if place is None:
        raise RecordingError(
            f"{path}: {argument} holds {item!r}: give positions from 0, names, slices or ranges"
        )
    if not -count <= place < count:
        raise RecordingError(f"{path}: {argument}: there is no sweep {place}; it has {_all(names)}")
    return [place % count]


def _all(names: Sequence[str]) -> str:
    listed = ", ".join(f'{i} "{name}"' for i, name in enumerate(names[:_LISTED]))
    more = ", …" if len(names) > _LISTED else ""
    return f"{len(names)} sweep{'s' if len(names) != 1 else ''}: {listed}{more}"


def _near(name: str, names: Sequence[str]) -> str:
    return nearest(name, dict.fromkeys(names)) or f"it has {_all(names)}"
