"""NEURON: a density mechanism (NMODL) for each channel."""

from __future__ import annotations

from collections.abc import Iterator

from . import nmodl_coupled
from .expressions import Call, Choice, Lookup, expressions_of
from .printing import Printer, unrolled
from .programs import CellProgram, ChannelProgram, GateProgram

# Names of NMODL, NEURON and its generated code that a state cannot have.
TAKEN = {"v", "t", "dt", "i", "g", "e", "y", "area", "diam", "celsius", "states", "rates"}
_FUNCTIONS = {
    "linoid": [
        "FUNCTION linoid(x) {",
        "    if (fabs(x) < 1e-4) {",
        "        linoid = 1 + x/2 + x*x/12",
        "    } else {",
        "        linoid = x/(1 - exp(-x))",
        "    }",
        "}",
    ],
    "softplus": [
        "FUNCTION softplus(x) {",
        "    if (x > 0) {",
        "        softplus = x + log(1 + exp(-x))",
        "    } else {",
        "        softplus = log(1 + exp(x))",
        "    }",
        "}",
    ],
    "silu": ["FUNCTION silu(x) {", "    silu = 0.5*x*(1 + tanh(0.5*x))", "}"],
}


class Nmodl(Printer):
    """The concentration in the pool is cai."""

    def __init__(self) -> None:
        super().__init__({"abs": "fabs"}, power="^")

    def symbol(self, name: str) -> str:
        return "cai" if name == "ca" else name


def suffix_of(cell: CellProgram, channel: ChannelProgram) -> str:
    """The name of a mechanism in NEURON."""
    return f"{channel.name}_{cell.name}"


def mechanism(cell: CellProgram, channel: ChannelProgram) -> str:
    """The text of a .mod file.

    Conductances are in S/cm², currents in mA/cm², non-specific but those that the pool of calcium
    takes: these are ``ica``, and `nmodl_calcium.pool` accumulates them.

    Examples
    --------
    >>> import pyhodgkin as ph
    >>> from pyhodgkin.export.mechanism import program_of
    >>> cell = program_of(ph.library.get("squid_axon"), "NMODL")
    >>> "SUFFIX k_squid_axon" in mechanism(cell, cell.channels[0])
    True
    """
    return "\n".join([*_lines(cell, channel), ""])


def _lines(cell: CellProgram, channel: ChannelProgram) -> Iterator[str]:
    text = Nmodl()
    warm, scheme = cell.temperature is not None, channel.scheme
    current = "ica" if cell.pool is not None and channel.name in cell.pool.sources else "i"
    moving = [gate for gate in channel.gates if gate.has_state]
    yield from _declared(cell, channel, current)
    if moving or scheme:
        names = scheme.states if scheme else [x.name for x in moving]
        yield from ("", "STATE {", f"    {' '.join(names)}", "}")
    yield from ("", "BREAKPOINT {")
    if moving:
        free = any("slope" in gate.values for gate in moving)
        yield f"    SOLVE states METHOD {'derivimplicit' if free else 'cnexp'}"
    if scheme:
        yield "    SOLVE scheme METHOD sparse"
    if len(moving) < len(channel.gates):
        yield "    rates(v)"
    yield from (f"    {line}" for line in _current(channel, current))
    yield from ("}", "", "INITIAL {")
    if channel.gates:
        yield "    rates(v)"
        yield from (f"    {x.name} = {_start(x)}" for x in moving)
    if scheme:
        yield from (f"    {line}" for line in nmodl_coupled.start(scheme))
    yield "}"
    if moving:
        yield from ("", "DERIVATIVE states {", "    rates(v)")
        yield from (f"    {_derivative(x)}" for x in moving)
        yield "}"
    if scheme:
        yield from nmodl_coupled.kinetic(scheme)
    yield from _procedures(channel, warm, text)


def _declared(cell: CellProgram, channel: ChannelProgram, current: str) -> Iterator[str]:
    """The blocks NEURON, UNITS, PARAMETER and ASSIGNED."""
    yield f"TITLE {channel.name} of {cell.name}, written by pyhodgkin"
    if cell.source:
        yield from ("COMMENT", f"    {cell.source}", "ENDCOMMENT")
    numbers = {"ohmic": "g, e, ", "nernst": "g, ca_out, ", "ghk": "p, ca_out, ", "learned": ""}
    yield from ("", "NEURON {", f"    SUFFIX {suffix_of(cell, channel)}")
    if current == "ica" or channel.uses_calcium:
        read = " READ cai" if channel.uses_calcium else ""
        yield f"    USEION ca{read}{' WRITE ica' if current == 'ica' else ''} VALENCE 2"
    if current == "i":
        yield "    NONSPECIFIC_CURRENT i"
    ranged = (numbers[channel.law] + (current if current == "i" else "")).removesuffix(", ")
    if ranged:
        yield f"    RANGE {ranged}"
    yield from ("    THREADSAFE", "}", "", "UNITS {", "    (mV) = (millivolt)")
    yield from ("    (mA) = (milliamp)", "    (S) = (siemens)")
    if channel.uses_calcium:
        yield from ("    (molar) = (1/liter)", "    (mM) = (millimolar)")
    yield from ("}", "", "PARAMETER {")
    if channel.law == "ghk":
        yield f"    p = {channel.g!r} (cm/s)"
    elif channel.law != "learned":
        yield f"    g = {channel.g * 1e-3!r} (S/cm2)"
    if channel.law == "ohmic":
        yield f"    e = {channel.e!r} (mV)"
    elif channel.law != "learned":
        yield f"    ca_out = {channel.ca_out!r} (mM)"
    yield from ("    celsius (degC)", "}", "", "ASSIGNED {", "    v (mV)")
    yield f"    {current} (mA/cm2)"
    if channel.uses_calcium:
        yield "    cai (mM)"
    for gate in channel.gates:
        yield from (f"    {line}" for line in _assigned(gate))
    if channel.scheme:
        yield from (f"    {rate.name} (/ms)" for rate in channel.scheme.rates)
    yield "}"


def _procedures(channel: ChannelProgram, warm: bool, text: Printer) -> Iterator[str]:
    """The rates, the current where it is no product, and the functions that they call."""
    if channel.gates or channel.scheme:
        yield from ("", "UNITSOFF", "PROCEDURE rates(v (mV)) {")
        yield from _rates(channel, warm, text)
        yield from ("}", "UNITSON")
    if channel.law == "learned":
        yield from ("", "UNITSOFF", "FUNCTION learned(v (mV)) {")
        yield from (f"    {line}" for line in _statements(channel.statements, text, channel))
        assert channel.current is not None
        yield f"    learned = {text.text(channel.current)}"
        yield from ("}", "UNITSON")
    if channel.law in ("nernst", "ghk"):
        yield from nmodl_coupled.driving_force(channel)
    for name in _called(channel):
        yield from ("", "UNITSOFF", *_FUNCTIONS[name], "UNITSON")


def _assigned(gate: GateProgram) -> list[str]:
    x, roles = gate.name, tuple(gate.values)
    if not gate.has_state:
        return [f"{x}"]
    if roles == ("slope",):
        return [f"{x}_slope (/ms)"]
    if roles[0] == "alpha":
        return [f"{x}_alpha (/ms)", f"{x}_beta (/ms)"]
    return [f"{x}_inf", f"{x}_tau (ms)"]


def _current(channel: ChannelProgram, name: str) -> list[str]:
    if channel.law == "learned":
        return [f"{name} = 1e-3*learned(v)"]
    raised = [gate.name + (f"^{gate.power}" if gate.power > 1 else "") for gate in channel.gates]
    if channel.scheme:
        raised = [f"({' + '.join(channel.scheme.open)})"]
    drive = "(v - e)" if channel.law == "ohmic" else "driving_force(v)"
    return [f"{name} = {'*'.join([channel.size, *raised])}*{drive}"]


def _start(gate: GateProgram) -> str:
    x = gate.name
    if gate.start is not None:
        return repr(gate.start)
    if "slope" in gate.values:
        return "0.5"
    return f"{x}_inf" if "x_inf" in gate.values else f"{x}_alpha/({x}_alpha + {x}_beta)"


def _derivative(gate: GateProgram) -> str:
    x = gate.name
    if "slope" in gate.values:
        return f"{x}' = {x}_slope"
    if "x_inf" in gate.values:
        return f"{x}' = ({x}_inf - {x})/{x}_tau"
    return f"{x}' = {x}_alpha*(1 - {x}) - {x}_beta*{x}"


def _rates(channel: ChannelProgram, warm: bool, text: Printer) -> Iterator[str]:
    factors = [g for g in channel.gates if warm and g.t_ref is not None and g.q10 != 1.0]
    scheme = channel.scheme
    scaled = scheme if scheme and warm and scheme.t_ref is not None else None
    scaled = scaled if scaled and scaled.q10 != 1.0 else None
    layers = [name for _, statements, _ in channel.programs() for name in _names(statements)]
    local = [*(f"{g.name}_q" for g in factors), *(["scheme_q"] if scaled else []), *layers]
    if local:
        yield f"    LOCAL {', '.join(dict.fromkeys(local))}"
    for gate in channel.gates:
        x = gate.name
        yield from (f"    {line}" for line in _statements(gate.statements, text, channel))
        if not gate.has_state:
            yield f"    {x} = {text.text(gate.values['x_inf'])}"
            continue
        rate = time = ""
        if gate in factors:
            yield f"    {x}_q = {gate.q10!r}^((celsius - ({gate.t_ref!r}))/10)"
            rate, time = f"*{x}_q", f"/{x}_q"
        for role, value in gate.values.items():
            if role == "x_inf":
                yield f"    {x}_inf = {text.text(value)}"
            elif role == "tau":
                yield f"    {x}_tau = {_bracketed(text.text(value), time)}"
            else:
                yield f"    {x}_{role} = {_bracketed(text.text(value), rate)}"
    if scaled:
        yield f"    scheme_q = {scaled.q10!r}^((celsius - ({scaled.t_ref!r}))/10)"
    for each in scheme.rates if scheme else ():
        yield from (f"    {line}" for line in _statements(each.statements, text, channel))
        value = _bracketed(text.text(each.value), "*scheme_q" if scaled else "")
        yield f"    {each.name} = {value}"


def _bracketed(text: str, factor: str) -> str:
    return f"({text}){factor}" if factor else text


def _names(statements: tuple) -> list[str]:
    return list(dict.fromkeys(x.name for x in unrolled(statements)))


def _statements(statements: tuple, text: Printer, channel: ChannelProgram) -> Iterator[str]:
    if statements and channel.current is not None and statements is channel.statements:
        yield f"LOCAL {', '.join(_names(statements))}"
    for each in unrolled(statements):
        if isinstance(each, Choice):
            yield f"if ({text.text(each.left)} < {text.text(each.right)}) {{"
            yield f"    {each.name} = {text.text(each.yes)}"
            yield from ("} else {", f"    {each.name} = {text.text(each.no)}", "}")
        elif isinstance(each, Lookup):
            yield from _tree(each, 0, len(each.rows), text)
        else:
            yield f"{each.name} = {text.text(each.value)}"


def _tree(table: Lookup, first: int, end: int, text: Printer) -> Iterator[str]:
    """The intervals `first` to `end` of a table, found by halving."""
    if end - first == 1:
        yield f"{table.name} = {text.text(table.cubic(first))}"
        return
    middle = (first + end) // 2
    yield f"if ({text.text(table.of)} < {text.number(float(table.rows[middle, 0]))}) {{"
    yield from (f"    {line}" for line in _tree(table, first, middle, text))
    yield "} else {"
    yield from (f"    {line}" for line in _tree(table, middle, end, text))
    yield "}"


def _called(channel: ChannelProgram) -> list[str]:
    found = {"linoid"} if channel.law == "ghk" else set()
    own = (channel.name, channel.statements, (channel.current,) if channel.current else ())
    for _, statements, values in (*channel.programs(), own):
        inside = [x for each in unrolled(statements) for x in expressions_of(each)]
        for value in (*inside, *values):
            found |= {x.name for x in value.walk() if isinstance(x, Call)}
    return sorted(found & set(_FUNCTIONS))
