"""Decimal point or decimal comma: what the numbers themselves show, or a refusal."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from ...errors import RecordingError, unknown

_MARKS = {",": ",", "comma": ",", ".": ".", "point": ".", "dot": "."}
_TOKEN = re.compile(r"[\d.,]+")
_WITH_COMMA = re.compile(r"[\d.,]*,[\d.,]*")
_WITH_POINT = re.compile(r"[\d.,]*\.[\d.,]*")
_QUOTED = re.compile(r'"([^"]*)"')
_GROUPED = re.compile(r"[1-9]\d{0,2}(?:[.,]\d{3})+")
_PIECE = 1_000_000  # characters searched at a time: each number that is found takes memory


def mark(decimal: str | None) -> str | None:
    """`decimal` as "," or "."; None stays None."""
    if decimal is None:
        return None
    if decimal not in _MARKS:
        raise unknown("decimal", str(decimal), _MARKS)
    return _MARKS[decimal]


def marks(texts: Iterable[str], delimiter: str, given: str | None, path: str) -> tuple[str, str]:
    """The decimal mark of the numbers and the mark between thousands ("" when there is none).

    A comma is decimal where it cannot stand before thousands (``0,5``, ``-65,25``), and stands
    before thousands where it cannot be decimal (``1,234.5``, ``1,234,567``).

    Raises
    ------
    RecordingError
        When every comma could be either (``1,234``), or both uses occur.

    Examples
    --------
    >>> marks(["0,05;-65,2"], ";", None, "cell.csv"), marks(["1,234.5;2"], ";", None, "cell.csv")
    ((',', ''), ('.', ','))
    """
    body = "\n".join(texts)
    if delimiter == ",":
        body = "\n".join(_QUOTED.findall(body)) if '"' in body else ""
    if given is not None:
        return given, _thousands(body, "." if given == "," else ",", given)
    if "," not in body:
        return ".", ""
    uses: dict[str, str] = {}
    for token in _found(_WITH_COMMA, body):
        uses.setdefault(_use(token), token)
    if "neither" in uses or len({u.split()[0] for u in uses} - {"either"}) > 1:
        shown = " and ".join(f'"{token}"' for token in list(uses.values())[:2])
        raise RecordingError(
            f"{path} has {shown}, in which the comma is neither a decimal comma throughout nor a "
            "mark between thousands throughout"
        )
    if set(uses) == {"either"}:
        raise RecordingError(
            f'{path}: the comma of "{uses["either"]}" may be a decimal comma or stand before '
            'thousands: give decimal="comma" or decimal="point" (--decimal)'
        )
    if "thousands" in uses:
        return ".", ","
    thousands = _thousands(body, ".", ",")
    point = next((x for x in _found(_WITH_POINT, body) if "," not in x), None)
    if point is not None and not (thousands and "decimal with points" in uses):
        raise RecordingError(
            f'{path} has numbers with a comma ("{next(iter(uses.values()))}") and others with a '
            f'point ("{point}"): give decimal="comma" or decimal="point" (--decimal)'
        )
    return ",", thousands


def _thousands(body: str, mark: str, decimal: str) -> str:
    """`mark` when every number that has it has it between thousands, else ""."""
    if mark not in body:
        return ""
    grouped = re.compile(rf"[1-9]\d{{0,2}}(?:{re.escape(mark)}\d{{3}})+")
    tokens = (x.split(decimal)[0] for x in _found(_TOKEN, body) if mark in x)
    return mark if all(grouped.fullmatch(x) for x in tokens) else ""


def _found(pattern: re.Pattern[str], body: str) -> Iterator[str]:
    """What the pattern finds in the lines, without most of the repetitions."""
    start = 0
    while start < len(body):
        end = body.find("\n", start + _PIECE)
        end = len(body) if end < 0 else end
        yield from sorted(set(pattern.findall(body[start:end])))
        start = end


def _use(token: str) -> str:
    """What the comma of a number can be, from that number alone."""
    if "." in token:
        last_is_point = token.rindex(".") > token.rindex(",")
        whole, _, rest = token.rpartition("." if last_is_point else ",")
        if not _GROUPED.fullmatch(whole) or {",", "."} <= set(whole) or not rest.isdecimal():
            return "neither"
        return "thousands" if last_is_point else "decimal with points"
    if token.count(",") > 1:
        return "thousands" if _GROUPED.fullmatch(token) else "neither"
    return "either" if _GROUPED.fullmatch(token) else "decimal"
