"""Neurons of the library brought to the size of a cell, as candidates for its channels."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ..neuron import library
from ..neuron.channels import Channel
from ..neuron.kinetics import NeuralKinetics
from ..neuron.networks import Network
from ..neuron.neuron import Neuron, leak
from .passive import Passive

# At least this part of the measured conductance at rest stays with the leak.
_LEAST_LEAK = 0.1
_HIDDEN = (8,)
# The neuron of HodgkinModel.jl repeats the squid axon, that of COBA-HH the one of Traub and Miles;
# hERG alone is no neuron.
_LEFT_OUT = ("hodgkinmodel_jl", "herg_beattie", "brette_coba_hh")


@dataclass(frozen=True)
class Candidate:
    """A neuron, and how far its simulations are from the recordings.

    `rmse` in mV or the unit of the current; `spikes_off` is the mean, over the recordings, of the
    difference of the numbers of spikes over the larger of the measured number and one.
    """

    name: str
    neuron: Neuron
    rmse: float = float("nan")
    spikes_off: float = 0.0

    @property
    def score(self) -> float:
        """What candidates are ordered by: rmse plus 10 mV for spikes that are all wrong."""
        total = self.rmse + 10.0 * self.spikes_off
        return total if np.isfinite(total) else float("inf")


def passive_neuron(passive: Passive, unit: str) -> Neuron:
    """The membrane alone."""
    return Neuron(
        "passive",
        (leak(passive.g, passive.e),),
        c_m=passive.c,
        v_rest=passive.v_rest,
        current_unit=unit,
    )


def spiking(passive: Passive, unit: str) -> list[Candidate]:
    """The neurons of the library with the capacitance, leak and rest of the cell.

    Conductances are scaled with the capacitance, since channels come with membrane. The leak is
    chosen so that conductance and current at rest are those of the cell.
    """
    cells = {name: library.get(name) for name in library.names() if name not in _LEFT_OUT}
    return [
        Candidate(name, of_the_size(cell, passive, unit))
        for name, cell in cells.items()
        if not cell.is_coupled
    ]


def of_the_size(published: Neuron, passive: Passive, unit: str) -> Neuron:
    """A published neuron with the passive membrane of a cell, in the unit system `unit`."""
    scale = passive.c / published.c_m
    active = [
        replace(channel, g=channel.g * scale)
        for channel in published.channels
        if isinstance(channel, Channel) and channel.gates
    ]
    rest = passive.v_rest
    open_at_rest = [
        c.g * float(np.prod([float(x.kinetics.x_inf(rest)) ** x.power for x in c.gates]))
        for c in active
    ]
    at_rest = sum(open_at_rest)
    current = sum(g * (rest - c.e) for g, c in zip(open_at_rest, active, strict=True))
    current -= passive.holding
    g_l = max(passive.g - at_rest, _LEAST_LEAK * passive.g)
    return replace(
        published,
        name=f"{published.name} of {passive.c:.3g}",
        channels=(*active, leak(g_l, rest + current / g_l)),
        c_m=passive.c,
        v_rest=rest,
        current_unit=unit,
        area=None,
        initial=(),
    )


def channels() -> list[Channel]:
    """Every gated channel of the library once, for recordings of voltage clamp."""
    found: dict[tuple[object, ...], Channel] = {}
    for name in library.names():
        if name == "hodgkinmodel_jl" or library.get(name).is_coupled:
            continue
        for channel in library.get(name).channels:
            if isinstance(channel, Channel) and channel.gates:
                found.setdefault((channel.gates,), replace(channel, name=f"{channel.name}_{name}"))
    return list(found.values())


def with_networks(neuron: Neuron) -> Neuron:
    """Residual networks in every gate that has kinetics of its own."""
    for seed, gate in enumerate(neuron.gates):
        if gate.has_state:
            network = Network.create((1, *_HIDDEN, 2), seed=seed, zero_last=True)
            kinetics = NeuralKinetics("residual", network, prior=gate.kinetics)
            neuron = neuron.replace_gate(gate.name, kinetics)
    return neuron
