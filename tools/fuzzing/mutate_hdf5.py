"""Mutations of HDF5 files that stay HDF5: shapes, types, links, fill values, bombs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from .mutate import Rng

MOST = 10_000_000  # numbers of a dataset that a change reads
CANARY = "canary.h5"  # another file, which no link may lead to


def hdf5(path: Path, rng: Rng) -> str:
    """Change one to three things in the file at `path`; what was done."""
    import h5py

    done = []
    with h5py.File(path, "r+") as file:
        for _ in range(1 + int(rng.random() < 0.3) * 2):
            names: list[str] = []
            file.visit(names.append)
            name = names[int(rng.integers(len(names)))]
            change = _CHANGES[int(rng.integers(len(_CHANGES)))]
            try:
                change(file, name, rng)
                done.append(f"{change.__name__} {name}")
            except (KeyError, ValueError, TypeError, OSError, RuntimeError):
                continue
    return "+".join(done) or "nothing"


def _replaced(file: Any, name: str, **options: Any) -> None:
    """Another dataset in the place of an object, with its attributes."""
    attributes = dict(file[name].attrs)
    del file[name]
    made = file.create_dataset(name, **options)
    for key, value in attributes.items():
        made.attrs[key] = value


def gone(file: Any, name: str, rng: Rng) -> None:
    del file[name]


def huge(file: Any, name: str, rng: Rng) -> None:
    """A shape that nothing is stored for: reading it gives fill values."""
    n = int(10 ** rng.uniform(7, 13))
    shape = (n,) if rng.random() < 0.7 else (n, 2)
    _replaced(file, name, shape=shape, dtype="f8", chunks=(1024,) * len(shape), fillvalue=1.0)


def bomb(file: Any, name: str, rng: Rng) -> None:
    n = int(10 ** rng.uniform(5, 7.5))
    _replaced(file, name, data=np.zeros(n, "f4"), compression="gzip", compression_opts=9)


def kind(file: Any, name: str, rng: Rng) -> None:
    kinds = ("text", np.float64(1.0), np.array([np.nan] * 5), np.arange(7, dtype="i8"),
             np.array([b"a", b"b"]), np.zeros((3, 3)), np.zeros(0), np.array([1e308, -1e308]),
             np.array([True]), np.array([1 + 2j]))  # fmt: skip
    _replaced(file, name, data=kinds[int(rng.integers(len(kinds)))])


def _content(file: Any, name: str) -> Any:
    """That of a dataset; ValueError where another change made it too large to read."""
    if getattr(file[name], "size", None) is not None and file[name].size > MOST:
        raise ValueError(f"{name} is too large")
    return file[name][()]


def shorter(file: Any, name: str, rng: Rng) -> None:
    data = _content(file, name)
    _replaced(file, name, data=data[: int(rng.integers(len(data) + 1))])


def values(file: Any, name: str, rng: Rng) -> None:
    data = np.array(_content(file, name))
    extreme = (np.nan, np.inf, -np.inf, 1e308, 0.0, -1.0, 1e-320, 2**31)
    new = extreme[int(rng.integers(len(extreme)))]
    flat = data.reshape(-1)
    flat[int(rng.integers(len(flat))) :] = new
    _replaced(file, name, data=data)


def attribute(file: Any, name: str, rng: Rng) -> None:
    keys = list(file[name].attrs)
    key = keys[int(rng.integers(len(keys)))]
    choices: tuple[Any, ...] = (0, -1.0, np.nan, np.inf, 1e308, "", "x", "volts", np.zeros(3),
                                b"\xff", "x" * 10_000, np.bytes_("a"), None)  # fmt: skip
    new = choices[int(rng.integers(len(choices)))]
    if new is None:
        del file[name].attrs[key]
    else:
        file[name].attrs[key] = new


def external(file: Any, name: str, rng: Rng) -> None:
    import h5py

    del file[name]
    file[name] = h5py.ExternalLink(f"../{CANARY}", "/data")


def stored_outside(file: Any, name: str, rng: Rng) -> None:
    count = 100
    _replaced(file, name, shape=(count,), dtype="f8", external=[(f"../{CANARY}", 0, 8 * count)])


def virtual(file: Any, name: str, rng: Rng) -> None:
    import h5py

    layout = h5py.VirtualLayout(shape=(100,), dtype="f8")
    layout[:] = h5py.VirtualSource(f"../{CANARY}", "data", shape=(100,))
    attributes = dict(file[name].attrs)
    del file[name]
    made = file.create_virtual_dataset(name, layout)
    for key, value in attributes.items():
        made.attrs[key] = value


def loop(file: Any, name: str, rng: Rng) -> None:
    """A group that holds itself, or a link that leads nowhere."""
    import h5py

    place = name.rpartition("/")[0]
    if rng.random() < 0.5:
        file[f"{place}/loop"] = file[place] if place else file["/"]
    else:
        del file[name]
        file[name] = h5py.SoftLink("/nowhere" if rng.random() < 0.5 else f"/{name}")


def swap(file: Any, name: str, rng: Rng) -> None:
    names: list[str] = []
    file.visit(names.append)
    other = names[int(rng.integers(len(names)))]
    del file[name]
    file[name] = file[other]


_CHANGES: tuple[Callable[[Any, str, Rng], None], ...] = (
    *(gone, huge, huge, bomb, kind, kind, shorter, values, values, attribute, attribute, attribute),
    *(external, stored_outside, virtual, loop, swap),
)
