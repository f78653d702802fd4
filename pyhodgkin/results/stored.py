"""The summary of a fit that is kept in a folder."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import DocumentError
from ..neuron.neuron import Neuron
from ..numerics.arrays import FloatArray

FORMAT, VERSION = "pyhodgkin fit", 1


def read_summary(path: Path) -> dict[str, Any]:
    """What the summary at `path` says.

    Raises
    ------
    DocumentError
        If it is missing, damaged, of a newer version, or not the summary of a fit.
    """
    try:
        summary = json.loads(path.read_text(encoding="utf-8"))
    except OSError:
        raise DocumentError(f"{path.parent} holds no fit: {path.name} is missing") from None
    except ValueError:
        raise DocumentError(f"{path} is damaged: not JSON") from None
    if not isinstance(summary, dict) or summary.get("format") != FORMAT:
        raise DocumentError(f"{path} is not the summary of a fit")
    if summary.get("version", 0) > VERSION:
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
