"""Small tables for a notebook: escaped, numbers to the right, units in the headings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

MOST = 20  # rows; what follows is counted

_STYLE = "text-align:{}; padding:2px 8px; white-space:nowrap"


def view(
    title: str, rows: Sequence[Mapping[str, Any]] = (), notes: Sequence[str] = (), most: int = MOST
) -> str:
    """A title, a table of rows with equal keys, and lines below it.

    Examples
    --------
    >>> print(view("a < b", [{"g (mS/cm²)": 36.0}]))
    <div><b>a &lt; b</b>
    <table><thead><tr><th style="text-align:right; ...">g (mS/cm²)</th></tr></thead>
    <tbody><tr><td style="text-align:right; ...">36</td></tr></tbody></table></div>
    """
    parts = [f"<div><b>{escape(title)}</b>"]
    if rows:
        parts.append(table(rows[:most]))
    if len(rows) > most:
        notes = [f"and {len(rows) - most} more", *notes]
    parts += [f"<div>{escape(note)}</div>" for note in notes if note]
    return "\n".join(parts) + "</div>"


def span(values: ArrayLike) -> str:
    """From the least to the greatest of some values, which may be NaN.

    Examples
    --------
    >>> span([1.0, 2.5]), span([3.0, 3.0])
    ('1 to 2.5', '3')
    """
    low, high = float(np.nanmin(values)), float(np.nanmax(values))
    return f"{low:.4g}" if low == high else f"{low:.4g} to {high:.4g}"


def table(rows: Sequence[Mapping[str, Any]], digits: int = 4) -> str:
    """Rows of equal keys, which are the headings; numbers to so many digits."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    sides = ["right" if all(_number(row.get(name)) for row in rows) else "left" for name in names]
    head = _line("th", names, sides)
    lines = [_line("td", [_text(row.get(name), digits) for name in names], sides) for row in rows]
    body = "\n".join(lines)
    return f"<table><thead>{head}</thead>\n<tbody>{body}</tbody></table>"


def _line(tag: str, texts: Sequence[str], sides: Sequence[str]) -> str:
    cells = (
        f'<{tag} style="{_STYLE.format(side)}">{escape(text)}</{tag}>'
        for text, side in zip(texts, sides, strict=True)
    )
    return f"<tr>{''.join(cells)}</tr>"


def _number(value: Any) -> bool:
    return value is None or (isinstance(value, (int, float)) and not isinstance(value, bool))


def _text(value: Any, digits: int = 4) -> str:
    if value is None or value != value:
        return ""
    return f"{value:.{digits}g}" if isinstance(value, float) else str(value)
