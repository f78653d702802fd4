"""What is kept of a fit in a folder: its summary and its arrays, and the way back."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..errors import DocumentError
from ..neuron.neuron import Neuron
from ..numerics.arrays import FloatArray
from ..status import Status
from ..storage.json_files import parsed
from .active_bounds import ActiveBound
from .cells import FittedCells
from .errors import Errors
from .goodness_of_fit import GoodnessOfFit
from .identifiability import Identifiability
from .learned_curves import LearnedCurves
from .prediction import Prediction

if TYPE_CHECKING:
    from .fit_result import FitResult

FORMAT, VERSION = "pyhodgkin fit", 1
_PARTS = ("t", "command", "measured", "predicted", "mask")  # of a prediction


def arrays_of(result: FitResult) -> dict[str, NDArray]:
    """The arrays of a result by the names that they have in its file."""
    out = {"theta": result.theta, "scores": result.scores, "statuses": result.statuses}
    for name in ("initial_states", "start"):
        if getattr(result, name) is not None:
            out[name] = getattr(result, name)
    if result.population is not None:
        out["population.theta"] = result.population.theta
        out["population.own"] = result.population.own
    for i, p in enumerate(result.predictions):
        out |= {f"prediction{i}.{part}": getattr(p, part) for part in _PARTS}
    return out


def summary_of(result: FitResult) -> dict[str, Any]:
    """Everything else of a result, safe for JSON."""
    errors = {"train_error": result.train_error, "heldout_error": result.heldout_error}
    known = result.identifiability
    return {
        "format": FORMAT,
        "version": VERSION,
        "neuron": result.neuron.name,
        "status": Status(result.status).name,
        "message": result.message,
        "seconds": round(result.seconds, 3),
        "seeds": list(result.seeds),
        "best": result.best,
        "steps": len(result.history["step"]),
        "voltage_range": list(result.voltage_range),
        **{name: None if e is None else e.to_dict() for name, e in errors.items()},
        "predictions": [[p.name, p.unit, p.heldout, p.command_unit] for p in result.predictions],
        "settings": result.settings,
        "cells": None if result.population is None else list(result.population.cells),
        "identifiability": None if known is None else known.to_dict(),
        "active_bounds": [x.to_dict() for x in result.active_bounds],
        "goodness": None if result.goodness is None else result.goodness.to_dict(),
        "curves": result.curves.to_dict() if isinstance(result.curves, LearnedCurves) else None,
        "log": list(result.log),
    }


def fields_of(
    neuron: Neuron,
    summary: Mapping[str, Any],
    arrays: Mapping[str, NDArray],
    history: dict[str, NDArray],
) -> dict[str, Any]:
    """The fields of the result that was kept.

    Raises
    ------
    ValueError
        If the numbers of starts or of recordings differ between its parts.
    """
    _check_sizes(summary, arrays)
    predictions = tuple(
        Prediction(
            name,
            unit,
            **{part: arrays[f"prediction{i}.{part}"] for part in _PARTS},
            heldout=held,
            command_unit=command_unit,
        )
        for i, (name, unit, held, command_unit) in enumerate(summary["predictions"])
    )
    heldout, known = summary["heldout_error"], summary.get("identifiability")
    goodness, reached = summary.get("goodness"), summary.get("active_bounds", ())
    curves, names, places = (
        summary.get("curves"),
        summary.get("cells"),
        ("population.own", "population.theta"),
    )
    return {
        "neuron": neuron,
        "theta": arrays["theta"],
        "seeds": tuple(summary["seeds"]),
        "best": summary["best"],
        "scores": arrays["scores"],
        "status": Status[summary["status"]],
        "statuses": arrays["statuses"],
        "history": history,
        "train_error": Errors.from_dict(summary["train_error"]),
        "heldout_error": None if heldout is None else Errors.from_dict(heldout),
        "voltage_range": tuple(summary["voltage_range"]),
        "predictions": predictions,
        "initial_states": arrays.get("initial_states"),
        "log": tuple(summary["log"]),
        "seconds": summary["seconds"],
        "settings": summary["settings"],
        "identifiability": None if known is None else Identifiability.from_dict(known),
        "population": None
        if names is None
        else FittedCells(tuple(names), *(arrays[n] for n in places)),
        "active_bounds": tuple(ActiveBound.from_dict(x) for x in reached),
        "goodness": None if goodness is None else GoodnessOfFit.from_dict(goodness),
        "start": arrays.get("start"),
        "curves": LearnedCurves.from_dict(curves) if curves else None,
    }


def _check_sizes(summary: Mapping[str, Any], arrays: Mapping[str, NDArray]) -> None:
    starts, best = len(summary["seeds"]), summary["best"]
    sizes = {name: arrays[name].shape[:1] for name in ("theta", "scores", "statuses")}
    for key in ("train_error", "heldout_error"):
        for part, values in (summary[key] or {}).items():
            if part not in ("names", "units"):
                sizes[f"{key}.{part}"] = (len(values),)
    wrong = [name for name, size in sizes.items() if size != (starts,)]
    if wrong:
        raise ValueError(f"{wrong[0]} has {sizes[wrong[0]]} starts, not {starts}")
    if isinstance(best, bool) or not isinstance(best, int) or not 0 <= best < starts:
        raise ValueError(f"best = {best!r} is none of {starts} starts")
    for name, array in arrays.items():
        if name.endswith(".predicted"):
            times = arrays[name.replace("predicted", "t")].shape
            others = [
                arrays[name.replace("predicted", x)].shape for x in _PARTS if x != "predicted"
            ]
            if array.shape != (starts, *times) or any(shape != times for shape in others):
                raise ValueError(f"{name} has shape {array.shape}; its times have {times}")


def read_summary(path: Path) -> dict[str, Any]:
    """What the summary at `path` says.

    Raises
    ------
    DocumentError
        If it is missing, damaged, of a newer version, or not the summary of a fit.
    """
    try:
        summary = parsed(path.read_bytes())
    except OSError:
        raise DocumentError(f"{path.parent} holds no fit: {path.name} is missing") from None
    except ValueError:
        raise DocumentError(f"{path} is damaged: not JSON") from None
    if not isinstance(summary, dict) or summary.get("format") != FORMAT:
        raise DocumentError(f"{path} is not the summary of a fit")
    if not isinstance(summary.get("version"), int):
        raise DocumentError(f"{path} is damaged: it states no version")
    if summary["version"] > VERSION:
        raise DocumentError(
            f"{path}: version {summary['version']}, this pyhodgkin reads {VERSION}; upgrade it"
        )
    return summary


def holds(path: Path, summary: Mapping[str, Any]) -> bool:
    """Whether `summary` is what the file at `path` says."""
    try:
        return read_summary(path) == json.loads(json.dumps(summary))
    except DocumentError:
        return False


def check_neuron(path: Path, neuron: Neuron, theta: FloatArray) -> None:
    """Whether the document at `path` has the parameters `theta` (P,) that the fit found.

    Raises
    ------
    DocumentError
        If it has others, since another run wrote it, or a person changed it.
    """
    if neuron.theta.shape != theta.shape or not np.array_equal(neuron.theta, theta):
        raise DocumentError(
            f"{path} is not the neuron of the fit beside it: it was changed or written over; "
            "run the fit again, or load it as a document"
        )
