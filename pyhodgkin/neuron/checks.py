"""What is wrong with the numbers and names of a neuron, in one clear message."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..errors import InputError
from ..units import PER_CM2, capacitance_of, current_unit
from .curves import finite

if TYPE_CHECKING:
    from .neuron import Neuron


def numbers_of(neuron: Neuron) -> dict[str, Any]:
    """The plain fields of `neuron` as they should be kept, or an `InputError`."""
    who, unit, area = f'neuron "{neuron.name}"', neuron.current_unit or None, neuron.area
    out: dict[str, Any] = {
        name: finite(f"{who}: {name}", getattr(neuron, name)) for name in ("c_m", "v_rest")
    }
    if unit is not None:
        try:
            unit = current_unit(unit)
        except InputError as wrong:
            raise InputError(f"{who}: {wrong}") from None
    if out["c_m"] <= 0:
        more = "" if unit else " (nF or pF of a whole cell)"
        said = f"{who}: c_m = {out['c_m']:g} {capacitance_of(unit or PER_CM2)}"
        raise InputError(f"{said} must be positive{more}")
    if area is not None:
        area = finite(f"{who}: area", area)
        if area <= 0:
            raise InputError(f"{who}: area = {area:g} µm² must be positive")
    return {**out, "current_unit": unit, "area": area}


def no_repeats(neuron: str, kind: str, names: list[str]) -> None:
    """Raise where a name of a channel or gate is there twice, or is that of the potential."""
    for name in names:
        if names.count(name) > 1 or name == "v":
            raise InputError(f'neuron "{neuron}": {kind} name "{name}" is used twice or reserved')
