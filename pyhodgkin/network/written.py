"""A network as nested plain data, and its arrays by name."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import fields
from typing import Any

import numpy as np

from ..neuron import serialise
from ..protocols import CurrentClamp
from .groups import NeuronGroup
from .network import SpikingNetwork
from .sources import PoissonSource, Source
from .synapses import GapJunctions, Synapses

Arrays = dict[str, np.ndarray]


def to_document(network: SpikingNetwork) -> tuple[dict[str, Any], Arrays]:
    """A network as nested plain data, and its arrays by name.

    Examples
    --------
    >>> import pyhodgkin as ph
    >>> pair = ph.SpikingNetwork({"a": (ph.library.get("squid_axon"), 2)}, seed=3)
    >>> data, arrays = to_document(pair)
    >>> data["seed"], list(data["groups"]), arrays
    (3, ['a'], {})
    """
    arrays: Arrays = {}

    def kept(name: str, value: np.ndarray) -> Any:
        """A number as it is; an array by its name."""
        if value.ndim == 0:
            return value.item()
        arrays[name] = value
        return {"array": name}

    data = {
        "name": network.name,
        "seed": network.seed,
        "groups": {n: _group(f"groups.{n}", g, arrays, kept) for n, g in network.groups.items()},
        "synapses": [_synapses(f"synapses.{k}", s, kept) for k, s in enumerate(network.synapses)],
        "gap_junctions": [
            {"a": x.a, "b": x.b, "g": kept(f"gap_junctions.{k}.g", x.g)}
            | _pairs(f"gap_junctions.{k}", x, kept)
            for k, x in enumerate(network.gap_junctions)
        ],
        "sources": {n: _source(f"sources.{n}", x, kept) for n, x in network.sources.items()},
    }
    return data, arrays


def _group(where: str, group: NeuronGroup, arrays: Arrays, kept: Callable) -> dict[str, Any]:
    neuron, weights = serialise.to_dict(group.neuron)
    arrays |= {f"{where}.neuron.{name}": x for name, x in weights.items()}
    protocol: Any = group.protocol
    if protocol is not None:
        one = isinstance(protocol, CurrentClamp)
        protocol = protocol.to_dict() if one else [p.to_dict() for p in protocol]
    return {
        "neuron": neuron,
        "n": group.n,
        "parameters": {n: kept(f"{where}.{n}", x) for n, x in group.parameters.items()},
        "v0": None if group.v0 is None else kept(f"{where}.v0", group.v0),
        "current": None if group.current is None else kept(f"{where}.current", group.current),
        "protocol": protocol,
        "threshold": group.threshold,
        "refractory": group.refractory,
    }


def _synapses(where: str, s: Synapses, kept: Callable) -> dict[str, Any]:
    own = {x.name: getattr(s.kinetics, x.name) for x in fields(s.kinetics)}
    return {
        "pre": s.pre,
        "post": s.post,
        "kinetics": {"kind": s.kinetics.kind, **own},
        "weight": kept(f"{where}.weight", s.weight),
        "delay": kept(f"{where}.delay", s.delay),
        "initial": kept(f"{where}.initial", s.initial),
        "autapses": s.autapses,
        **_pairs(where, s, kept),
    }


def _pairs(where: str, pairs: Synapses | GapJunctions, kept: Callable) -> dict[str, Any]:
    if pairs.p is not None:
        return {"p": pairs.p, "i": None, "j": None}
    return {"p": None, "i": kept(f"{where}.i", pairs.i), "j": kept(f"{where}.j", pairs.j)}


def _source(where: str, source: Source, kept: Callable) -> dict[str, Any]:
    data: dict[str, Any] = {"kind": source.kind, "n": source.n}
    if isinstance(source, PoissonSource):
        stop = source.stop if math.isfinite(source.stop) else None
        return data | {
            "rate": kept(f"{where}.rate", source.rate),
            "start": source.start,
            "stop": stop,
        }
    times, indices = getattr(source, "times"), getattr(source, "indices")  # noqa: B009
    return data | {
        "times": kept(f"{where}.times", times),
        "indices": kept(f"{where}.indices", indices),
    }
