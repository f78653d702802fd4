"""Plain Julia: a right-hand side for any solver, without other packages."""

from __future__ import annotations

from collections.abc import Iterator

from . import julia_coupled
from .expressions import Assignment, Choice, Layer, Lookup, Statement, expressions_of
from .printing import Printer
from .programs import CellProgram, ChannelProgram, GateProgram

TAKEN = {
    "v",
    "t",
    "u",
    "du",
    "p",
    "pi",
    "im",
    "opening",
    "closing",
    "x_inf",
    "tau",
    "alpha",
    "beta",
    "states",
    "initial",
}
_HELPERS = """linoid(x) = abs(x) < 1e-4 ? 1 + x/2 + x^2/12 : x/(1 - exp(-x))
softplus(x) = max(x, zero(x)) + log1p(exp(-abs(x)))
silu(x) = x*(1 + tanh(x/2))/2
function piecewise_cubic(rows, x)
    i = 1 + searchsortedlast(view(rows, 2:size(rows, 1), 1), x)
    u = x - rows[i, 1]
    return rows[i, 2] + u*(rows[i, 3] + u*(rows[i, 4] + u*rows[i, 5]))
end"""


def script(cell: CellProgram) -> str:
    """A Julia module with ``rhs!(du, u, p, t)``, ``parameters`` and ``initial(p)``.

    Examples
    --------
    >>> import pyhodgkin as ph
    >>> from pyhodgkin.export.mechanism import program_of
    >>> text = script(program_of(ph.library.get("squid_axon"), "Julia"))
    >>> "k_alpha" in text, "module SquidAxon" in text
    (False, True)
    """
    return "\n".join([*_lines(cell), ""])


def module_of(cell: CellProgram) -> str:
    """The name of the module."""
    return "".join(part.capitalize() for part in cell.name.split("_"))


def _lines(cell: CellProgram) -> Iterator[str]:
    at = "v" if cell.pool is None else "v, ca"
    yield f"# {cell.name}, written by pyhodgkin."
    if cell.source:
        yield f"# {cell.source}"
    yield "# v in mV, t in ms, g in mS/cm², c_m in µF/cm², currents in µA/cm² of membrane."
    if cell.pool is not None:
        yield "# Concentrations of calcium in mM, permeabilities in cm/s."
    yield "# ODEProblem(rhs!, initial(parameters), (0.0, 50.0), parameters) solves it; a current is"
    yield "# merge(parameters, (i_stim = t -> 10.0,))."
    yield from (f"module {module_of(cell)}", "", "export rhs!, parameters, initial", "")
    yield from (_HELPERS, "")
    states = [name for channel in cell.channels for name in _states(channel)]
    states += [] if cell.pool is None else ["ca"]
    yield f"const states = (:v, {', '.join(':' + x for x in states)})".replace(", )", ",)")
    yield from _parameters(cell)
    yield from _networks(cell)
    for gate in cell.gates:
        yield from _gate(cell, gate, at)
    for channel in cell.channels:
        if channel.scheme is not None:
            yield from julia_coupled.scheme(cell, channel.scheme, at, _statements)
        yield from _current(channel)
    yield from _right_hand_side(cell, at, states)
    yield from _initial(cell, at)
    yield from ("", "end")


def _states(channel: ChannelProgram) -> list[str]:
    """The states of a channel: gates, or all but the last one of a scheme."""
    if channel.scheme is not None:
        return list(channel.scheme.states[:-1])
    return [gate.name for gate in channel.gates if gate.has_state]


def _parameters(cell: CellProgram) -> Iterator[str]:
    yield "const parameters = ("
    yield f"    c_m = {cell.c_m!r}, v_rest = {cell.v_rest!r}, area = {float(cell.area)!r}, # µm²"
    for channel in cell.channels:
        name, size = channel.name, f"{channel.size}_{channel.name} = {channel.g!r}"
        if channel.law == "ohmic":
            yield f"    {size}, e_{name} = {channel.e!r},"
        elif channel.law != "learned":
            yield f"    {size}, ca_out_{name} = {channel.ca_out!r},"
    if cell.pool is not None:
        own = cell.pool
        yield f"    calcium_inf = {own.ca_inf!r}, calcium_tau = {own.tau!r}, calcium_k = {own.k!r},"
    if cell.temperature is not None:
        yield f"    temperature = {cell.temperature!r}, # °C"
    yield from ("    i_stim = t -> 0.0,", ")", "")


def _right_hand_side(cell: CellProgram, at: str, states: list[str]) -> Iterator[str]:
    yield from ("function rhs!(du, u, p, t)", f"    {', '.join(['v', *states])}, = u")
    slopes: list[str] = []
    for channel in cell.channels:
        for gate in channel.gates:
            if not gate.has_state:
                yield f"    {gate.name} = {gate.name}_inf({at}, p)"
        if channel.scheme is not None:
            yield f"    {channel.scheme.states[-1]} = {channel.scheme.last}"
            own, all_states = _states(channel), ", ".join(channel.scheme.states)
            base = channel.scheme.states[0]
            yield f"    {', '.join(f'd_{x}' for x in own)}, = {base}_slopes({at}, {all_states}, p)"
            slopes += [f"d_{x}" for x in own]
        slopes += [f"{x.name}_slope({at}, {x.name}, p)" for x in channel.gates if x.has_state]
        yield f"    i_{channel.name} = {channel.name}_current({', '.join(_arguments(channel))})"
    outward = " - ".join(f"i_{channel.name}" for channel in cell.channels)
    yield f"    du[1] = (p.i_stim(t) - {outward})/p.c_m"
    if cell.pool is not None:
        inward = " + ".join(f"i_{name}" for name in cell.pool.sources) or "0.0"
        slopes.append(f"-p.calcium_k*({inward}) - (ca - p.calcium_inf)/p.calcium_tau")
    yield from (f"    du[{i + 2}] = {slope}" for i, slope in enumerate(slopes))
    yield from ("    return nothing", "end", "")


def _initial(cell: CellProgram, at: str) -> Iterator[str]:
    """States at rest; those of schemes, and the concentration, are numbers at `v_rest`."""
    starts = []
    for channel in cell.channels:
        if channel.scheme is not None:
            starts += [repr(x) for x in channel.scheme.start[:-1]]
        starts += [_start(gate, at) for gate in channel.gates if gate.has_state]
    if cell.pool is None:
        yield f"initial(p, v = p.v_rest) = [{', '.join(['v', *starts])}]"
    else:
        starts = ", ".join(["v", *starts, "ca"])
        yield f"initial(p, v = p.v_rest, ca = {cell.pool.start!r}) = [{starts}]"


def _arguments(channel: ChannelProgram) -> list[str]:
    """What the function of a current takes."""
    ca = ["ca"] if channel.law in ("nernst", "ghk") else []
    opened = channel.scheme.open if channel.scheme else [gate.name for gate in channel.gates]
    return ["v", *ca, *opened, "p"]


def _start(gate: GateProgram, at: str) -> str:
    if gate.start is not None:
        return repr(gate.start)
    return "0.5" if "slope" in gate.values else f"{gate.name}_inf({at}, p)"


def _statements(statements: tuple[Statement, ...], text: Printer) -> Iterator[str]:
    for each in statements:
        if isinstance(each, Assignment):
            yield f"    {each.name} = {text.text(each.value)}"
        elif isinstance(each, Choice):
            left, right, yes, no = map(text.text, expressions_of(each))
            yield f"    {each.name} = {left} < {right} ? {yes} : {no}"
        elif isinstance(each, Lookup):
            yield f"    {each.name} = piecewise_cubic({each.name}_rows, {text.text(each.of)})"
        else:
            inputs = ", ".join(each.inputs)
            name = _array(each)
            inner = f"{name}_weight*[{inputs}] + {name}_bias"
            inner = f"{each.activation}.({inner})" if each.activation else inner
            yield f"    {', '.join(each.out)}, = {inner}"


def _array(layer: Layer) -> str:
    return layer.out[0].rpartition("_")[0]


def _networks(cell: CellProgram) -> Iterator[str]:
    programs = [statements for _, statements, _ in cell.programs()]
    programs += [channel.statements for channel in cell.channels]
    for statements in programs:
        for layer in statements:
            if isinstance(layer, Lookup):
                rows = "; ".join(" ".join(repr(float(x)) for x in row) for row in layer.rows)
                yield f"const {layer.name}_rows = [{rows}]"
            if isinstance(layer, Layer):
                rows = "; ".join(" ".join(repr(float(w)) for w in row) for row in layer.weight)
                matrix = f"{rows};;" if layer.weight.shape[1] == 1 else rows
                yield f"const {_array(layer)}_weight = [{matrix}]"
                bias = ", ".join(repr(float(b)) for b in layer.bias)
                yield f"const {_array(layer)}_bias = [{bias}]"


def _gate(cell: CellProgram, gate: GateProgram, at: str) -> Iterator[str]:
    x, text = gate.name, Printer(power="^")
    factor = "1"
    if cell.temperature is not None and gate.t_ref is not None and gate.q10 != 1.0:
        factor = f"{gate.q10!r}^((p.temperature - ({gate.t_ref!r}))/10)"
    if "slope" in gate.values:
        yield f"function {x}_slope({at}, {x}, p)"
        yield from _statements(gate.statements, text)
        yield f"    return {factor}*({text.text(gate.values['slope'])})"
        yield from ("end", "")
        return
    by_rates = "alpha" in gate.values
    first, second = ("alpha", "beta") if by_rates else ("x_inf", "tau")
    yield f"function {x}_kinetics({at})"
    yield from _statements(gate.statements, text)
    yield f"    {first} = {text.text(gate.values[first])}"
    if gate.has_state:
        yield f"    {second} = {text.text(gate.values[second])}"
    yield f"    return {first}, {second if gate.has_state else 'nothing'}"
    yield from ("end", "")
    found = f"{x}_kinetics({at})"
    if by_rates:
        yield f"{x}_inf({at}, p) = ((opening, closing) = {found}; opening/(opening + closing))"
    else:
        yield f"{x}_inf({at}, p) = {found}[1]"
    if gate.has_state:
        names = "opening, closing" if by_rates else "x_inf, tau"
        law = f"opening*(1 - {x}) - closing*{x}" if by_rates else f"(x_inf - {x})/tau"
        yield f"function {x}_slope({at}, {x}, p)"
        yield f"    {names} = {found}"
        yield f"    return {factor}*({law})"
        yield "end"
    yield ""


def _current(channel: ChannelProgram) -> Iterator[str]:
    name, text = channel.name, Printer(power="^")
    arguments = ", ".join(_arguments(channel))
    if channel.current is not None:
        yield f"function {name}_current({arguments})"
        yield from _statements(channel.statements, text)
        yield f"    return {text.text(channel.current)}"
        yield from ("end", "")
        return
    raised = [x.name + (f"^{x.power}" if x.power > 1 else "") for x in channel.gates]
    if channel.scheme is not None:
        raised = [f"({' + '.join(channel.scheme.open)})"]
    product = "*".join([f"p.{channel.size}_{name}", *raised])
    drive = f"(v - p.e_{name})" if channel.law == "ohmic" else julia_coupled.drive(channel)
    yield f"{name}_current({arguments}) = {product}*{drive}"
    yield ""
