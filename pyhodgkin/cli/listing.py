"""What was read from the files, in lines and in a table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..recordings import Recording
from .output import say

# So many recordings of a role are listed one by one.
_LISTED = 12


def tell(recordings: Sequence[Recording], role: str) -> None:
    """One line for each recording: its name, role, clamp, samples and command."""
    for item in recordings[:_LISTED]:
        row = row_of(item)
        say(
            f"{item.name}: {role}, {row['clamp']} clamp, {row['observed']}, {row['samples']} "
            f"samples to {row['end (ms)']:g} ms, command {row['command']}"
        )
    if len(recordings) > _LISTED:
        say(f"… and {len(recordings) - _LISTED} more recordings ({role})")


def row_of(item: Recording) -> dict[str, Any]:
    """What stands in the table of `pyhodgkin show FILE`."""
    return {
        "name": item.name,
        "clamp": item.protocol.kind,
        "observed": f"{item.observed} {_range(item.data)} {item.unit}",
        "samples": len(item),
        "end (ms)": float(item.t[-1]),
        "dt (ms)": item.dt,
        "command": f"{_range(item.command)} {item.protocol.unit}",
    }


def _range(values: np.ndarray) -> str:
    low, high = float(np.min(values)), float(np.max(values))
    return f"{low:.4g}" if low == high else f"{low:.4g} to {high:.4g}"
