"""What the package asks of Julia, as written in juliapkg.json."""

from __future__ import annotations

import functools
import json
import re
from dataclasses import dataclass
from pathlib import Path

PACKAGE = "HodgkinNeurons"
LEAST_JULIA = (1, 10, 3)  # what juliacall asks for
LEAST_JULIACALL = (0, 9, 34)  # from 0.9.36 on without a race at exit

# In a wheel the file lies in the package, in a checkout beside it.
_HERE = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Requirements:
    """The Julia package of this version of pyhodgkin: where it lies, and its version."""

    file: Path
    folder: Path
    version: str


@functools.cache
def requirements() -> Requirements:
    """Read juliapkg.json."""
    file = next((f for p in (_HERE, _HERE.parent) if (f := p / "juliapkg.json").is_file()), None)
    if file is None:
        raise FileNotFoundError(f"juliapkg.json is missing from {_HERE}: install pyhodgkin again")
    entry = json.loads(file.read_text("utf-8"))["packages"][PACKAGE]
    return Requirements(file, file.parent / entry["path"], entry["version"].lstrip("="))


@functools.cache
def names(kind: str) -> tuple[str, ...]:
    """The names in a list that Python and the Julia package share: "solvers", "sensitivities".

    Examples
    --------
    >>> names("solvers")[:2]
    ('auto', 'rodas5p')
    """
    file = requirements().folder / "src" / "names.json"
    return tuple(json.loads(file.read_text("utf-8"))[kind])


def numbers(version: str) -> tuple[int, ...]:
    """The leading numbers of a version.

    Examples
    --------
    >>> numbers("1.12.0-rc1")
    (1, 12, 0)
    """
    return tuple(map(int, re.findall(r"\d+", re.split("[-+]", version)[0])))
