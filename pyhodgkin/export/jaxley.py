"""Jaxley: a channel class for each channel, and a function that builds the cell."""

from __future__ import annotations

from collections.abc import Iterator

from . import jaxley_coupled
from .jaxley_statements import CALLS, arrays, statement_lines
from .printing import Printer
from .programs import CellProgram, ChannelProgram, GateProgram

TAKEN = {"v", "dt", "at", "states", "params", "self", "half", "out", "opening", "closing"}
TAKEN |= {"alpha", "beta", "x_inf", "tau", "factor", "delta_t"}
_HELPERS = '''

def linoid(x):
    """x/(1 - exp(-x)), by its series near zero, where the quotient is not defined."""
    near = jnp.abs(x) < 1e-4
    safe = jnp.where(near, 1.0, x)
    return jnp.where(near, 1.0 + x / 2 + x * x / 12, safe / (1.0 - jnp.exp(-safe)))


def softplus(x):
    return jnp.logaddexp(0.0, x)


def silu(x):
    return 0.5 * x * (1.0 + jnp.tanh(0.5 * x))


def piecewise_cubic(rows, x):
    """Rows: below the knots, each interval, above: its start, the powers 0 to 3 from there."""
    rows = jnp.asarray(rows)
    row = rows[jnp.searchsorted(rows[1:, 0], x, side="right")]
    start, a, b, c, d = (row[..., i] for i in range(5))
    u = x - start
    return a + u * (b + u * (c + u * d))


def exponential_step(x, dt, alpha, beta):
    """The exact step of dx/dt = alpha (1 - x) - beta x at a fixed voltage."""
    total = alpha + beta
    return alpha / total + (x - alpha / total) * jnp.exp(-dt * total)
'''
_TAIL = '''

def build():
    """A cell of one compartment with the channels of {name}, at rest."""
    cell = jx.Compartment()
    radius = (AREA / (4.0 * jnp.pi)) ** 0.5
    cell.set("radius", radius)
    cell.set("length", 2.0 * radius)
    cell.set("capacitance", {c_m!r})
    for channel in CHANNELS:
        cell.insert(channel())
    cell.set("v", V_REST)
{calcium}    cell.init_states()
{starts}    return cell


def run(amplitude=10.0, start=10.0, stop=40.0, t_end=50.0, dt=0.0025):
    """t (ms) and v (mV) under a step of current density, µA/cm²."""
    cell = build()
    t = dt * jnp.arange(round(t_end / dt) + 1)
    current = jnp.where((t >= start) & (t < stop), amplitude * AREA * 1e-5, 0.0)  # nA
    cell.stimulate(current)
    cell.record("v")
    v = jx.integrate(cell, delta_t=dt)[0]
    return t, v[: len(t)]


if __name__ == "__main__":
    jax.config.update("jax_enable_x64", True)
    times, voltages = run()
    up = jnp.flatnonzero((voltages[:-1] < 0.0) & (voltages[1:] >= 0.0))
    print(f"{{len(up)}} spikes, the first times (ms):", times[up[:5]])
'''


def script(cell: CellProgram) -> str:
    """The text of a Python file with ``CHANNELS``, ``build()`` and ``run()``.

    Examples
    --------
    >>> import pyhodgkin as ph
    >>> from pyhodgkin.export.mechanism import program_of
    >>> "class K(Channel):" in script(program_of(ph.library.get("squid_axon"), "Jaxley"))
    True
    """
    source = f"\n\n{cell.source}" if cell.source else ""
    head = (
        f'"""{cell.name} for Jaxley, written by pyhodgkin.{source}\n\n'
        "Conductances in S/cm², currents in mA/cm², v in mV, rates in 1/ms.\n"
        '"""\n\nimport jax\nimport jax.numpy as jnp\nimport jaxley as jx\n'
        "from jaxley.channels import Channel\n"
    )
    names = ", ".join(class_of(channel) for channel in cell.channels)
    comma = "," if len(cell.channels) == 1 else ""
    numbers = f"\n\nAREA = {float(cell.area)!r}  # µm²\nV_REST = {cell.v_rest!r}  # mV\n"
    body = "\n".join(line for channel in cell.channels for line in _channel(cell, channel))
    starts = "".join(
        f'    cell.set("{class_of(channel)}_{gate.name}", {gate.start!r})\n'
        for channel in cell.channels
        for gate in channel.gates
        if gate.start is not None
    )
    calcium = "" if cell.pool is None else f'    cell.set("CaCon_i", {cell.pool.start!r})  # mM\n'
    tail = _TAIL.format(name=cell.name, c_m=cell.c_m, starts=starts, calcium=calcium)
    if cell.pool is not None:
        head += "from jaxley.pumps import Pump\n"
        body += "\n" + jaxley_coupled.pool(cell.pool, class_by_name(cell))
        names, comma = names + ", CalciumPool", ""
    listing = f"\n\nCHANNELS = ({names}{comma})\n"
    return head + _HELPERS + numbers + "\n" + body + listing + tail


def class_of(channel: ChannelProgram) -> str:
    """The name of the class."""
    return "".join(part.capitalize() for part in channel.name.split("_"))


def class_by_name(cell: CellProgram) -> dict[str, str]:
    """The classes of the channels."""
    return {channel.name: class_of(channel) for channel in cell.channels}


def _channel(cell: CellProgram, channel: ChannelProgram) -> Iterator[str]:
    name, scheme = class_of(channel), channel.scheme
    yield from ("", f"class {name}(Channel):", f'    """{channel.name} of {cell.name}."""', "")
    programs = [statements for _, statements, _ in channel.programs()]
    for statements in (*programs, channel.statements):
        yield from (f"    {line}" for line in arrays(statements))
    yield from _constructor(channel)
    yield from _update(channel)
    yield from _start(channel)
    yield from _current(cell, channel)
    for gate in channel.gates:
        yield from _gate(cell, gate)
    if scheme is not None:
        yield from jaxley_coupled.matrix(cell, scheme)


def _constructor(channel: ChannelProgram) -> Iterator[str]:
    yield "    def __init__(self, name=None):"
    yield "        self.current_is_in_mA_per_cm2 = True"
    yield from ("        super().__init__(name)", "        at = self._name")
    numbers = []
    if channel.law != "learned":
        size = channel.g * (1.0 if channel.law == "ghk" else 1e-3)
        numbers.append(f'f"{{at}}_{channel.size}": {size!r}')
    if channel.law == "ohmic":
        numbers.append(f'f"{{at}}_e": {channel.e!r}')
    elif channel.law != "learned":
        numbers.append(f'f"{{at}}_ca_out": {channel.ca_out!r}')
    yield f"        self.channel_params = {{{', '.join(numbers)}}}"
    states = [f'f"{{at}}_{gate.name}": 0.5' for gate in channel.gates if gate.has_state]
    if channel.scheme is not None:
        starts = zip(channel.scheme.states, channel.scheme.start, strict=True)
        states += [f'f"{{at}}_{state}": {start!r}' for state, start in starts]
    if channel.uses_calcium:
        states.append('"CaCon_i": 1e-4')
    yield f"        self.channel_states = {{{', '.join(states)}}}"
    yield '        self.current_name = f"i_{at}"'


def _known(channel: ChannelProgram) -> Iterator[str]:
    """What the methods of a channel begin with."""
    yield "        at = self._name"
    if channel.uses_calcium:
        yield '        ca = states["CaCon_i"]'


def _update(channel: ChannelProgram) -> Iterator[str]:
    yield from ("", "    def update_states(self, states, dt, v, params):")
    yield from _known(channel)
    news = []
    for gate in channel.gates:
        if not gate.has_state:
            continue
        x, at = gate.name, _at(gate)
        yield f'        {x} = states[f"{{at}}_{x}"]'
        if "slope" in gate.values:
            yield f"        half = {x} + 0.5 * dt * self.{x}_slope({at}, {x})"
            yield f"        {x} = {x} + dt * self.{x}_slope({at}, half)"
        else:
            yield f"        {x} = exponential_step({x}, dt, *self.{x}_rates({at}))"
        news.append(f'f"{{at}}_{x}": {x}')
    if channel.scheme is not None:
        yield from jaxley_coupled.step(channel.scheme)
        news += [f'f"{{at}}_{x}": {x}' for x in channel.scheme.states]
    yield f"        return {{{', '.join(news)}}}"


def _start(channel: ChannelProgram) -> Iterator[str]:
    yield from ("", "    def init_state(self, states, v, params, delta_t):")
    yield from _known(channel)
    starts = []
    for gate in channel.gates:
        if not gate.has_state:
            continue
        start = "0.5" if gate.start is None else repr(gate.start)
        if "slope" not in gate.values:
            yield f"        opening, closing = self.{gate.name}_rates({_at(gate)})"
            yield f"        {gate.name} = opening / (opening + closing)"
            start = gate.name
        starts.append(f'f"{{at}}_{gate.name}": {start}')
    if channel.scheme is not None and not channel.scheme.given:
        yield from jaxley_coupled.start(channel.scheme)
        starts += [f'f"{{at}}_{x}": {x}' for x in channel.scheme.states]
    yield f"        return {{{', '.join(starts)}}}"


def _current(cell: CellProgram, channel: ChannelProgram) -> Iterator[str]:
    yield from ("", "    def compute_current(self, states, v, params):")
    yield from _known(channel)
    factors = []
    for gate in channel.gates:
        x = gate.name
        value = f'states[f"{{at}}_{x}"]' if gate.has_state else f"self.{x}_inf({_at(gate)})"
        yield f"        {x} = {value}"
        factors.append(x + (f"**{gate.power}" if gate.power > 1 else ""))
    if channel.scheme is not None:
        opened = [f'states[f"{{at}}_{x}"]' for x in channel.scheme.open]
        factors.append(f"({' + '.join(opened)})")
    if channel.current is not None:
        yield from (f"        {line}" for line in statement_lines(channel.statements))
        yield f"        return 1e-3 * ({Printer(CALLS).text(channel.current)})"
        return
    drive = '(v - params[f"{at}_e"])'
    if channel.law != "ohmic":
        yield from jaxley_coupled.drive(cell, channel)
        drive = "drive"
    product = " * ".join([f'params[f"{{at}}_{channel.size}"]', *factors, drive])
    yield f"        return {product}"


def _at(gate: GateProgram) -> str:
    """What the kinetics of a gate depend on."""
    return "v, ca" if gate.uses_calcium else "v"


def _gate(cell: CellProgram, gate: GateProgram) -> Iterator[str]:
    x, text = gate.name, Printer(CALLS)
    factor = ""
    if cell.temperature is not None and gate.t_ref is not None and gate.q10 != 1.0:
        factor = f"{gate.q10!r} ** (({cell.temperature!r} - ({gate.t_ref!r})) / 10.0)"
    arguments = f"self, {_at(gate)}" + (f", {x}" if "slope" in gate.values else "")
    name = (
        f"{x}_slope" if "slope" in gate.values else f"{x}_rates" if gate.has_state else f"{x}_inf"
    )
    yield from ("", f"    def {name}({arguments}):")
    yield from (f"        {line}" for line in statement_lines(gate.statements))
    values = {role: text.text(value) for role, value in gate.values.items()}
    if not gate.has_state:
        yield f"        return {values['x_inf']}"
        return
    if "slope" in values:
        yield f"        return {f'{factor} * ' if factor else ''}({values['slope']})"
        return
    if "x_inf" in values:
        yield from (f"        x_inf = {values['x_inf']}", f"        tau = {values['tau']}")
        alpha, beta = "x_inf / tau", "(1.0 - x_inf) / tau"
    else:
        yield from (f"        alpha = {values['alpha']}", f"        beta = {values['beta']}")
        alpha, beta = "alpha", "beta"
    if factor:
        yield f"        factor = {factor}"
        alpha, beta = f"factor * {alpha}", f"factor * {beta}"
    yield f"        return {alpha}, {beta}"
