"""Rows of text to columns of numbers, by pandas; what is no number is named by line and column."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import RecordingError
from ...numerics.arrays import FloatArray
from .lines import Lines
from .rows import NAMED, cells

_SHORT = 40
ROWS = 100_000  # parsed at a time: pandas keeps six times what it parses


class TextColumns(Mapping[str, FloatArray]):
    """Columns by name, each made of numbers when it is asked for.

    So a column of remarks, or one with a damaged cell, is no obstacle to reading the others.
    Empty cells at the end of a column are left out, others are NaN.
    """

    def __init__(
        self,
        frame: Any,
        names: Sequence[str],
        signals: Sequence[str],
        rows: Lines,
        path: str,
    ) -> None:
        self._frame, self._rows, self._path = frame, rows, path
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
            self._made[name] = self._numbers(name, self._frame.iloc[:, self._index[name]])
        return self._made[name]

    def where(self, name: str, row: int) -> str:
        """Line and column of a value, for messages, and whether the cell is empty."""
        place = f'line {self._rows[row].number}, column "{name}"'
        column = self._index[name]
        if column < 0:
            return place
        cell = str(self._frame.iloc[row, column]).strip()
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
        column = self._frame.iloc[:, i]
        if not name:
            if not _is_empty(column):
                count = self._frame.shape[1]
                raise RecordingError(
                    f"{self._path} names {len(self._index)} columns and has {count} "
                    "(with decimal commas, columns need tabs or semicolons between them)"
                )
            return
        if name in self._index and column.equals(self._frame.iloc[:, self._index[name]]):
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

    def _numbers(self, name: str, column: Any) -> FloatArray:
        if column.dtype.kind in "iuf":
            values, empty = column.to_numpy(dtype=np.float64), column.isna().to_numpy()
        else:
            values, empty = self._by_cell(name, column.astype(object))
        filled = np.flatnonzero(~empty)
        if filled.size == 0:
            raise RecordingError(f'{self._path}, column "{name}" is empty')
        last = int(filled[-1]) + 1
        return np.ascontiguousarray(values[:last])

    def _by_cell(self, name: str, column: Any) -> tuple[FloatArray, NDArray[np.bool_]]:
        values, empty = np.full(len(column), np.nan), np.zeros(len(column), dtype=bool)
        for i, cell in enumerate(column.tolist()):
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


def parse(rows: Lines, delimiter: str, decimal: str, thousands: str, path: str) -> tuple[Any, int]:
    """The rows as a pandas DataFrame, and how many columns they have."""
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
        with pd.read_csv(
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
        ) as parts:
            frames = list(parts)
    except pd.errors.ParserError as error:
        raise _ragged(rows, str(error), delimiter, path) from None
    frame = frames[0] if len(frames) == 1 else pd.concat(frames, ignore_index=True)
    del frames, body
    if len(frame) != len(rows):
        raise RecordingError(f"{path} is not a table of numbers: a quotation mark is not closed")
    _refuse_short_rows(frame, rows, delimiter, path)
    return frame, frame.shape[1]


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


def _refuse_short_rows(frame: Any, rows: Lines, delimiter: str, path: str) -> None:
    """Raise for rows with fewer cells than the others, for instance a last row that is cut off."""
    width = frame.shape[1]
    for row in np.flatnonzero(frame.iloc[:, -1].isna().to_numpy()).tolist():
        count = len(cells(rows[row].text, delimiter))
        if count < width:
            raise RecordingError(
                f"{path} is not a table of numbers: line {rows[row].number} has {count} cells "
                f"(between {NAMED[delimiter]}), not {width}; is the file cut short?"
            )


def _is_empty(column: Any) -> bool:
    filled = column.dropna()
    return all(not str(cell).strip() for cell in filled.tolist()) if len(filled) else True


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
