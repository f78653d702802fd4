"""One unit of current for a neuron and what it meets: the same, converted exactly, or refused."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase

import numpy as np

from ..errors import InputError, RecordingError
from ..neuron.neuron import Neuron
from ..neuron.size import (
    EXTENSIVE,
    area_of,
    extensive,
    in_unit,
    inversely_extensive,
    system_text,
)
from ..numerics.arrays import FloatArray
from ..protocols import Protocol
from ..units import PER_CM2, ratio, written
from . import Recording

Bounds = Mapping[str, tuple[float, float]]


def neuron_for(
    neuron: Neuron,
    unit: str | None,
    what: str,
    area: float | None = None,
    capacitance: float | None = None,
) -> Neuron:
    """`neuron` in the unit of current of a protocol or recording.

    Parameters
    ----------
    neuron : Neuron
        One that states no unit takes `unit`; with `area` or `capacitance` its numbers are taken
        as per area.
    unit : {"uA/cm2", "nA", "pA"} or None
        None under a voltage clamp without data, which has no current: then the neuron keeps its
        unit, and with `area` or `capacitance` one per area becomes a whole cell in pA.
    what : str
        What has that unit, for the message, such as ``'recording "a"'``.
    area, capacitance : float, optional
        Of the cell, µm² or pF.

    Raises
    ------
    InputError
        If one is per area and the other of a whole cell, and the size of the cell is not known.

    Examples
    --------
    >>> import pyhodgkin as ph
    >>> axon = ph.library.get("squid_axon")
    >>> neuron_for(axon, "pA", "the protocol", area=1000.0).channel("na").g
    1200.0
    """
    stated, sized = neuron.current_unit, area is not None or capacitance is not None
    if stated is None:
        if not sized:
            return neuron if unit is None else _stating(neuron, unit)
        if unit == PER_CM2:
            raise InputError(
                f"{'area' if capacitance is None else 'capacitance'}=: {what} is in "
                f'{written(unit)}, and neuron "{neuron.name}" does not state the unit that it is '
                'to be converted from: dataclasses.replace(neuron, current_unit="pA"), or leave '
                "it out"
            )
        neuron = _stating(neuron, PER_CM2)
        stated = PER_CM2
    if unit is None:
        unit = "pA" if sized and stated == PER_CM2 else stated
    known = area_of(neuron, area, capacitance)
    if known is None and (stated == PER_CM2) != (unit == PER_CM2):
        raise InputError(_mixed(neuron, unit, what))
    if stated == unit and known == neuron.area:
        return neuron
    return in_unit(neuron, unit, known)


def _stating(neuron: Neuron, unit: str) -> Neuron:
    """`neuron`, which states no unit, with one; the same object each time."""
    if unit not in neuron.in_other_units:
        neuron.in_other_units[unit] = replace(neuron, current_unit=unit)
    return neuron.in_other_units[unit]


def _mixed(neuron: Neuron, unit: str, what: str) -> str:
    stated = neuron.current_unit
    assert stated is not None
    said = f'neuron "{neuron.name}" is {system_text(stated)} but {what} is '
    if stated == PER_CM2:
        return (
            f"{said}of a whole cell, in {written(unit)}: give the size of the cell, area= in µm² "
            "or capacitance= in pF; or convert the neuron first, neuron.whole_cell(…)"
        )
    return (
        f"{said}per area, in {written(unit)}: if its numbers are in {stated}, that unit must be "
        "stated, CurrentClamp(…, unit=…); else give the area of the cell, area= in µm²"
    )


def unit_of(items: Sequence[Protocol | Recording], argument: str) -> str | None:
    """The one unit of current of protocols or recordings; None where there is no current.

    Raises
    ------
    RecordingError
        If there are several.
    """
    units = dict.fromkeys(filter(None, map(_unit, items)))
    if len(units) > 1:
        listed = " and ".join(map(written, units))
        raise RecordingError(
            f"{argument} mix currents in {listed}: bring them into one unit first, by "
            'read(…, convert_current="pA"), with the area of the cell where a density is among '
            "them; or CurrentClamp(…, unit=…)"
        )
    return next(iter(units), None)


def _unit(item: Protocol | Recording) -> str:
    if isinstance(item, Recording):
        return item.current_unit
    return item.unit if item.kind == "current" else ""


def neuron_of(
    neuron: Neuron,
    recordings: Sequence[Recording],
    area: float | None = None,
    capacitance: float | None = None,
    argument: str = "recordings",
) -> Neuron:
    """`neuron` in the one unit of `recordings`; see `neuron_for`."""
    unit = unit_of(recordings, argument)
    names = [r.name for r in recordings if r.name]
    what = f'recording "{names[0]}"' if names else "the recording"
    return neuron_for(neuron, unit, what, area, capacitance)


def neurons_of(
    neurons: Sequence[Neuron],
    protocols: Sequence[Protocol],
    area: float | None = None,
    capacitance: float | None = None,
) -> list[Neuron]:
    """Each of `neurons` in the one unit of `protocols`; see `neuron_for`."""
    unit = unit_of(protocols, "protocol: its entries")
    found = [neuron_for(n, unit, "the protocol", area, capacitance) for n in neurons]
    units = dict.fromkeys(n.current_unit for n in found)
    if len(units) > 1:
        listed = " and ".join(written(u) or "a unit that is not stated" for u in units)
        raise InputError(
            f"neuron: the currents of a batch are in one unit, and these are in {listed}; convert "
            "them first, neuron.whole_cell(…) or neuron.per_area(…)"
        )
    return found


def scales_of(
    neurons: Sequence[Neuron], converted: Sequence[Neuron], sized: bool = False
) -> FloatArray | None:
    """What numbers given for parameters (N, P) are multiplied with; None where nothing changed.

    `sized` says whether an area or a capacitance was given.
    """
    if all(a is b for a, b in zip(neurons, converted, strict=True)):
        return None
    rows = np.ones((len(neurons), neurons[0].layout.size))
    for row, before, after in zip(rows, neurons, converted, strict=True):
        times, over = _ratio(before, after, sized)
        row[extensive(before)] = times / over
        row[inversely_extensive(before)] = over / times
    return rows


def bounds_of(
    bounds: Bounds | None, names: Sequence[str], neuron: Neuron, converted: Neuron, sized: bool
) -> Bounds | None:
    """`bounds` in the unit of `neuron`, in that of `converted`, for the parameters `names`."""
    times, over = _ratio(neuron, converted, sized)
    if not bounds or times == over:
        return bounds
    own = {entry.name for entry in neuron.layout if entry.group in EXTENSIVE}
    inverse = {neuron.layout.names[i] for i in np.flatnonzero(inversely_extensive(neuron))}
    out: dict[str, tuple[float, float]] = {}
    for pattern, (low, high) in bounds.items():
        found = [name for name in names if fnmatchcase(name, pattern)]
        if not (own | inverse) & set(found):
            out[pattern] = (low, high)
            continue
        for name in found:
            factor = times / over if name in own else over / times if name in inverse else 1.0
            out[name.replace("[", "[[]")] = (low * factor, high * factor)
    return out


def _ratio(before: Neuron, after: Neuron, sized: bool) -> tuple[float, float]:
    """From the numbers of one to those of the other."""
    stated = before.current_unit or (PER_CM2 if sized else after.current_unit)
    if stated is None or after.current_unit is None:
        return 1.0, 1.0
    return ratio(stated, after.current_unit, after.area)
