"""`pyhodgkin evaluate`: how well a model predicts recordings."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import InputError
from ..storage import claims, folders
from ..storage.json_files import write_json
from . import cell_size, solver, sources
from .fit import heldout_of, prepared
from .output import add_folder, figures, say, write_rows
from .parser import count, number, positive, zero_or_more
from .simulate import model

if TYPE_CHECKING:
    from ..evaluation.evaluation import Evaluation

FILES = ("evaluation.csv", "evaluation.json", "evaluation.png")
NAME = "evaluate"
HELP = "judge how well a model predicts recordings: errors, spikes, the coincidence factor"
DESCRIPTION = """\
Predict recordings from their protocols alone, and compare: errors, spike counts and times, the
coincidence factor, and features through eFEL. Training and held-out recordings stand apart."""
EXAMPLES = """\
  pyhodgkin evaluate run sweep1.csv --heldout sweep2.csv sweep3.csv --clamp current
  pyhodgkin evaluate run sweep*.abf --heldout 0.5 --gamma-window 4 --starts all --out judged
  pyhodgkin evaluate run "cell.abf[0:3]" --heldout "cell.abf[3:]"
  pyhodgkin evaluate run cell.csv --clamp voltage --sweeps 0 2 --heldout-sweeps 3
  pyhodgkin evaluate squid_axon cell.csv --clamp current --features default --out judged"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "model", metavar="MODEL", help="folder of a fit, model document, or name in the library"
    )
    parser.add_argument("recordings", nargs="*", metavar="RECORDING", help="csv, npz, abf or nwb")
    parser.add_argument(
        "--heldout", nargs="+", metavar="X", help="unseen ones: files, or a fraction of RECORDING"
    )
    add_folder(
        parser, required=False, help="folder to write [MODEL where that is the folder of a fit]"
    )
    parser.add_argument(
        "--starts", default="best", choices=("best", "all"), help="of a fit with several [best]"
    )
    what = parser.add_argument_group("spikes")
    what.add_argument(
        "--gamma-window", type=positive, default=2.0, metavar="MS", help="of coincident spikes [2]"
    )
    what.add_argument("--threshold", type=number, default=0.0, metavar="MV", help="of a spike [0]")
    what.add_argument(
        "--features", nargs="+", default=[], metavar="NAME", help='of eFEL; "default": a handful'
    )
    how = parser.add_argument_group("how")
    how.add_argument(
        "--mask-steps", type=zero_or_more, metavar="MS", help="leave out so long after each jump"
    )
    how.add_argument("--thin", type=count, default=1, metavar="N", help=sources.THIN)
    solver.add_arguments(parser)
    cell_size.add_arguments(parser)
    sources.add_arguments(parser, unseen=("heldout",))


def run(options: argparse.Namespace) -> None:
    import pyhodgkin as ph

    out = folder_of(options)
    own = out is not None and belongs(out, options)
    if not options.recordings and not options.heldout:
        raise InputError("no recording to judge by: give RECORDING, or --heldout FILE")
    fitted = fitted_of(options.model)
    given = (
        prepared(sources.read_all(options.recordings, options, "train"), options)
        if (options.recordings)
        else ()
    )
    evaluation = ph.evaluate(
        fitted,
        given,
        heldout=heldout_of(options),
        starts=options.starts,
        gamma_window=options.gamma_window,
        threshold=options.threshold,
        features=options.features,
        backend=options.backend,
        **cell_size.given(options),
        **solver.given(options),
    )
    say(str(evaluation))
    if out is None:
        return
    if own:
        write(out, evaluation)
        folders.record(out, names=FILES)
    else:
        with claims.writing(out, "evaluation", overwrite=options.overwrite) as folder:
            write(folder, evaluation)
    say(f"written to {out}")


def fitted_of(name: str) -> Any:
    """The fit in a folder, or else a neuron by the name of its document or in the library."""
    from ..results.fit_result import SUMMARY, FitResult

    return FitResult.load(name) if (Path(name) / SUMMARY).exists() else model(name)


def folder_of(options: argparse.Namespace) -> Path | None:
    """Where to write: --out, or the folder of the fit; nowhere otherwise."""
    if options.out is not None:
        return options.out
    model = Path(options.model)
    return model if model.is_dir() and folders.look(model).kind in ("fit", "demo") else None


def belongs(out: Path, options: argparse.Namespace) -> bool:
    """Whether `out` is the folder of the fit that is judged, to which its evaluation belongs.

    Raises
    ------
    InputError
        If `out` holds another run, or an evaluation, and there is no --overwrite.
    """
    if not (out.is_dir() and Path(options.model).exists() and out.samefile(options.model)):
        folders.check(out, overwrite=options.overwrite)
        return False
    if (out / FILES[1]).exists() and not options.overwrite:
        raise InputError(
            f"{out} holds an evaluation: give --overwrite to replace it, or --out another folder"
        )
    return True


def write(folder: Path, evaluation: Evaluation) -> None:
    """``evaluation.csv``, ``evaluation.json`` and ``evaluation.png``."""
    rows = evaluation.rows()
    names = dict.fromkeys(name for row in rows for name in row)
    # Numbers that are not defined are empty, as those of another clamp are.
    table = [{name: _cell(row.get(name)) for name in names} for row in rows]
    write_rows(folder / FILES[0], table)
    write_json(folder / FILES[1], evaluation.to_dict(), indent=2)
    figures(folder, {"evaluation": evaluation.plot})


def _cell(value: Any) -> Any:
    return "" if value is None or value != value else value
