"""A network from nested plain data, as `to_document` writes it."""

from __future__ import annotations

import math
from dataclasses import fields as dataclass_fields
from typing import Any

from ..errors import DocumentError, InputError
from ..neuron import serialise
from ..neuron.fields import Fields
from ..numerics.arrays import FloatArray
from ..protocols import Protocol
from .groups import NeuronGroup
from .kinetics import SYNAPSES, SynapseKinetics
from .network import SpikingNetwork
from .sources import SOURCES, PoissonSource, Source
from .synapses import GapJunctions, Synapses
from .written import Arrays


def from_document(data: Any, arrays: Arrays) -> SpikingNetwork:
    """The network that `to_document` wrote.

    Raises
    ------
    DocumentError
        If something is missing, unknown or of the wrong type; the message says where.
    """
    fields = Fields(data, "network")
    try:
        network = SpikingNetwork(
            groups={n: _read_group(n, x, arrays) for n, x in _objects(fields, "groups").items()},
            synapses=[
                _read_synapses(k, x, arrays) for k, x in enumerate(fields.listing("synapses"))
            ],
            gap_junctions=[
                _read_gaps(k, x, arrays) for k, x in enumerate(fields.listing("gap_junctions"))
            ],
            sources={n: _read_source(n, x, arrays) for n, x in _objects(fields, "sources").items()},
            seed=fields.integer("seed"),
            name=fields.text("name"),
        )
    except DocumentError:
        raise
    except InputError as error:
        raise DocumentError(str(error)) from None
    fields.finish()
    return network


def _objects(fields: Fields, name: str) -> dict[str, Any]:
    found = fields.take(name)
    if not isinstance(found, dict):
        raise DocumentError(f'network: field "{name}" must be an object')
    return found


def _value(fields: Fields, name: str, arrays: Arrays) -> Any:
    """A number, None, or the array that is named."""
    found = fields.take(name)
    if not isinstance(found, dict):
        return found
    key = str(found.get("array"))
    if key not in arrays:
        raise DocumentError(f'array "{key}" is missing from the file of the arrays')
    return arrays[key]


def _read_group(name: str, data: Any, arrays: Arrays) -> NeuronGroup:
    fields, prefix = Fields(data, f"groups.{name}"), f"groups.{name}.neuron."
    weights: dict[str, FloatArray] = {
        key[len(prefix) :]: x for key, x in arrays.items() if key.startswith(prefix)
    }
    own = Fields(fields.take("parameters"), f"groups.{name}.parameters")
    parameters = {key: _value(own, key, arrays) for key in data["parameters"]}
    protocol = fields.take("protocol")
    if isinstance(protocol, list):
        protocol = [Protocol.from_dict(x) for x in protocol]
    elif protocol is not None:
        protocol = Protocol.from_dict(protocol)
    group = NeuronGroup(
        serialise.from_dict(fields.take("neuron"), weights),
        fields.integer("n"),
        parameters,
        _value(fields, "v0", arrays),
        protocol,  # type: ignore[arg-type]
        _value(fields, "current", arrays),
        fields.number("threshold"),
        fields.number("refractory"),
    )
    fields.finish()
    return group


def _read_synapses(k: int, data: Any, arrays: Arrays) -> Synapses:
    fields = Fields(data, f"synapses.{k}")
    pairs = {name: _value(fields, name, arrays) for name in ("p", "i", "j")}
    found = Synapses(
        fields.text("pre"),
        fields.text("post"),
        _read_kinetics(k, fields.take("kinetics")),
        *(_value(fields, name, arrays) for name in ("weight", "delay")),
        initial=_value(fields, "initial", arrays),
        autapses=bool(fields.take("autapses")),
        **pairs,
    )
    fields.finish()
    return found


def _read_kinetics(k: int, data: Any) -> SynapseKinetics:
    fields = Fields(data, f"synapses.{k}.kinetics")
    kind = fields.text("kind")
    if kind not in SYNAPSES:
        raise DocumentError(f'synapses.{k}: kind "{kind}" is not one of {sorted(SYNAPSES)}')
    numbers = {x.name: fields.number(x.name) for x in dataclass_fields(SYNAPSES[kind])}
    found = SYNAPSES[kind](**numbers)
    fields.finish()
    return found


def _read_gaps(k: int, data: Any, arrays: Arrays) -> GapJunctions:
    fields = Fields(data, f"gap_junctions.{k}")
    values = {name: _value(fields, name, arrays) for name in ("g", "i", "j", "p")}
    found = GapJunctions(fields.text("a"), fields.text("b"), **values)
    fields.finish()
    return found


def _read_source(name: str, data: Any, arrays: Arrays) -> Source:
    fields = Fields(data, f"sources.{name}")
    kind = fields.text("kind")
    if kind not in SOURCES:
        raise DocumentError(f'sources.{name}: kind "{kind}" is not one of {sorted(SOURCES)}')
    n = fields.integer("n")
    if kind == "poisson":
        rate, start = _value(fields, "rate", arrays), fields.number("start")
        stop = fields.number_or_none("stop")
        source: Source = PoissonSource(n, rate, start, math.inf if stop is None else stop)
    else:
        times, indices = (_value(fields, x, arrays) for x in ("times", "indices"))
        source = SOURCES[kind](n, times, indices)
    fields.finish()
    return source
