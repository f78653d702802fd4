"""What a user can tell a reader, and how units are settled: stated, never guessed."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from ..errors import InputError, RecordingError, unknown
from ..protocols import Protocol
from ..units import AMPERE, PER_AREA, TIME, VOLTAGE, current_factor, factor, spelled
from .choose import chosen

CLAMPS = ("current", "voltage")

# Positions or names of sweeps.
Sweeps = int | str | slice | range | Sequence[int | str | slice | range] | None

# Units that a name can state at its end, as in "V_sine_mV", by what is measured.
_SUFFIXES = {
    "time": tuple(TIME),
    "voltage": tuple(VOLTAGE),
    "current": (*AMPERE, *PER_AREA),
}

# Arguments that every format takes. A reader lists in `TAKES` those and its own; any other that
# is given is refused, with the text that its `INSTEAD` has for it.
COMMON = frozenset(
    {
        *("clamp", "protocol", "command_mode", "temperature", "name"),
        *("sweeps", "exclude", "junction_potential"),
        *("voltage_unit", "current_unit", "voltage_scale", "current_scale", "convert_current"),
        *("area", "capacitance", "c_m"),
    }
)


@dataclass(frozen=True)
class Options:
    """The keyword arguments of `pyhodgkin.read`, documented there.

    A new argument is one line here, one in the signature of `read`, and its name in `COMMON`
    or in the `TAKES` of the readers that honour it.
    """

    clamp: str | None = None
    protocol: Protocol | Sequence[Protocol] | None = None
    time: str | int | None = None
    voltage: str | int | Sequence[str | int] | None = None
    current: str | int | Sequence[str | int] | None = None
    sweep: str | int | None = None
    dt: float | str | None = None
    rate: float | str | None = None
    time_unit: str | None = None
    voltage_unit: str | None = None
    current_unit: str | None = None
    voltage_scale: float | str = 1.0
    current_scale: float | str = 1.0
    convert_current: str | None = None
    area: float | None = None
    capacitance: float | None = None
    c_m: float | None = None
    command_mode: str = "command"
    channel: int | str | None = None
    command: int | str | None = None
    temperature: float | None = None
    name: str | None = None
    sweeps: Sweeps = None
    exclude: Sweeps = None
    electrode: str | None = None
    junction_potential: float | None = None
    decimal: str | None = None
    delimiter: str | None = None
    encoding: str | None = None

    def __post_init__(self) -> None:
        if self.clamp is not None and self.clamp not in CLAMPS:
            raise unknown("clamp", str(self.clamp), CLAMPS)

    def given(self) -> dict[str, Any]:
        """The arguments that differ from their defaults.

        Examples
        --------
        >>> Options(clamp="voltage", dt=0.1, voltage_scale=1).given()
        {'clamp': 'voltage', 'dt': 0.1}
        """
        values = {f.name: getattr(self, f.name) for f in fields(self)}
        return {f.name: values[f.name] for f in fields(self) if not _is(values[f.name], f.default)}

    def refuse_others(
        self, takes: Iterable[str], instead: Mapping[str, str], kind: str, path: str
    ) -> None:
        """Raise for an argument that the reader of `kind` files does not honour."""
        takes = frozenset(takes)
        for name, value in self.given().items():
            if name not in takes:
                more = f": {instead[name]}" if name in instead else ""
                listed = ", ".join(f.name for f in fields(self) if f.name in takes)
                raise RecordingError(
                    f"{path}: {name}={value!r} cannot be given for {kind} files{more} "
                    f"(they take {listed})"
                )

    def scale(self, quantity: str, where: str) -> float:
        """What to multiply the stored numbers of `quantity` with."""
        argument = f"{quantity}_scale"
        value = getattr(self, argument)
        try:
            number = math.nan if isinstance(value, bool) else float(value)
        except (TypeError, ValueError):
            raise RecordingError(
                f"{where}: {argument}={value!r} must be a number; the name of one is for csv "
                "and npz files"
            ) from None
        if not math.isfinite(number) or number == 0.0:
            raise RecordingError(f"{where}: {argument}={value!r} must be finite and not 0")
        return number

    def unit(self, quantity: str, stated: str | None, where: str) -> str:
        """The unit of `quantity`: stated by the file or by the user, the same if by both."""
        argument = f"{quantity}_unit"
        given = getattr(self, argument)
        if stated is None and given is None:
            raise RecordingError(
                f"{where} does not state the unit of {quantity}: give {argument}= "
                f"(on the command line --{quantity}-unit)"
            )
        if stated is not None and given is not None and spelled(stated) != spelled(given):
            raise RecordingError(
                f"{where} states {quantity} in {stated} but {argument} is {given}: leave one out"
            )
        return str(stated if stated is not None else given)

    def time_factor(self, stated: str | None, where: str) -> float:
        """Factor to ms."""
        unit = self.unit("time", stated, where)
        return _named(where, lambda: factor(unit, TIME, "time_unit"))

    def voltage_factor(self, stated: str | None, where: str) -> float:
        """Factor to mV."""
        unit = self.unit("voltage", stated, where)
        return _named(where, lambda: factor(unit, VOLTAGE, "voltage_unit"))

    def current_factor(self, stated: str | None, where: str) -> tuple[float, str]:
        """Factor to one of the units that a recording can have, and that unit."""
        unit = self.unit("current", stated, where)
        return _named(
            where, lambda: current_factor(unit, self.convert_current, area=self.membrane(where))
        )

    def membrane(self, where: str) -> float | None:
        """Membrane area of the cell, µm²: given, or its capacitance over that of an area."""
        sizes = {"area": "µm²", "capacitance": "pF", "c_m": "µF/cm²"}
        for name, unit in sizes.items():
            value = getattr(self, name)
            if value is None:
                continue
            if isinstance(value, bool) or not isinstance(value, int | float) or not value > 0:
                raise RecordingError(f"{where}: {name}={value!r} must be a positive number, {unit}")
        if (self.capacitance is None) != (self.c_m is None) or (
            self.area is not None and self.capacitance is not None
        ):
            raise RecordingError(
                f"{where}: give the size of the cell as area= (µm²), or as capacitance= (pF) with "
                "c_m= (µF/cm², of its membrane)"
            )
        if self.capacitance is not None and self.c_m is not None:
            return 100.0 * self.capacitance / self.c_m
        return self.area

    def chosen(self, names: Sequence[str], path: object) -> list[int]:
        """Positions of the sweeps to read, of those called `names`; only these need be readable."""
        return chosen(names, self.sweeps, self.exclude, str(path))

    def protocol_of(self, sweep: int, count: int) -> Protocol | None:
        """The protocol given by the user for one sweep, if any."""
        if self.protocol is None or isinstance(self.protocol, Protocol):
            return self.protocol
        if len(self.protocol) != count:
            raise RecordingError(
                f"protocol has {len(self.protocol)} entries and {count} sweeps are read: "
                "give one for all or one for each"
            )
        return self.protocol[sweep]


def split_unit(name: str, quantity: str) -> tuple[str, str | None]:
    """A name without the unit that it states, and that unit, else None.

    Examples
    --------
    >>> split_unit("t (ms)", "time"), split_unit("I_sine_nA", "current"), split_unit("v", "voltage")
    (('t', 'ms'), ('I_sine', 'nA'), ('v', None))
    """
    bracket = re.fullmatch(r"\s*(.*?)[\s_]*[\[(]\s*([^\])]+?)\s*[\])]\s*", name)
    if bracket:
        return bracket[1], bracket[2]
    base, _, last = name.strip().rpartition("_")
    if base and spelled(last) in _SUFFIXES[quantity]:
        return base, last
    return name.strip(), None


def _is(value: Any, default: Any) -> bool:
    if value is None or default is None or not isinstance(value, (bool, int, float, str)):
        return value is default
    return isinstance(value, str) == isinstance(default, str) and value == default


def _named(where: str, convert):
    try:
        return convert()
    except InputError as error:
        raise RecordingError(f"{where}: {error}") from None
