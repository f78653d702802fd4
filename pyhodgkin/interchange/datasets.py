"""Recordings as an xarray dataset, and back."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import RecordingError
from ..libraries import library
from ..recordings import Recording, RecordingSet
from .described import described, joined, notes_of, recording_of

_DIMS = ("recording", "sample")


def to_xarray(recordings: RecordingSet) -> Any:
    """Arrays over (recording, sample); see `RecordingSet.to_xarray`."""
    xarray = library("xarray")
    kinds = {(r.observed, r.unit, r.protocol.unit) for r in recordings}
    if len(kinds) != 1:
        raise RecordingError(
            "to_xarray: one dataset holds recordings of one clamp and one unit of current; make "
            "one for each"
        )
    observed, unit, command_unit = kinds.pop()
    command = "current" if observed == "v" else "v"
    shape = (len(recordings), max(len(r) for r in recordings))
    parts: dict[str, Any] = {name: np.full(shape, np.nan) for name in ("t", observed, command)}
    used = np.zeros(shape, dtype=bool)
    for i, r in enumerate(recordings):
        n = len(r)
        for name, values in (("t", r.t), (observed, r.data), (command, r.command)):
            parts[name][i, :n] = values
        used[i, :n] = r.mask
    units = {"t": "ms", observed: unit, command: command_unit}
    data: dict[str, Any] = {n: (_DIMS, x, {"units": units[n]}) for n, x in parts.items()}
    data["used"] = (_DIMS, used, {"long_name": "whether the sample is used"})
    data["n_samples"] = ("recording", np.array([len(r) for r in recordings]), {"units": "1"})
    coords = {"name": ("recording", np.array([r.name for r in recordings], dtype=str))}
    return xarray.Dataset(data, coords=coords, attrs={"pyhodgkin": described(recordings)})


def from_xarray(dataset: Any) -> RecordingSet:
    """The recordings of a dataset of `to_xarray`; see `RecordingSet.from_xarray`."""
    library("xarray")
    where = "from_xarray"
    notes = notes_of(dataset.attrs.get("pyhodgkin"), where)
    missing = {"t", "used", "n_samples"} - set(dataset.variables)
    if missing:
        raise RecordingError(f"{where}: the dataset has no variable {', '.join(sorted(missing))}")
    counts = np.asarray(dataset["n_samples"])
    if len(counts) != len(notes):
        raise RecordingError(
            f"{where}: {len(counts)} recordings, and notes on {len(notes)}: a part of a dataset "
            "cannot be read back; take parts of the RecordingSet"
        )
    found: list[Recording] = []
    for i, note in enumerate(notes):
        kind = note["protocol"].get("kind") if isinstance(note.get("protocol"), dict) else None
        name = "v" if kind == "current" else "current"
        if name not in dataset.variables:
            raise RecordingError(f"{where}: the dataset has no variable {name}")
        t, data, used = (np.asarray(dataset[x][i])[: counts[i]] for x in ("t", name, "used"))
        found.append(recording_of(note, t, data, used, f"{where}, recording {i}"))
    return joined(found, where)
