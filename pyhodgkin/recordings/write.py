"""Recordings to a csv file that `pyhodgkin.read` reads back without being told anything."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from pathlib import Path

from ..errors import RecordingError
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
    lines = [NOTE + json.dumps(notes), f"sweep,t [ms],v [mV],i [{unit}]"]
    for index, item in enumerate(items):
        v, i = (item.data, item.command) if kind == "current" else (item.command, item.data)
        rows = zip(item.t.tolist(), v.tolist(), i.tolist(), strict=True)
        lines += [f"{index},{t!r},{a!r},{b!r}" for t, a, b in rows]
    target = Path(path)
    draft = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        draft.write_text("\n".join(lines) + "\n", encoding="utf-8")
        os.replace(draft, target)
    except OSError as error:
        raise RecordingError(f"cannot write {target}: {error.strerror}") from error
    finally:
        draft.unlink(missing_ok=True)
