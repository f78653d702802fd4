"""A neuron read back as equations."""

from __future__ import annotations

from ..units import capacitance_of, conductance_of, written
from .calcium_channels import GHKChannel, NernstChannel
from .channels import NeuralCurrent, NeuralRightHandSide
from .coupled_equations import coupled_blocks, coupled_current
from .currents import Current
from .gates import Gate
from .kinetics import InstantaneousKinetics, Kinetics, NeuralKinetics
from .markov import MarkovChannel
from .networks import Network
from .neural_forms import NEURAL_FORMS
from .neuron import Neuron

SUPERSCRIPTS = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")
UNITS = "v in mV, t in ms, tau in ms, rates in 1/ms, currents in {}, i_stim > 0 depolarises"
NOT_STATED = "the unit of the protocol"


def equations(neuron: Neuron) -> str:
    """The equations of `neuron` as text, with its parameters, their units and the source.

    Examples
    --------
    >>> from pyhodgkin.neuron.neuron import leak
    >>> cell = Neuron("passive", (leak(0.1, -70.0),), v_rest=-70.0, current_unit="uA/cm2")
    >>> print(equations(cell))
    passive
    v in mV, t in ms, tau in ms, rates in 1/ms, currents in µA/cm², i_stim > 0 depolarises
    <BLANKLINE>
    c_m dv/dt = i_stim - i_l    c_m = 1 µF/cm², v starts at -70 mV
    <BLANKLINE>
    i_l = g_l (v - e_l)    g_l = 0.1 mS/cm², e_l = -70 mV
    """
    head = [neuron.name]
    if neuron.doi:
        head.append(f"doi {neuron.doi}")
    if neuron.note:
        head.append(neuron.note)
    blocks = [[*head, UNITS.format(written(neuron.current_unit) or NOT_STATED), *_size(neuron)]]
    if neuron.right_hand_side is not None:
        blocks.append(_black_box(neuron.right_hand_side))
    else:
        outward = " - ".join(f"i_{channel.name}" for channel in neuron.channels)
        c_m = _with_unit(neuron.c_m, capacitance_of(neuron.current_unit))
        membrane = f"c_m = {c_m}, v starts at {neuron.v_rest:g} mV"
        blocks.append([f"c_m dv/dt = i_stim - {outward}    {membrane}"])
        blocks.append(_currents(neuron))
        blocks += [_gate(gate, neuron.temperature) for gate in neuron.gates]
        blocks += coupled_blocks(neuron)
        if neuron.initial:
            blocks.append(["start: " + ", ".join(f"{k} = {x:g}" for k, x in neuron.initial)])
    return "\n\n".join("\n".join(block) for block in blocks)


def one_line(neuron: Neuron) -> str:
    """`neuron` in one line: its states, its currents and the number of its parameters.

    Examples
    --------
    >>> from pyhodgkin.neuron.neuron import leak
    >>> one_line(Neuron("passive", (leak(0.1, -70.0),)))
    'passive: v | l | 3 parameters'
    """
    if neuron.right_hand_side is not None:
        inside = f"dz/dt = {neuron.right_hand_side.network!r}"
    else:
        inside = ", ".join(_short(channel) for channel in neuron.channels)
    return f"{neuron.name}: {' '.join(neuron.states)} | {inside} | {neuron.layout.size} parameters"


def _short(channel: Current) -> str:
    text = channel.name
    if isinstance(channel, NeuralCurrent):
        text += " network"
    elif channel.gates:
        text += f" {channel.label}"
    learned = [g.name for g in channel.gates if isinstance(g.kinetics, NeuralKinetics)]
    if isinstance(channel, MarkovChannel):
        text += f" {channel.label} of {len(channel.states)} states"
        learned += [rate.name for rate in channel.rates if rate.learned is not None]
    return text + (f" (networks: {', '.join(learned)})" if learned else "")


def _size(neuron: Neuron) -> list[str]:
    """The area of the cell, where it is known."""
    return [] if neuron.area is None else [f"a cell of {neuron.area:g} µm²"]


def _with_unit(value: float, unit: str) -> str:
    return f"{value:g} {unit}".rstrip()


def _currents(neuron: Neuron) -> list[str]:
    unit = conductance_of(neuron.current_unit)
    rows = [_current(channel, unit) for channel in neuron.channels]
    width = max(len(left) for left, _ in rows)
    return [f"{left.ljust(width)}    {right}" for left, right in rows]


def _current(channel: Current, unit: str) -> tuple[str, str]:
    """The law of one current, and its numbers."""
    name = channel.name
    if isinstance(channel, NeuralCurrent):
        z = _scaled(channel.v_shift, channel.v_scale)
        inputs = ", ".join([z, *(gate.name for gate in channel.gates)])
        law = f"i_{name} = {channel.scale:g}·N_{name}({inputs})"
        return law, f"N_{name} = {_network(channel.network)}"
    factors = [f"{gate.name}{_power(gate)}" for gate in channel.gates]
    if isinstance(channel, (MarkovChannel, NernstChannel, GHKChannel)):
        return coupled_current(channel, factors, unit)
    law = " ".join([f"i_{name} = g_{name}", *factors, f"(v - e_{name})"])
    return law, f"g_{name} = {_with_unit(channel.g, unit)}, e_{name} = {channel.e:g} mV"


def _power(gate: Gate) -> str:
    return "" if gate.power == 1 else str(gate.power).translate(SUPERSCRIPTS)


def _gate(gate: Gate, temperature: float | None) -> list[str]:
    x, kinetics = gate.name, gate.kinetics
    if isinstance(kinetics, InstantaneousKinetics):
        return [f"{x} = {kinetics.x_inf}    (always at its steady state)"]
    free = isinstance(kinetics, NeuralKinetics) and kinetics.form == "free"
    law = f"N_{x}" if free else _law(x, kinetics)
    if gate.q10 != 1.0 and gate.t_ref is not None and temperature is not None:
        law = f"{gate.q10:g}^((T - {gate.t_ref:g})/10) [{law}], T = {temperature:g} °C"
    if isinstance(kinetics, NeuralKinetics):
        return [f"d{x}/dt = {law}", *_neural(x, kinetics)]
    return [f"d{x}/dt = {law}", *_curves(x, kinetics)]


def _law(x: str, kinetics: Kinetics) -> str:
    by_rates = "alpha" in kinetics.curves() or (
        isinstance(kinetics, NeuralKinetics) and kinetics.form != "steady_state"
    )
    return f"alpha_{x} (1 - {x}) - beta_{x} {x}" if by_rates else f"({x}_inf - {x})/tau_{x}"


def _curves(x: str, kinetics: Kinetics, mark: str = "") -> list[str]:
    names = {"alpha": f"alpha_{x}", "beta": f"beta_{x}", "x_inf": f"{x}_inf", "tau": f"tau_{x}"}
    return [f"    {names[role]}{mark} = {curve}" for role, curve in kinetics.curves().items()]


def _neural(x: str, kinetics: NeuralKinetics) -> list[str]:
    z, b = _scaled(kinetics.v_shift, kinetics.v_scale), f"{kinetics.bound:g}"
    network = f"N_{x} = {_network(kinetics.network)}"
    if not kinetics.is_linear:
        inputs = x if kinetics.network.layers[0] == 1 else f"{z}, {x}"
        return [f"    {network} of {inputs}; nothing keeps {x} in [0, 1]"]
    first, second = f"N_{x}[1]", f"N_{x}[2]"
    if kinetics.form == "steady_state":
        low, high = kinetics.tau_min, kinetics.tau_max
        tau = f"{low:g} + exp({second})"
        if high is not None:
            tau = f"{low:g} ({high:g}/{low:g})^(1/(1 + exp(-{second})))"
        lines = [f"{x}_inf = 1/(1 + exp(-{first}))", f"tau_{x} = {tau}"]
        return [f"    {line}" for line in (*lines, f"{network} of {z}")]
    if kinetics.form not in NEURAL_FORMS:
        law = f"alpha_{x}, beta_{x} = {kinetics.form}({first}, {second})"
        return [f"    {law}", f"    {network} of {z}"]
    prior: list[str] = []
    before = ["", ""]
    if kinetics.prior is not None:
        prior, before = _curves(x, kinetics.prior, "⁰"), [f"alpha_{x}⁰ ", f"beta_{x}⁰ "]
        if kinetics.prior.kind == "steady_state":
            before = [f"({x}_inf⁰/tau_{x}⁰) ", f"((1 - {x}_inf⁰)/tau_{x}⁰) "]
    rates = [
        f"    {role}_{x} = {factor}exp({b} tanh({n}/{b}))"
        for role, factor, n in zip(("alpha", "beta"), before, (first, second), strict=True)
    ]
    return [*rates, *prior, f"    {network} of {z}"]


def _black_box(box: NeuralRightHandSide) -> list[str]:
    stimulus = "" if box.stimulus_scale is None else f", i_stim/{box.stimulus_scale:g}"
    rows = [
        f"    z_{name} = {_scaled(shift, scale, name)}"
        for name, shift, scale in zip(box.states, box.shift, box.scale, strict=True)
    ]
    law = f"dz/dt = N(z{stimulus})/{box.time_scale:g}    N = {_network(box.network)}"
    return [law, *rows]


def _scaled(shift: float, scale: float, name: str = "v") -> str:
    return f"({name} {'-' if shift > 0 else '+'} {abs(shift):g})/{scale:g}"


def _network(network: Network) -> str:
    layers = "-".join(map(str, network.layers))
    return f"network {layers}, {network.activation}, {network.size} weights"
