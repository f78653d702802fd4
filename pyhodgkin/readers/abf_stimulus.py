"""Stimulus files: samples in an ABF or ATF file that an output played in place of epochs."""

from __future__ import annotations

from pathlib import Path, PureWindowsPath
from typing import Any

import numpy as np

from ..errors import RecordingError
from ..numerics.arrays import FloatArray
from .abf_header import Header, Output
from .abf_version2 import read_header
from .abf_waveform import held_samples, levels_around


def played(path: Path, header: Header, output: Output, sweep: int, where: str) -> FloatArray:
    """Levels of `output` at the samples of a sweep, shape (T,), in its unit.

    The file's samples times the scale plus the offset that the header states. Like epochs they
    are put out between the first and the last 1/64 of the sweep, which are held: a sample of the
    file at its own place in the sweep.

    Raises
    ------
    RecordingError
        When the stimulus file is not beside the recording, has no such sweep or channel, or is
        shorter than the sweep.
    """
    found = _find(path, output, where)
    sweeps = _sweeps(found, output.file.channel, where)
    number = output.file.episode
    index = number - 1 if number > 0 else sweep - number
    if number > len(sweeps):
        raise RecordingError(f"{where}: {found} has {len(sweeps)} sweeps, not {number}")
    samples = sweeps[min(index, len(sweeps) - 1)]  # past the end the last one is played
    held = held_samples(header)
    last = header.samples - held
    if len(samples) < last:
        raise RecordingError(
            f"{where}: the stimulus file {found} has {len(samples)} samples, the sweep needs {last}"
        )
    before, after = levels_around(output, sweep)
    values = np.full(header.samples, before)
    values[held:last] = samples[held:last] * output.file.scale + output.file.offset
    values[last:] = after
    return values


def _find(path: Path, output: Output, where: str) -> Path:
    stated = output.file.path
    name = PureWindowsPath(stated).name
    # A header may name any file of this computer: only those beside the recording are opened.
    same = [x for x in path.parent.iterdir() if name and x.name.lower() == name.lower()]
    if not same:
        raise RecordingError(
            f'{where}: {output.label} played the stimulus file "{stated}", which is '
            f"not beside the recording: put it into {path.parent}, or give command= (a recorded "
            "channel) or protocol="
        )
    if not same[0].is_file() or same[0].resolve().parent != path.parent.resolve():
        raise RecordingError(f"{where}: the stimulus file {same[0]} is no file of that folder")
    return same[0]


def _sweeps(path: Path, channel: int, where: str) -> list[FloatArray]:
    try:
        return _of_abf(path, channel) if path.suffix.lower() == ".abf" else _of_atf(path)
    except Exception as error:  # a damaged file shows itself in many ways
        raise RecordingError(f"{where}: the stimulus file {path} cannot be read: {error}") from None


def _of_abf(path: Path, channel: int) -> list[FloatArray]:
    import pyabf

    numbers = [x.number for x in read_header(path).inputs]
    if channel not in numbers:
        raise ValueError(f"it has channels {numbers}, not {channel}")
    file: Any = pyabf.ABF(str(path))
    sweeps = []
    for sweep in file.sweepList:
        file.setSweep(sweep, channel=numbers.index(channel))
        sweeps.append(np.array(file.sweepY, dtype=np.float64))
    return sweeps


def _of_atf(path: Path) -> list[FloatArray]:
    """The columns of an Axon text file after the times, one signal only."""
    lines = path.read_text(encoding="latin-1").splitlines()
    if not lines or lines[0].split()[:1] != ["ATF"]:
        raise ValueError("it does not begin with ATF")
    extra, columns = (int(x) for x in lines[1].split()[:2])
    notes = [line.strip().strip('"') for line in lines[2 : 2 + extra]]
    exported = [x.split("=", 1)[1] for x in notes if x.startswith("SignalsExported=")]
    if exported and "," in exported[0]:
        raise ValueError(f"it has several signals ({exported[0]})")
    table = np.loadtxt(lines[3 + extra :], delimiter="\t", ndmin=2)
    if table.shape[1] != columns:
        raise ValueError(f"it states {columns} columns and has {table.shape[1]}")
    return list(table[:, 1:].T)
