"""Bytes of a file to text: encodings, and files that are no text."""

from __future__ import annotations

import codecs
import re
from pathlib import Path

from ...errors import RecordingError

# First bytes of files that are often renamed or chosen by mistake, and what to do instead.
_SIGNATURES = (
    (b"\x1f\x8b", "compressed by gzip: unpack it first (gunzip)"),
    (b"BZh", "compressed by bzip2: unpack it first (bunzip2)"),
    (b"\xfd7zXZ", "compressed by xz: unpack it first (unxz)"),
    (b"PK\x03\x04", "a zip archive or an Excel workbook: save the sheet as csv, or unpack it"),
    (b"\xd0\xcf\x11\xe0", "an Excel workbook (.xls): save the sheet as csv"),
    (b"\x89HDF", "HDF5: a file of Neurodata Without Borders ends in .nwb"),
    (b"ABF ", "an Axon binary file: let its name end in .abf"),
    (b"ABF2", "an Axon binary file: let its name end in .abf"),
    (b"\x93NUMPY", "a numpy array (.npy): save named arrays with numpy.savez as .npz"),
    (b"MATLAB 5.0", "a MATLAB file: save its arrays as csv"),
    (b"%PDF", "a PDF"),
)
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x19\x1b-\x1f\x7f]")


def read_text(path: Path, encoding: str | None = None) -> str:
    """The text of a file, in `encoding` or in the one that its first bytes show.

    UTF-8, UTF-16 and UTF-32 by their byte-order mark, UTF-16 without one by its zero bytes,
    else UTF-8, else Windows-1252 (Latin-1).

    Raises
    ------
    RecordingError
        When the bytes are no text, with what the file is where its first bytes say so.
    """
    data = path.read_bytes()
    for signature, what in _SIGNATURES:
        if data.startswith(signature):
            raise RecordingError(f"{path} is not a text file but {what}")
    text = _decoded(path, data, encoding).rstrip("\x1a\x00")
    if _CONTROL.search(text) or _foreign(text):
        raise RecordingError(f"{path} is not a text file: it holds bytes that are no characters")
    return text


def _decoded(path: Path, data: bytes, encoding: str | None) -> str:
    names = [encoding] if encoding is not None else _candidates(data)
    for name in names:
        try:
            return data.decode(name)
        except UnicodeDecodeError:
            continue
        except LookupError:
            raise RecordingError(f'{path}: encoding "{encoding}" is not known to Python') from None
    raise RecordingError(f"{path} is not a text file in {' or '.join(names)}: give encoding=")


def _candidates(data: bytes) -> list[str]:
    for mark, name in _MARKS:
        if data.startswith(mark):
            return [name]
    head = data[:4000]
    half = max(len(head) // 2, 1)
    if head[1::2].count(0) > 0.9 * half:
        return ["utf-16-le"]
    if head[0::2].count(0) > 0.9 * half:
        return ["utf-16-be"]
    return ["utf-8", "cp1252", "latin-1"]


def _foreign(text: str) -> bool:
    """Whether most characters are beyond those of any European text: bytes read as pairs."""
    head = text[:4000]
    return bool(head) and sum(ord(c) > 0xFF and c not in "−–—μΩ…‘’“”€™" for c in head) > 0.3 * len(
        head
    )
