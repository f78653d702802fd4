"""Named columns or arrays (csv, npz) to recordings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ..errors import RecordingError
from ..recordings import RecordingSet
from ..recordings.kept import kept
from ..recordings.plausible import check_clamp
from .arrays import Row, Table, values_of
from .assemble import Sweep, Trace, recording
from .find import listed
from .names import measured
from .options import CLAMPS, COMMON, Options

TAKES = COMMON | {"time", "voltage", "current", "sweep", "dt", "rate", "time_unit"}
INSTEAD = {
    "channel": "choose the data by their names with voltage= and current=",
    "command": "name the data of the command with current= (current clamp) or voltage=",
}


def recordings(table: Table, options: Options) -> RecordingSet:
    """The sweeps of a table: columns or rows of arrays, or stretches of a sweep column."""
    scales = {x: getattr(options, x) for x in ("voltage_scale", "current_scale")}
    by_name = {x: table.number(x, value) for x, value in scales.items() if isinstance(value, str)}
    options = replace(options, **by_name)
    clamp = options.clamp or table.notes.get("clamp")
    if clamp not in CLAMPS:
        raise RecordingError(
            f'{table.path} does not say how it was recorded: give clamp="current" (v is observed) '
            'or clamp="voltage" (the current is)'
        )
    data = {q: _rows(table, q, options) for q in _wanted(str(clamp), options)}
    data = {q: rows for q, rows in data.items() if rows}
    if not data:
        asked = _wanted(str(clamp), options)
        raise RecordingError(
            f"{table.path} has no {' and no '.join(asked)} under a usual name: give "
            f"{' and '.join(f'{q}=' for q in asked)} (it has {listed(list(table.arrays))})"
        )
    count = max(map(len, data.values()))
    _refuse_unlike(table, data, count)
    stretches, time = _stretches(table, options), _time(table, options)
    pieces = [(k, s) for k in range(count) for s in stretches]
    names = [table.sweep_name(i, len(pieces)) for i in range(len(pieces))]
    chosen = options.chosen(names, table.path)
    found = [
        recording(
            _sweep(table, options, str(clamp), (i, len(pieces)), data, pieces[i], time),
            options,
            options.protocol_of(k, len(chosen)),
        )
        for k, i in enumerate(chosen)
    ]
    if options.clamp is not None and options.clamp != table.notes.get("clamp"):
        check_clamp(found[0])
    return RecordingSet(found)


def _wanted(clamp: str, options: Options) -> list[str]:
    """The quantities to read: not the command where a protocol replaces it."""
    observed = "voltage" if clamp == "current" else "current"
    everything = options.protocol is None
    named_too = [q for q in ("voltage", "current") if getattr(options, q) is not None]
    return [q for q in ("voltage", "current") if everything or q == observed or q in named_too]


def _rows(table: Table, quantity: str, options: Options) -> list[Row]:
    """The sweeps of a quantity; a two-dimensional array has one in each row."""
    found: list[Row] = []
    for name in table.find(quantity, options):
        if table.where is not None:
            found.append(Row(name))  # text: its numbers are read when the sweep is
            continue
        values = np.atleast_2d(table.arrays[name])
        if values.ndim != 2 or values.size == 0:
            raise RecordingError(
                f"{table.path}, {name} has shape {np.shape(table.arrays[name])}, "
                "not (T,) or (sweeps, T)"
            )
        found += [Row(name, k) for k in range(len(values))]
    return found


def _refuse_unlike(table: Table, data: Mapping[str, list[Row]], count: int) -> None:
    """Raise where the sweeps of voltage are not those of current."""
    if len(data) < 2:
        return
    v, i = data["voltage"], data["current"]
    if any(n not in (1, count) for n in (len(v), len(i))):
        raise RecordingError(f"{table.path}: {len(v)} sweeps of voltage, {len(i)} of current")
    for a, b in zip(v, i, strict=False):
        numbers = (measured(a.name).sweep, measured(b.name).sweep)
        if len(v) == len(i) and None not in numbers and numbers[0] != numbers[1]:
            raise RecordingError(
                f'{table.path}: "{a.name}" and "{b.name}" would be one sweep: give voltage= and '
                "current= in the same order"
            )


def _stretches(table: Table, options: Options) -> list[slice]:
    name = table.one("sweep", options)
    if name is None:
        return [slice(None)]
    numbers = np.ravel(table.arrays[name])
    cuts = np.flatnonzero(np.diff(numbers)) + 1
    return [slice(a, b) for a, b in zip([0, *cuts], [*cuts, len(numbers)], strict=True)]


def _sweep(
    table: Table,
    options: Options,
    clamp: str,
    place: tuple[int, int],
    data: Mapping[str, list[Row]],
    piece: tuple[int, slice],
    time: str | None,
) -> Sweep:
    index, count = place
    row, part = piece
    traces = {q: _cut(table, q, rows, row, part) for q, rows in data.items()}
    lengths = {q: len(np.asarray(trace.values)) for q, trace in traces.items()}
    if len(set(lengths.values())) > 1 and table.where is not None:
        raise RecordingError(
            f"{table.path}: {traces['voltage'].label} has {lengths['voltage']} values and "
            f"{traces['current'].label} has {lengths['current']}: need as many"
        )
    names, notes = table.notes.get("names"), table.notes
    ours = bool(names) and len(names) == count
    t = _times(table, options, time, piece, next(iter(lengths.values())))
    return Sweep(
        t=t,
        voltage=traces.get("voltage"),
        current=traces.get("current"),
        clamp=clamp,
        name=table.sweep_name(index, count),
        source=table.path,
        # A file of our own counts time from the protocol, any other from its first sample.
        t_start=0.0 if ours else float(t[0]),
        temperature=notes.get("temperatures", [None] * count)[index] if ours else None,
        **(kept(table.notes, index, len(t), table.path) if ours else {}),
    )


def _cut(table: Table, quantity: str, rows: list[Row], row: int, part: slice) -> Trace:
    chosen = rows[row if len(rows) > 1 else 0]
    values = values_of(table, quantity, chosen, part)
    return Trace(values, measured(chosen.name).unit, chosen.name)


def _time(table: Table, options: Options) -> str | None:
    """The array of times, None where the spacing is given or stated instead."""
    ways = [x for x in (options.time, options.dt, options.rate) if x is not None]
    if len(ways) > 1:
        raise RecordingError(f"{table.path}: give only one of time=, dt= and rate=")
    if options.dt is not None or options.rate is not None:
        return None
    name = table.one("time", options)
    if name is None and table.interval is None:
        raise RecordingError(
            f"{table.path} has no time under a usual name: give time= (its name), dt= (ms) or "
            "rate= (Hz)"
        )
    return name


def _times(
    table: Table, options: Options, name: str | None, piece: tuple[int, slice], length: int
) -> NDArray:
    if name is None:
        stated = options.dt is None and options.rate is None
        step = table.interval if stated else _step(table, options)
        return float(step or 0.0) * np.arange(length)
    row, part = piece
    where = f"{table.path}, {name}"
    count = len(np.atleast_2d(table.arrays[name]))
    values = values_of(table, "time", Row(name, row if count > 1 else 0), part)
    values = np.asarray(values, dtype=np.float64)
    scale = options.time_factor(measured(name).unit, where)
    if values.size > length and table.printed is not None:
        values = values[:length]  # the other cells of this sweep are empty
    if values.size == 0:
        raise RecordingError(f"{where} is empty")
    t = values * scale if table.printed is None else table.printed(values, scale, where)
    _refuse_other_interval(table, t, where)
    return t


def _refuse_other_interval(table: Table, t: NDArray, where: str) -> None:
    mean = float(t[-1] - t[0]) / max(len(t) - 1, 1)
    if (
        table.interval is not None
        and len(t) > 1
        and abs(mean - table.interval) > 0.01 * table.interval
    ):
        raise RecordingError(
            f"{where}: the samples are {mean:.6g} ms apart, the heading states "
            f"{table.interval:.6g} ms: give dt= (ms)"
        )


def _step(table: Table, options: Options) -> float:
    if options.dt is not None:
        step = table.number("dt", options.dt)
        if isinstance(options.dt, str):
            step *= options.time_factor(measured(options.dt).unit, f"{table.path}, {options.dt}")
    else:
        rate = table.number("rate", options.rate)  # type: ignore[arg-type]
        step = 1000.0 / rate if rate > 0 else np.nan
    if not (np.isfinite(step) and step > 0):
        raise RecordingError(f"{table.path}: dt (ms) or rate (Hz) must be positive")
    return step
