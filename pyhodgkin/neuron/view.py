"""A neuron as a notebook shows it: its currents in a small table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..html import view
from ..units import capacitance_of, conductance_of, written
from .calcium_channels import GHKChannel
from .markov import MarkovChannel

if TYPE_CHECKING:
    from .currents import Current
    from .gates import Gate
    from .neuron import Neuron


def html_of(neuron: Neuron) -> str:
    """Currents, gates and what the cell is, with units.

    Examples
    --------
    >>> import pyhodgkin as ph
    >>> "g (mS/cm²)" in html_of(ph.library.get("squid_axon"))
    True
    """
    c_m = f"c_m = {neuron.c_m:g} {capacitance_of(neuron.current_unit)}".rstrip()
    facts = [f"v starts at {neuron.v_rest:g} mV", c_m]
    if neuron.temperature is not None:
        facts.append(f"{neuron.temperature:g} °C")
    unit = written(neuron.current_unit) or "the unit of the protocol"
    notes = [", ".join(facts) + f"; currents in {unit}", f"{neuron.layout.size} parameters"]
    notes += [neuron.note, f"doi {neuron.doi}" if neuron.doi else ""]
    if neuron.right_hand_side is not None:
        states = ", ".join(neuron.states)
        notes.insert(0, f"one network in place of all equations; states {states}")
    return view(neuron.name, [_row(c, neuron.current_unit) for c in neuron.channels], notes)


def _row(channel: Current, unit: str | None) -> dict[str, Any]:
    conductance = conductance_of(unit)
    named = f"g ({conductance})" if conductance else "g"
    g, e = getattr(channel, "g", None), getattr(channel, "e", None)
    gates = ", ".join(_gate(gate) for gate in channel.gates)
    if isinstance(channel, MarkovChannel):
        gates = f"Markov scheme of {len(channel.states)} states, open: {', '.join(channel.open)}"
    if isinstance(channel, GHKChannel):
        gates, g = f"p = {channel.p:g}; {gates}", ""
    return {
        "current": channel.name,
        named: g,
        "e (mV)": e,
        "gates": gates if g is not None else "; ".join(filter(None, ["a network", gates])),
    }


def _gate(gate: Gate) -> str:
    form = getattr(gate.kinetics, "form", "")
    kind = gate.kinetics.kind.replace("_", " ") + (f", {form}" if form else "")
    power = f"^{gate.power}" if gate.power != 1 else ""
    return f"{gate.name}{power} ({kind})"
