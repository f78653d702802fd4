"""Header lines to names with units: the line above the numbers, or that and a line of units."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ...errors import RecordingError
from ...units import AMPERE, PER_AREA, TIME, VOLTAGE, spelled
from .lines import Line
from .rows import cells, is_number

KNOWN = frozenset({*TIME, *VOLTAGE, *AMPERE, *PER_AREA})
# Cells of a line of units that state none.
_NONE = frozenset({"", "-", "*", "--", "none", "n/a", "1"})
_NAME = re.compile(r"[^\s(\[]+(?:\s?[(\[][^)\]]{0,60}[)\]])?")


def names_of(header: Sequence[Line], delimiter: str, count: int, path: str) -> list[str]:
    """The name of each of `count` columns, with its unit in parentheses where a line has units.

    Columns of a file without a header are called ``"column 0"``, ``"column 1"``, …

    Raises
    ------
    RecordingError
        When there are more or fewer names than columns, or the line above the numbers is a row
        with a cell that is no number.
    """
    lines = [line for line in header if not line.text.lower().startswith("sep=")]
    if not lines:
        return [f"column {i}" for i in range(count)]
    rows = [_split(line.text, delimiter, count) for line in lines]
    units = None
    if len(rows) > 1 and _are_units(rows[-1], rows[-2]):
        units = rows.pop()
    names = rows[-1]
    _refuse_broken_row(rows, lines, path)
    while names and not names[-1]:
        names = names[:-1]
    if len(names) > count:
        raise RecordingError(f"{path} names {len(names)} columns and has {count}")
    names = [name or f"column {i}" for i, name in enumerate(names)]
    if units is None:
        return names
    units += [""] * (len(names) - len(units))
    return [_with_unit(name, unit, path) for name, unit in zip(names, units, strict=False)]


def _split(text: str, delimiter: str, count: int) -> list[str]:
    found = cells(text, delimiter)
    if delimiter == " " and len(found) != count:
        # Names with spaces in a table with spaces: two or more between them, or units after them.
        for again in (re.split(r"\s{2,}|\t", text.strip()), _NAME.findall(text)):
            if len(again) == count:
                return [cell.strip().strip('"') for cell in again]
    return found


def _are_units(row: list[str], above: list[str]) -> bool:
    plain = [bare(cell) for cell in row]
    filled = [cell for cell in plain if cell.lower() not in _NONE]
    return (
        bool(filled)
        and any(spelled(cell) in KNOWN for cell in filled)
        and all(len(cell) <= 12 and not is_number(cell) for cell in filled)
        and 2 * sum(spelled(cell) in KNOWN for cell in filled) >= len(filled)
        and sum(map(bool, above)) >= len(filled)
        and not any(spelled(bare(cell)) in KNOWN - {"t", "V", "A"} for cell in above if cell)
    )


def bare(cell: str) -> str:
    """A unit without brackets around it."""
    return cell.strip().strip("()[]").strip()


def _with_unit(name: str, unit: str, path: str) -> str:
    from ..names import measured

    plain = bare(unit)
    if plain.lower() in _NONE:
        return name
    stated = measured(name).unit
    if stated is not None and spelled(stated) != spelled(plain):
        raise RecordingError(f'{path} states "{name}" and below it the unit "{plain}"')
    return name if stated is not None else f"{name} ({plain})"


def _refuse_broken_row(rows: list[list[str]], lines: Sequence[Line], path: str) -> None:
    """A line with numbers in it below one of names is a row of data with a damaged cell."""
    names, above = rows[-1], rows[-2] if len(rows) > 1 else []
    numeric = [is_number(cell) for cell in names]
    below_names = any(numeric) and sum(map(bool, above)) >= len(names)
    if (numeric[:1] == [True] or below_names) and not all(numeric):
        line, bad = lines[len(rows) - 1], numeric.index(False)
        column = f'column "{above[bad]}"' if bad < len(above) else f"cell {bad + 1}"
        raise RecordingError(
            f"{path} is not a table of numbers: line {line.number}, {column}: "
            f'"{names[bad]}" is not a number'
        )
