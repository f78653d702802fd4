"""Masks and facts of recordings, as a csv file of our own notes them beside its columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any

import numpy as np

from ..errors import RecordingError
from . import Recording
from .setup import Setup


def noted(items: Sequence[Recording]) -> dict[str, Any]:
    """What to note: facts of cell, electrode and amplifier, and stretches of masked samples."""
    facts = [{**r.setup, **({"cell": r.cell} if r.cell else {})} for r in items]
    edges = [np.flatnonzero(np.diff(np.r_[False, ~r.mask, False])) for r in items]
    masked = [edge.reshape(-1, 2).tolist() for edge in edges]
    notes = {"facts": facts, "masked": masked}
    return {name: values for name, values in notes.items() if any(values)}


def kept(notes: Mapping[str, Any], index: int, length: int, path: str) -> dict[str, Any]:
    """Fields `mask` and `facts` of a `Sweep`, from what is noted of the sweep at `index`."""
    keep = np.ones(length, dtype=bool)
    try:
        for first, stop in notes["masked"][index] if "masked" in notes else ():
            keep[first:stop] = False
        facts = dict(notes["facts"][index]) if "facts" in notes else {}
    except (TypeError, ValueError, IndexError, KeyError):
        raise RecordingError(f"{path}: what it notes of sweep {index} is damaged") from None
    unknown = set(facts) - {"cell", *(f.name for f in fields(Setup))}
    if unknown:
        raise RecordingError(f"{path}: {', '.join(sorted(unknown))} is no fact of a sweep")
    return {"mask": keep, "facts": facts}
