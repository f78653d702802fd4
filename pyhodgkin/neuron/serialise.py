"""Neurons as plain data: nested dictionaries of numbers and text, and named arrays.

Every dataclass of a neuron is written field by field, as the types of its fields say; only what
differs from that stands here. docs/document-format.md describes the result.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields as dataclass_fields
from dataclasses import is_dataclass
from functools import cache, partial
from itertools import pairwise
from typing import Any

from ..errors import DocumentError
from ..numerics.arrays import FloatArray
from .calcium import CalciumPool
from .calcium_channels import GHKChannel, NernstChannel
from .channels import Channel, NeuralCurrent, NeuralRightHandSide
from .curve_documents import built, curve_from_dict, curve_to_dict, unknown_name
from .fields import Fields
from .gates import Gate
from .kinetics import KINETICS, NeuralKinetics
from .markov import MarkovChannel, Rate, Transition
from .networks import Network
from .neuron import Neuron
from .rates import Curve

Arrays = Mapping[str, FloatArray]
CURRENTS: dict[str, type] = {
    "channel": Channel,
    "neural_current": NeuralCurrent,
    "markov_channel": MarkovChannel,
    "nernst_channel": NernstChannel,
    "ghk_channel": GHKChannel,
}
TAGS = {kind: name for name, kind in (CURRENTS | KINETICS).items()}
# The order in a document, where it is not that of the dataclass.
ORDER: dict[type, str] = {
    Neuron: "name doi note current_unit area c_m v_rest temperature initial channels "
    "right_hand_side calcium",
    NeuralCurrent: "name scale v_shift v_scale network gates",
    NeuralRightHandSide: "states shift scale time_scale stimulus_scale network",
    Gate: "name power q10 t_ref kinetics",
    NeuralKinetics: "form v_shift v_scale tau_min tau_max bound prior network",
}
# None where they are missing; documents of other programs leave them out.
OPTIONAL = ("current_unit", "area", "right_hand_side", "prior", "calcium", "curve", "learned")
PLAIN: dict[str, Callable[[Fields, str], Any]] = {
    "str": Fields.text,
    "int": Fields.integer,
    "float": Fields.number,
    "float | None": Fields.number_or_none,
    "tuple[str, ...]": Fields.texts,
    "tuple[float, ...]": Fields.numbers,
    "tuple[tuple[str, float], ...]": lambda fields, name: tuple(
        fields.numbers_by_name(name).items()
    ),
}


def to_dict(neuron: Neuron) -> tuple[dict[str, Any], dict[str, FloatArray]]:
    """`neuron` as nested plain data, and the arrays of its networks by parameter name.

    Examples
    --------
    >>> from pyhodgkin.neuron.neuron import leak
    >>> data, arrays = to_dict(Neuron("passive", (leak(0.1, -70.0),)))
    >>> data["channels"][0]["g"], arrays
    (0.1, {})
    """
    arrays: dict[str, FloatArray] = {}
    return _written(neuron, "", arrays), arrays


def from_dict(data: Any, arrays: Arrays) -> Neuron:
    """The neuron that `to_dict` wrote.

    Raises
    ------
    DocumentError
        If something is missing, unknown or of the wrong type; the message says where.
    """
    return _Reader(arrays).item(Neuron, data, "neuron")


@cache
def _types(kind: type) -> dict[str, str]:
    """The fields of a dataclass and their types, in the order of a document."""
    types = {field.name: str(field.type) for field in dataclass_fields(kind)}
    return {name: types[name] for name in ORDER[kind].split()} if kind in ORDER else types


def _written(item: Any, prefix: str, arrays: dict[str, Any]) -> Any:
    """A value of a neuron as plain data; arrays of networks go to `arrays`, by `prefix`."""
    if isinstance(item, Curve):
        return curve_to_dict(item)
    if isinstance(item, Network):
        path = f"{prefix}network"
        for i, array in enumerate(item.arrays()):
            arrays[f"{path}.{'bias' if i % 2 else 'weight'}{i // 2}"] = array
        return {"layers": list(item.layers), "activation": item.activation, "tensors": path}
    if isinstance(item, tuple):
        return [_written(part, prefix, arrays) for part in item]
    if not is_dataclass(item):
        return item
    if isinstance(item, (Gate, Rate, *CURRENTS.values())):
        prefix = f"{prefix}{item.name}."  # type: ignore[union-attr]
    tag = {"kind": TAGS[type(item)]} if type(item) in TAGS else {}
    values = {n: _written(getattr(item, n), prefix, arrays) for n in _types(type(item))}
    if isinstance(item, Neuron):
        values["initial"] = dict(item.initial)
        if item.calcium is None:  # as in documents of before there were pools
            del values["calcium"]
    return tag | values


class _Reader:
    """Makes the parts of a neuron from plain data; each method is told the place, for messages."""

    def __init__(self, arrays: Arrays) -> None:
        self._arrays = arrays
        self._nested: dict[str, Callable[[Any, str], Any]] = {
            "Curve": curve_from_dict,
            "Network": self._network,
            "Kinetics": partial(self._one_of, KINETICS, "kinetics"),
            "Gate": partial(self.item, Gate),
            "Current": partial(self._one_of, CURRENTS, "channel"),
            "NeuralRightHandSide": partial(self.item, NeuralRightHandSide),
            "CalciumPool": partial(self.item, CalciumPool),
            "Rate": partial(self.item, Rate),
            "Transition": partial(self.item, Transition),
        }

    def item(self, kind: type, data: Any, where: str) -> Any:
        """An object of a dataclass, from a field for each of its own."""
        return self._item(kind, Fields(data, where), where)

    def _item(self, kind: type, fields: Fields, where: str) -> Any:
        values = {n: self._value(fields, n, type_, where) for n, type_ in _types(kind).items()}
        fields.finish()
        return built(kind, where, **values)

    def _value(self, fields: Fields, name: str, type_: str, where: str) -> Any:
        if name in OPTIONAL:
            if fields.optional(name) is None:
                return None
            type_ = type_.removesuffix(" | None")
        if type_ in PLAIN:
            return PLAIN[type_](fields, name)
        if type_ in self._nested:
            return self._nested[type_](fields.take(name), f"{where}.{name}")
        read = self._nested[type_.removeprefix("tuple[").removesuffix(", ...]")]
        items = enumerate(fields.listing(name))
        return tuple(read(item, f"{where}.{name}[{i}]") for i, item in items)

    def _one_of(self, kinds: Mapping[str, type], what: str, data: Any, where: str) -> Any:
        fields = Fields(data, where)
        kind = fields.text("kind")
        if kind not in kinds:
            raise unknown_name(where, f"kind of {what}", kind, kinds)
        return self._item(kinds[kind], fields, where)

    def _network(self, data: Any, where: str) -> Network:
        fields = Fields(data, where)
        layers, path = fields.numbers("layers"), fields.text("tensors")
        activation = fields.text("activation")
        fields.finish()
        found = []
        for i, (n_in, n_out) in enumerate(pairwise(layers)):
            for name, shape in ((f"weight{i}", (n_out, n_in)), (f"bias{i}", (n_out,))):
                array = self._arrays.get(f"{path}.{name}")
                if array is None:
                    raise DocumentError(f"{where}: tensor {path}.{name} is missing")
                if array.shape != shape:
                    raise DocumentError(
                        f"{where}: tensor {path}.{name} has shape {array.shape}; layers say {shape}"
                    )
                found.append(array)
        weights, biases = tuple(found[0::2]), tuple(found[1::2])
        return built(Network, where, weights=weights, biases=biases, activation=activation)
