"""Brian2: equations, parameters and a script that runs."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from . import brian2_coupled
from .brian2_networks import networks
from .expressions import (
    Call,
    Choice,
    Expression,
    Layer,
    Lookup,
    Negative,
    Operation,
    Statement,
    expressions_of,
)
from .printing import Printer
from .programs import CellProgram, ChannelProgram, GateProgram

_STABLE = 2.0  # times a step and the fastest rate; 2.78 is where the method becomes unstable
# Brian2 has units of its own under these names, and v and t.
TAKEN = {"v", "t", "dt", "i", "u", "N", "e", "xi", "rand", "randn", "inf", "pi", "int"}


class _Text(Printer):
    """The voltage is the dimensionless number of millivolts."""

    def symbol(self, name: str) -> str:
        return "v_mV" if name == "v" else name

    def text(self, x: Expression) -> str:
        return super().text(_by_exprel(x))


def _by_exprel(x: Expression) -> Expression:
    """``linoid(x)``, which Brian2 does not have, as ``1/exprel(-x)``, which it does."""
    if isinstance(x, Call) and x.name == "linoid":
        return 1.0 / Call("exprel", -_by_exprel(x.of))
    if isinstance(x, Operation):
        left, right = _by_exprel(x.left), _by_exprel(x.right)
        if x.op == "*" and isinstance(x.right, Call) and x.right.name == "linoid":
            return left / right.right  # type: ignore[attr-defined]
        return Operation(x.op, left, right)
    if isinstance(x, Negative):
        return Negative(_by_exprel(x.of))
    return Call(x.name, _by_exprel(x.of)) if isinstance(x, Call) else x


def script(cell: CellProgram) -> str:
    """A Python file with ``equations``, ``parameters``, ``initial`` and ``group(count)``.

    Examples
    --------
    >>> import pyhodgkin as ph
    >>> from pyhodgkin.export.mechanism import program_of
    >>> text = script(program_of(ph.library.get("squid_axon"), "Brian2"))
    >>> "dn/dt = n_alpha*(1 - n) - n_beta*n : 1" in text
    True
    """
    return "\n".join([*_head(cell), *networks(cell), *_numbers(cell), *_tail(cell), ""])


def equations(cell: CellProgram) -> list[str]:
    """The lines of the equations."""
    outward = " - ".join(f"i_{channel.name}" for channel in cell.channels)
    lines = [f"dv/dt = (i_stim - {outward})/c_m : volt", "v_mV = v/mV : 1"]
    for channel in cell.channels:
        if channel.law == "nernst":
            lines += [*_outputs(channel.name, channel.statements), *brian2_coupled.nernst(channel)]
        lines.append(f"i_{channel.name} = {_current(channel)} : amp/meter**2")
        for gate in channel.gates:
            lines += _gate(cell, gate)
        if channel.scheme is not None:
            for rate in channel.scheme.rates:
                lines += _outputs(rate.name, rate.statements)
            lines += brian2_coupled.scheme(cell, channel.scheme, _Text())
    if cell.pool is not None:
        lines += brian2_coupled.pool(cell.pool)
    return [*lines, "i_stim : amp/meter**2"]


def _current(channel: ChannelProgram) -> str:
    if channel.current is not None:
        names = ", ".join(["v_mV", *(gate.name for gate in channel.gates)])
        scale = Printer().text(channel.current).partition("*")[0]
        scale = scale if "*" in Printer().text(channel.current) else "1.0"
        return f"{scale}*{channel.name}_net({names})*uA/cm**2"
    raised = [gate.name + (f"**{gate.power}" if gate.power > 1 else "") for gate in channel.gates]
    if channel.scheme is not None:
        raised = [f"({' + '.join(channel.scheme.open)})"]
    factors = "*".join([f"{channel.size}_{channel.name}", *raised])
    if channel.law == "ghk":
        return f"{factors}*{brian2_coupled.constant_field(channel)}"
    return f"{factors}*(v - e_{channel.name})"


def _gate(cell: CellProgram, gate: GateProgram) -> list[str]:
    x, text = gate.name, _Text()
    factor = ""
    if cell.temperature is not None and gate.t_ref is not None and gate.q10 != 1.0:
        factor = f"*{gate.q10!r}**((temperature - ({gate.t_ref!r}))/10)"
    lines = _outputs(x, gate.statements)
    if not gate.has_state:
        return [*lines, f"{x} = {text.text(gate.values['x_inf'])} : 1"]
    if "slope" in gate.values:
        return [*lines, f"d{x}/dt = ({text.text(gate.values['slope'])}){factor}/ms : 1"]
    for role, value in gate.values.items():
        unit = {"x_inf": "1", "tau": "second"}.get(role, "hertz")
        times = {"x_inf": "", "tau": "*ms" + (f"/({factor[1:]})" if factor else "")}
        end = times.get(role, f"{factor}/ms")
        right = text.text(value)
        lines.append(f"{x}_{role} = {f'({right}){end}' if end else right} : {unit}")
    law = f"({x}_inf - {x})/{x}_tau"
    if "alpha" in gate.values:
        law = f"{x}_alpha*(1 - {x}) - {x}_beta*{x}"
    elif "x_inf" in gate.values:
        law = f"({x}_x_inf - {x})/{x}_tau"
    return [*lines, f"d{x}/dt = {law} : 1"]


def _outputs(owner: str, statements: tuple[Statement, ...]) -> list[str]:
    """Choices, tables and the outputs of a network, as variables of the equations."""
    text, lines = _Text(), []
    for each in statements:
        if isinstance(each, Choice):
            left, right, yes, no = map(text.text, expressions_of(each))
            first, second = f"int({left} < {right})", f"int({left} >= {right})"
            lines.append(f"{each.name} = {first}*({yes}) + {second}*({no}) : 1")
        elif isinstance(each, Lookup):
            lines.append(f"{each.name} = {each.name}_table({text.text(each.of)}) : 1")
    layers = [x for x in statements if isinstance(x, Layer)]
    if not layers:
        return lines
    inputs = _inputs(layers[0], owner)
    return lines + [
        f"{name} = {owner}_net{i}({', '.join(inputs)}) : 1" for i, name in enumerate(layers[-1].out)
    ]


def _inputs(first: Layer, gate: str) -> list[str]:
    """What a network is called with: the voltage in mV, a gate, or both."""
    return ["v_mV" if name.endswith("_z") else gate for name in first.inputs]


def _head(cell: CellProgram) -> Iterator[str]:
    yield f'"""{cell.name} for Brian2, written by pyhodgkin.'
    if cell.source:
        yield from ("", cell.source)
    yield from ("", "``group(count)`` is a NeuronGroup; as a script, a step of current is applied.")
    yield from ('"""', "", "import numpy as np")
    yield "from brian2 import *  # units; exprel(x) is (exp(x) - 1)/x"
    yield from ("", "")


def _numbers(cell: CellProgram) -> Iterator[str]:
    """The parameters and the states at rest."""
    yield from ('equations = """', *equations(cell), '"""', "")
    yield from ("parameters = {", f'    "c_m": {cell.c_m!r}*uF/cm**2,')
    for channel in cell.channels:
        if channel.law in ("ohmic", "nernst"):
            yield f'    "g_{channel.name}": {channel.g!r}*msiemens/cm**2,'
        if channel.law == "ohmic":
            yield f'    "e_{channel.name}": {channel.e!r}*mV,'
        if channel.law == "ghk":
            yield f'    "p_{channel.name}": {channel.g!r},  # cm/s'
        if channel.law in ("nernst", "ghk"):
            yield f'    "ca_out_{channel.name}": {channel.ca_out!r},  # mM'
    if cell.pool is not None:
        yield from (f"    {line}" for line in brian2_coupled.pool_numbers(cell.pool))
    if cell.temperature is not None:
        yield f'    "temperature": {cell.temperature!r},  # °C'
    yield from ("}", f"v_rest = {cell.v_rest!r}*mV", f"area = {float(cell.area)!r}*um**2")
    yield "initial = {"
    if cell.pool is not None:
        yield f'    "ca": {cell.pool.start!r},  # mM'
    for scheme in cell.schemes:
        for state, start in zip(scheme.states[:-1], scheme.start, strict=False):
            yield f'    "{state}": {start!r},'
    for gate in cell.gates:
        if gate.has_state:
            x = gate.name
            yield f'    "{x}": {_start(gate, x)},'
    yield "}"


def _tail(cell: CellProgram) -> Iterator[str]:
    yield from ("", "", 'def group(count=1, method="rk4"):')
    yield '    """`count` cells, at rest; ``i_stim`` is a current density."""'
    learned = any(isinstance(s, (Layer, Lookup)) for _, own, _ in cell.programs() for s in own)
    learned |= any(channel.current is not None for channel in cell.channels)
    if learned:
        yield '    prefs.codegen.target = "numpy"  # the networks are functions of numpy'
    yield "    cells = NeuronGroup(count, equations, method=method, namespace=_namespace())"
    yield "    cells.v = v_rest"
    yield from ("    for name, start in initial.items():", "        setattr(cells, name, start)")
    yield from ("    return cells", "", "", "def _namespace():")
    yield "    functions = {k: x for k, x in globals().items() if isinstance(x, Function)}"
    yield from ("    return {**parameters, **functions}", "", "")
    yield f"def run_step(amplitude=10.0, start=10.0, stop=40.0, t_end=50.0, dt={_step(cell)}):"
    yield '    """t (ms) and v (mV) under a step of current, µA/cm²."""'
    yield "    start_scope()"
    yield "    defaultclock.dt = dt*ms"
    yield "    cells = group()"
    yield '    voltage = StateMonitor(cells, "v", record=True)'
    yield "    net = Network(cells, voltage)"
    yield "    net.run(start*ms)"
    yield "    cells.i_stim = amplitude*uA/cm**2"
    yield "    net.run((stop - start)*ms)"
    yield "    cells.i_stim = 0*uA/cm**2"
    yield "    net.run((t_end - stop)*ms)"
    yield "    return np.array(voltage.t/ms), np.array(voltage.v[0]/mV)"
    yield from ("", "", 'if __name__ == "__main__":', "    times, voltages = run_step()")
    yield "    up = np.flatnonzero((voltages[:-1] < 0.0) & (voltages[1:] >= 0.0))"
    yield '    print(f"{len(up)} spikes, the first times (ms):", times[up[:5]])'


def _step(cell: CellProgram) -> float:
    """A step (ms) at which the method of fourth order is stable, 0.01 at most."""
    conductances = [channel.g for channel in cell.channels if channel.law != "ghk"]
    fastest = max([sum(conductances) / cell.c_m, *(scheme.fastest for scheme in cell.schemes)])
    for gate in cell.gates:
        if gate.has_state and "slope" not in gate.values:
            kinetics = gate.kinetics
            if cell.pool is not None:
                kinetics = kinetics.at_calcium(cell.pool.start)
            shortest = float(np.min(kinetics.tau(np.linspace(-100.0, 60.0, 161))))
            warm = 1.0
            if cell.temperature is not None and gate.t_ref is not None:
                warm = gate.q10 ** ((cell.temperature - gate.t_ref) / 10.0)
            fastest = max(fastest, warm / shortest)
    steps = [0.01, 0.005, 0.002, 0.001, 0.0005, 0.0002, 0.0001]
    return next((dt for dt in steps if dt * fastest < _STABLE), steps[-1])


def _start(gate: GateProgram, x: str) -> str:
    if gate.start is not None:
        return repr(gate.start)
    if "slope" in gate.values:
        return "0.5"
    if "x_inf" in gate.values:
        return f'"{x}_x_inf"'
    return f'"{x}_alpha/({x}_alpha + {x}_beta)"'
