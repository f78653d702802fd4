"""Arrays of numpy: npz files."""

from __future__ import annotations

import zipfile
import zlib
from pathlib import Path

import numpy as np

from ..errors import RecordingError
from ..recordings import RecordingSet
from .options import Options
from .table import INSTEAD, TAKES, Table, recordings

__all__ = ["INSTEAD", "TAKES", "read_npz"]


def read_npz(path: Path, options: Options) -> RecordingSet:
    """Recordings of an npz file; each row of a two-dimensional array is a sweep."""
    if not zipfile.is_zipfile(path):
        raise RecordingError(f"{path} is not an npz file, or is cut short")
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
    except (ValueError, OSError, EOFError, KeyError, zipfile.BadZipFile, zlib.error) as error:
        raise RecordingError(
            f"{path} cannot be read as npz: {error} (arrays of Python objects are refused)"
        ) from None
    return recordings(Table(str(path), path.stem, arrays), options)
