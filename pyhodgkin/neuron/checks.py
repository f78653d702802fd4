"""What is wrong with the numbers and names of a neuron, in one clear message."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from ..errors import InputError, unknown
from ..units import PER_CM2, capacitance_of, current_unit
from .calcium import STATE
from .calcium_channels import GHKChannel, NernstChannel
from .calcium_curves import uses_calcium
from .curves import Curve, finite
from .markov import MarkovChannel

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


def check_parts(neuron: Neuron) -> None:
    """That the channels, states and calcium of `neuron` fit together, or an `InputError`."""
    if bool(neuron.channels) == (neuron.right_hand_side is not None):
        raise InputError(f'neuron "{neuron.name}": give either channels or right_hand_side')
    no_repeats(neuron.name, "channel", [c.name for c in neuron.channels])
    no_repeats(neuron.name, "gate", [x.name for x in neuron.gates])
    if neuron.is_coupled:
        no_repeats(neuron.name, "state", list(neuron.states[1:]))
    check_calcium(neuron)
    for gate, _ in neuron.initial:
        if gate not in neuron.states[1:]:
            raise unknown("gate in `initial`", gate, neuron.states[1:])


def check_calcium(neuron: Neuron) -> None:
    """That a pool is there where something depends on it, and its sources and temperature."""
    who, names = f'neuron "{neuron.name}"', [c.name for c in neuron.channels]
    driven = [c.name for c in neuron.channels if isinstance(c, (NernstChannel, GHKChannel))]
    if neuron.calcium is None:
        lacking = driven + [where for where, curve in _curves(neuron) if uses_calcium(curve)]
        if lacking:
            raise InputError(
                f"{who}: {lacking[0]} depends on the calcium concentration, and there is no pool; "
                "give calcium=CalciumPool(…)"
            )
        return
    for source in neuron.calcium.sources:
        if source not in names:
            raise unknown(f"source of calcium of {who}", source, names)
    if driven and neuron.temperature is None:
        raise InputError(
            f"{who}: the driving force of {driven[0]} depends on the temperature; give "
            "temperature= (°C)"
        )
    start = dict(neuron.initial).get(STATE, 0.0)
    if start < 0.0:
        raise InputError(f"{who}: initial {STATE} = {start:g} mM; a concentration is not negative")


def _curves(neuron: Neuron) -> Iterator[tuple[str, Curve]]:
    """The closed-form curves of a neuron, and where they are."""
    for channel in neuron.channels:
        for gate in channel.gates:
            for curve in gate.kinetics.curves().values():
                yield f"gate {gate.name}", curve
        for rate in channel.rates if isinstance(channel, MarkovChannel) else ():
            if rate.curve is not None:
                yield f"rate {rate.name} of {channel.name}", rate.curve


def named(kind: str, name: str, parts: Sequence[Any]) -> Any:
    """The one of `parts` that is called `name`."""
    for part in parts:
        if part.name == name:
            return part
    raise unknown(kind, name, [part.name for part in parts])


def no_repeats(neuron: str, kind: str, names: list[str]) -> None:
    """Raise where a name of a channel or gate is there twice, or is that of the potential."""
    for name in names:
        if names.count(name) > 1 or name == "v":
            raise InputError(f'neuron "{neuron}": {kind} name "{name}" is used twice or reserved')
