"""`pyhodgkin show`: what a folder of a run holds."""

from __future__ import annotations

import argparse
import csv
from pathlib import Path

from ..errors import InputError
from .output import say, show_table

NAME = "show"
HELP = "print the tables of a run's folder, and draw its figures anew"
DESCRIPTION = "Print the tables of a folder that fit or simulate wrote, and list its figures."
EXAMPLES = """\
  pyhodgkin show run
  pyhodgkin show run --redraw --published squid_axon"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", type=Path, metavar="DIR", help="folder of a run")
    parser.add_argument("--redraw", action="store_true", help="draw the figures of a fit anew")
    parser.add_argument(
        "--published", metavar="MODEL", help="neuron to draw the learned curves over"
    )


def run(options: argparse.Namespace) -> None:
    folder = options.folder
    if not folder.is_dir():
        raise InputError(f"{folder} is not a folder")
    if (folder / "summary.json").exists():
        show_fit(options)
    elif (folder / "summary.csv").exists():
        show_table(rows_of(folder / "summary.csv"))
    else:
        raise InputError(f"{folder} holds no run: neither summary.json nor summary.csv is in it")
    for path in sorted(folder.glob("*.png")):
        say(f"  {path}")


def show_fit(options: argparse.Namespace) -> None:
    """The errors and the log of a fit."""
    from ..training.result import FitResult
    from . import report
    from .simulate import model

    result = FitResult.load(options.folder)
    if options.redraw:
        published = None if options.published is None else model(options.published)
        report.draw(options.folder, result, published)
    path = options.folder / "errors.csv"
    rows = rows_of(path) if path.exists() else report.error_rows(result)
    report.tell(result, rows, None)


def rows_of(path: Path) -> list[dict]:
    """The lines of a CSV file, numbers as such."""
    with open(path, newline="", encoding="utf-8") as file:
        rows = [{k: _number(v) for k, v in row.items()} for row in csv.DictReader(file)]
    if not rows:
        raise InputError(f"{path} is empty")
    return rows


def _number(text: str) -> float | int | str:
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text
