"""Recordings as a table of pandas, and back."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import RecordingError
from ..libraries import library
from ..recordings import RecordingSet
from .described import described, joined, notes_of, recording_of

COLUMNS = ("t_ms", "v_mV", "used")


def to_pandas(recordings: RecordingSet) -> Any:
    """One line per sample; see `RecordingSet.to_pandas`."""
    pandas = library("pandas")
    units = {r.current_unit for r in recordings}
    if len(units) > 1:
        raise RecordingError(
            f"to_pandas: the recordings have currents in {' and '.join(sorted(units))}; one table "
            "has one unit: make one for each"
        )
    frames = []
    for i, r in enumerate(recordings):
        v, current = (r.data, r.command) if r.observed == "v" else (r.command, r.data)
        columns = {"t_ms": r.t, "v_mV": v, f"current_{r.current_unit}": current, "used": r.mask}
        frame = pandas.DataFrame(columns)
        frame.insert(0, "recording", i)
        frame.insert(1, "name", r.name)
        frames.append(frame)
    table = pandas.concat(frames, ignore_index=True)
    table.attrs["pyhodgkin"] = described(recordings)
    return table


def from_pandas(table: Any) -> RecordingSet:
    """The recordings of a table of `to_pandas`; see `RecordingSet.from_pandas`."""
    library("pandas")
    where = "from_pandas"
    notes = notes_of(getattr(table, "attrs", {}).get("pyhodgkin"), where)
    found = []
    for i, note in enumerate(notes):
        unit = note.get("current_unit")
        missing = {"recording", *COLUMNS, f"current_{unit}"} - set(table.columns)
        if missing:
            raise RecordingError(f"{where}: the table has no column {', '.join(sorted(missing))}")
        rows = table[table["recording"] == i]
        clamp = note["protocol"].get("kind") if isinstance(note.get("protocol"), dict) else None
        data = rows["v_mV" if clamp == "current" else f"current_{unit}"]
        where_i = f"{where}, recording {i}"
        values = (np.asarray(rows[name]) for name in ("t_ms", "used"))
        t, used = values
        found.append(recording_of(note, t, np.asarray(data), used, where_i))
    return joined(found, where)
