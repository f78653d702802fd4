"""A neuron with something else in it: other kinetics, channels or numbers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from .calcium import STATE
from .currents import Current, states_of
from .gates import Gate
from .kinetics import Kinetics
from .size import all_replaced

if TYPE_CHECKING:
    from .neuron import Neuron


def with_channels(neuron: Neuron, channels: Iterable[Current]) -> Neuron:
    """The same neuron with other channels; what it said of gates that are gone goes too."""
    kept = tuple(channels)
    states = {name for channel in kept for name in states_of(channel)}
    states |= {STATE} if neuron.calcium is not None else set()
    initial = tuple((name, x) for name, x in neuron.initial if name in states)
    return replace(neuron, channels=kept, initial=initial)


def gate_replaced(neuron: Neuron, name: str, kinetics: Kinetics) -> Neuron:
    """`Neuron.replace_gate`."""
    neuron.gate(name)
    keep_q10 = kinetics.kind != "neural" or getattr(kinetics, "form", "") == "residual"

    def swap(gate: Gate) -> Gate:
        if gate.name != name:
            return gate
        if keep_q10:
            return replace(gate, kinetics=kinetics)
        return replace(gate, kinetics=kinetics, q10=1.0, t_ref=None)

    changed = (c.with_gates(tuple(swap(x) for x in c.gates)) for c in neuron.channels)
    return with_channels(neuron, changed)


def parameters_changed(neuron: Neuron, values: Mapping[str, float]) -> Neuron:
    """`Neuron.with_parameters`."""
    theta, names = neuron.theta, {name.replace("__", ".") for name in values}
    for name, value in values.items():
        theta[neuron.layout[name.replace("__", ".")].slice] = value
    changed = neuron.with_theta(theta)
    if all_replaced(neuron, names):
        return replace(changed, current_unit=None, area=None)
    return changed
