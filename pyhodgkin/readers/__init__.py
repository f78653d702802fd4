"""Readers: files of recordings to a `RecordingSet`."""

from .read import read

__all__ = ["read"]
