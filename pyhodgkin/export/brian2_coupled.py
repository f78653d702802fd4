"""Brian2: the pool of calcium, its currents and Markov schemes as equations."""

from __future__ import annotations

from .printing import Printer
from .programs import CHARGE, PER_KELVIN, ZERO, ChannelProgram, PoolProgram, SchemeProgram
from .programs import CellProgram as Cell

_THERMAL = f"({PER_KELVIN!r}*(temperature + {ZERO!r}))"


def pool(own: PoolProgram) -> list[str]:
    """The equation of the concentration, a number of mM."""
    inward = " + ".join(f"i_{name}" for name in own.sources) or "0*amp/meter**2"
    return [
        f"dca/dt = -calcium_k*({inward}) - (ca - calcium_inf)/calcium_tau : 1",
    ]


def pool_numbers(own: PoolProgram) -> list[str]:
    """Its parameters, entries of a dictionary."""
    return [
        f'"calcium_inf": {own.ca_inf!r},  # mM',
        f'"calcium_tau": {own.tau!r}*ms,',
        f'"calcium_k": {own.k!r}/(uA/cm**2)/ms,  # mM/ms for each µA/cm²',
    ]


def nernst(channel: ChannelProgram) -> list[str]:
    """The reversal potential."""
    name = channel.name
    ratio = f"log(ca_out_{name}/{channel.held})"
    return [f"e_{name} = {_THERMAL}*{ratio}*mV : volt"]


def constant_field(channel: ChannelProgram) -> str:
    """The current of a unit permeability by Goldman, Hodgkin and Katz.

    exprel(x) is (exp(x) - 1)/x, so that x/(1 - exp(-x)) is 1/exprel(-x).
    """
    x = f"v_mV/{_THERMAL}"
    flow = f"(ca/exprel(-{x}) - ca_out_{channel.name}/exprel({x}))"
    return f"{CHARGE!r}*{flow}*uA/cm**2"


def scheme(cell: Cell, own: SchemeProgram, text: Printer) -> list[str]:
    """Rates and states of a Markov scheme; the last state is one minus the others."""
    factor = ""
    if cell.temperature is not None and own.t_ref is not None and own.q10 != 1.0:
        factor = f"*{own.q10!r}**((temperature - ({own.t_ref!r}))/10)"
    lines = [f"{rate.name} = ({text.text(rate.value)}){factor}/ms : hertz" for rate in own.rates]
    lines += [f"d{state}/dt = {own.slope_of(state)} : 1" for state in own.states[:-1]]
    return [*lines, f"{own.states[-1]} = {own.last} : 1"]
