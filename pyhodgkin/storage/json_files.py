"""JSON files, written whole or not at all, and numbers that JSON cannot hold."""

from __future__ import annotations

import json
import math
import os
from pathlib import Path
from typing import Any

from .atomic import atomic_write

LARGE = 16 << 20  # characters; a text beyond them may take ten times its length as objects
_BYTES = {"[": 88, "{": 120, ":": 40, ",": 33, '"': 28}  # of objects in CPython, by their text


def write_json(path: str | os.PathLike[str], data: Any, indent: int = 1) -> Path:
    """Write indented JSON that ends with a line break.

    Examples
    --------
    >>> write_json(getfixture("tmp_path") / "run.json", {"v_rest": -65.0}).read_text()
    '{\\n "v_rest": -65.0\\n}\\n'
    """
    text = json.dumps(data, indent=indent, ensure_ascii=False)
    with atomic_write(path) as temporary:
        temporary.write_text(text + "\n", encoding="utf-8")
    return Path(path)


def parsed(text: str | bytes) -> Any:
    """The content of JSON text.

    Raises
    ------
    ValueError
        If it is no JSON in UTF-8, or is nested too deeply, or has a number of too many digits, or
        is large and would take more than ten times its length in memory.

    Examples
    --------
    >>> parsed(b'{"v_rest": -65.0}')
    {'v_rest': -65.0}
    """
    if isinstance(text, bytes):
        text = text.decode("utf-8")
    if len(text) > LARGE:
        _refuse_many_objects(text)
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def _refuse_many_objects(text: str) -> None:
    needed = sum(size * text.count(sign) for sign, size in _BYTES.items())
    if needed > 10 * len(text):
        raise ValueError(
            f"its {len(text) >> 20} MB of text would take about {needed >> 20} MB in memory as "
            "lists and objects: keep arrays in an npz file, or cut it into smaller files"
        )


def finite_or_none(data: Any) -> Any:
    """The same dicts, lists and values, with None for a number that is NaN or infinite.

    Examples
    --------
    >>> finite_or_none({"rmse": [0.5, float("nan")]})
    {'rmse': [0.5, None]}
    """
    if isinstance(data, dict):
        return {name: finite_or_none(value) for name, value in data.items()}
    if isinstance(data, (list, tuple)):
        return [finite_or_none(value) for value in data]
    return None if isinstance(data, float) and not math.isfinite(data) else data
