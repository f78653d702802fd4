"""Recordings named on the command line: ``FILE`` or ``FILE:key=value,key=value``."""

from __future__ import annotations

import argparse
import inspect
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..errors import InputError, unknown
from ..recordings import RecordingSet

# Arguments of `pyhodgkin.read` that have an option of their own, for all files; the others can
# be given for each file, behind a colon.
_OPTIONS = {
    "clamp": "current or voltage: which of the two was commanded",
    "time": "name or number of the column of times",
    "voltage": "name or number of the column of the potential",
    "current": "name or number of the column of the current",
    "time_unit": "unit of the times, where the file does not state it",
    "voltage_unit": "unit of the potential, where the file does not state it",
    "current_unit": "unit of the current, where the file does not state it",
    "dt": "spacing of the samples, ms, or the name of that number in the file",
    "temperature": "degrees Celsius",
    "junction_potential": "mV, subtracted from potentials and voltage commands (Neher 1992)",
    "electrode": "of an NWB file with several: its name",
}
_NUMBERS = ("dt", "rate", "voltage_scale", "current_scale", "temperature", "channel")
_NUMBERS += ("junction_potential", "area", "capacitance", "c_m")

_OR_NAMES = ("dt", "rate", "channel")  # a name in the file may stand there


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options that say how to read the files."""
    group = parser.add_argument_group(
        "reading files",
        "For all files; for one file, write FILE:key=value,key=value with any argument of "
        "pyhodgkin.read. Units are stated by the file or here, never guessed.",
    )
    for name, text in _OPTIONS.items():
        group.add_argument(f"--{name.replace('_', '-')}", metavar="X", help=text)


def read_all(sources: Sequence[str], options: argparse.Namespace) -> RecordingSet:
    """The recordings of all `sources`, in order."""
    shared = {name: getattr(options, name) for name in _OPTIONS}
    shared = {name: _value(name, text) for name, text in shared.items() if text is not None}
    found = []
    for source in sources:
        found += read_one(source, shared)
    return RecordingSet(found)


def read_one(source: str, shared: dict[str, Any]) -> RecordingSet:
    """The recordings of one source."""
    from ..readers import read

    path, own = split(source)
    if Path(path).is_dir():
        raise InputError(f"{path} is a folder: give the files in it, for instance {path}/*.csv")
    return read(path, **{**shared, **own})


def split(source: str) -> tuple[str, dict[str, Any]]:
    """Path and arguments of one source.

    Examples
    --------
    >>> split("cell.npz:voltage=V_sine_mV,dt=0.1")
    ('cell.npz', {'voltage': 'V_sine_mV', 'dt': 0.1})
    >>> split("C:/data/cell.csv")
    ('C:/data/cell.csv', {})
    """
    from ..readers import read

    path, colon, text = source.rpartition(":")
    if not colon or "=" not in text:
        return source, {}
    known = [
        name for name in inspect.signature(read).parameters if name not in ("path", "protocol")
    ]
    arguments = {}
    for part in text.split(","):
        name, equals, value = part.partition("=")
        name = name.strip().replace("-", "_")
        if name not in known:
            raise unknown(f"argument of {path}", name, known)
        if not equals or not value.strip():
            raise InputError(f"{source}: give {name}=value")
        arguments[name] = _value(name, value.strip())
    return path, arguments


def _value(name: str, text: str) -> Any:
    """A number where the argument can be one, else the text: a name in the file."""
    if name in _NUMBERS:
        try:
            return int(text) if name == "channel" else float(text)
        except ValueError:
            if name in _OR_NAMES:
                return text
            raise InputError(f'--{name.replace("_", "-")} "{text}" is not a number') from None
    numbered = name in ("time", "voltage", "current", "command")
    return int(text) if numbered and text.isdecimal() else text
