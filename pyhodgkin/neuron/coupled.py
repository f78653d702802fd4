"""Which part of a neuron couples its states, for messages of what cannot treat it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .markov import MarkovChannel

if TYPE_CHECKING:
    from .neuron import Neuron


def coupling_of(neuron: Neuron) -> str:
    """What couples the states of `neuron`, in words; nothing where each gate depends on v alone.

    Examples
    --------
    >>> from pyhodgkin.neuron import library
    >>> coupling_of(library.get("squid_axon"))
    ''
    """
    schemes = [c.name for c in neuron.channels if isinstance(c, MarkovChannel)]
    found = [f'channel "{name}", a Markov scheme' for name in schemes]
    if neuron.calcium is not None:
        sources = ", ".join(neuron.calcium.sources)
        found.append(f"a calcium pool (sources: {sources or 'none'})")
    return " and ".join(found)
