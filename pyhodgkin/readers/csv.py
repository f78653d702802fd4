"""Text files of columns: csv, and the like with tabs, semicolons or spaces."""

from __future__ import annotations

import io
import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import RecordingError
from ..recordings import Recording, RecordingSet
from .options import Options
from .table import INSTEAD, TAKES, Table, recordings

__all__ = ["INSTEAD", "TAKES", "read_csv", "write_csv"]

_NOTE = "# pyhodgkin "


def read_csv(path: Path, options: Options) -> RecordingSet:
    """Recordings of a text file: a line of column names, then numbers; ``#`` begins a comment."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise RecordingError(f"{path} is not a text file (or not in UTF-8)") from None
    lines = text.splitlines()
    skip = next((i for i, x in enumerate(lines) if x.strip() and not x.startswith("#")), None)
    if skip is None:
        raise RecordingError(f"{path} holds no data")
    first = lines[skip]
    delimiter = next((d for d in ("\t", ";", ",") if d in first), None)
    names = [name.strip().strip('"') for name in first.split(delimiter)]
    body = lines[skip + 1 :]
    if all(_is_number(name) for name in names):
        body, names = lines[skip:], [f"column {i}" for i in range(len(names))]
    if not any(line.strip() and not line.startswith("#") for line in body):
        raise RecordingError(f"{path} has a header but no rows")
    try:
        data = np.loadtxt(io.StringIO("\n".join(body)), delimiter=delimiter, ndmin=2)
    except ValueError as error:
        raise RecordingError(f"{path} is not a table of numbers under {names}: {error}") from None
    if data.shape[1] != len(names):
        raise RecordingError(f"{path} names {len(names)} columns and has {data.shape[1]}")
    if len(set(names)) < len(names):
        raise RecordingError(f"{path} names a column twice: {', '.join(names)}")
    arrays = {name: np.ascontiguousarray(data[:, i]) for i, name in enumerate(names)}
    return recordings(Table(str(path), path.stem, arrays, _notes(path, lines[:skip])), options)


def write_csv(items: Iterable[Recording], path: str | os.PathLike[str]) -> None:
    """Write recordings of one clamp and unit to one file, whole or not at all.

    Masks and the formula of the protocol are not kept: the command is written as samples.
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
    }
    lines = [_NOTE + json.dumps(notes), f"sweep,t [ms],v [mV],i [{unit}]"]
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


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _notes(path: Path, comments: list[str]) -> dict[str, Any]:
    for line in comments:
        if line.startswith(_NOTE):
            try:
                return dict(json.loads(line[len(_NOTE) :]))
            except (ValueError, TypeError):
                raise RecordingError(f'{path}: the line "{_NOTE}…" is damaged') from None
    return {}
