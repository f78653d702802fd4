"""The kinds of currents that a neuron may have, and what each of them brings to its states."""

from __future__ import annotations

from .calcium_channels import GHKChannel, NernstChannel
from .channels import Channel, NeuralCurrent
from .markov import MarkovChannel

Current = Channel | NeuralCurrent | NernstChannel | GHKChannel | MarkovChannel


def states_of(channel: Current) -> tuple[str, ...]:
    """Names of the states of a channel.

    Examples
    --------
    >>> from pyhodgkin.neuron import library
    >>> states_of(library.get("squid_axon").channel("na"))
    ('m', 'h')
    """
    if isinstance(channel, MarkovChannel):
        return channel.state_names
    return tuple(gate.name for gate in channel.gates if gate.has_state)
