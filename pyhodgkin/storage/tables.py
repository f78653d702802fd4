"""Comma-separated tables, written whole or not at all."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from .atomic import atomic_write


def write_table(
    path: str | os.PathLike[str],
    header: Iterable[str],
    rows: Iterable[Sequence[Any]],
    comment: str = "",
) -> Path:
    """Write a csv file: a `comment` as it is, the header, the rows; floats to their last digit.

    Examples
    --------
    >>> path = write_table(getfixture("tmp_path") / "v.csv", ["t_ms", "v_mV"], [(0.1, -65.0)])
    >>> path.read_text().splitlines()
    ['t_ms,v_mV', '0.1,-65.0']
    """
    with (
        atomic_write(path) as temporary,
        open(temporary, "w", newline="", encoding="utf-8") as file,
    ):
        if comment:
            file.write(comment + "\n")
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)
    return Path(path)
