"""Arrays of a file by name: which hold what, and their numbers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import RecordingError
from .find import listed, named, usual
from .options import Options


@dataclass(frozen=True)
class Row:
    """One sweep of a quantity: an array, or a row of a two-dimensional one."""

    name: str
    index: int = 0


@dataclass(frozen=True)
class Table:
    """Arrays by name; `notes` is what the file says about itself.

    Parameters
    ----------
    signals : mapping
        The recorded signal of a column, where the file says so.
    labels : sequence of str
        Names of the stretches that the sweep column numbers.
    interval : float
        Spacing of the samples, ms, where the file states it.
    printed : callable, optional
        For numbers printed as text: printed times to times in ms.
    where : callable, optional
        Array and index to the place in the file, for messages.
    """

    path: str
    stem: str
    arrays: Mapping[str, NDArray]
    notes: Mapping[str, Any] = field(default_factory=dict)
    signals: Mapping[str, str] = field(default_factory=dict)
    labels: Sequence[str] = ()
    interval: float | None = None
    printed: Callable[[NDArray, float, str], NDArray] | None = None
    where: Callable[[str, int], str] | None = None

    def find(self, quantity: str, options: Options) -> list[str]:
        """Names of the arrays of a quantity: those the user gave, or those usually so named."""
        given, names = getattr(options, quantity), list(self.arrays)
        if given is not None:
            return named(names, quantity, given, self.signals, self.path)
        return usual(names, quantity, self.signals, self.path)

    def one(self, quantity: str, options: Options) -> str | None:
        """The only array of a quantity, None when there is none."""
        found = self.find(quantity, options)
        if len(found) > 1:
            raise RecordingError(f"{self.path}: {quantity}= takes one array, not {listed(found)}")
        return found[0] if found else None

    def number(self, argument: str, value: float | str) -> float:
        """A number that the user gave, or the name of one in the file."""
        if not isinstance(value, str):
            return float(value)
        if value not in self.arrays or np.size(self.arrays[value]) != 1:
            raise RecordingError(f'{argument}: {self.path} has no single number called "{value}"')
        # 0.1 kept in single precision means 0.1, not 0.10000000149.
        return float(str(np.ravel(self.arrays[value])[0]))

    def sweep_name(self, index: int, count: int) -> str:
        """Name of a sweep: the one that the file gives it, else by its position."""
        names = self.notes.get("names")
        if names and len(names) == count and names[index]:
            return str(names[index])
        if len(self.labels) == count and count > 1:
            return f"{self.stem} {self.labels[index]}"
        return f"{self.stem} sweep {index}" if count > 1 else self.stem


def values_of(table: Table, quantity: str, row: Row, part: slice) -> NDArray:
    """The part of an array; numbers in text must be finite, and are named by line and column."""
    values = np.atleast_2d(table.arrays[row.name])[row.index][part]
    if table.where is None:
        return values
    bad = np.flatnonzero(~np.isfinite(values))
    if bad.size:
        short = "v" if quantity == "voltage" else quantity
        place = table.where(row.name, int(bad[0]) + (part.start or 0))
        raise RecordingError(
            f"{table.path}: {short} is NaN or infinite at {bad.size} of {len(values)} samples, "
            f"the first in {place}: cut these rows out of the file, or leave the sweep out"
        )
    return values
