"""What an NWB file may not do: lead to other files, or state more data than it can hold."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ..errors import RecordingError
from ..storage.npz import ALWAYS, MEASURED


def check(path: Path) -> None:
    """Raise for links to other files, and for data that nothing is stored for.

    Raises
    ------
    RecordingError
        Which names the link or the dataset.
    """
    import h5py

    most = max(ALWAYS, MEASURED * path.stat().st_size)
    try:
        with h5py.File(path, "r") as file:
            problem = next(_problems(file, "", most, set()), "")
    except (OSError, RuntimeError, KeyError, ValueError, TypeError, RecursionError) as error:
        raise RecordingError(f"{path} cannot be read as NWB, or is cut short: {error}") from None
    if problem:
        raise RecordingError(f"{path} cannot be read: {problem}")


def _problems(group: Any, where: str, most: int, known: set[Any]) -> Iterator[str]:
    import h5py

    for name in group:
        place, link = f"{where}/{name}", group.get(name, getlink=True)
        if isinstance(link, h5py.ExternalLink):
            yield (
                f"{place} is a link to another file, {link.filename}, which is not followed: "
                "export it to a file of its own (pynwb.NWBHDF5IO.export)"
            )
        if not isinstance(link, h5py.HardLink):
            continue  # to another place in the file, which is checked there
        item = group[name]
        address = h5py.h5o.get_info(item.id).addr  # type: ignore[attr-defined]
        if address in known:
            continue
        known.add(address)
        if isinstance(item, h5py.Group):
            yield from _problems(item, place, most, known)
        elif isinstance(item, h5py.Dataset):
            yield from _of_data(item, place, most)


def _of_data(data: Any, place: str, most: int) -> Iterator[str]:
    if data.external or data.is_virtual:
        yield f"the data of {place} lie in another file, which is not opened"
    width = max(data.dtype.itemsize, 8)
    for shape in (data.shape or (), data.chunks or ()):
        if math.prod(shape) * width > most:
            yield (
                f"{place} states {math.prod(shape)} values, more than a file of its size holds "
                f"({data.id.get_storage_size()} bytes are stored for it)"
            )
