"""Jaxley: a channel class for each channel, and a function that builds the cell."""

from __future__ import annotations

from collections.abc import Iterator

from .expressions import Assignment, Choice, Layer, Lookup, Statement, expressions_of
from .mechanism import CellProgram, ChannelProgram, GateProgram
from .printing import Printer

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
_CALLS = {name: f"jnp.{name}" for name in ("exp", "tanh", "log", "sqrt", "abs")}
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
    cell.init_states()
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
    tail = _TAIL.format(name=cell.name, c_m=cell.c_m, starts=starts)
    listing = f"\n\nCHANNELS = ({names}{comma})\n"
    return head + _HELPERS + numbers + "\n" + body + listing + tail


def class_of(channel: ChannelProgram) -> str:
    """The name of the class."""
    return "".join(part.capitalize() for part in channel.name.split("_"))


def _channel(cell: CellProgram, channel: ChannelProgram) -> Iterator[str]:
    moving = [gate for gate in channel.gates if gate.has_state]
    name = class_of(channel)
    yield from ("", f"class {name}(Channel):", f'    """{channel.name} of {cell.name}."""', "")
    for statements in (*(gate.statements for gate in channel.gates), channel.statements):
        yield from (f"    {line}" for line in _arrays(statements))
    yield from (
        "    def __init__(self, name=None):",
        "        self.current_is_in_mA_per_cm2 = True",
    )
    yield from ("        super().__init__(name)", "        at = self._name")
    if channel.current is None:
        numbers = f'{{f"{{at}}_g": {channel.g * 1e-3!r}, f"{{at}}_e": {channel.e!r}}}'
        yield f"        self.channel_params = {numbers}"
    else:
        yield "        self.channel_params = {}"
    states = ", ".join(f'f"{{at}}_{gate.name}": 0.5' for gate in moving)
    yield f"        self.channel_states = {{{states}}}"
    yield '        self.current_name = f"i_{at}"'
    yield from ("", "    def update_states(self, states, dt, v, params):")
    yield "        at = self._name"
    news = []
    for gate in moving:
        x = gate.name
        yield f'        {x} = states[f"{{at}}_{x}"]'
        if "slope" in gate.values:
            yield f"        half = {x} + 0.5 * dt * self.{x}_slope(v, {x})"
            yield f"        {x} = {x} + dt * self.{x}_slope(v, half)"
        else:
            yield f"        {x} = exponential_step({x}, dt, *self.{x}_rates(v))"
        news.append(f'f"{{at}}_{x}": {x}')
    yield f"        return {{{', '.join(news)}}}"
    yield from ("", "    def init_state(self, states, v, params, delta_t):")
    yield "        at = self._name"
    starts = []
    for gate in moving:
        start = "0.5" if gate.start is None else repr(gate.start)
        if "slope" not in gate.values:
            yield f"        opening, closing = self.{gate.name}_rates(v)"
            yield f"        {gate.name} = opening / (opening + closing)"
            start = gate.name
        starts.append(f'f"{{at}}_{gate.name}": {start}')
    yield f"        return {{{', '.join(starts)}}}"
    yield from _current(channel)
    for gate in channel.gates:
        yield from _gate(cell, gate)


def _current(channel: ChannelProgram) -> Iterator[str]:
    yield from ("", "    def compute_current(self, states, v, params):", "        at = self._name")
    factors = []
    for gate in channel.gates:
        x = gate.name
        value = f'states[f"{{at}}_{x}"]' if gate.has_state else f"self.{x}_inf(v)"
        yield f"        {x} = {value}"
        factors.append(x + (f"**{gate.power}" if gate.power > 1 else ""))
    if channel.current is not None:
        yield from (f"        {line}" for line in _statements(channel.statements))
        yield f"        return 1e-3 * ({Printer(_CALLS).text(channel.current)})"
        return
    product = " * ".join(['params[f"{at}_g"]', *factors, '(v - params[f"{at}_e"])'])
    yield f"        return {product}"


def _gate(cell: CellProgram, gate: GateProgram) -> Iterator[str]:
    x, text = gate.name, Printer(_CALLS)
    factor = ""
    if cell.temperature is not None and gate.t_ref is not None and gate.q10 != 1.0:
        factor = f"{gate.q10!r} ** (({cell.temperature!r} - ({gate.t_ref!r})) / 10.0)"
    arguments = f"self, v, {x}" if "slope" in gate.values else "self, v"
    name = (
        f"{x}_slope" if "slope" in gate.values else f"{x}_rates" if gate.has_state else f"{x}_inf"
    )
    yield from ("", f"    def {name}({arguments}):")
    yield from (f"        {line}" for line in _statements(gate.statements))
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


def _array(layer: Layer) -> str:
    return layer.out[0].rpartition("_")[0]


def _arrays(statements: tuple[Statement, ...]) -> Iterator[str]:
    """Weights and biases as attributes of the class."""
    for layer in statements:
        if isinstance(layer, Layer):
            yield f"{_array(layer)}_weight = {layer.weight.tolist()!r}"
            yield f"{_array(layer)}_bias = {layer.bias.tolist()!r}"
        elif isinstance(layer, Lookup):
            yield f"{layer.name}_rows = {layer.rows.tolist()!r}"
    if any(isinstance(layer, (Layer, Lookup)) for layer in statements):
        yield ""


def _statements(statements: tuple[Statement, ...]) -> Iterator[str]:
    text = Printer(_CALLS)
    for each in statements:
        if isinstance(each, Assignment):
            yield f"{each.name} = {text.text(each.value)}"
            continue
        if isinstance(each, Choice):
            left, right, yes, no = map(text.text, expressions_of(each))
            yield f"{each.name} = jnp.where({left} < {right}, {yes}, {no})"
            continue
        if isinstance(each, Lookup):
            yield f"{each.name} = piecewise_cubic(self.{each.name}_rows, {text.text(each.of)})"
            continue
        stacked = ", ".join(each.inputs)
        inner = (
            f"jnp.tensordot(jnp.asarray(self.{_array(each)}_weight), "
            f"jnp.stack(jnp.broadcast_arrays({stacked})), 1)"
        )
        yield f"out = {inner}"
        yield f"out = (out.T + jnp.asarray(self.{_array(each)}_bias)).T"
        if each.activation:
            yield f"out = {_CALLS.get(each.activation, each.activation)}(out)"
        yield f"{', '.join(each.out)}, = out"
