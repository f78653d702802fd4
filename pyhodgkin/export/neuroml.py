"""NeuroML 2: a cell of one segment, its channels, and a LEMS simulation of a step of current.

Rates and variables of the standard's own types (HHExpRate, HHSigmoidRate, HHExpLinearRate and the
variables likewise) where the curve is one of them, else a ComponentType with its formula.
"""

from __future__ import annotations

from collections.abc import Iterator
from xml.sax.saxutils import escape, quoteattr

from ..errors import InputError
from ..neuron.curves import Constant, Curve
from ..neuron.kinetics import NeuralKinetics
from ..neuron.rates import Exponential, Linoid, Sigmoid
from .lems import component
from .printing import Printer
from .programs import CellProgram, ChannelProgram, GateProgram

_TYPES = {"alpha": "Rate", "beta": "Rate", "x_inf": "Variable", "tau": "Time"}
_ELEMENTS = {
    "alpha": "forwardRate",
    "beta": "reverseRate",
    "x_inf": "steadyState",
    "tau": "timeCourse",
}
_NAMES = {Exponential: "HHExp", Sigmoid: "HHSigmoid", Linoid: "HHExpLinear"}


def refuse(cell: CellProgram) -> None:
    """An error where NeuroML has no place for what a neuron has."""
    others = 'Export to "nmodl", "brian2", "jaxley" or "julia"'
    if cell.pool is not None:
        raise InputError(
            f'export: neuron "{cell.name}" has a pool of calcium: gates that calcium opens, its '
            f"currents and the pool are not written as NeuroML. {others}"
        )
    for channel in cell.channels:
        if channel.scheme is not None:
            raise InputError(
                f'export: channel "{channel.name}" is a Markov scheme, which is not written as '
                f"NeuroML. {others}"
            )
        if channel.current is not None:
            raise InputError(
                f'export: the current "{channel.name}" is a network; NeuroML has ohmic channels '
                'only. Export to "nmodl", "brian2", "jaxley" or "julia"'
            )
        for gate in channel.gates:
            if "slope" in gate.values:
                raise InputError(
                    f'export: gate "{gate.name}" has the form "free", which NeuroML has no gate '
                    'for. Export to "nmodl", "brian2", "jaxley" or "julia"'
                )


def document(cell: CellProgram) -> str:
    """The text of the .cell.nml file.

    Examples
    --------
    >>> import pyhodgkin as ph
    >>> from pyhodgkin.export.mechanism import program_of
    >>> text = document(program_of(ph.library.get("squid_axon"), "NeuroML"))
    >>> '<forwardRate type="HHExpLinearRate" rate="0.1per_ms"' in text
    True
    """
    refuse(cell)
    return "\n".join([*_document(cell), ""])


def simulation(cell: CellProgram) -> str:
    """The text of the LEMS file: 50 ms with a step of 10 µA/cm² from 10 to 40 ms."""
    name = cell.name
    return f"""<Lems>
    <Target component="sim_{name}"/>
    <Include file="Cells.xml"/>
    <Include file="Networks.xml"/>
    <Include file="Simulation.xml"/>
    <Include file="{name}.cell.nml"/>
    <Simulation id="sim_{name}" length="50ms" step="0.001ms" target="network_{name}">
        <OutputFile id="voltages" fileName="{name}.dat">
            <OutputColumn id="v" quantity="cells/0/{name}/v"/>
        </OutputFile>
    </Simulation>
</Lems>
"""


def _document(cell: CellProgram) -> Iterator[str]:
    yield '<neuroml xmlns="http://www.neuroml.org/schema/neuroml2"'
    yield '    xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
    yield '    xsi:schemaLocation="http://www.neuroml.org/schema/neuroml2'
    yield "        https://raw.githubusercontent.com/NeuroML/NeuroML2/development/Schemas/"
    yield f'NeuroML2/NeuroML_v2.3.xsd" id="{cell.name}">'
    text = f"{cell.name}, written by pyhodgkin. {cell.source}".strip()
    given = [f"{gate.name} = {gate.start:g}" for gate in cell.gates if gate.start is not None]
    if given:
        text += f" The gates start at their steady state here, not at {', '.join(given)}."
    notes = escape(text)
    yield f"    <notes>{notes}</notes>"
    for channel in cell.channels:
        yield from (f"    {line}" for line in _channel(cell, channel))
    yield from (f"    {line}" for line in _cell(cell))
    amplitude = Printer().number(10.0 * cell.area * 1e-5)
    yield f'    <pulseGenerator id="step" delay="10ms" duration="30ms" amplitude="{amplitude}nA"/>'
    warm = ""
    if cell.temperature is not None:
        warm = f' type="networkWithTemperature" temperature="{cell.temperature!r}degC"'
    yield f'    <network id="network_{cell.name}"{warm}>'
    yield f'        <population id="cells" component="{cell.name}" size="1" type="populationList">'
    yield '            <instance id="0"><location x="0" y="0" z="0"/></instance>'
    yield "        </population>"
    yield f'        <explicitInput target="cells/0/{cell.name}" input="step"/>'
    yield "    </network>"
    for channel in cell.channels:
        for gate in channel.gates:
            for role in gate.values:
                if _standard(gate, role) is None:
                    own = component(_type(channel, gate, role), _TYPES[role], gate, role)
                    yield from (f"    {line}" for line in own)
    yield "</neuroml>"


def _channel(cell: CellProgram, channel: ChannelProgram) -> Iterator[str]:
    if not channel.gates:
        yield f'<ionChannelHH id="{_id(cell, channel)}" conductance="10pS"/>'
        return
    yield f'<ionChannelHH id="{_id(cell, channel)}" conductance="10pS">'
    kinds = {_kind(gate) for gate in channel.gates}
    for gate in channel.gates:
        # The schema allows one kind of elements in a channel; of several, each is a <gate>.
        kind, of_type = (_kind(gate), "") if len(kinds) == 1 else ("gate", f' type="{_kind(gate)}"')
        yield f'    <{kind} id="{gate.name}"{of_type} instances="{gate.power}">'
        if cell.temperature is not None and gate.t_ref is not None and gate.q10 != 1.0:
            yield f'        <q10Settings type="q10ExpTemp" q10Factor="{gate.q10!r}"'
            yield f'            experimentalTemp="{gate.t_ref!r}degC"/>'
        order = ("tau", "x_inf") if "tau" in gate.values else tuple(gate.values)
        for role in order:
            known = _standard(gate, role)
            known = f"type={quoteattr(_type(channel, gate, role))}" if known is None else known
            yield f"        <{_ELEMENTS[role]} {known}/>"
        yield f"    </{kind}>"
    yield "</ionChannelHH>"


def _kind(gate: GateProgram) -> str:
    if not gate.has_state:
        return "gateHHInstantaneous"
    return "gateHHrates" if "alpha" in gate.values else "gateHHtauInf"


def _standard(gate: GateProgram, role: str) -> str | None:
    """The attributes of a type of the standard, or None where the curve is none of them."""
    if isinstance(gate.kinetics, NeuralKinetics):
        return None
    curve: Curve = gate.kinetics.curves()[role]
    number = Printer().number
    if role == "tau":
        constant = isinstance(curve, Constant)
        return f'type="fixedTimeCourse" tau="{number(curve.a)}ms"' if constant else None
    if type(curve) not in _NAMES:
        return None
    assert isinstance(curve, (Exponential, Sigmoid, Linoid))
    rate = curve.a * (curve.k if isinstance(curve, Linoid) else 1.0)
    unit = "per_ms" if _TYPES[role] == "Rate" else ""
    return (
        f'type="{_NAMES[type(curve)]}{_TYPES[role]}" rate="{number(rate)}{unit}" '
        f'midpoint="{number(curve.v0)}mV" scale="{number(curve.k)}mV"'
    )


def _type(channel: ChannelProgram, gate: GateProgram, role: str) -> str:
    return f"{channel.name}_{gate.name}_{role}"


def _id(cell: CellProgram, channel: ChannelProgram) -> str:
    return f"{channel.name}_{cell.name}"


def _cell(cell: CellProgram) -> Iterator[str]:
    number = Printer().number
    side = (cell.area / 3.141592653589793) ** 0.5
    yield f'<cell id="{cell.name}">'
    yield f'    <morphology id="morphology_{cell.name}">'
    yield '        <segment id="0" name="soma">'
    yield f'            <proximal x="0" y="0" z="0" diameter="{number(side)}"/>'
    yield f'            <distal x="{number(side)}" y="0" z="0" diameter="{number(side)}"/>'
    yield "        </segment>"
    yield "    </morphology>"
    yield f'    <biophysicalProperties id="membrane_{cell.name}">'
    yield "        <membraneProperties>"
    for channel in cell.channels:
        yield f'            <channelDensity id="density_{channel.name}" segmentGroup="all"'
        yield f'                ionChannel="{_id(cell, channel)}" ion="non_specific"'
        yield f'                condDensity="{number(channel.g)}mS_per_cm2"'
        yield f'                erev="{number(channel.e)}mV"/>'
    yield '            <spikeThresh value="0mV"/>'
    yield f'            <specificCapacitance value="{number(cell.c_m)}uF_per_cm2"/>'
    yield f'            <initMembPotential value="{number(cell.v_rest)}mV"/>'
    yield "        </membraneProperties>"
    yield "        <intracellularProperties>"
    yield '            <resistivity value="0.1kohm_cm"/>'
    yield "        </intracellularProperties>"
    yield "    </biophysicalProperties>"
    yield "</cell>"
