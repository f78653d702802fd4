"""Axon Binary Format files: samples through pyABF, times and commands from the header."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import BackendUnavailableError, RecordingError, RecordingWarning
from ..recordings import RecordingSet
from ..units import AMPERE, PER_AREA, VOLTAGE, spelled
from .abf_choice import Choice, channel_text, choose, quantity
from .abf_header import EPISODIC, FROM_EPOCHS, FROM_FILE, Header, Input
from .abf_monitor import compare
from .abf_sizes import check_sizes
from .abf_stimulus import played
from .abf_version2 import read_header
from .abf_waveform import is_stepwise, waveform
from .assemble import Sweep, Trace, recording
from .options import COMMON, Options

TAKES = COMMON | {"channel", "command", "voltage", "current"}
INSTEAD = {
    **dict.fromkeys(("time", "dt", "rate", "time_unit"), "the header states the times of samples"),
    "sweep": "choose with sweeps=",
}

# A recorded temperature that varies by less (standard deviation, degrees) is one temperature.
_STEADY = 0.5


@dataclass(frozen=True)
class _File:
    """An open file, what its header says, and what is read of it."""

    path: Path
    content: Any  # pyabf.ABF
    header: Header
    choice: Choice
    sweeps: list[int]

    def name(self, sweep: int) -> str:
        """Name of a sweep."""
        return _name(self.path, self.content, sweep)

    def samples(self, sweep: int, channel: int) -> NDArray[np.float32]:
        """Samples of a channel in the unit of the header, shape (T,)."""
        content = self.content
        try:
            if self.header.mode == EPISODIC:  # sweeps of one length; pyABF's setSweep is slow
                count = content.sweepPointCount
                return np.array(content.data[channel, sweep * count : (sweep + 1) * count])
            content.setSweep(sweep, channel=channel)
            return np.array(content.sweepY)
        except Exception as error:  # a damaged file shows itself in many ways
            raise RecordingError(f"{self.path}, sweep {sweep} cannot be read: {error}") from None


def read_abf(path: Path, options: Options) -> RecordingSet:
    """Sweeps of one recorded channel, with the command that was applied.

    The command is computed from the header (epochs of every type, user lists, stimulus files,
    holding levels) and compared with a recorded channel in its unit, where there is one; or it
    is the channel that ``command=`` names.

    Raises
    ------
    RecordingError
        When the file is damaged, or what was applied cannot be told from it.
    """
    check_sizes(path)
    content, header = _open(path), read_header(path)
    _check_times(path, header, content)
    choice = choose(path, header, options)
    sweeps = options.chosen([_name(path, content, i) for i in range(content.sweepCount)], path)
    file = _File(path, content, header, choice, sweeps)
    commands = None if options.protocol is not None else _commands(file)
    notes = choice.notes + (() if commands is None else _against_others(file, commands))
    for note in notes:
        warnings.warn(note, RecordingWarning, stacklevel=3)
    return RecordingSet(
        recording(
            _sweep(file, sweep, None if commands is None else commands[k]),
            options,
            options.protocol_of(k, len(sweeps)),
        )
        for k, sweep in enumerate(sweeps)
    )


def _name(path: Path, content: Any, sweep: int) -> str:
    return path.stem if content.sweepCount == 1 else f"{path.stem} sweep {sweep}"


def _open(path: Path) -> Any:
    try:
        import pyabf
    except ImportError as error:
        raise BackendUnavailableError(
            'ABF files need pyABF: pip install "pyhodgkin[readers]"'
        ) from error
    try:
        return pyabf.ABF(str(path))
    except Exception as error:  # a damaged file shows itself in many ways
        raise RecordingError(f"{path} cannot be read as ABF, or is cut short: {error}") from None


def _check_times(path: Path, header: Header, content: Any) -> None:
    problem = ""
    if header.split_clock and header.mode == EPISODIC:
        problem = "its sampling interval changes within a sweep (split clock)"
    elif header.compressed:
        problem = "its samples are compressed, at intervals that differ"
    elif header.mode == 1 and header.version.startswith("1"):
        problem = "it holds events of variable length in the older version of the format"
    elif not (np.isfinite(header.dt) and header.dt > 0):
        problem = f"its header states a sampling interval of {header.dt:g} ms"
    elif len(header.inputs) != content.channelCount:
        problem = f"its header lists {len(header.inputs)} channels for {content.channelCount}"
    if problem:
        raise RecordingError(f"{path} cannot be read: {problem}")


def _commands(file: _File) -> list[NDArray] | None:
    """The command of each sweep in `choice.command_unit`, None when the file has none."""
    choice, output, header = file.choice, file.choice.output, file.header
    if choice.recorded is not None:
        return [file.samples(i, choice.recorded) for i in file.sweeps]
    if output is None or not (choice.held or output.source in (FROM_EPOCHS, FROM_FILE)):
        return None
    made = []
    for i in file.sweeps:
        length, where = len(file.samples(i, choice.channel)), f"{file.path}, sweep {i}"
        if choice.held:
            made.append(np.full(length, output.holding))
            continue
        if header.samples != length:
            raise RecordingError(
                f"{where} has {length} samples, the protocol in the header {header.samples}: give "
                "command= (a recorded channel) or protocol="
            )
        if output.source == FROM_EPOCHS:
            made.append(waveform(header, output, i, where))
        else:
            made.append(played(file.path, header, output, i, where))
    return made


def _against_others(file: _File, commands: list[NDArray]) -> tuple[str, ...]:
    """Compare the command of an output with the channels recorded in its unit.

    Returns what is to be told; raises where a channel clearly shows another waveform.
    """
    choice, output, notes = file.choice, file.choice.output, []
    if output is None or choice.recorded is not None:
        return ()
    for index, source in enumerate(file.header.inputs):
        scale = _factor(source.unit, choice.command_unit)
        if index == choice.channel or quantity(source.unit) != choice.clamp or scale is None:
            continue
        recorded: list[Any] = [scale * file.samples(i, index).astype(float) for i in file.sweeps]
        unit = choice.command_unit or source.unit
        found = compare(commands, recorded, unit, choice.clamp == "voltage")
        if not found.text:
            continue
        has = f"only its holding level, {output.holding:g} {unit}" if choice.held else "a waveform"
        text = (
            f"{file.path}: the header has for output {output.label} {has}; channel "
            f"{channel_text(file.header, index)} {found.text}"
        )
        advice = f"command={index} if that channel records the command"
        if found.differs and not choice.named:
            raise RecordingError(
                f'{text}. Give {advice}, command="{output.label}" if it does not, or protocol='
            )
        notes.append(f"{text}. Give {advice}")
    return tuple(notes)


def _factor(unit: str, to: str | None) -> float | None:
    """From one unit to another of the same quantity, None when one of them is unknown."""
    a, b = spelled(unit), spelled(to or "")
    table = next((t for t in (VOLTAGE, AMPERE, PER_AREA) if a in t and b in t), None)
    return None if table is None else table[a] / table[b]


def _sweep(file: _File, index: int, command: NDArray | None) -> Sweep:
    choice, header = file.choice, file.header
    y = file.samples(index, choice.channel)
    y = y if choice.scale == 1.0 else y * choice.scale
    observed = Trace(y, choice.unit, f"channel {channel_text(header, choice.channel)}")
    commanded, output = None, choice.output
    if command is not None and choice.recorded is not None:
        label = f"channel {channel_text(header, choice.recorded)}"
        commanded = Trace(command, choice.command_unit, label)
    elif command is not None and output is not None:
        steps = choice.held or (output.source == FROM_EPOCHS and is_stepwise(output))
        commanded = Trace(
            command,
            choice.command_unit,
            f"output {output.label}",
            mode="held" if steps else None,
        )
    current_clamp = choice.clamp == "current"
    return Sweep(
        t=np.asarray(header.dt * np.arange(len(y)), dtype=np.float64),
        voltage=observed if current_clamp else commanded,
        current=commanded if current_clamp else observed,
        clamp=choice.clamp,
        name=file.name(index),
        source=str(file.path),
        t_start=0.0,
        temperature=_temperature(file, index),
        facts=_facts(header.inputs[choice.channel], choice.clamp),
    )


def _temperature(file: _File, sweep: int) -> float | None:
    """The mean of a channel that recorded the temperature, when it hardly changed."""
    units = [x.unit.replace(" ", "").lower() for x in file.header.inputs]
    found = [i for i, unit in enumerate(units) if unit in ("degc", "\xb0c")]
    if len(found) != 1:
        return None
    y = file.samples(sweep, found[0])
    return float(np.mean(y)) if np.std(y) < _STEADY and 0 < np.mean(y) < 60 else None


def _facts(source: Input, clamp: str) -> dict[str, float]:
    """What the amplifier reported of the cell, in voltage clamp."""
    if clamp != "voltage":
        return {}
    known = {
        "whole_cell_capacitance": source.capacitance,
        "series_resistance": source.access_resistance,
    }
    return {name: value for name, value in known.items() if value is not None}
