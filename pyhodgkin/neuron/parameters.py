"""Names and shapes of the parameters of a neuron, and the one flat vector that holds them."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from ..errors import InputError, unknown
from ..numerics.arrays import FloatArray, Indices
from ..numerics.cached import cached_property
from .channels import NeuralCurrent
from .currents import Current
from .curves import Curve
from .gates import Gate
from .items import POOL, items, numbers_of
from .kinetics import NeuralKinetics
from .markov import MarkovChannel, Rate
from .networks import Network

if TYPE_CHECKING:
    from .neuron import Neuron

GROUPS = (
    *("conductances", "reversals", "capacitance", "rates", "calcium", "networks"),
    *("physical", "all"),
)


@dataclass(frozen=True)
class Entry:
    """One named parameter: where it lies in the flat vector and how it may move.

    `transform` is how training sees it: ``"log"`` keeps the sign of a positive (or negative)
    number, ``"identity"`` leaves it free. `unit` is "" where there is none, or where the neuron
    does not state it. `group` is one of the words `Layout.select` knows.
    """

    name: str
    shape: tuple[int, ...]
    start: int
    unit: str
    group: str
    transform: str = "identity"

    @cached_property
    def size(self) -> int:
        return int(np.prod(self.shape, dtype=int))

    @cached_property
    def slice(self) -> slice:
        return slice(self.start, self.start + self.size)


class Layout:
    """The entries of a parameter vector, by name and in order.

    Examples
    --------
    >>> import pyhodgkin as ph
    >>> layout = ph.library.get("squid_axon").layout
    >>> layout["na.g"].unit
    'mS/cm²'
    >>> [layout.names[i] for i in layout.select("conductances")]
    ['k.g', 'na.g', 'l.g']
    >>> print(str(layout)[:48])
    parameter      place  shape  unit    group
    """

    def __init__(self, entries: Sequence[Entry]) -> None:
        self.entries = tuple(entries)
        self._by_name = {entry.name: entry for entry in self.entries}
        self.size = sum(entry.size for entry in self.entries)

    def __repr__(self) -> str:
        return f"Layout({self.size} parameters: {', '.join(e.name for e in self.entries)})"

    def __str__(self) -> str:
        """A table: names, places in the vector, shapes, units, groups."""
        head = ("parameter", "place", "shape", "unit", "group", "fitted as")
        rows = [
            (
                e.name,
                str(e.start) if e.size == 1 else f"{e.start}-{e.start + e.size - 1}",
                "x".join(map(str, e.shape)),
                e.unit,
                e.group,
                "its logarithm" if e.transform == "log" else "itself",
            )
            for e in self.entries
        ]
        widths = [max(len(row[i]) for row in (head, *rows)) for i in range(len(head))]
        lines = ["  ".join(x.ljust(w) for x, w in zip(row, widths, strict=True)).rstrip()
                 for row in (head, *rows)]  # fmt: skip
        return "\n".join(lines)

    @cached_property
    def least(self) -> FloatArray:
        """(P,): what each parameter must not fall below.

        Conductances and the resting concentration of calcium zero, a capacitance and the other
        numbers of calcium the smallest positive number, the others only finite.
        """
        floats = np.finfo(np.float64)
        least = np.full(self.size, float(floats.min))
        for entry in self.entries:
            if entry.group in ("conductances", "capacitance", "calcium"):
                zero = entry.group == "conductances" or entry.name.endswith(".ca_inf")
                least[entry.slice] = 0.0 if zero else floats.tiny
        return least

    def __getitem__(self, name: str) -> Entry:
        if name not in self._by_name:
            raise unknown("parameter", name, self._by_name)
        return self._by_name[name]

    def __contains__(self, name: str) -> bool:
        return name in self._by_name

    def __iter__(self) -> Iterator[Entry]:
        return iter(self.entries)

    def __len__(self) -> int:
        return len(self.entries)

    @cached_property
    def names(self) -> list[str]:
        """One name per element of the flat vector; elements of arrays carry their index."""
        out: list[str] = []
        for entry in self.entries:
            if entry.shape == ():
                out.append(entry.name)
            else:
                out += [f"{entry.name}[{','.join(map(str, i))}]" for i in np.ndindex(entry.shape)]
        return out

    def select(self, patterns: str | Sequence[str]) -> Indices:
        """Sorted places of the parameters that any of `patterns` names.

        Parameters
        ----------
        patterns : str or sequence of str
            A group (``conductances``, ``reversals``, ``capacitance``, ``rates``, ``calcium``,
            ``networks``, ``physical``: conductances, reversals and capacitance; ``all``), a name,
            or a shell pattern such as ``"na.*"``.

        Raises
        ------
        UnknownNameError
            If a pattern matches nothing.
        """
        chosen: set[int] = set()
        for pattern in [patterns] if isinstance(patterns, str) else patterns:
            found = [entry for entry in self.entries if _matches(entry, pattern)]
            if not found and pattern not in GROUPS:
                raise unknown("parameter or group", pattern, [*GROUPS, *self._by_name])
            for entry in found:
                chosen.update(range(entry.start, entry.start + entry.size))
        return np.array(sorted(chosen), dtype=np.intp)


def _matches(entry: Entry, pattern: str) -> bool:
    if pattern == "all":
        return entry.group != "fixed"
    if pattern == "physical":
        return entry.group in ("conductances", "reversals", "capacitance")
    return entry.group == pattern or fnmatch.fnmatchcase(entry.name, pattern)


def layout_of(neuron: Neuron) -> Layout:
    """The layout of the parameters of `neuron`."""
    entries: list[Entry] = []
    place = 0
    for name, value, unit, group, transform in items(neuron):
        entries.append(Entry(name, value.shape, place, unit, group, transform))
        place += value.size
    return Layout(entries)


def flatten(neuron: Neuron) -> FloatArray:
    """The flat parameter vector of `neuron`, shape (P,)."""
    parts = [item.value.ravel() for item in items(neuron)]
    return np.concatenate(parts).astype(np.float64)


def unflatten(neuron: Neuron, theta: ArrayLike) -> Neuron:
    """`neuron` with its parameters taken from `theta` (P,)."""
    vector = np.array(theta, dtype=np.float64)
    layout = neuron.layout
    if vector.shape != (layout.size,):
        raise InputError(f"theta has shape {vector.shape}; this neuron needs ({layout.size},)")
    if not np.all(np.isfinite(vector)):
        where = layout.names[int(np.flatnonzero(~np.isfinite(vector))[0])]
        raise InputError(f"theta: parameter {where} is not finite")
    values = iter([vector[e.slice].reshape(e.shape) for e in layout])
    if neuron.right_hand_side is not None:
        network = _take_network(neuron.right_hand_side.network, values)
        return replace(neuron, right_hand_side=replace(neuron.right_hand_side, network=network))
    c_m = float(next(values))
    channels = tuple(_take_channel(channel, values) for channel in neuron.channels)
    pool = neuron.calcium
    if pool is not None:
        pool = replace(pool, **{name: float(next(values)) for name in POOL})
    return replace(neuron, c_m=c_m, channels=channels, calcium=pool)


_Values = Iterator[FloatArray]


def _take_channel(channel: Current, values: _Values) -> Current:
    if isinstance(channel, NeuralCurrent):
        channel = replace(channel, network=_take_network(channel.network, values))
    else:
        channel = replace(channel, **{n: float(next(values)) for n in numbers_of(channel)})
    if isinstance(channel, MarkovChannel):
        return replace(channel, rates=tuple(_take_rate(rate, values) for rate in channel.rates))
    return channel.with_gates(tuple(_take_gate(gate, values) for gate in channel.gates))


def _take_curve(curve: Curve, values: _Values) -> Curve:
    leaves = [
        replace(leaf, **{name: float(next(values)) for name in leaf.parameter_names()})
        for leaf in curve.leaves()
    ]
    return curve.with_leaves(iter(leaves))


def _take_rate(rate: Rate, values: _Values) -> Rate:
    if rate.curve is not None:
        rate = replace(rate, curve=_take_curve(rate.curve, values))
    if rate.learned is not None:
        rate = replace(rate, learned=_take_network(rate.learned, values))
    return rate


def _take_gate(gate: Gate, values: _Values) -> Gate:
    kinetics = gate.kinetics
    curves = {role: _take_curve(curve, values) for role, curve in kinetics.curves().items()}
    if curves:
        kinetics = kinetics.with_curves(curves)
    if isinstance(kinetics, NeuralKinetics):
        kinetics = replace(kinetics, network=_take_network(kinetics.network, values))
    return replace(gate, kinetics=kinetics)


def _take_network(network: Network, values: _Values) -> Network:
    return network.with_arrays([next(values) for _ in network.arrays()])
