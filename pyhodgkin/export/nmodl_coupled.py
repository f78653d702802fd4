"""NEURON: the pool of calcium, driving forces of calcium and Markov schemes in NMODL."""

from __future__ import annotations

from collections.abc import Iterator

from ..neuron.calcium_curves import LEAST
from .programs import CHARGE, PER_KELVIN, ZERO, CellProgram, ChannelProgram, SchemeProgram

FILE = "calcium_pool"
_TOLERANCE = 1e-3  # of the concentration, times the absolute tolerance of a solver


def pool_suffix(cell: CellProgram) -> str:
    """The name of the pool's mechanism in NEURON."""
    return f"calcium_pool_{cell.name}"


def pool(cell: CellProgram) -> str:
    """The text of the .mod file of the pool: it takes ``ica`` and gives ``cai``.

    Examples
    --------
    >>> import pyhodgkin as ph
    >>> from pyhodgkin.export.mechanism import program_of
    >>> text = pool(program_of(ph.library.get("pospischil_lts_calcium"), "NMODL"))
    >>> "USEION ca READ ica WRITE cai" in text
    True
    """
    assert cell.pool is not None
    own = cell.pool
    return f"""TITLE pool of calcium of {cell.name}, written by pyhodgkin

NEURON {{
    SUFFIX {pool_suffix(cell)}
    USEION ca READ ica WRITE cai VALENCE 2
    RANGE ca_inf, tau, k
    THREADSAFE
}}

UNITS {{
    (mA) = (milliamp)
    (molar) = (1/liter)
    (mM) = (millimolar)
}}

PARAMETER {{
    ca_inf = {own.ca_inf!r} (mM)
    tau = {own.tau!r} (ms)
    k = {1e3 * own.k!r} (mM cm2/mA/ms)
}}

ASSIGNED {{
    ica (mA/cm2)
}}

STATE {{
    cai (mM) <{_TOLERANCE:g}>
}}

BREAKPOINT {{
    SOLVE states METHOD cnexp
}}

COMMENT
    At rest at {cell.v_rest!r} mV.
ENDCOMMENT
INITIAL {{
    cai = {own.start!r}
}}

DERIVATIVE states {{
    cai' = -k*ica - (cai - ca_inf)/tau
}}
"""


def driving_force(channel: ChannelProgram) -> Iterator[str]:
    """v - e with Nernst's potential (mV); or the current of a unit permeability, mA/cm²."""
    thermal = f"{PER_KELVIN!r}*(celsius + {ZERO!r})"
    yield from ("", "UNITSOFF", "FUNCTION driving_force(v (mV)) {", "    LOCAL thermal, x")
    yield f"    thermal = {thermal}"
    if channel.law == "ghk":
        yield "    x = v/thermal"
        yield f"    driving_force = {1e-3 * CHARGE!r}*(cai*linoid(x) - ca_out*linoid(-x))"
    else:
        yield from ("    x = cai", f"    if (x < {LEAST!r}) {{", f"        x = {LEAST!r}", "    }")
        yield "    driving_force = v - thermal*log(ca_out/x)"
    yield from ("}", "UNITSON")


def start(scheme: SchemeProgram) -> list[str]:
    """The statements of INITIAL: the steady state, or what the neuron states."""
    if not scheme.given:
        return ["SOLVE scheme STEADYSTATE sparse"]
    pairs = zip(scheme.states, scheme.start, strict=True)
    return [f"{state} = {value!r}" for state, value in pairs]


def kinetic(scheme: SchemeProgram) -> Iterator[str]:
    """The KINETIC block of a Markov scheme."""
    yield from ("", "KINETIC scheme {", "    rates(v)")
    rates = {(a, b): (rate if c == 1.0 else f"{c!r}*{rate}") for a, b, rate, c in scheme.moves}
    for a, b in list(rates):
        if (a, b) in rates:
            there, back = rates.pop((a, b)), rates.pop((b, a), "0")
            yield f"    ~ {a} <-> {b} ({there}, {back})"
    yield f"    CONSERVE {' + '.join(scheme.states)} = 1"
    yield "}"
