"""The networks of a neuron by their names in its layout."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from .channels import NeuralCurrent
from .kinetics import NeuralKinetics
from .markov import MarkovChannel
from .networks import Network

if TYPE_CHECKING:
    from .neuron import Neuron


def networks_of(neuron: Neuron) -> Iterator[tuple[str, Network]]:
    """Each network with what the names of its weights begin with.

    Examples
    --------
    >>> import pyhodgkin as ph
    >>> gate = ph.NeuralKinetics("steady_state", ph.Network.create((1, 4, 2)))
    >>> [path for path, _ in networks_of(ph.library.get("squid_axon").replace_gate("n", gate))]
    ['k.n.network']
    """
    if neuron.right_hand_side is not None:
        yield "network", neuron.right_hand_side.network
    for channel in neuron.channels:
        if isinstance(channel, NeuralCurrent):
            yield f"{channel.name}.network", channel.network
        for gate in channel.gates:
            if isinstance(gate.kinetics, NeuralKinetics):
                yield f"{channel.name}.{gate.name}.network", gate.kinetics.network
        for rate in channel.rates if isinstance(channel, MarkovChannel) else ():
            if rate.learned is not None:
                yield f"{channel.name}.{rate.name}.network", rate.learned
