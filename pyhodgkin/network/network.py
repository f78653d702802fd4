"""A network: groups of neurons, the synapses and gap junctions between them, sources of spikes."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import InputError, unknown
from ..numerics.seeds import check_seed
from .groups import as_group
from .sources import Source
from .synapses import GapJunctions, Synapses

if TYPE_CHECKING:
    from .solution import NetworkSolution


@dataclass(frozen=True, eq=False)
class SpikingNetwork:
    """Neurons connected by synapses and gap junctions.

    Parameters
    ----------
    groups : mapping of name to NeuronGroup, (neuron, n) or Population
    synapses : sequence of Synapses
    gap_junctions : sequence of GapJunctions
    sources : mapping of name to PoissonSource or SpikeTimes
        Spikes from outside; synapses name them as `pre`.
    seed : int
        Of random connections, and of Poisson trains unless `simulate` is given another one.
    name : str

    Examples
    --------
    >>> import pyhodgkin as ph
    >>> cell = ph.library.get("traub_miles")
    >>> network = SpikingNetwork(
    ...     groups={"e": (cell, 2)},
    ...     synapses=[ph.Synapses("in", "e", ph.ExponentialSynapse(e=0, tau=5), 0.1, i=[0], j=[1])],
    ...     sources={"in": ph.SpikeTimes(1, times=[10.0])},
    ... )
    >>> network.simulate(30.0).spike_times("e", 1).round(1)
    array([12.2])
    """

    groups: Mapping[str, Any]
    synapses: Sequence[Synapses] = ()
    gap_junctions: Sequence[GapJunctions] = ()
    sources: Mapping[str, Source] = field(default_factory=dict)
    seed: int = 0
    name: str = "network"

    def __post_init__(self) -> None:
        groups = {str(name): as_group(str(name), x) for name, x in dict(self.groups).items()}
        if not groups:
            raise InputError("groups: give at least one, {name: (neuron, n)}")
        for key, value in {
            "groups": groups,
            "synapses": _items("synapses", self.synapses, Synapses),
            "gap_junctions": _items("gap_junctions", self.gap_junctions, GapJunctions),
            "sources": dict(self.sources),
            "seed": check_seed(self.seed),
        }.items():
            object.__setattr__(self, key, value)
        for name, source in self.sources.items():
            if not isinstance(source, Source):
                raise InputError(
                    f'sources: "{name}" is a {type(source).__name__}; give a PoissonSource or a '
                    "SpikeTimes"
                )
            if name in groups:
                raise InputError(f'sources: "{name}" is the name of a group too')
        for synapses in self.synapses:
            self._check_synapses(synapses)
        for junctions in self.gap_junctions:
            self._check_junctions(junctions)

    def _check_synapses(self, synapses: Synapses) -> None:
        if synapses.pre not in self.groups and synapses.pre not in self.sources:
            raise unknown("group or source", synapses.pre, [*self.groups, *self.sources])
        if synapses.post in self.sources:
            raise InputError(f'Synapses: post = "{synapses.post}" is a source; it has no voltage')
        if synapses.post not in self.groups:
            raise unknown("group", synapses.post, self.groups)
        n = self.groups[synapses.post].n
        if synapses.initial.shape not in ((), (n,)):
            raise InputError(
                f'Synapses("{synapses.pre}", "{synapses.post}"): initial has shape '
                f"{synapses.initial.shape}; give one number or ({n},)"
            )
        self._check_indices(synapses, synapses.pre, synapses.post)

    def _check_junctions(self, junctions: GapJunctions) -> None:
        for name in (junctions.a, junctions.b):
            if name not in self.groups:
                raise unknown("group", name, self.groups)
        units = [self.groups[name].unit for name in (junctions.a, junctions.b)]
        if units[0] != units[1]:
            raise InputError(
                f'GapJunctions("{junctions.a}", "{junctions.b}"): currents in {units[0]} and in '
                f"{units[1]}; bring both neurons into one unit, neuron.whole_cell(…)"
            )
        self._check_indices(junctions, junctions.a, junctions.b)

    def _check_indices(self, pairs: Synapses | GapJunctions, first: str, second: str) -> None:
        if pairs.p is None:
            pairs.connections(self.size_of(first), self.size_of(second), self.seed, 0)

    def size_of(self, name: str) -> int:
        """How many cells a group has, or trains a source."""
        found = self.groups.get(name) or self.sources.get(name)
        if found is None:
            raise unknown("group or source", name, [*self.groups, *self.sources])
        return found.n

    def simulate(self, duration: float, **options: Any) -> NetworkSolution:
        """Integrate for `duration` ms: `simulate_network`, which has the options."""
        from .simulate import simulate_network

        return simulate_network(self, duration, **options)

    def save(self, path: str | os.PathLike[str], metadata: dict | None = None) -> Path:
        """Write the network as a document: see `pyhodgkin.network.document`."""
        from .document import save

        return save(self, path, metadata)

    @staticmethod
    def load(path: str | os.PathLike[str]) -> SpikingNetwork:
        """Read a network that `save` wrote."""
        from .document import load

        return load(path)

    def to_document(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """The network as nested plain data, safe for JSON, and its arrays by name."""
        from .document import to_document

        return to_document(self)

    @staticmethod
    def from_document(data: dict[str, Any], arrays: Mapping[str, Any]) -> SpikingNetwork:
        """The inverse of `to_document`."""
        from .document import from_document

        return from_document(data, dict(arrays))

    def __repr__(self) -> str:
        groups = ", ".join(f"{n} × {g.n} {g.neuron.name}" for n, g in self.groups.items())
        kinds = [f"{len(self.synapses)} kinds of synapses"] if self.synapses else []
        kinds += [f"{len(self.gap_junctions)} of gap junctions"] if self.gap_junctions else []
        kinds += [f"{len(self.sources)} sources"] if self.sources else []
        return f"<SpikingNetwork {self.name}: {'; '.join([groups, *kinds])}>"


def _items(name: str, given: Any, kind: type) -> tuple:
    items = (given,) if isinstance(given, kind) else tuple(given)
    for item in items:
        if not isinstance(item, kind):
            raise InputError(f"{name}: {type(item).__name__} given; a sequence of {kind.__name__}")
    return items
