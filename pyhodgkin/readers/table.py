"""Named columns or arrays (csv, npz) to recordings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import RecordingError, nearest
from ..recordings import RecordingSet
from .assemble import Sweep, Trace, recording
from .options import CLAMPS, COMMON, Options, split_unit

TAKES = COMMON | {"time", "voltage", "current", "sweep", "dt", "rate", "time_unit"}
INSTEAD = {
    "channel": "choose the data by their names with voltage= and current=",
    "command": "name the data of the command with current= (current clamp) or voltage=",
}

# Names, without their unit and in lower case, that need no telling.
_USUAL = {
    "time": ("t", "time"),
    "voltage": ("v", "vm", "voltage", "potential"),
    "current": ("i", "im", "current"),
    "sweep": ("sweep",),
}


@dataclass(frozen=True)
class Table:
    """Arrays by name; `notes` is what the file says about itself."""

    path: str
    stem: str
    arrays: Mapping[str, NDArray]
    notes: Mapping[str, Any] = field(default_factory=dict)

    def find(self, quantity: str, options: Options) -> str | None:
        """Name of the array of a quantity: the one the user gave, or the one usually so named."""
        given = getattr(options, quantity)
        names = list(self.arrays)
        if given is not None:
            if isinstance(given, int) and 0 <= given < len(names):
                return names[given]
            if given in names:
                return str(given)
            raise RecordingError(
                f'{self.path} has no {quantity} called "{given}"; {nearest(str(given), names)}'
            )
        unit_of = quantity if quantity != "sweep" else "time"
        bases = {name: split_unit(name, unit_of)[0].lower() for name in names}
        found = [name for name in names if bases[name] in _USUAL[quantity]]
        if len(found) > 1:
            raise RecordingError(
                f"{self.path} has several arrays that may be the {quantity} "
                f"({', '.join(found)}): give {quantity}="
            )
        return found[0] if found else None

    def number(self, argument: str, value: float | str) -> float:
        """A number that the user gave, or the name of one in the file."""
        if not isinstance(value, str):
            return float(value)
        if value not in self.arrays or np.size(self.arrays[value]) != 1:
            raise RecordingError(f'{argument}: {self.path} has no single number called "{value}"')
        # 0.1 kept in single precision means 0.1, not 0.10000000149.
        return float(str(np.ravel(self.arrays[value])[0]))


def recordings(table: Table, options: Options) -> RecordingSet:
    """The sweeps of a table: rows of two-dimensional arrays, or stretches of a sweep column."""
    scales = {x: getattr(options, x) for x in ("voltage_scale", "current_scale")}
    named = {x: table.number(x, value) for x, value in scales.items() if isinstance(value, str)}
    options = replace(options, **named)
    clamp = options.clamp or table.notes.get("clamp")
    if clamp not in CLAMPS:
        raise RecordingError(
            f'{table.path} does not say how it was recorded: give clamp="current" (v is observed) '
            'or clamp="voltage" (the current is)'
        )
    voltage, current = _traces(table, "voltage", options), _traces(table, "current", options)
    rows = [len(x[0]) for x in (voltage, current) if x is not None]
    if not rows:
        raise RecordingError(
            f"{table.path} has no voltage and no current under a usual name: give voltage= and "
            f"current= (it has {', '.join(table.arrays)})"
        )
    count = max(rows)
    if any(n not in (1, count) for n in rows):
        raise RecordingError(f"{table.path}: {rows[0]} sweeps of voltage, {rows[1]} of current")
    length = max(x[0].shape[1] for x in (voltage, current) if x is not None)
    pieces = [(k, s) for k in range(count) for s in _stretches(table, length, options)]
    chosen = options.chosen([_name(table, i, len(pieces)) for i in range(len(pieces))], table.path)
    return RecordingSet(
        recording(
            _sweep(table, options, clamp, i, len(pieces), (voltage, current), pieces[i]),
            options,
            options.protocol_of(k, len(chosen)),
        )
        for k, i in enumerate(chosen)
    )


def _name(table: Table, index: int, count: int) -> str:
    """Name of a sweep: the one that a file of our own gives it, else by its position."""
    names = table.notes.get("names")
    ours = names[index] if names and len(names) == count else ""
    return ours or (f"{table.stem} sweep {index}" if count > 1 else table.stem)


def _traces(table: Table, quantity: str, options: Options):
    """Rows (sweeps, T) of a quantity with its unit and name, None when there are none."""
    name = table.find(quantity, options)
    if name is None:
        return None
    values = np.atleast_2d(table.arrays[name])
    if values.ndim != 2 or values.size == 0:
        raise RecordingError(
            f"{table.path}, {name} has shape {np.shape(table.arrays[name])}, "
            "not (T,) or (sweeps, T)"
        )
    return values, split_unit(name, quantity)[1], name


def _stretches(table: Table, length: int, options: Options) -> list[slice]:
    name = table.find("sweep", options)
    if name is None or length == 0:
        return [slice(None)]
    cuts = np.flatnonzero(np.diff(table.arrays[name])) + 1
    return [slice(a, b) for a, b in zip([0, *cuts], [*cuts, length], strict=True)]


def _sweep(table, options, clamp, index, count, traces, piece) -> Sweep:
    row, part = piece
    voltage, current = (_cut(x, row, part) for x in traces)
    names, notes = table.notes.get("names"), table.notes
    ours = bool(names) and len(names) == count
    first = next(x for x in (voltage, current) if x is not None)
    t = _times(table, options, row, part, len(np.asarray(first.values)))
    return Sweep(
        t=t,
        voltage=voltage,
        current=current,
        clamp=clamp,
        name=_name(table, index, count),
        source=table.path,
        # A file of our own counts time from the protocol, any other from its first sample.
        t_start=0.0 if ours else float(t[0]),
        temperature=notes.get("temperatures", [None] * count)[index] if ours else None,
    )


def _cut(traces, row: int, part: slice) -> Trace | None:
    if traces is None:
        return None
    values, unit, name = traces
    return Trace(values[row if len(values) > 1 else 0][part], unit, name)


def _times(table: Table, options: Options, row: int, part: slice, length: int) -> NDArray:
    name = table.find("time", options)
    ways = [x for x in (options.time, options.dt, options.rate) if x is not None]
    if len(ways) > 1:
        raise RecordingError(f"{table.path}: give only one of time=, dt= and rate=")
    if options.dt is not None or options.rate is not None:
        step = _step(table, options)
        return step * np.arange(length)
    if name is None:
        raise RecordingError(
            f"{table.path} has no time under a usual name: give time= (its name), dt= (ms) or "
            "rate= (Hz)"
        )
    values = np.atleast_2d(table.arrays[name])
    scale = options.time_factor(split_unit(name, "time")[1], f"{table.path}, {name}")
    t = np.asarray(values[row if len(values) > 1 else 0][part], dtype=np.float64) * scale
    if t.size == 0:
        raise RecordingError(f"{table.path}, {name} is empty")
    return t


def _step(table: Table, options: Options) -> float:
    if options.dt is not None:
        step = table.number("dt", options.dt)
        if isinstance(options.dt, str):
            step *= options.time_factor(
                split_unit(options.dt, "time")[1], f"{table.path}, {options.dt}"
            )
    else:
        rate = table.number("rate", options.rate)  # type: ignore[arg-type]
        step = 1000.0 / rate if rate > 0 else np.nan
    if not (np.isfinite(step) and step > 0):
        raise RecordingError(f"{table.path}: dt (ms) or rate (Hz) must be positive")
    return step
