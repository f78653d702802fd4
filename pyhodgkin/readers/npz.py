"""Arrays of numpy: npz files."""

from __future__ import annotations

from pathlib import Path

from ..errors import RecordingError
from ..recordings import RecordingSet
from ..storage.npz import MEASURED, read_arrays
from .options import Options
from .table import INSTEAD, TAKES, Table, recordings

__all__ = ["INSTEAD", "TAKES", "read_npz"]


def read_npz(path: Path, options: Options) -> RecordingSet:
    """Recordings of an npz file; each row of a two-dimensional array is a sweep."""
    try:
        arrays = read_arrays(path, MEASURED)
    except ValueError as error:
        raise RecordingError(f"{path} cannot be read as npz: {error}") from None
    return recordings(Table(str(path), path.stem, arrays), options)
