"""What is known of recordings beside their samples, as JSON, and recordings from both."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ..errors import InputError, RecordingError
from ..protocols import Protocol
from ..recordings import Recording, RecordingSet
from ..storage.json_files import parsed

FORMAT, VERSION = "pyhodgkin recordings", 1
_PLAIN = ("name", "current_unit", "temperature", "source", "t_offset", "cell")


def described(items: Iterable[Recording]) -> str:
    """JSON text that holds all of the recordings but their samples."""
    notes = [
        {
            "protocol": item.protocol.to_dict(),
            **{name: getattr(item, name) for name in _PLAIN},
            **item.setup,
        }
        for item in items
    ]
    return json.dumps({"format": FORMAT, "version": VERSION, "recordings": notes})


def notes_of(text: Any, where: str) -> list[dict[str, Any]]:
    """The notes in what `described` returned; `where` is for the error."""
    try:
        found = parsed(text)
        if found["format"] != FORMAT or found["version"] != VERSION:
            raise ValueError(f"format {found['format']!r}, version {found['version']!r}")
        notes = [dict(note) for note in found["recordings"]]
    except (TypeError, ValueError, KeyError) as error:
        raise RecordingError(
            f'{where}: its attribute "pyhodgkin" is missing or damaged ({error}); it is made by '
            "RecordingSet, with the attribute that holds protocols and units"
        ) from None
    return notes


def recording_of(
    note: Mapping[str, Any], t: ArrayLike, data: ArrayLike, mask: ArrayLike, where: str
) -> Recording:
    """The recording of a note and its samples."""
    fields = dict(note)
    try:
        protocol = Protocol.from_dict(fields.pop("protocol"))
        observed = "v" if protocol.kind == "current" else "current"
        if observed == "v":
            fields.pop("current_unit", None)  # that of the protocol
        samples: dict[str, Any] = {observed: np.asarray(data, dtype=np.float64)}
        keep: Any = np.asarray(mask, dtype=bool)
        return Recording(np.asarray(t, dtype=np.float64), protocol, mask=keep, **samples, **fields)
    except RecordingError:
        raise
    except (KeyError, TypeError, ValueError, InputError) as error:
        raise RecordingError(f"{where}: what it notes of a recording is damaged: {error}") from None


def joined(items: list[Recording], where: str) -> RecordingSet:
    """A set of at least one."""
    if not items:
        raise RecordingError(f"{where} holds no recording")
    return RecordingSet(items)
