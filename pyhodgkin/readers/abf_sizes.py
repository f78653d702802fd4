"""Whether an Axon Binary Format file has the bytes that its header speaks of.

Checked before anything is read by these numbers: a damaged header asks for gigabytes.
"""

from __future__ import annotations

import struct
from pathlib import Path

from ..errors import RecordingError
from .abf_layout import ABF1_OLD_SIZE, BLOCK, SECTIONS

# Sections of version 2 with what they hold; of texts the header states more than there are.
_SECTIONS = {name: place for name, place in SECTIONS.items() if name != "strings"}
_SECTIONS |= {"data": 236, "tag": 252, "synch_array": 316}
_MOST_STRINGS, _MOST_CHANNELS = 1 << 20, 64


def check_sizes(path: Path) -> None:
    """Raise unless each section that is read lies within the file.

    Raises
    ------
    RecordingError
        Which names the section.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(ABF1_OLD_SIZE)
    try:
        problem = ""
        if head[:4] == b"ABF2":
            problem = _version_2(head, size)
        elif head[:4] == b"ABF ":
            problem = _version_1(head, size)
    except struct.error:
        problem = "its header is incomplete"
    if problem:
        raise RecordingError(f"{path} cannot be read as ABF, or is cut short: {problem}")


def _version_2(head: bytes, size: int) -> str:
    for name, place in _SECTIONS.items():
        block, entry, count = struct.unpack_from("<IIq", head, place)
        if count < 0 or (count and not entry) or (count and block * BLOCK + entry * count > size):
            return (
                f'its section "{name}" has {count} entries of {entry} bytes from byte '
                f"{block * BLOCK}, the file {size} bytes"
            )
    block, entry, count = struct.unpack_from("<IIq", head, SECTIONS["strings"])
    if count < 0 or entry * count > size + _MOST_STRINGS or count > _MOST_STRINGS or entry > size:
        return f"its section of texts has {count} entries of {entry} bytes, the file {size} bytes"
    channels = struct.unpack_from("<q", head, _SECTIONS["adc"] + 8)[0]
    points = struct.unpack_from("<q", head, _SECTIONS["data"] + 8)[0]
    return _counts(channels, struct.unpack_from("<I", head, 12)[0], points)


def _version_1(head: bytes, size: int) -> str:
    points, sweeps = (struct.unpack_from("<i", head, place)[0] for place in (10, 16))
    begin, tags_begin, tags = (struct.unpack_from("<i", head, place)[0] for place in (40, 44, 48))
    channels = struct.unpack_from("<h", head, 120)[0]
    if points < 0 or begin <= 0 or begin * BLOCK + 2 * points > size:
        return (
            f"its header states {points} samples from byte {begin * BLOCK}, the file {size} bytes"
        )
    if tags < 0 or (tags and tags_begin * BLOCK + 64 * tags > size):
        return f"its header states {tags} tags, which are not in it"
    return _counts(channels, sweeps, points)


def _counts(channels: int, sweeps: int, points: int) -> str:
    if not 0 < channels <= _MOST_CHANNELS:
        return f"its header states {channels} channels"
    if not 0 <= sweeps <= max(points, 1):
        return f"its header states {sweeps} sweeps of {points} samples in all"
    return ""
