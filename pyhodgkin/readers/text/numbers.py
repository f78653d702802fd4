"""Rows of text to columns of numbers, by pandas; what is no number is named by line and column."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ...errors import RecordingError
from ...numerics.arrays import FloatArray
from .lines import Lines
from .rows import NAMED, cells

Column: TypeAlias = Any  # float64 (R,), or a pandas Series where there are others than numbers

_SHORT = 40
ROWS = 100_000  # parsed at a time: pandas keeps six times what it parses


class TextColumns(Mapping[str, FloatArray]):
    """Columns by name, each made of numbers when it is asked for.

    So a column of remarks, or one with a damaged cell, is no obstacle to reading the others.
    Empty cells at the end of a column are left out, others are NaN.
    """

    def __init__(
        self,
        columns: Sequence[Column],
        names: Sequence[str],
        signals: Sequence[str],
        rows: Lines,
        path: str,
    ) -> None:
        self._columns, self._rows, self._path = columns, rows, path
        self._made: dict[str, FloatArray] = {}
        self._index: dict[str, int] = {}
        self.signals: dict[str, str] = {}
        for i, name in enumerate(names):
            self._place(i, name, signals[i] if i < len(signals) else "")

    def __len__(self) -> int:
        return len(self._index)

    def __iter__(self) -> Iterator[str]:
        return iter(self._index)

    def __getitem__(self, name: str) -> FloatArray:
        if name not in self._made:
            self._made[name] = self._numbers(name, self._columns[self._index[name]])
        return self._made[name]

    def where(self, name: str, row: int) -> str:
        """Line and column of a value, for messages, and whether the cell is empty."""
        place = f'line {self._rows[row].number}, column "{name}"'
        column = self._index[name]
        if column < 0:
            return place
        cell = str(np.asarray(self._columns[column])[row]).strip()
        # pandas gives NaN for a cell that is empty; a cell that says so stays text elsewhere.
        empty = cell == "" or (cell == "nan" and "nan" not in self._rows[row].text.lower())
        return f"{place}: the cell is empty" if empty else place

    def add(self, name: str, values: NDArray) -> None:
        """Another column, of numbers."""
        if name in self._index:
            raise RecordingError(
                f'{self._path} has a column "{name}" and several headings: cut it into files'
            )
        self._index[name] = -1
        self._made[name] = np.asarray(values, dtype=np.float64)

    def _place(self, i: int, name: str, signal: str) -> None:
        column = self._columns[i]
        if not name:
            if not _is_empty(column):
                raise RecordingError(
                    f"{self._path} names {len(self._index)} columns and has {len(self._columns)} "
                    "(with decimal commas, columns need tabs or semicolons between them)"
                )
            return
        if name in self._index and _equal(column, self._columns[self._index[name]]):
            return  # PatchMaster writes the times before each quantity
        if name in self._index and signal:
            name = f"{signal} {name}"
        if name in self._index:
            raise RecordingError(
                f'{self._path} names a column twice: "{name}". Give each a name of its own'
            )
        self._index[name] = i
        if signal:
            self.signals[name] = signal

    def _numbers(self, name: str, column: Column) -> FloatArray:
        if isinstance(column, np.ndarray):
            values, empty = column, np.isnan(column)
        else:
            values, empty = self._by_cell(name, column)
        filled = np.flatnonzero(~empty)
        if filled.size == 0:
            raise RecordingError(f'{self._path}, column "{name}" is empty')
        last = int(filled[-1]) + 1
        values.setflags(write=False)  # recordings keep it without a copy
        return values[:last]

    def _by_cell(self, name: str, column: Any) -> tuple[FloatArray, NDArray[np.bool_]]:
        values, empty = np.full(len(column), np.nan), np.zeros(len(column), dtype=bool)
        for i, cell in enumerate(column.astype(object).tolist()):
            text = "" if cell is None or cell != cell else str(cell).strip()
            if not text:
                empty[i] = True
                continue
            number = None if "_" in text or isinstance(cell, bool) else _number(text)
            if number is None:
                raise RecordingError(
                    f"{self._path} is not a table of numbers: {self.where(name, i)}: "
                    f'"{text[:_SHORT]}" is not a number'
                )
            values[i] = number
        return values, empty


def parse(rows: Lines, delimiter: str, decimal: str, thousands: str, path: str) -> list[Column]:
    """The columns of the rows: float64, or the cells of one that has others than numbers."""
    import pandas as pd

    body = rows.joined().replace("−", "-").encode()
    options: dict[str, Any] = {"sep": delimiter or "\x1f", "skipinitialspace": True}
    if delimiter == " ":
        options["sep"] = r"\s+"
    if thousands:
        options["thousands"] = thousands
    if tuple(map(int, re.findall(r"\d+", pd.__version__)[:2])) < (3, 1):
        options["float_precision"] = "round_trip"  # later versions always do
    try:
        parts: Any = pd.read_csv(
            io.BytesIO(body),
            header=None,
            index_col=False,
            decimal=decimal,
            keep_default_na=False,
            na_values=[""],
            skip_blank_lines=False,
            low_memory=False,
            chunksize=ROWS,
            **options,
        )
        with parts:
            columns = _joined([[_column(x) for _, x in part.items()] for part in parts])
    except pd.errors.ParserError as error:
        raise _ragged(rows, str(error), delimiter, path) from None
    if len(columns[0]) != len(rows):
        raise RecordingError(f"{path} is not a table of numbers: a quotation mark is not closed")
    _refuse_short_rows(columns, rows, delimiter, path)
    return columns


def _column(found: Any) -> Column:
    """A column of a DataFrame."""
    if found.dtype.kind in "iuf":
        return found.to_numpy(dtype=np.float64, copy=True)  # without the frame that holds it
    return found


def _joined(parts: list[list[Column]]) -> list[Column]:
    """The columns of all parts; each part is let go when it has been taken."""
    import pandas as pd

    columns: list[Column] = []
    for j in range(len(parts[0])):
        pieces = [part[j] for part in parts]
        if all(isinstance(piece, np.ndarray) for piece in pieces):
            columns.append(np.concatenate(pieces))
        else:
            columns.append(pd.concat([pd.Series(piece) for piece in pieces], ignore_index=True))
        for part in parts:
            part[j] = None
    return columns


def _ragged(rows: Lines, message: str, delimiter: str, path: str) -> RecordingError:
    quote = re.search(r"inside string starting at row (\d+)", message)
    if quote is not None:
        return RecordingError(
            f"{path} is not a table of numbers: a quotation mark in line "
            f"{rows[int(quote[1])].number} is not closed"
        )
    found = re.search(r"Expected (\d+) fields in line (\d+), saw (\d+)", message)
    if found is None:
        return RecordingError(f"{path} is not a table of numbers: {message.strip()}")
    expected, row, count = map(int, found.groups())
    return RecordingError(
        f"{path} is not a table of numbers: line {rows[row - 1].number} has {count} cells, the "
        f"rows above it {expected}"
        + (
            "; decimal commas need tabs or semicolons between the columns"
            if delimiter == ","
            else ""
        )
    )


def _refuse_short_rows(columns: list[Column], rows: Lines, delimiter: str, path: str) -> None:
    """Raise for rows with fewer cells than the others, for instance a last row that is cut off."""
    width, last = len(columns), columns[-1]
    absent = np.isnan(last) if isinstance(last, np.ndarray) else last.isna().to_numpy()
    for row in np.flatnonzero(absent).tolist():
        count = len(cells(rows[row].text, delimiter))
        if count < width:
            raise RecordingError(
                f"{path} is not a table of numbers: line {rows[row].number} has {count} cells "
                f"(between {NAMED[delimiter]}), not {width}; is the file cut short?"
            )


def _is_empty(column: Column) -> bool:
    if isinstance(column, np.ndarray):
        return bool(np.isnan(column).all())
    return all(not str(cell).strip() for cell in column.dropna().tolist())


def _equal(a: Column, b: Column) -> bool:
    if isinstance(a, np.ndarray) or isinstance(b, np.ndarray):
        return type(a) is type(b) and np.array_equal(a, b, equal_nan=True)
    return a.equals(b)


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
