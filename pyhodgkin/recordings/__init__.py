"""Recordings: a protocol, and what was measured under it."""

from .recording import Recording
from .sets import RecordingSet

__all__ = ["Recording", "RecordingSet"]
