"""Neurons per area and of a whole cell: one factor between all their extensive numbers.

A neuron is written in one of three unit systems, named by its unit of current:

========== ======== ======= ====== =================
unit       current  g       c_m    of
========== ======== ======= ====== =================
``uA/cm2`` µA/cm²   mS/cm²  µF/cm² a patch of 1 cm²
``nA``     nA       µS      nF     the whole cell
``pA``     pA       nS      pF     the whole cell
========== ======== ======= ====== =================

In each of them a conductance times mV is a current, and a capacitance times mV/ms is one, so that
one factor converts capacitance, conductances and currents; potentials, kinetics and times stay.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from ..units import CONVERSIONS, PER_CM2, WHOLE_CELL, current_unit, ratio, written
from .calcium import PREFIX
from .calcium_channels import GHKChannel
from .channels import Channel, NeuralCurrent
from .currents import Current

if TYPE_CHECKING:
    from .neuron import Neuron

EXTENSIVE = ("capacitance", "conductances")  # groups of parameters that go with the size


def system_text(unit: str) -> str:
    """A unit system in words.

    Examples
    --------
    >>> system_text("pA")
    'of a whole cell (pA, nS, pF)'
    """
    units = ", ".join(written(name) for name in (unit, *CONVERSIONS[unit]))
    return f"{'per area' if unit == PER_CM2 else 'of a whole cell'} ({units})"


def area_of(
    neuron: Neuron, area: float | None = None, capacitance: float | None = None
) -> float | None:
    """The membrane area of a cell, µm²: given, from its capacitance, or what `neuron` states.

    Parameters
    ----------
    neuron : Neuron
        For `capacitance` per area, since its c_m says how much membrane that is.
    area : float, optional
        µm².
    capacitance : float, optional
        Of the whole cell, pF.

    Raises
    ------
    InputError
        If a number is not positive, both are given, or they contradict `neuron`.

    Examples
    --------
    >>> import pyhodgkin as ph
    >>> area_of(ph.library.get("squid_axon"), capacitance=10.0)  # 1 µF/cm²
    1000.0
    """
    area, capacitance = _positive("area", area, "µm²"), _positive("capacitance", capacitance, "pF")
    who = f'neuron "{neuron.name}"'
    if area is not None and capacitance is not None:
        raise InputError(
            f"area = {area:g} µm² and capacitance = {capacitance:g} pF are both given: give one, "
            "the other follows from c_m"
        )
    whole = neuron.current_unit in WHOLE_CELL
    if capacitance is not None:
        if whole:
            raise InputError(
                f"capacitance = {capacitance:g} pF: {who} is {system_text(neuron.current_unit)} "  # type: ignore[arg-type]
                "and its c_m is that capacitance already; leave it out, or give area="
            )
        if neuron.right_hand_side is not None:
            raise InputError(
                f"capacitance = {capacitance:g} pF: {who} is one network without a c_m to compare "
                "it with; give area= (µm²)"
            )
        return capacitance * 100.0 / neuron.c_m
    if area is None:
        return neuron.area
    if whole and neuron.area is not None and not np.isclose(area, neuron.area, rtol=1e-6):
        raise InputError(
            f"area = {area:g} µm²: {who} is that of a whole cell of {neuron.area:g} µm²; convert "
            f"it first, neuron.per_area(), and then neuron.whole_cell(area={area:g})"
        )
    return area


def in_unit(neuron: Neuron, unit: str, area: float | None) -> Neuron:
    """`neuron`, which states a unit, in another unit of current.

    Parameters
    ----------
    neuron : Neuron
        ``neuron.current_unit`` is not None.
    unit : {"uA/cm2", "nA", "pA"}
    area : float or None
        µm²; needed between whole cell and per area, kept in the result.
    """
    stated = neuron.current_unit
    assert stated is not None
    if stated != unit:
        neuron = scaled(neuron, *ratio(stated, unit, area))
    return replace(neuron, current_unit=unit, area=area)


def scaled(neuron: Neuron, times: float, over: float = 1.0) -> Neuron:
    """`neuron` with capacitance, conductances and currents times `times`/`over`.

    The membrane potential under a current that is scaled likewise stays the same.
    """
    box = neuron.right_hand_side
    if box is not None:
        seen = box.stimulus_scale
        box = replace(box, stimulus_scale=None if seen is None else seen * times / over)
        return replace(neuron, right_hand_side=box, c_m=neuron.c_m * times / over)
    channels = tuple(_scaled(channel, times, over) for channel in neuron.channels)
    pool = neuron.calcium
    if pool is not None:  # the same calcium for the current of another size
        pool = replace(pool, k=pool.k * over / times)
    return replace(neuron, c_m=neuron.c_m * times / over, channels=channels, calcium=pool)


def whole_cell(
    neuron: Neuron, area: float | None, capacitance: float | None, unit: str = "pA"
) -> Neuron:
    """See `Neuron.whole_cell`."""
    wanted = current_unit(unit)
    if wanted not in WHOLE_CELL:
        raise InputError(f'unit = "{unit}" is not of a whole cell: give one of {WHOLE_CELL}')
    stated = neuron if neuron.current_unit else replace(neuron, current_unit=PER_CM2)
    known = area_of(stated, area, capacitance)
    if known is None and stated.current_unit == PER_CM2:
        raise InputError(
            f'neuron "{neuron.name}": give the cell\'s area= (µm²) or its capacitance= (pF)'
        )
    return in_unit(stated, wanted, known)


def per_area(neuron: Neuron, area: float | None) -> Neuron:
    """See `Neuron.per_area`."""
    if neuron.current_unit is None:
        raise InputError(
            f'neuron "{neuron.name}" does not state in which unit its numbers are: '
            'dataclasses.replace(neuron, current_unit="pA") states nS and pF, "nA" µS and nF'
        )
    known = area_of(neuron, area)
    if known is None and neuron.current_unit != PER_CM2:
        raise InputError(
            f'neuron "{neuron.name}" is {system_text(neuron.current_unit)} and its area is not '
            "known: give area= (µm²)"
        )
    return in_unit(neuron, PER_CM2, known)


def extensive(neuron: Neuron) -> NDArray[np.bool_]:
    """Which parameters (P,) scale with the size of the cell: capacitance and conductances."""
    which = np.zeros(neuron.layout.size, dtype=bool)
    for entry in neuron.layout:
        which[entry.slice] = entry.group in EXTENSIVE
    return which


def inversely_extensive(neuron: Neuron) -> NDArray[np.bool_]:
    """Which parameters (P,) are per current: what the current of a cell brings to its calcium."""
    which = np.zeros(neuron.layout.size, dtype=bool)
    if neuron.calcium is not None:
        which[neuron.layout[f"{PREFIX}.k"].slice] = True
    return which


def all_replaced(neuron: Neuron, names: set[str]) -> bool:
    """Whether `names` holds every number of `neuron` that scales with the size of the cell."""
    if neuron.right_hand_side is not None:
        return False
    if not all(isinstance(channel, Channel) for channel in neuron.channels):
        return False  # the scale of a network's current is none of the parameters
    return {"c_m", *(f"{channel.name}.g" for channel in neuron.channels)} <= names


def _scaled(channel: Current, times: float, over: float) -> Current:
    if isinstance(channel, NeuralCurrent):
        return replace(channel, scale=channel.scale * times / over)
    if isinstance(channel, GHKChannel):
        return replace(channel, p=channel.p * times / over)
    return replace(channel, g=channel.g * times / over)


def _positive(name: str, value: float | None, unit: str) -> float | None:
    if value is None:
        return None
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise InputError(f"{name} = {value!r}: give a number, in {unit}") from None
    if not 0.0 < number < np.inf:
        raise InputError(f"{name} = {number:g} {unit} must be positive and finite")
    return number
