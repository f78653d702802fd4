"""What was read from the files, a line for each recording."""

from __future__ import annotations

from collections.abc import Sequence

from ..html import span
from ..recordings import Recording
from .output import say

# So many recordings of a role are listed one by one.
_LISTED = 12


def tell(recordings: Sequence[Recording], role: str) -> None:
    """One line for each recording: its name, role, clamp, samples and command."""
    for item in recordings[:_LISTED]:
        say(line(item, role))
    if len(recordings) > _LISTED:
        say(f"… and {len(recordings) - _LISTED} more recordings ({role})")


def line(item: Recording, role: str = "") -> str:
    """One line on a recording."""
    return (
        f"{item.name}: {role + ', ' if role else ''}{item.protocol.kind} clamp, "
        f"{len(item)} samples to {item.t[-1]:g} ms, {item.observed} {span(item.data)} "
        f"{item.unit}, command {span(item.command)} {item.protocol.unit}"
    )
