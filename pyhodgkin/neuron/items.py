"""The parameters of a neuron one by one, in the order of its flat vector theta.

Here, and only here, is decided in which order they lie there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ..numerics.arrays import FloatArray
from ..units import capacitance_of, conductance_of, permeability_of
from .calcium import PREFIX
from .calcium_channels import GHKChannel, NernstChannel
from .channels import NeuralCurrent
from .currents import Current
from .curves import Curve
from .functions import Parameter, parameter_paths
from .kinetics import Kinetics, NeuralKinetics
from .markov import MarkovChannel, Rate
from .networks import Network

if TYPE_CHECKING:
    from .neuron import Neuron

# The numbers of a calcium pool and their units.
POOL = {"ca_inf": "mM", "tau": "ms", "k": ""}
_UNITS = {"v0": "mV", "k": "mV", "half": "mM"}


class _Own(NamedTuple):
    """What is known of a number of a channel: its unit for a unit of current, how it is trained."""

    unit: Callable[[str | None], str]
    group: str
    transform: str


_OWN = {
    "g": _Own(conductance_of, "conductances", "log"),
    "p": _Own(permeability_of, "conductances", "log"),
    "e": _Own(lambda _: "mV", "reversals", "identity"),
    "ca_out": _Own(lambda _: "mM", "calcium", "log"),
}


class Item(NamedTuple):
    """One parameter as it lies in theta: what `parameters.Entry` is made from."""

    name: str
    value: FloatArray
    unit: str
    group: str
    transform: str


def items(neuron: Neuron) -> Iterator[Item]:
    """The parameters of `neuron` in the order of theta."""
    if neuron.right_hand_side is not None:
        yield from _network_items("network", neuron.right_hand_side.network)
        return
    unit = neuron.current_unit
    yield Item("c_m", np.array(neuron.c_m), capacitance_of(unit), "capacitance", "log")
    for channel in neuron.channels:
        name = channel.name
        if isinstance(channel, NeuralCurrent):
            yield from _network_items(f"{name}.network", channel.network)
        else:
            for number in numbers_of(channel):
                value, own = np.array(getattr(channel, number)), _OWN[number]
                yield Item(f"{name}.{number}", value, own.unit(unit), own.group, own.transform)
        for gate in channel.gates:
            yield from _kinetics_items(f"{name}.{gate.name}", gate.kinetics)
        for rate in channel.rates if isinstance(channel, MarkovChannel) else ():
            yield from _rate_items(f"{name}.{rate.name}", rate)
    if neuron.calcium is not None:
        for number, si in POOL.items():
            value = np.array(getattr(neuron.calcium, number))
            log = "log" if value != 0.0 else "identity"
            yield Item(f"{PREFIX}.{number}", value, si, "calcium", log)


def numbers_of(channel: Current) -> tuple[str, ...]:
    """Names of the numbers of a channel, in the order of theta."""
    if isinstance(channel, GHKChannel):
        return ("p", "ca_out")
    return ("g", "ca_out") if isinstance(channel, NernstChannel) else ("g", "e")


def _rate_items(prefix: str, rate: Rate) -> Iterator[Item]:
    if rate.curve is not None:
        yield from _curve_items(prefix, "", rate.curve)
    if rate.learned is not None:
        yield from _network_items(f"{prefix}.network", rate.learned)


def _kinetics_items(prefix: str, kinetics: Kinetics) -> Iterator[Item]:
    for role, curve in kinetics.curves().items():
        yield from _curve_items(f"{prefix}.{role}", role, curve)
    if isinstance(kinetics, NeuralKinetics):
        yield from _network_items(f"{prefix}.network", kinetics.network)


def _curve_items(prefix: str, role: str, curve: Curve) -> Iterator[Item]:
    for leaf, paths in parameter_paths(prefix, curve):
        # In a·exp((v - v0)/k) a change of v0 is a change of a: only one of them is trained.
        fixed = {"v0"} if leaf.form == "exponential" else set()
        # A steady state that is a plain sigmoid stays between 0 and 1 only if a stays 1.
        named = isinstance(leaf, Parameter)
        if role.endswith("x_inf") and not named:
            fixed.add("a")
        for name, path in paths.items():
            value = np.array(getattr(leaf, name))
            # A voltage may have either sign; sizes and slope factors keep theirs.
            log = name in ("a", "k", "half", "n") and value != 0.0
            log = log and not (named and leaf.name.startswith("v"))
            group = "fixed" if name in fixed else "rates"
            yield Item(path, value, _UNITS.get(name, ""), group, "log" if log else "identity")


def _network_items(prefix: str, network: Network) -> Iterator[Item]:
    for i, array in enumerate(network.arrays()):
        name = f"{'weight' if i % 2 == 0 else 'bias'}{i // 2}"
        yield Item(f"{prefix}.{name}", array, "", "networks", "identity")
