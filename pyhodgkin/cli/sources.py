"""Recordings named on the command line: ``FILE``, ``FILE[0,2]`` or ``FILE:key=value,key=value``."""

from __future__ import annotations

import argparse
import inspect
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..errors import InputError, unknown
from ..recordings import Recording, RecordingSet
from . import command, sweeps
from .parser import number

# Arguments of `pyhodgkin.read` that have an option of their own, for all files; the others can
# be given for each file, behind a colon.
_OPTIONS = {
    "clamp": "current or voltage: which of the two was commanded",
    "time": "name or number of the column of times",
    "voltage": "name or number of the column of the potential, or a pattern: 'Trace * (mV)'",
    "current": "name or number of the column of the current, or a pattern",
    "channel": "of an ABF file: number or name of the recorded channel",
    "command": "of an ABF file: the recorded channel that holds the command",
    "time_unit": "unit of the times, where the file does not state it",
    "voltage_unit": "unit of the potential, where the file does not state it",
    "current_unit": "unit of the current, where the file does not state it",
    "dt": "spacing of the samples, ms, or the name of that number in the file",
    "rate": "samples per second (Hz), or the name of that number in the file",
    "decimal": "of a text file: point or comma, where its numbers do not show it",
    "encoding": "of a text file, by Python's name",
    "temperature": "degrees Celsius",
    "junction_potential": "mV, subtracted from potentials and voltage commands (Neher 1992)",
    "electrode": "of an NWB file with several: its name",
}
THIN = (
    "use every N-th sample. No filter is applied: noise above half of the new rate folds back, so "
    "keep N samples below about 0.1 ms where there are action potentials, or filter first"
)
_NUMBERS = ("dt", "rate", "voltage_scale", "current_scale", "temperature")
_NUMBERS += ("junction_potential", "area", "capacitance", "c_m")

_OR_NAMES = ("dt", "rate", "voltage_scale", "current_scale")  # a name in the file may stand there


def add_arguments(parser: argparse.ArgumentParser, unseen: Sequence[str] = ()) -> None:
    """Options that say how to read the files, which sweeps, and what their command was.

    `unseen` are the roles (held-out, test) that sweeps of RECORDING can have.
    """
    group = parser.add_argument_group(
        "reading files",
        "For all files; for one file, write FILE:key=value,key=value with any argument of "
        "pyhodgkin.read. Units are stated by the file or here, never guessed.",
    )
    for name, text in _OPTIONS.items():
        group.add_argument(f"--{name.replace('_', '-')}", metavar="X", help=text)
    group.add_argument(
        "--window",
        nargs=2,
        type=number,
        metavar=("T0", "T1"),
        help="use only the samples from T0 to T1, ms of each sweep; the neuron then starts at T0, "
        "from a state that is estimated",
    )
    sweeps.add_arguments(parser, unseen)
    command.add_arguments(parser)


def read_all(
    sources: Sequence[str], options: argparse.Namespace, role: str | None = None
) -> RecordingSet:
    """The recordings of all `sources`, in order.

    `role` is that of the sweeps of RECORDING to read, for ``--sweeps`` and the like: train,
    heldout or test; None for files of their own.
    """
    shared = {name: getattr(options, name) for name in _OPTIONS}
    shared = {name: _value(name, text) for name, text in shared.items() if text is not None}
    shared |= command.argument(command.protocols(options))
    if "protocol" in shared and options.clamp == "current":
        shared.pop("current_unit", None)  # that of the step
    if role is not None:
        sweeps.check(options)
        shared |= sweeps.of_role(options, role)
    found: list[Recording] = []
    for source in sources:
        found += read_one(source, shared)
    if options.window is not None:
        found = [item.window(*options.window) for item in found]
    return RecordingSet(found)


def read_one(source: str, shared: dict[str, Any]) -> RecordingSet:
    """The recordings of one source."""
    from ..readers import read

    source, chosen = sweeps.bracketed(source)
    path, own = split(source)
    if Path(path).is_dir():
        raise InputError(f"{path} is a folder: give the files in it, for instance {path}/*.csv")
    if chosen is not None:
        own["sweeps"] = chosen
    with warnings.catch_warnings():
        # A step of ours gets its end below, and is compared with the recording there.
        warnings.filterwarnings("ignore", ".*its command first changes")
        found = read(path, **{**shared, **own})
    return RecordingSet(command.ended(item) for item in found)


def file_of(source: str) -> Path:
    """The file of a source, without what stands after it."""
    return Path(split(sweeps.bracketed(source)[0])[0])


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
    if name in ("sweeps", "exclude"):
        return sweeps.choices([text])
    if name in _NUMBERS:
        try:
            return float(text)
        except ValueError:
            if name in _OR_NAMES:
                return text
            raise InputError(f'--{name.replace("_", "-")} "{text}" is not a number') from None
    if name == "sweep" and text.isdecimal():
        raise InputError(f"sweep={text}: names the column of sweep numbers; give sweeps={text}")
    numbered = name in ("time", "voltage", "current", "command", "channel", "sweep")
    return int(text) if numbered and text.isdecimal() else text
