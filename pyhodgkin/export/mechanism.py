"""What every target writes: a neuron per area, its channels and gates as statements."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from math import log

from ..errors import InputError
from ..neuron.calcium_channels import CalciumChannel
from ..neuron.channels import NeuralCurrent
from ..neuron.currents import Current
from ..neuron.gates import Gate
from ..neuron.kinetics import Kinetics, NeuralKinetics
from ..neuron.markov import MarkovChannel
from ..neuron.neural_forms import NEURAL_FORMS
from ..neuron.neuron import Neuron
from ..neuron.size import area_of
from ..units import PER_CM2, WHOLE_CELL
from .coupled import calcium_channel, pool_of, scheme_channel
from .expressions import Assignment, Expression, Statement, Symbol, exp, logistic
from .expressions import tanh as tanh_of
from .from_curves import V, expression_of
from .layers import network
from .programs import CellProgram, ChannelProgram, GateProgram

AREA = 1000.0  # µm², of a cell that states none: only densities matter then


def program_of(neuron: Neuron, target: str, taken: Collection[str] = ()) -> CellProgram:
    """The programs of a neuron, per area.

    A gate with a name in `taken`, which has another meaning in the target, gets ``_gate`` added.

    A neuron of a whole cell whose area is not known is taken to have 1 µF/cm²: its total
    capacitance and conductances stay what they are, which is all that the voltage depends on.

    Raises
    ------
    InputError
        For a neuron without channels (one network as the right-hand side), one that states no
        unit, and forms of kinetics that were registered from outside.

    Examples
    --------
    >>> import pyhodgkin as ph
    >>> program = program_of(ph.library.get("herg_beattie"), "nmodl")
    >>> program.c_m, [gate.name for gate in program.gates]
    (1.0, ['a', 'r'])
    """
    if neuron.right_hand_side is not None:
        raise InputError(
            f'export: neuron "{neuron.name}" is one network without channels, which {target} code '
            "cannot express; ph.document.save keeps it"
        )
    if neuron.current_unit is None:
        neuron = replace(neuron, current_unit=PER_CM2)
    area = area_of(neuron)
    if area is None and neuron.current_unit in WHOLE_CELL:
        picofarads = neuron.c_m * (1e3 if neuron.current_unit == "nA" else 1.0)
        area = 100.0 * picofarads
    neuron = neuron.per_area(area=area) if neuron.current_unit != PER_CM2 else neuron
    channels = tuple(_channel(neuron, c, target, taken) for c in neuron.channels)
    source = " ".join(x for x in (f"doi {neuron.doi}" if neuron.doi else "", neuron.note) if x)
    return CellProgram(
        neuron.name, neuron.c_m, neuron.v_rest, AREA if area is None else area,
        neuron.temperature, channels, source, pool_of(neuron),
    )  # fmt: skip


def _channel(
    neuron: Neuron, channel: Current, target: str, taken: Collection[str]
) -> ChannelProgram:
    if isinstance(channel, MarkovChannel):
        return scheme_channel(neuron, channel)
    start = dict(neuron.initial)
    gates = tuple(_gate(gate, start.get(gate.name), target, taken) for gate in channel.gates)
    if isinstance(channel, CalciumChannel):
        return calcium_channel(channel, gates)
    if not isinstance(channel, NeuralCurrent):
        return ChannelProgram(channel.name, channel.g, channel.e, gates)
    prefix = f"{channel.name}_net"
    inputs = (f"{prefix}_z", *(gate.name for gate in gates))
    scaled = Assignment(f"{prefix}_z", (V - channel.v_shift) / channel.v_scale)
    layers, out = network(channel.network, prefix, inputs)
    current = channel.scale * Symbol(out[0])
    return ChannelProgram(channel.name, 0.0, 0.0, gates, (scaled, *layers), current, law="learned")


def _gate(gate: Gate, start: float | None, target: str, taken: Collection[str]) -> GateProgram:
    name = f"{gate.name}_gate" if gate.name in taken else gate.name
    statements, values = _kinetics(name, gate.kinetics, target)
    return GateProgram(
        name, gate.power, statements, values, gate.q10, gate.t_ref, start, gate.kinetics
    )


def _kinetics(
    name: str, kinetics: Kinetics, target: str
) -> tuple[tuple[Statement, ...], dict[str, Expression]]:
    if not isinstance(kinetics, NeuralKinetics):
        return _curves(name, kinetics)
    if kinetics.form not in NEURAL_FORMS:
        raise InputError(
            f'export: gate "{name}" has the form "{kinetics.form}", which was registered as a '
            f"function of Python and cannot be written for {target}; tabulate it first"
        )
    prefix = f"{name}_net"
    z = Assignment(f"{prefix}_z", (V - kinetics.v_shift) / kinetics.v_scale)
    inputs = (f"{prefix}_z",)
    if kinetics.form == "free":
        inputs = (name,) if kinetics.network.layers[0] == 1 else (f"{prefix}_z", name)
    layers, out = network(kinetics.network, prefix, inputs)
    n = [Symbol(each) for each in out]
    if kinetics.form == "free":
        return (z, *layers), {"slope": n[0]}
    if kinetics.form == "steady_state":
        low, high = kinetics.tau_min, kinetics.tau_max
        tau = low + exp(n[1])
        if high is not None:
            tau = low * exp(log(high / low) * logistic(n[1]))
        return (z, *layers), {"x_inf": logistic(n[0]), "tau": tau}
    b = kinetics.bound
    factors = [exp(b * tanh_of(each / b)) for each in n]
    if kinetics.prior is None:
        return (z, *layers), {"alpha": factors[0], "beta": factors[1]}
    before, prior = _curves(name, kinetics.prior)
    if "tau" in prior:
        rates = prior["x_inf"] / prior["tau"], (1.0 - prior["x_inf"]) / prior["tau"]
    else:
        rates = prior["alpha"], prior["beta"]
    return (*before, z, *layers), {"alpha": rates[0] * factors[0], "beta": rates[1] * factors[1]}


def _curves(name: str, kinetics: Kinetics) -> tuple[tuple[Statement, ...], dict[str, Expression]]:
    before: list[Statement] = []
    found = {
        role: expression_of(curve, before, f"{name}_part")
        for role, curve in kinetics.curves().items()
    }
    return tuple(before), found
