"""`pyhodgkin show`: what a folder of a run holds, or a file of recordings."""

from __future__ import annotations

import argparse
import csv
import shlex
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import InputError
from ..storage import folders
from . import listing, population, sources, wording
from .output import say, show_table
from .simulate import model
from .summary import show_summary

if TYPE_CHECKING:
    from ..neuron.neuron import Neuron
    from ..results.fit_result import FitResult

JUDGED = ("role", "recording", "member", "unit", "rmse", "mae", "gamma")
NAME = "show"
HELP = "print the tables of a run's folder, or the sweeps of a file"
DESCRIPTION = """\
Print the tables of a folder that fit, simulate, population, evaluate or demo wrote, and list its
figures; or list the recordings of a file, with the numbers and names that --sweeps of fit takes."""
EXAMPLES = """\
  pyhodgkin show run
  pyhodgkin show run --redraw --published squid_axon
  pyhodgkin show run --html report.html
  pyhodgkin show population.zarr
  pyhodgkin show cell.abf
  pyhodgkin show cell.csv --clamp current"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "folder", type=Path, metavar="DIR|FILE", help="folder of a run, or a file of recordings"
    )
    parser.add_argument(
        "--redraw", action="store_true", help="draw the figures of a fit or population anew"
    )
    parser.add_argument(
        "--published", metavar="MODEL", help="neuron to draw the learned curves over"
    )
    parser.add_argument(
        "--html",
        nargs="?",
        const="",
        metavar="FILE",
        help="write a fit as one HTML file with its numbers and figures [DIR/report.html]",
    )
    sources.add_arguments(parser)


def run(options: argparse.Namespace) -> None:
    folder = options.folder
    check_is_fit(options)
    if not folder.is_dir():
        left = folders.replaced(folder)
        if left:
            raise InputError(f"{folder} is not there; the run that was is in {left[-1]}")
        if sources.file_of(str(folder)).is_file():
            return show_recordings(options)
        raise InputError(wording.of_missing(folder))
    if (folder / "zarr.json").exists():
        return population.show(options)
    content = folders.look(folder)
    check_one_run(folder, content)
    say(f"{folder}: {folders.ARTICLES[content.kind]}")
    if content.kind in ("fit", "demo"):
        show_fit(options)
    elif content.kind == "simulation":
        show_summary(rows_of(folder / "summary.csv"))
    if (folder / "evaluation.csv").exists():
        rows = rows_of(folder / "evaluation.csv")
        show_table([{name: row.get(name) for name in JUDGED} for row in rows], title="evaluation")
    for path in sorted(folder.glob("*.png")):
        say(f"  {path}")


def check_is_fit(options: argparse.Namespace) -> None:
    """Whether ``--html``, where it is given, is of a folder that holds a fit.

    Raises
    ------
    InputError
    """
    if options.html is None:
        return
    from ..report.write import checked

    folder = options.folder
    checked(options.html or "report.html")
    if not folder.exists():
        return  # what is told without --html is right
    if folder.is_file() or (folder / "zarr.json").exists():
        raise InputError(f"--html: {folder} is no folder of a fit, of which a report is made")
    content = folders.look(folder)
    if content.kind and content.kind not in ("fit", "demo"):
        raise InputError(
            f"--html: {folder} holds {folders.ARTICLES[content.kind]}, a report is made of a fit"
        )


def show_recordings(options: argparse.Namespace) -> None:
    """The recordings of a file, numbered as ``--sweeps`` counts them."""
    if options.folder.suffix == ".json":
        raise InputError(f"{options.folder} is a file: give the folder of a run")
    options.recordings = [str(options.folder)]
    found = sources.read_all(options.recordings, options, "train")
    whole = options.sweeps is None and options.exclude is None
    numbered = whole and sources.file_of(str(options.folder)) == options.folder
    for i, item in enumerate(found):
        say((f"{i:>4}  " if numbered else "") + listing.line(item))


def check_one_run(folder: Path, content: folders.Content) -> None:
    """Whether the folder holds one run, and all of it.

    Raises
    ------
    InputError
        If it holds none, several, or one that has not ended.
    """
    if not content.kind:
        raise InputError(f"{folder} holds no run: neither summary.json nor summary.csv is in it")
    names = {*content.own, *content.foreign}
    if content.kind in ("fit", "demo"):
        if "summary.json" not in names:
            raise InputError(
                f"{folder} holds a fit that has not ended: go on with it by the command that began "
                "it and --resume"
            )
        mixed = sorted(names & {"protocols.json", "summary.csv"})
        if mixed:
            raise InputError(
                f"{folder} holds a fit, and files of a simulation that was written over it "
                f"({', '.join(mixed)}): model.json may not be that of the fit; run it again"
            )
    if content.kind == "simulation" and "summary.csv" not in names:
        raise InputError(f"{folder} holds a simulation that is not whole: summary.csv is missing")


def show_fit(options: argparse.Namespace) -> None:
    """The errors and the log of a fit."""
    from ..results.fit_result import FitResult
    from . import report

    result = FitResult.load(options.folder)
    published = None if options.published is None else model(options.published)
    if options.redraw:
        drawn = report.draw(options.folder, result, published)
        folders.record(options.folder, names=[path.name for path in drawn])
    path = options.folder / "errors.csv"
    rows = rows_of(path) if path.exists() else report.error_rows(result)
    report.tell(result, rows, None)
    if options.html is not None:
        published = published or published_of(result)
        report.write_page(options.folder, options.html, result, published, rows)


def published_of(result: FitResult) -> Neuron | None:
    """The neuron of the library that ``--model`` named, where that command made the fit."""
    from ..neuron.library import MODELS

    words = shlex.split(result.settings.get("provenance", {}).get("command", ""))
    named = [b for a, b in pairwise(words) if a == "--model"]
    named += [word.partition("=")[2] for word in words if word.startswith("--model=")]
    if not named or named[-1] not in MODELS:
        return None
    found = model(named[-1])
    return found if {g.name for g in result.neuron.gates} <= {g.name for g in found.gates} else None


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
