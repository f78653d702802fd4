"""Recordings to a csv file that `pyhodgkin.read` reads back without being told anything."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from pathlib import Path

from ..errors import RecordingError
from ..storage.tables import write_table
from . import Recording
from .kept import noted

NOTE = "# pyhodgkin "


def write_csv(items: Iterable[Recording], path: str | os.PathLike[str]) -> None:
    """Write recordings of one clamp and unit to one file, whole or not at all.

    The formula of the protocol is not kept: the command is written as samples.
    """
    items = list(items)
    kinds = {(r.protocol.kind, r.current_unit) for r in items}
    if len(kinds) != 1:
        raise RecordingError("one csv file holds recordings of one clamp and one unit of current")
    kind, unit = kinds.pop()
    notes = {
        "clamp": kind,
        "names": [r.name for r in items],
        "temperatures": [r.temperature for r in items],
        **noted(items),
    }
    comment = NOTE + json.dumps(notes)
    rows: list[tuple[float, ...]] = []
    for index, item in enumerate(items):
        v, i = (item.data, item.command) if kind == "current" else (item.command, item.data)
        columns = (item.t.tolist(), v.tolist(), i.tolist())
        rows += [(index, *row) for row in zip(*columns, strict=True)]
    if not Path(path).parent.is_dir():
        raise RecordingError(f"cannot write {path}: there is no folder {Path(path).parent}")
    try:
        write_table(path, ("sweep", "t [ms]", "v [mV]", f"i [{unit}]"), rows, comment)
    except OSError as error:
        raise RecordingError(f"cannot write {path}: {error.strerror}") from error
