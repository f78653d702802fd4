"""Measured values of cells, a column for each parameter: from a mapping, a data frame or a file."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import InputError
from ..numerics.arrays import FloatArray

NAMES = ("cell", "name", "id", "index")


def columns_of(table: Any) -> tuple[dict[str, FloatArray], tuple[str, ...]]:
    """Numbers by column, and the names of the cells where a first column gives them.

    Parameters
    ----------
    table : mapping of str to array (N,), pandas.DataFrame, or path of a CSV file
        A file has a header of names, commas, and a decimal point. A column called ``cell``,
        ``name``, ``id`` or ``index`` is the name of each cell.

    Raises
    ------
    InputError
        For a file that cannot be read as it is written, columns of unequal length, and entries
        that are missing or no numbers.

    Examples
    --------
    >>> columns_of({"cell": ["a", "b"], "na.g": [110.0, 130.0]})
    ({'na.g': array([110., 130.])}, ('a', 'b'))
    """
    found, where = _raw(table)
    labels: tuple[str, ...] = ()
    columns: dict[str, FloatArray] = {}
    lengths = {name: len(values) for name, values in found.items()}
    if not found or not any(lengths.values()):
        raise InputError(f"{where} holds no values")
    if len(set(lengths.values())) > 1:
        raise InputError(f"{where}: its columns are of unequal length: {lengths}")
    for i, (name, values) in enumerate(found.items()):
        if i == 0 and name.strip().lower() in NAMES:
            labels = tuple(str(value).strip() for value in values)
            repeated = {label for label in labels if labels.count(label) > 1}
            if repeated:
                raise InputError(f"{where}: the cell {sorted(repeated)[0]!r} is there twice")
            continue
        columns[name.strip()] = _numbers(values, name, where)
    if not columns:
        raise InputError(f"{where} holds the names of cells, and no parameter")
    return columns, labels


def _raw(table: Any) -> tuple[dict[str, Any], str]:
    if isinstance(table, (str, os.PathLike)):
        return _from_csv(Path(table)), str(table)
    if isinstance(table, Mapping):
        values = {str(name): np.atleast_1d(np.asarray(x)) for name, x in table.items()}
    elif hasattr(table, "columns") and hasattr(table, "to_numpy"):
        values = {str(name): table[name].to_numpy() for name in table.columns}
    else:
        raise InputError(
            f"table is a {type(table).__name__}; give a mapping of names to arrays, a "
            "pandas.DataFrame, or the path of a CSV file"
        )
    for name, column in values.items():
        if column.ndim != 1:
            raise InputError(f"table: {name} has shape {column.shape}; give one number for a cell")
    return values, "table"


def _from_csv(path: Path) -> dict[str, Any]:
    import pandas

    try:
        frame = pandas.read_csv(
            path, dtype=str, keep_default_na=False, skipinitialspace=True, comment="#"
        )
    except FileNotFoundError:
        raise InputError(f"{path}: there is no such file") from None
    except (ValueError, OSError, UnicodeDecodeError) as error:
        text = " ".join(str(error).split())
        raise InputError(f"{path} is not a table of comma-separated values: {text}") from None
    if len(frame.columns) == 1 and ";" in str(frame.columns[0]):
        raise InputError(f"{path} is separated by semicolons; write it with commas")
    return {str(name): frame[name].to_numpy() for name in frame.columns}


def _numbers(values: Any, name: str, where: str) -> FloatArray:
    out = np.empty(len(values))
    for i, value in enumerate(values):
        try:
            out[i] = float(value)
        except (TypeError, ValueError):
            out[i] = np.nan
        if not np.isfinite(out[i]):
            raise InputError(
                f'{where}: column {name}, cell {i + 1}: "{value}" is not a finite number; remove '
                "the cell, or give its value"
            )
    return out
