"""Arrays of npz files: what they claim is checked before anything of that size is allocated."""

from __future__ import annotations

import math
import os
import zipfile
from pathlib import Path

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

# Deflate makes at most 1032 bytes of one. Of a file from elsewhere less is believed: measured
# samples hardly compress, and a small file that claims gigabytes is there to fill the memory.
DEFLATE, MEASURED = 1032, 100
ALWAYS = 16 << 20  # bytes that any file may hold
_KINDS = "biufcSU"


def read_arrays(path: str | os.PathLike[str], most: int = DEFLATE) -> dict[str, NDArray]:
    """The arrays of an npz file by name; no pickle is read.

    Parameters
    ----------
    path : path
    most : int
        So many times its size on disk the file may hold, but always 16 MiB.

    Raises
    ------
    OSError
        If it cannot be read.
    ValueError
        If it is no npz file, is damaged, or claims to hold more than it does.

    Examples
    --------
    >>> path = getfixture("tmp_path") / "a.npz"
    >>> np.savez_compressed(path, t=[0.0, 0.1])
    >>> read_arrays(path)
    {'t': array([0. , 0.1])}
    """
    if not zipfile.is_zipfile(path):
        raise ValueError("it is no npz file, or is cut short")
    try:
        with zipfile.ZipFile(path) as file:
            return _arrays(file, max(ALWAYS, most * Path(path).stat().st_size))
    except (OSError, ValueError):
        raise
    except Exception as error:  # a damaged archive shows itself in many ways
        raise ValueError(f"it is damaged: {error or type(error).__name__}") from None


def _arrays(file: zipfile.ZipFile, most: int) -> dict[str, NDArray]:
    members = [item for item in file.infolist() if not item.is_dir()]
    if len({item.filename for item in members}) < len(members):
        raise ValueError("it has two arrays of one name")
    heads = [_head(file, item) for item in members]
    # As numbers of 8 bytes, which is what becomes of them.
    total = sum(math.prod(shape) * max(kind.itemsize, 8) for _, shape, _, kind in heads)
    if total > most:
        raise ValueError(f"its arrays would take {total} bytes, more than a file of its size holds")
    found = {}
    for item, (start, shape, order, kind) in zip(members, heads, strict=True):
        values = np.frombuffer(file.read(item), kind, math.prod(shape), start)
        values = values.reshape(shape[::-1]).T if order else values.reshape(shape)
        found[item.filename.removesuffix(".npy")] = values.copy()
    return found


def _head(file: zipfile.ZipFile, item: zipfile.ZipInfo) -> tuple[int, tuple, bool, np.dtype]:
    """Where the numbers of an array begin, its shape, whether columns come first, its type."""
    where = f'array "{item.filename}"'
    with file.open(item) as stream:
        try:
            version = npy.read_magic(stream)
            read = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}[version]
            shape, order, kind = read(stream)
        except Exception as error:  # the header is Python text
            raise ValueError(f"{where} has no valid header: {error}") from None
        start = stream.tell()
    if kind.kind not in _KINDS or kind.itemsize == 0 or kind.hasobject:
        raise ValueError(
            f"{where} holds {kind}: only numbers and texts are read, no Python objects"
        )
    if any(isinstance(n, bool) or n < 0 for n in shape) or len(shape) > 32:
        raise ValueError(f"{where} has no valid shape")
    size = math.prod(shape) * kind.itemsize
    if start + size != item.file_size:
        raise ValueError(f"{where} states {size} bytes and has {item.file_size - start}")
    return start, shape, order, kind
