"""Axon Binary Format files, through pyABF."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from ..errors import BackendUnavailableError, RecordingError, nearest
from ..recordings import RecordingSet
from ..units import AMPERE, VOLTAGE, spelled
from .assemble import Sweep, Trace, recording
from .options import COMMON, Options

TAKES = COMMON | {"channel", "command"}
INSTEAD = {
    **dict.fromkeys(("time", "dt", "rate", "time_unit"), "the header states the times of samples"),
    **dict.fromkeys(("voltage", "current"), "choose the recorded channel with channel="),
    "sweep": "choose with sweeps=",
}


def read_abf(path: Path, options: Options) -> RecordingSet:
    """Every sweep of one recorded channel, with the command that the file holds."""
    abf = _open(path)
    channel = _channel(path, abf, 0 if options.channel is None else options.channel, "channel")
    chosen = options.chosen([_name(path, abf, i) for i in range(abf.sweepCount)], path)
    return RecordingSet(
        recording(
            _sweep(path, abf, channel, i, options), options, options.protocol_of(k, len(chosen))
        )
        for k, i in enumerate(chosen)
    )


def _name(path: Path, abf: Any, index: int) -> str:
    return path.stem if abf.sweepCount == 1 else f"{path.stem} sweep {index}"


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


def _channel(path: Path, abf: Any, wanted: int | str, argument: str) -> int:
    """Number of the recorded channel that is called, or numbered, `wanted`."""
    names = [str(name).strip("\x00 ") for name in abf.adcNames]
    if isinstance(wanted, int) and wanted in abf.channelList:
        return wanted
    if isinstance(wanted, str) and names.count(wanted) == 1:
        return names.index(wanted)
    known = ", ".join(f"{i} ({name})" for i, name in zip(abf.channelList, names, strict=True))
    hint = f"; {nearest(wanted, names)}" if isinstance(wanted, str) else ""
    raise RecordingError(f"{path}: {argument}={wanted!r}: the file has channels {known}{hint}")


def _sweep(path: Path, abf: Any, channel: int, index: int, options: Options) -> Sweep:
    try:
        abf.setSweep(index, channel=channel)
        t, y, command = abf.sweepX * 1000.0, abf.sweepY, abf.sweepC
        y_unit, c_unit = _stated(abf.sweepUnitsY), _stated(abf.sweepUnitsC)
    except Exception as error:  # a damaged file shows itself in many ways
        raise RecordingError(f"{path}, sweep {index} cannot be read: {error}") from None
    clamp = _clamp(path, y_unit, options)
    observed = Trace(np.array(y), y_unit, f"channel {channel}")
    commanded = None
    if np.all(np.isfinite(command)) and len(command) == len(y):
        commanded = Trace(np.array(command), c_unit, f"command of channel {channel}")
    current_clamp = clamp == "current"
    return Sweep(
        t=np.asarray(t, dtype=np.float64),
        voltage=observed if current_clamp else commanded,
        current=commanded if current_clamp else observed,
        clamp=clamp,
        name=_name(path, abf, index),
        source=str(path),
        t_start=float(t[0]),
    )


def _clamp(path: Path, unit: str | None, options: Options) -> str:
    """What is observed says how the cell was clamped."""
    stated = None
    if unit is not None and spelled(unit) in VOLTAGE:
        stated = "current"
    elif unit is not None and spelled(unit) in AMPERE:
        stated = "voltage"
    if stated is None and options.clamp is None:
        raise RecordingError(f'{path} records in "{unit}": give clamp= and the unit, or channel=')
    if None not in (stated, options.clamp) and stated != options.clamp:
        raise RecordingError(
            f"{path} records in {unit}, which is {stated} clamp, but clamp is {options.clamp}"
        )
    return str(stated or options.clamp)


def _stated(unit: str) -> str | None:
    text = str(unit).strip("\x00 ")
    return text if text and text != "?" else None
