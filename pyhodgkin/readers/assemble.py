"""From arrays with their units to recordings."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import InputError, RecordingError, RecordingWarning
from ..numerics.arrays import FloatArray
from ..protocols import CurrentClamp, Protocol, Sampled, VoltageClamp
from ..recordings import Recording
from ..units import PER_CM2, current_factor, spelled
from .options import Options

# Numbers that are all smaller than this are in another unit than a caller gives.
_NO_NUMBER = 1e-6


@dataclass(frozen=True)
class Trace:
    """Samples of a voltage or current as a file has them, and the unit that it states.

    In that unit the signal is ``factor * values + offset``, times the scale that the user gives,
    plus a `holding` current in amperes, which neither that scale nor the unit applies to.
    """

    values: ArrayLike
    unit: str | None
    label: str
    t: FloatArray | None = None  # ms; None: that of the recording
    factor: float = 1.0
    offset: float = 0.0
    holding: float = 0.0
    rounding: float | None = None  # of the values; None: that of their type
    mode: str | None = None  # what a command does between samples, where the file says it


@dataclass(frozen=True)
class Sweep:
    """One sweep of a file; `t` in ms, in the time of the file but for `origin`."""

    t: FloatArray
    voltage: Trace | None
    current: Trace | None
    clamp: str
    name: str
    source: str
    t_start: float  # ms, time of the file at which the protocol starts
    temperature: float | None = None
    origin: float = 0.0  # ms, time of the file that `t` counts from
    mask: NDArray[np.bool_] | None = None
    overridable: bool = False  # units of a header, which the caller knows better
    facts: Mapping[str, Any] = field(default_factory=dict)  # of cell, electrode and amplifier


def recording(sweep: Sweep, options: Options, given: Protocol | None) -> Recording:
    """The recording of a sweep, under the protocol `given` or the command that the file has."""
    where = f"{sweep.source}, {sweep.name}" if sweep.name else sweep.source
    if sweep.overridable:
        sweep = _overridden(sweep, options)
    protocol, t = given, np.asarray(sweep.t, dtype=np.float64)
    t = t - sweep.t_start if sweep.t_start else t
    t.setflags(write=False)  # one array for the recording and its protocol
    if given is not None and given.kind != sweep.clamp:
        raise RecordingError(f"{where} is {sweep.clamp} clamp but protocol is {given.kind} clamp")
    if given is not None:
        _refuse_beside_protocol(sweep.clamp, given, options, where)
    observed = {"current": sweep.voltage, "voltage": sweep.current}[sweep.clamp]
    command = {"current": sweep.current, "voltage": sweep.voltage}[sweep.clamp]
    if observed is None:
        quantity = {"current": "voltage", "voltage": "current"}[sweep.clamp]
        raise RecordingError(f"{where} holds no {quantity}: name the data with {quantity}=")
    if protocol is None and command is None:
        raise RecordingError(
            f"{where} holds no command {sweep.clamp}: name the data with {sweep.clamp}=, "
            "or give protocol="
        )
    try:
        if protocol is None and command is not None:
            protocol = _protocol(command, t, sweep, options, where)
        assert protocol is not None
        data, unit = _converted(observed, sweep.clamp == "current", options, where)
        measured: dict[str, Any] = {"v" if sweep.clamp == "current" else "current": data}
        made = Recording(
            t,
            protocol,
            **measured,
            name=sweep.name,
            current_unit=unit if sweep.clamp == "voltage" else "",
            temperature=sweep.temperature if options.temperature is None else options.temperature,
            source=sweep.source,
            t_offset=sweep.origin + sweep.t_start,
            mask=sweep.mask,  # type: ignore[arg-type]
            **sweep.facts,
        )
        if options.junction_potential is not None:
            made = made.with_junction_potential(options.junction_potential)
    except RecordingError:
        raise
    except InputError as error:
        raise RecordingError(f"{where}: {error}") from None
    return made if options.name is None else replace(made, name=options.name)


def _overridden(sweep: Sweep, options: Options) -> Sweep:
    """The sweep with the units that the caller gives, told where the file states others."""
    for name in ("voltage", "current"):
        trace, unit = getattr(sweep, name), getattr(options, f"{name}_unit")
        if trace is None or unit is None or trace.unit in (None, unit):
            continue
        if spelled(unit) == spelled(trace.unit):
            continue
        stated, trace = trace.unit, replace(trace, unit=unit)
        numbers = np.abs(np.asarray(trace.values, dtype=np.float64)) * abs(trace.factor)
        largest = float(np.max(numbers, initial=0.0)) * options.scale(name, sweep.source)
        if 0 < largest < _NO_NUMBER:
            more = "; convert_current= sets the unit of the result" if name == "current" else ""
            raise RecordingError(
                f"{sweep.source} states {name} in {stated}; with {name}_unit={unit!r} its numbers "
                f"would be at most {largest:.2g} {unit}: leave {name}_unit out{more}"
            )
        warnings.warn(
            f"{sweep.source} states {name} in {stated}; its numbers are taken as {unit}",
            RecordingWarning,
            stacklevel=2,
        )
        sweep = replace(sweep, **{name: trace})
    return sweep


def _refuse_beside_protocol(clamp: str, given: Protocol, options: Options, where: str) -> None:
    """Raise for an argument about a command that is not read because `protocol` replaces it."""
    unit = getattr(given, "unit", "mV")
    about = {f"{clamp}_scale", "command_mode", "command"} & set(options.given())
    for name in sorted(about):
        raise RecordingError(
            f"{where}: {name}={getattr(options, name)!r} is about the command of the file, which "
            "protocol= replaces: leave one out"
        )
    if clamp == "current" and options.membrane(where) is not None:
        raise RecordingError(
            f"{where}: the size of the cell converts currents of the file, and protocol= replaces "
            "them: give the protocol in the unit that you want, and leave area= or capacitance= out"
        )
    for name in ("current_unit", "convert_current") if clamp == "current" else ():
        value = getattr(options, name)
        if value is not None and spelled(value) != unit:
            raise RecordingError(
                f"{where}: {name} is {value} but protocol is in {unit}: give the protocol in "
                f"{value}, or leave {name} out"
            )


def _protocol(
    command: Trace, t: FloatArray, sweep: Sweep, options: Options, where: str
) -> Protocol:
    values, unit = _converted(command, sweep.clamp == "voltage", options, where)
    times = t if command.t is None else np.asarray(command.t) - sweep.t_start
    told = "command_mode" in options.given() or command.mode is None
    mode = options.command_mode if told else str(command.mode)
    rounding = command.rounding
    if rounding is not None:
        rounding *= abs(_scale(command, sweep.clamp == "voltage", options, where)[0])
    waveform = Sampled(times, values, mode, rounding)
    t_end = max(float(t[-1]), float(times[-1]))
    if sweep.clamp == "voltage":
        return VoltageClamp(waveform, t_end)
    return CurrentClamp(waveform, t_end, unit)


def _converted(trace: Trace, is_voltage: bool, options: Options, where: str) -> tuple[NDArray, str]:
    """Values in mV, or in a unit of current that a recording can have; keeps single precision."""
    values = np.asarray(trace.values)
    if values.dtype.kind not in "fiu":
        raise RecordingError(f"{where}, {trace.label} holds {values.dtype} values, not numbers")
    scale, unit = _scale(trace, is_voltage, options, where)
    values = values if scale == 1.0 else values * scale
    constant = scale / trace.factor * trace.offset
    if trace.holding:
        area = options.membrane(where) if unit == PER_CM2 else None
        constant += current_factor("A", unit, area=area)[0] * trace.holding
    return (values + constant if constant else values), unit


def _scale(trace: Trace, is_voltage: bool, options: Options, where: str) -> tuple[float, str]:
    """Factor of the stored values to mV or to a unit of current that a recording can have."""
    label = f"{where}, {trace.label}"
    if is_voltage:
        factor, unit = options.voltage_factor(trace.unit, label), "mV"
    else:
        factor, unit = options.current_factor(trace.unit, label)
    scale = options.scale("voltage" if is_voltage else "current", where)
    return factor * trace.factor * scale, unit
