"""Where a result comes from: the call, the versions, and digests of the data."""

from __future__ import annotations

import hashlib
import importlib.metadata
import os
import platform
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from ..recordings import Recording
from ..storage import called
from .problem import Problem
from .run import digests

_PACKAGES = ("pyhodgkin", "numpy", "scipy")
_CHUNK = 1 << 20  # bytes


def provenance(problem: Problem) -> dict[str, Any]:
    """What a report says about where the result of `problem` comes from, safe for JSON."""
    return {
        "command": called.command(),
        "folder": os.getcwd() if called.command() else "",
        "call": called.call(),
        "versions": versions(problem.backend.name),
        "neuron": digests.of_neuron(problem.neuron),
        "data": [
            *_data(problem.recordings, "training"),
            *_data(problem.heldout, "held out"),
        ],
    }


@lru_cache
def _versions(engine: str) -> tuple[tuple[str, str], ...]:
    found = [(name, _version(name)) for name in _PACKAGES]
    if engine == "torch":
        found.append((engine, _version(engine)))
    elif engine == "julia":
        from ..backends.julia_setup import julia_setup

        found += [(engine, julia_setup()[0].version), ("juliacall", _version("juliacall"))]
    found += [("Python", platform.python_version()), ("platform", platform.platform())]
    return tuple((name, version) for name, version in found if version)


def versions(engine: str = "") -> dict[str, str]:
    """Versions of this package, of what it computes with, and of the machine's system.

    Examples
    --------
    >>> list(versions())[:2]
    ['pyhodgkin', 'numpy']
    """
    return dict(_versions(engine))


def _version(name: str) -> str:
    if name == "pyhodgkin":
        from .. import __version__

        return __version__
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return ""


def _data(recordings: Sequence[Recording], role: str) -> list[dict[str, Any]]:
    """A row for each recording, with sha256 of its arrays and of the file that it is from."""
    return [
        {
            "recording": r.name or f"recording {i}",
            "role": role,
            "samples": len(r),
            "used": r.n_used,
            "unit": r.unit,
            "sha256": digests.of_recordings([r]),
            "file": r.source,
            "file_sha256": of_file(r.source),
        }
        for i, r in enumerate(recordings)
    ]


def of_file(path: str) -> str:
    """sha256 of a file as it is now, as ``sha256sum`` prints it; empty where there is none.

    Examples
    --------
    >>> path = getfixture("tmp_path") / "empty.csv"
    >>> _ = path.write_bytes(b"")
    >>> of_file(str(path))[:8], of_file("nowhere.csv")
    ('e3b0c442', '')
    """
    if not path or not os.path.isfile(path):
        return ""
    try:
        found = os.stat(path)
        return _sha256(os.path.abspath(path), found.st_size, found.st_mtime_ns)
    except OSError:
        return ""


@lru_cache(maxsize=256)
def _sha256(path: str, size: int, changed: int) -> str:
    """Of a file of this size that was last changed then."""
    total = hashlib.sha256()
    with open(path, "rb") as file:
        while part := file.read(_CHUNK):
            total.update(part)
    return total.hexdigest()
