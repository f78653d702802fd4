"""``--area`` and ``--capacitance``: the size of the cell, between per area and whole cell."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..errors import InputError
from ..units import PER_CM2, WHOLE_CELL, current_unit
from .parser import positive

if TYPE_CHECKING:
    from ..neuron.neuron import Neuron


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The two options, of which one may be given."""
    group = parser.add_argument_group(
        "size of the cell",
        "For a model per area (uA/cm2) with currents of a whole cell (pA, nA), and the other "
        "way round; without it such a mixture is refused.",
    )
    size = group.add_mutually_exclusive_group()
    size.add_argument("--area", type=positive, metavar="UM2", help="membrane area, square um")
    size.add_argument(
        "--capacitance", type=positive, metavar="PF", help="of the cell, pF: area = this/c_m"
    )


def given(options: argparse.Namespace) -> dict[str, float]:
    """Those that were given, as arguments of a verb."""
    both = {"area": options.area, "capacitance": options.capacitance}
    return {name: value for name, value in both.items() if value is not None}


@dataclass(frozen=True)
class Simulated:
    """What `simulate` is to solve: the neuron, the unit of --step, and the size of the cell."""

    neuron: Neuron
    unit: str
    size: dict[str, Any]


def simulated(neuron: Neuron, options: argparse.Namespace) -> Simulated:
    """The neuron and the unit of the currents, from ``--current-unit`` and the size of the cell.

    Raises
    ------
    InputError
    """
    from ..recordings.matching import neuron_for

    unit, size = options.current_unit, given(options)
    wanted = None if unit is None else current_unit(unit)
    if options.clamp and (wanted or size):
        neuron = neuron_for(neuron, wanted, "--current-unit", **size)
        return Simulated(neuron, neuron.current_unit or PER_CM2, {})
    if options.step and wanted is None and size and neuron.current_unit not in WHOLE_CELL:
        raise InputError(
            f"--{next(iter(size))}: say in which unit --step is, with --current-unit pA or nA"
        )
    return Simulated(neuron, wanted or neuron.current_unit or PER_CM2, size)
