"""Recordings as a notebook shows them: a line for each."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from ..html import span, view
from ..units import written

if TYPE_CHECKING:
    from .recording import Recording


def html_of(recording: Recording) -> str:
    """One recording."""
    return view("Recording", [row(recording)], _notes([recording]))


def html_of_set(recordings: Iterable[Recording]) -> str:
    """Several recordings, a line for each."""
    items = list(recordings)
    title = f"{len(items)} recording{'s' if len(items) > 1 else ''}"
    return view(title, [row(item) for item in items], _notes(items))


def row(recording: Recording) -> dict[str, Any]:
    """What was done, what was measured, and when."""
    return {
        "name": recording.name,
        "clamp": recording.protocol.kind,
        "measured": recording.observed,
        "least": float(recording.data.min()),
        "greatest": float(recording.data.max()),
        "unit": written(recording.unit),
        "command": span(recording.command),
        "command unit": written(recording.protocol.unit),
        "samples": len(recording),
        "masked": len(recording) - recording.n_used,
        "from (ms)": float(recording.t[0]),
        "to (ms)": float(recording.t[-1]),
    }


def _notes(items: list[Recording]) -> list[str]:
    sources = dict.fromkeys(item.source for item in items if item.source)
    degrees = dict.fromkeys(f"{r.temperature:g} °C" for r in items if r.temperature is not None)
    return [", ".join(sources), ", ".join(degrees)]
