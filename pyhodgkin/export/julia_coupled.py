"""Plain Julia: driving forces of calcium and the slopes of Markov schemes."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from ..neuron.calcium_curves import LEAST
from .printing import Printer
from .programs import CHARGE, PER_KELVIN, ZERO, CellProgram, ChannelProgram, SchemeProgram

_THERMAL = f"({PER_KELVIN!r}*(p.temperature + {ZERO!r}))"


def drive(channel: ChannelProgram) -> str:
    """v - e with Nernst's potential, or the current of a unit permeability, µA/cm²."""
    outside = f"p.ca_out_{channel.name}"
    if channel.law == "nernst":
        return f"(v - {_THERMAL}*log({outside}/max(ca, {LEAST!r})))"
    x = f"v/{_THERMAL}"
    return f"{CHARGE!r}*(ca*linoid({x}) - {outside}*linoid(-{x}))"


def scheme(
    cell: CellProgram,
    own: SchemeProgram,
    at: str,
    statements: Callable[..., Iterator[str]],
) -> Iterator[str]:
    """The function of all but the last slope of a scheme."""
    text = Printer(power="^")
    yield f"function {own.states[0]}_slopes({at}, {', '.join(own.states)}, p)"
    factor = ""
    if cell.temperature is not None and own.t_ref is not None and own.q10 != 1.0:
        yield f"    factor = {own.q10!r}^((p.temperature - ({own.t_ref!r}))/10)"
        factor = "factor*"
    for rate in own.rates:
        yield from statements(rate.statements, text)
        value = text.text(rate.value)
        yield f"    {rate.name} = {f'{factor}({value})' if factor else value}"
    yield "    return ("
    yield from (f"        {own.slope_of(state)}," for state in own.states[:-1])
    yield from ("    )", "end", "")
