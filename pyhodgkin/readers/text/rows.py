"""Lines of a text to blocks: header lines, then rows of numbers, perhaps several times."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ...errors import RecordingError
from .lines import Line, Lines

COMMENTS = ("#", "%", "//")
DELIMITERS = ("\t", ";", ",", "|", " ")
NAMED = {"\t": "tabs", ";": "semicolons", ",": "commas", "|": "bars", " ": "spaces", "": "nothing"}

_NUMBER = re.compile(r"[-+−]?(?:\d[\d.,]*|[.,]\d+)(?:[eE][-+]?\d+)?|[-+]?(?:nan|inf)", re.I)
_WORDS = re.compile(r'"[^"]*"|\S+')
_BLANK = re.compile(r"[\s,;|\"]*")


@dataclass
class Block:
    """Header lines and the rows below them."""

    header: Sequence[Line]
    rows: Lines


def is_number(cell: str) -> bool:
    """Whether a cell is a number, with a decimal point or comma, or NaN.

    Examples
    --------
    >>> [is_number(x) for x in ("-65.2", "1e-3", "0,5", "NaN", "12:05", "t (ms)", "")]
    [True, True, True, True, False, False, False]
    """
    return _NUMBER.fullmatch(cell) is not None


def cells(text: str, delimiter: str) -> list[str]:
    """The cells of a line, without blanks and quotes around them.

    Examples
    --------
    >>> cells('"Time (s)", "v, mV",', ","), cells(" 0.1   2 ", " ")
    (['Time (s)', 'v, mV', ''], ['0.1', '2'])
    """
    if delimiter == "":
        return [text.strip().strip('"').strip()]
    if delimiter == " ":
        return [word.strip('"').strip() for word in _WORDS.findall(text)]
    if '"' not in text:
        return [cell.strip() for cell in text.split(delimiter)]
    try:
        found = next(csv.reader([text], delimiter=delimiter, skipinitialspace=True), [])
    except csv.Error:  # a cell of more than 131072 characters
        return [text.strip()]
    return [cell.strip() for cell in found]


def is_row(text: str, delimiter: str) -> bool:
    """Whether all cells that are not empty are numbers, and there is one."""
    filled = [cell for cell in cells(text, delimiter) if cell]
    return bool(filled) and all(map(is_number, filled))


def significant(text: str) -> tuple[Lines, list[str]]:
    """Lines that are neither empty nor comments, and the comments at the top.

    A ``#`` after a row begins a comment, too.
    """
    lines = Lines.of(text)
    keep, comments = lines.begin_with_a_digit(), []
    first = int(np.argmax(keep)) if keep.any() else len(lines)
    for i in np.flatnonzero(~keep).tolist():
        line = lines[i].text
        if line.lstrip().startswith(COMMENTS):
            if i < first:
                comments.append(line)
        elif line.strip():
            keep[i], first = True, min(i, first)
    for i in lines.holding("#"):
        if keep[i] and is_row_start(lines[i].text):
            lines.cut(i, "#")
            keep[i] = bool(lines[i].text.strip())
    last = len(keep)
    while last and (not keep[last - 1] or _BLANK.fullmatch(lines[last - 1].text)):
        last -= 1
    return lines.take(np.flatnonzero(keep[:last])), comments


def is_row_start(text: str) -> bool:
    """Whether a line begins as a row of numbers does: with a number or an empty cell."""
    head = text.lstrip(' "')[:24]
    return head[:1] in "\t,;|" or _NUMBER.match(head) is not None


def find_data(lines: Sequence[Line], delimiters: Sequence[str]) -> tuple[int, str] | None:
    """Index of the first row of numbers and the delimiter, None when there is no such row.

    The line after it must begin as a row, too: a lone number in a heading is no row. A row may
    have cells that are no numbers (remarks) where it stands below as many names.
    """
    for i, line in enumerate(lines):
        if not is_row_start(line.text):
            continue
        following = lines[i + 1].text if i + 1 < len(lines) else line.text
        present = [d for d in (*delimiters, "") if d in line.text.strip()]
        for delimiter in present:
            count, below = len(cells(line.text, delimiter)), len(cells(following, delimiter))
            if (
                is_row(line.text, delimiter)
                and is_row_start(following)
                and (count > 1 or below == 1)
            ):
                return i, delimiter
        for delimiter in present:
            if i and delimiter and _below_names(line.text, lines[i - 1].text, delimiter):
                return i, delimiter
    return None


def _below_names(text: str, above: str, delimiter: str) -> bool:
    """Whether `text` has some numbers, each cell under one of a line without numbers."""
    row, names = cells(text, delimiter), cells(above, delimiter)
    numbers = sum(map(is_number, row))
    return numbers > 0 and len(row) == len(names) > 1 and not any(map(is_number, names))


def blocks(lines: Lines, first: int, path: str) -> list[Block]:
    """Blocks of the file; the first row of the first one is ``lines[first]``."""
    rows = lines.begin_with_a_digit()
    rows[:first] = False
    for i in (first + np.flatnonzero(~rows[first:])).tolist():
        rows[i] = is_row_start(lines[i].text)
    # Where rows begin, and where they end.
    edges = np.flatnonzero(np.diff(np.concatenate([[False], rows, [False]]).astype(np.int8)))
    begins, ends = edges[::2].tolist(), edges[1::2].tolist()
    if ends and ends[-1] < len(lines):
        line = lines[ends[-1]]
        raise RecordingError(
            f'{path} is not a table of numbers: line {line.number} is "{line.text.strip()[:60]}"'
        )
    above = [0, *ends]
    return [
        Block(list(lines[a:b]), lines[b:c]) for a, b, c in zip(above, begins, ends, strict=False)
    ]
