"""Readers: files of recordings to a `RecordingSet`."""

from .read import read
from .registry import register, suffixes, unregister

__all__ = ["read", "register", "suffixes", "unregister"]
