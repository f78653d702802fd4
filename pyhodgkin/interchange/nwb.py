"""Recordings to an NWB file, through PyNWB."""

from __future__ import annotations

import secrets
import warnings
from datetime import datetime, timezone
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import InputError, RecordingError
from ..libraries import library
from ..recordings import Recording, RecordingSet
from ..storage.atomic import atomic_write
from ..units import PER_CM2

_TO_SI = {"mV": (1e-3, "volts"), "pA": (1e-12, "amperes"), "nA": (1e-9, "amperes")}
_PA_OF_DENSITY = 0.01  # pA of 1 µA/cm² on 1 µm²
# Field of a series, that of `Recording`, and the factor to SI.
_CURRENT = (
    ("bridge_balance", "bridge_balance", 1e6),
    ("capacitance_compensation", "capacitance_compensation", 1e-12),
)
_VOLTAGE = (
    ("whole_cell_series_resistance_comp", "series_resistance", 1e6),
    ("resistance_comp_correction", "series_resistance_compensation", 1.0),
    ("capacitance_fast", "capacitance_compensation", 1e-12),
    ("whole_cell_capacitance_comp", "whole_cell_capacitance", 1e-12),
)


def write(
    recordings: RecordingSet,
    path: str | PathLike[str],
    *,
    area: float | None = None,
    session_start: datetime | None = None,
    description: str = "",
    overwrite: bool = False,
) -> Path:
    """Write `recordings`, whole or not at all; see `RecordingSet.to_nwb`."""
    target = Path(path)
    if target.suffix.lower() != ".nwb":
        raise InputError(f'path = "{target}": an NWB file ends in .nwb')
    if target.exists() and not overwrite:
        raise InputError(f"{target} is there already; give another name, or overwrite=True")
    if area is not None and not (np.isfinite(area) and area > 0):
        raise InputError(f"area = {area}: the membrane area of a cell in µm² is positive")
    pynwb = library("pynwb")
    start = session_start or datetime.now(timezone.utc)
    if start.tzinfo is None:
        raise InputError(f"session_start = {start}: give it with its time zone")
    text = description or "recordings of pyhodgkin"
    file = pynwb.NWBFile(text, secrets.token_hex(8), start)
    session = _Session(pynwb, file, area)
    offsets = _offsets(recordings)
    for i, item in enumerate(recordings):
        session.add(item, i, offsets[i])
    with atomic_write(target) as temporary, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of PyNWB, about names
        with pynwb.NWBHDF5IO(str(temporary), "w") as io:
            io.write(file)
    return target


def _offsets(recordings: RecordingSet) -> list[float]:
    """Start of each recording in the session, ms: its own, or after the one before."""
    own = [r.t_offset + float(r.t[0]) for r in recordings]
    ends = [r.t_offset + float(r.t[-1]) for r in recordings]
    apart = all(b > a for a, b in zip(ends[:-1], own[1:], strict=True))
    if apart:
        return own
    found, at = [], 0.0
    for r in recordings:
        found.append(at)
        at += float(r.t[-1] - r.t[0]) + 1000.0
    return found


class _Session:
    """A file that is being made: its electrodes by name, its series."""

    def __init__(self, pynwb: Any, file: Any, area: float | None) -> None:
        self.pynwb, self.file, self.area = pynwb, file, area
        self.device = file.create_device(name="amplifier")
        self.electrodes: dict[tuple[str, str], Any] = {}
        self.names: set[str] = set()

    def add(self, item: Recording, i: int, offset: float) -> None:
        """One recording, at `offset` ms of the session."""
        kinds = ("CurrentClampSeries", "CurrentClampStimulusSeries")
        if item.observed == "current":
            kinds = ("VoltageClampSeries", "VoltageClampStimulusSeries")
        name = self._name(item, i)
        dt = item.dt
        if dt is None:
            raise RecordingError(
                f'"{item.name}": its samples are not evenly spaced, which to_nwb needs: '
                "interpolate, or use to_xarray"
            )
        both = {"electrode": self._electrode(item), "gain": float("nan"), "rate": 1000.0 / dt,
                "starting_time": offset / 1000.0}  # fmt: skip
        response = self._series(kinds[0], name, item.data, item.unit, both, self._facts(item))
        stimulus = self._series(
            kinds[1], f"{name} stimulus", item.command, item.protocol.unit, both, {}
        )
        self.file.add_acquisition(response)
        self.file.add_stimulus(stimulus)
        self.file.add_intracellular_recording(
            electrode=both["electrode"], stimulus=stimulus, response=response
        )
        self._mask(item, response, offset, dt)

    def _series(self, kind: str, name: str, values: Any, unit: str, both: dict, facts: dict) -> Any:
        if unit == PER_CM2:
            if self.area is None:
                raise RecordingError(
                    f'"{name}" is in {PER_CM2}, and NWB holds amperes: area= gives the membrane '
                    "area of the cell, µm²"
                )
            values, unit = values * (self.area * _PA_OF_DENSITY), "pA"
        factor, si = _TO_SI[unit]
        series = getattr(self.pynwb.icephys, kind)
        return series(name=name, data=np.array(values), conversion=factor, unit=si, **both, **facts)

    def _facts(self, item: Recording) -> dict[str, Any]:
        known = item.setup
        table = _CURRENT if item.observed == "v" else _VOLTAGE
        facts: dict[str, Any] = {a: known[b] * f for a, b, f in table if b in known}
        words = [] if item.temperature is None else [f"temperature {item.temperature:g} °C"]
        if "junction_potential" in known:
            words.append(
                f"liquid junction potential of {known['junction_potential']:g} mV subtracted"
            )
        if words:
            facts["comments"] = "; ".join(words)
        return facts

    def _electrode(self, item: Recording) -> Any:
        key = (item.electrode or "electrode", item.cell)
        if key not in self.electrodes:
            taken = {name for name, _ in self.electrodes}
            name = key[0] if key[0] not in taken else f"{key[0]} of {key[1] or 'another cell'}"
            own: dict[str, Any] = {"cell_id": item.cell} if item.cell else {}
            if item.observed == "v" and item.series_resistance is not None:
                own["initial_access_resistance"] = f"{item.series_resistance:g} MOhm"
            self.electrodes[key] = self.file.create_icephys_electrode(
                name=name, description="patch electrode", device=self.device, **own
            )
        return self.electrodes[key]

    def _name(self, item: Recording, i: int) -> str:
        name = (item.name or f"sweep {i}").replace("/", "-").replace(":", "-")
        while name in self.names or f"{name} stimulus" in self.names:
            name = f"{name} ({i})"
        self.names |= {name, f"{name} stimulus"}
        return name

    def _mask(self, item: Recording, series: Any, offset: float, dt: float) -> None:
        edges = np.flatnonzero(np.diff(np.r_[False, ~item.mask, False])).reshape(-1, 2)
        for first, stop in edges.tolist():
            begin, end = (offset + dt * x for x in (first - 0.25, stop - 0.75))
            self.file.add_invalid_time_interval(
                start_time=begin / 1000.0, stop_time=end / 1000.0, tags=["masked"],
                timeseries=[series],
            )  # fmt: skip
