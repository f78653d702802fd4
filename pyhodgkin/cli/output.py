"""Tables on the screen, and the plain files of a run's folder."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..storage.tables import write_table

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Row = Mapping[str, Any]


def add_folder(parser: argparse.ArgumentParser, **options: Any) -> None:
    """``--out`` and ``--overwrite``."""
    options = {"required": True, "help": "folder to write", **options}
    parser.add_argument("--out", type=Path, metavar="DIR", **options)
    parser.add_argument(
        "--overwrite", action="store_true", help="replace the run in DIR as a whole"
    )


def show_table(rows: Sequence[Row], title: str = "", whole: Sequence[str] = ()) -> None:
    """Print rows of equal keys, numbers to the right; the columns `whole` are never folded."""
    from rich import box
    from rich.console import Console
    from rich.table import Table

    table = Table(
        title=title or None, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD
    )
    for name in rows[0]:
        numeric = all(isinstance(row[name], (int, float, np.number)) for row in rows)
        table.add_column(
            name,
            justify="right" if numeric else "left",
            overflow="fold",
            no_wrap=name in whole,
        )
    for row in rows:
        table.add_row(*(text_of(value) for value in row.values()))
    Console(highlight=False).print(table)


def say(message: str) -> None:
    """A line for the reader, folded as the terminal needs it and free of markup."""
    from rich.console import Console

    Console(highlight=False, soft_wrap=True).print(message, markup=False)


def text_of(value: Any) -> str:
    """A value as it stands in a table: numbers to four digits, nothing for None."""
    if value is None:
        return ""
    if isinstance(value, (float, np.floating)):
        return f"{value:.4g}"
    return str(value)


def write_rows(path: Path, rows: Sequence[Row]) -> Path:
    """A csv file of rows of equal keys, which are its header."""
    return write_table(path, rows[0], (list(row.values()) for row in rows))


def figures(folder: Path, drawn: Mapping[str, Callable[[], Figure]]) -> list[Path]:
    """Draw figures one at a time, and save each as ``NAME.png`` in `folder`."""
    from .. import plot

    with plot.style.for_files():
        return [plot.save(draw(), folder / f"{name}.png") for name, draw in drawn.items()]
