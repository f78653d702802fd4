"""Text files of columns: csv, and the like with tabs, semicolons or spaces; Axon text (atf)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import RecordingError, unknown
from ..recordings import RecordingSet
from ..recordings.write import NOTE, write_csv
from ..storage.json_files import parsed
from .options import Options
from .table import INSTEAD, Table, recordings
from .table import TAKES as _OF_TABLES
from .text.decimals import mark, marks
from .text.decode import read_text
from .text.dialects import Heading, heading, refuse
from .text.header import names_of
from .text.lines import Lines
from .text.numbers import TextColumns, parse
from .text.rows import (
    DELIMITERS,
    Block,
    blocks,
    cells,
    find_data,
    is_number,
    is_row_start,
    significant,
)
from .text.times import times

__all__ = ["INSTEAD", "TAKES", "read_csv", "write_csv"]

TAKES = _OF_TABLES | {"decimal", "delimiter", "encoding"}
_DELIMITERS = {"tab": "\t", "comma": ",", "semicolon": ";", "space": " ", "\\t": "\t"}


def read_csv(path: Path, options: Options) -> RecordingSet:
    """Recordings of a text file: a heading, names with units, then rows of numbers.

    See the guide page on text files for what is recognised.
    """
    lines, comments = significant(read_text(path, options.encoding))
    if not lines:
        raise RecordingError(f"{path} holds no data")
    return recordings(_table(path, lines, _notes(path, comments), options), options)


def _table(path: Path, lines: Lines, notes: dict[str, Any], options: Options) -> Table:
    where = str(path)
    refuse(lines, where)
    lines, delimiter, first = _data(path, lines, options)
    parts = blocks(lines, first, where)
    head = heading(parts[0].header, where)
    rows = parts[0].rows.followed_by(part.rows for part in parts[1:])
    decimal, thousands = marks([rows.joined()], delimiter, mark(options.decimal), where)
    found = parse(rows, delimiter, decimal, thousands, where)
    names = _names(head, delimiter, len(found), where)
    labels = _labels(parts, names, delimiter, len(found), where)
    columns = TextColumns(found, names, head.signals, rows, where)
    if len(parts) > 1:
        columns.add("sweep", np.repeat(np.arange(len(parts)), [len(p.rows) for p in parts]))
    return Table(
        where,
        path.stem,
        columns,
        notes,
        signals=columns.signals,
        labels=labels,
        interval=head.interval,
        printed=times,
        where=columns.where,
    )


def _data(path: Path, lines: Lines, options: Options) -> tuple[Lines, str, int]:
    """The lines without a delimiter line of Excel's, the delimiter, and the first row."""
    known = DELIMITERS
    if lines[0].text.lower().startswith("sep=") and len(lines[0].text.strip()) <= 5:
        known, lines = (lines[0].text.rstrip("\r\n")[4:5] or "\t",), lines[1:]
    if options.delimiter is not None:
        known = (_DELIMITERS.get(options.delimiter, options.delimiter),)
        if known[0] not in DELIMITERS:
            raise unknown("delimiter", options.delimiter, [*_DELIMITERS][:4])
    elif mark(options.decimal) == ",":
        known = tuple(d for d in known if d != ",")
    found = find_data(lines, known)
    if found is None:
        raise _no_rows(path, lines, known)
    return lines, found[1], found[0]


def _no_rows(path: Path, lines: Lines, known: Sequence[str]) -> RecordingError:
    broken = next((line for line in lines if is_row_start(line.text)), None)
    if broken is None:
        return RecordingError(f"{path} has a header but no rows that begin with a number")
    for delimiter in known:
        found = cells(broken.text, delimiter)
        bad = [cell for cell in found if cell and not is_number(cell)]
        if delimiter in broken.text and bad:
            return RecordingError(
                f"{path} is not a table of numbers: line {broken.number}, "
                f'cell {found.index(bad[0]) + 1}: "{bad[0][:40]}" is not a number'
            )
    return RecordingError(
        f'{path} is not a table of numbers: line {broken.number} is "{broken.text.strip()[:60]}"'
    )


def _names(head: Heading, delimiter: str, count: int, path: str) -> list[str]:
    """A name for each column; "" for columns without one."""
    names = head.names
    if names is None:
        names = names_of(head.lines, delimiter, count, path)
    elif len(names) == count + 1:
        names = names[1:]  # the file has no column of times
    if len(names) > count:
        raise RecordingError(
            f"{path} names {len(names)} columns ({', '.join(names)[:80]}) and has {count} in its "
            "rows: the file is cut short or damaged"
        )
    return [*names, *[""] * (count - len(names))]


def _labels(
    parts: Sequence[Block], names: list[str], delimiter: str, count: int, path: str
) -> list[str]:
    """Names of the sweeps that stand below one another, each under its own heading."""
    labels = []
    for part in parts:
        head = heading(part.header, path)
        if _names(head, delimiter, count, path) != names:
            line = part.header[-1]
            raise RecordingError(
                f"{path}: the names in line {line.number} are not those of the sweep before it: "
                "cut the file into one for each kind"
            )
        labels.append(head.sweep)
    return labels if all(labels) else []


def _notes(path: Path, comments: list[str]) -> dict[str, Any]:
    for line in comments:
        if line.startswith(NOTE):
            try:
                return dict(parsed(line[len(NOTE) :]))
            except (ValueError, TypeError):
                raise RecordingError(f'{path}: the line "{NOTE}…" is damaged') from None
    return {}
