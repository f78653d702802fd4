"""Neurons as plain data: nested dictionaries of numbers and text, and named arrays.

The only place that knows how each dataclass of a neuron is written down and read back;
docs/document-format.md describes the result.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import DocumentError, InputError, nearest
from .channels import Channel, Current, NeuralCurrent, NeuralRightHandSide
from .fields import Fields
from .gates import Gate
from .kinetics import KINETICS, Kinetics, NeuralKinetics
from .networks import Network
from .neuron import Neuron
from .rates import Constant, Curve, Exponential, Leaf, Linoid, Power, Product, Sigmoid, Sum

Arrays = Mapping[str, NDArray[np.float64]]
LEAVES: dict[str, type[Leaf]] = {c.form: c for c in (Constant, Exponential, Sigmoid, Linoid)}
COMBINED = ("sum", "product", "power")
CURRENTS = ("channel", "neural_current")
NEURAL_SCALARS = ("v_shift", "v_scale", "tau_min", "tau_max", "bound")


def to_dict(neuron: Neuron) -> tuple[dict[str, Any], dict[str, NDArray[np.float64]]]:
    """`neuron` as nested plain data, and the arrays of its networks by parameter name.

    Examples
    --------
    >>> from pyhodgkin.neuron.neuron import leak
    >>> data, arrays = to_dict(Neuron("passive", (leak(0.1, -70.0),)))
    >>> data["channels"][0]["g"], arrays
    (0.1, {})
    """
    arrays: dict[str, NDArray[np.float64]] = {}
    box = neuron.right_hand_side
    data = {
        "name": neuron.name,
        "doi": neuron.doi,
        "note": neuron.note,
        "current_unit": neuron.current_unit,
        "area": neuron.area,
        "c_m": neuron.c_m,
        "v_rest": neuron.v_rest,
        "temperature": neuron.temperature,
        "initial": dict(neuron.initial),
        "channels": [_write_current(channel, arrays) for channel in neuron.channels],
        "right_hand_side": None if box is None else _write_box(box, arrays),
    }
    return data, arrays


def from_dict(data: Any, arrays: Arrays) -> Neuron:
    """The neuron that `to_dict` wrote.

    Raises
    ------
    DocumentError
        If something is missing, unknown or of the wrong type; the message says where.
    """
    fields = Fields(data, "neuron")
    channels = [
        _read_current(item, arrays, f"neuron.channels[{i}]")
        for i, item in enumerate(fields.listing("channels"))
    ]
    box = fields.optional("right_hand_side")
    values = dict(
        name=fields.text("name"),
        doi=fields.text("doi"),
        note=fields.text("note"),
        current_unit=fields.text_if_there("current_unit"),
        area=fields.number_if_there("area"),
        c_m=fields.number("c_m"),
        v_rest=fields.number("v_rest"),
        temperature=fields.number_or_none("temperature"),
        initial=tuple(fields.numbers_by_name("initial").items()),
        channels=tuple(channels),
        right_hand_side=None if box is None else _read_box(box, arrays),
    )
    fields.finish()
    return _built(Neuron, "neuron", **values)


def curve_to_dict(curve: Curve) -> dict[str, Any]:
    """A curve as nested plain data.

    Examples
    --------
    >>> curve_to_dict(Exponential(0.125, -65, -80))
    {'form': 'exponential', 'a': 0.125, 'v0': -65.0, 'k': -80.0}
    """
    if isinstance(curve, Leaf):
        return {"form": curve.form, **{n: getattr(curve, n) for n in curve.parameter_names()}}
    if isinstance(curve, Power):
        return {"form": "power", "base": curve_to_dict(curve.base), "exponent": curve.exponent}
    return {"form": curve.form, "of": [curve_to_dict(child) for child in curve.children()]}


def curve_from_dict(data: Any, where: str = "curve") -> Curve:
    """The curve that `curve_to_dict` wrote; `where` is for the messages."""
    fields = Fields(data, where)
    form = fields.text("form")
    if form in LEAVES:
        kind = LEAVES[form]
        curve = _built(kind, where, **{n: fields.number(n) for n in kind.parameter_names()})
    elif form == "power":
        base = curve_from_dict(fields.take("base"), f"{where}.base")
        curve = Power(base, fields.number("exponent"))
    elif form in COMBINED:
        parts = fields.listing("of")
        if not parts:
            raise DocumentError(f'{where}: field "of" is an empty list')
        kind = Sum if form == "sum" else Product
        curve = kind(
            tuple(curve_from_dict(part, f"{where}.of[{i}]") for i, part in enumerate(parts))
        )
    else:
        raise _unknown(where, "form of curve", form, (*LEAVES, *COMBINED))
    fields.finish()
    return curve


def _write_current(channel: Current, arrays: dict[str, Any]) -> dict[str, Any]:
    gates = [_write_gate(gate, channel.name, arrays) for gate in channel.gates]
    if isinstance(channel, Channel):
        own: dict[str, Any] = {"kind": "channel", "name": channel.name}
        own |= {"g": channel.g, "e": channel.e}
    else:
        own = {"kind": "neural_current", "name": channel.name}
        own |= {n: getattr(channel, n) for n in ("scale", "v_shift", "v_scale")}
        own["network"] = _write_network(channel.network, f"{channel.name}.network", arrays)
    return {**own, "gates": gates}


def _read_current(data: Any, arrays: Arrays, where: str) -> Current:
    fields = Fields(data, where)
    kind, name = fields.text("kind"), fields.text("name")
    gates = tuple(
        _read_gate(item, arrays, f"{where}.gates[{i}]")
        for i, item in enumerate(fields.listing("gates"))
    )
    if kind == "channel":
        numbers = {n: fields.number(n) for n in ("g", "e")}
        current = _built(Channel, where, name=name, gates=gates, **numbers)
    elif kind == "neural_current":
        numbers = {n: fields.number(n) for n in ("scale", "v_shift", "v_scale")}
        network = _read_network(fields.take("network"), arrays, f"{where}.network")
        current = _built(NeuralCurrent, where, name=name, network=network, gates=gates, **numbers)
    else:
        raise _unknown(where, "kind of channel", kind, CURRENTS)
    fields.finish()
    return current


def _write_gate(gate: Gate, channel: str, arrays: dict[str, Any]) -> dict[str, Any]:
    own = {n: getattr(gate, n) for n in ("name", "power", "q10", "t_ref")}
    path = f"{channel}.{gate.name}.network"
    return {**own, "kinetics": _write_kinetics(gate.kinetics, path, arrays)}


def _read_gate(data: Any, arrays: Arrays, where: str) -> Gate:
    fields = Fields(data, where)
    kinetics = _read_kinetics(fields.take("kinetics"), arrays, f"{where}.kinetics")
    values = dict(
        name=fields.text("name"),
        power=fields.integer("power"),
        q10=fields.number("q10"),
        t_ref=fields.number_or_none("t_ref"),
    )
    fields.finish()
    return _built(Gate, where, kinetics=kinetics, **values)


def _write_kinetics(kinetics: Kinetics, path: str, arrays: dict[str, Any]) -> dict[str, Any]:
    data: dict[str, Any] = {"kind": kinetics.kind}
    if not isinstance(kinetics, NeuralKinetics):
        return data | {role: curve_to_dict(c) for role, c in kinetics.curves().items()}
    data |= {"form": kinetics.form}
    data |= {name: getattr(kinetics, name) for name in NEURAL_SCALARS}
    prior = kinetics.prior
    data["prior"] = None if prior is None else _write_kinetics(prior, path, arrays)
    data["network"] = _write_network(kinetics.network, path, arrays)
    return data


def _read_kinetics(data: Any, arrays: Arrays, where: str) -> Kinetics:
    fields = Fields(data, where)
    kind = fields.text("kind")
    if kind not in KINETICS:
        raise _unknown(where, "kind of kinetics", kind, KINETICS)
    if kind == NeuralKinetics.kind:
        prior = fields.optional("prior")
        values: dict[str, Any] = {n: fields.number(n) for n in NEURAL_SCALARS if n != "tau_max"}
        values["tau_max"] = fields.number_or_none("tau_max")
        values["form"] = fields.text("form")
        values["network"] = _read_network(fields.take("network"), arrays, f"{where}.network")
        values["prior"] = None if prior is None else _read_kinetics(prior, {}, f"{where}.prior")
    else:
        roles = KINETICS[kind].roles
        values = {role: curve_from_dict(fields.take(role), f"{where}.{role}") for role in roles}
    fields.finish()
    return _built(KINETICS[kind], where, **values)


def _write_network(network: Network, path: str, arrays: dict[str, Any]) -> dict[str, Any]:
    for i, array in enumerate(network.arrays()):
        arrays[f"{path}.{'bias' if i % 2 else 'weight'}{i // 2}"] = array
    return {"layers": list(network.layers), "activation": network.activation, "tensors": path}


def _read_network(data: Any, arrays: Arrays, where: str) -> Network:
    fields = Fields(data, where)
    layers, path = fields.numbers("layers"), fields.text("tensors")
    activation = fields.text("activation")
    fields.finish()
    found = []
    for i, (n_in, n_out) in enumerate(pairwise(layers)):
        for name, shape in ((f"weight{i}", (n_out, n_in)), (f"bias{i}", (n_out,))):
            array = arrays.get(f"{path}.{name}")
            if array is None:
                raise DocumentError(f"{where}: tensor {path}.{name} is missing")
            if array.shape != shape:
                raise DocumentError(
                    f"{where}: tensor {path}.{name} has shape {array.shape}; layers say {shape}"
                )
            found.append(array)
    weights, biases = tuple(found[0::2]), tuple(found[1::2])
    return _built(Network, where, weights=weights, biases=biases, activation=activation)


def _write_box(box: NeuralRightHandSide, arrays: dict[str, Any]) -> dict[str, Any]:
    lists = {name: list(getattr(box, name)) for name in ("states", "shift", "scale")}
    network = _write_network(box.network, "network", arrays)
    scales = {"time_scale": box.time_scale, "stimulus_scale": box.stimulus_scale}
    return {**lists, **scales, "network": network}


def _read_box(data: Any, arrays: Arrays) -> NeuralRightHandSide:
    where = "neuron.right_hand_side"
    fields = Fields(data, where)
    values = dict(
        states=fields.texts("states"),
        shift=fields.numbers("shift"),
        scale=fields.numbers("scale"),
        time_scale=fields.number("time_scale"),
        stimulus_scale=fields.number_or_none("stimulus_scale"),
        network=_read_network(fields.take("network"), arrays, f"{where}.network"),
    )
    fields.finish()
    return _built(NeuralRightHandSide, where, **values)


def _built(kind: Callable[..., Any], where: str, **values: Any) -> Any:
    """An object from fields that are each of the right type but may not fit together."""
    try:
        return kind(**values)
    except DocumentError:
        raise
    except InputError as error:
        raise DocumentError(f"{where}: {error}") from None


def _unknown(where: str, what: str, name: str, choices: Any) -> DocumentError:
    return DocumentError(f'{where}: unknown {what} "{name}"; {nearest(name, choices)}')
