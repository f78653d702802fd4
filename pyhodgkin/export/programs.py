"""The program of a neuron: its channels, gates, schemes and calcium as statements and values."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ..neuron.calcium import FARADAY, GAS, VALENCE, ZERO_CELSIUS
from ..neuron.kinetics import Kinetics
from .expressions import Expression, Statement, expressions_of
from .from_curves import CA
from .printing import unrolled

# RT/(zF) of calcium in mV for each kelvin, 0 °C in kelvin, and zF in C/mol.
PER_KELVIN, ZERO, CHARGE = 1e3 * GAS / (VALENCE * FARADAY), ZERO_CELSIUS, VALENCE * FARADAY


def _uses_calcium(statements: tuple[Statement, ...], *values: Expression) -> bool:
    inside = [x for each in unrolled(statements) for x in expressions_of(each)]
    return any(CA in x.walk() for x in (*inside, *values))


@dataclass(frozen=True)
class GateProgram:
    """A gate: statements of ``v``, and by these either rates, or steady state and time constant.

    `values` are expressions by role: "alpha" and "beta" (1/ms), "x_inf" and "tau" (ms), "x_inf"
    alone of an instantaneous gate, or "slope" (1/ms), the derivative by the voltage and the gate.
    With a pool they may contain ``ca``.
    """

    name: str
    power: int
    statements: tuple[Statement, ...]
    values: dict[str, Expression]
    q10: float
    t_ref: float | None
    start: float | None
    kinetics: Kinetics

    @property
    def has_state(self) -> bool:
        return tuple(self.values) != ("x_inf",)

    @property
    def uses_calcium(self) -> bool:
        return _uses_calcium(self.statements, *self.values.values())


@dataclass(frozen=True)
class RateProgram:
    """A rate of a Markov scheme: `value` in 1/ms, before the temperature factor."""

    name: str
    statements: tuple[Statement, ...]
    value: Expression


@dataclass(frozen=True)
class SchemeProgram:
    """A Markov scheme; the probability of its last state is one minus the others.

    Parameters
    ----------
    states : tuple of str
        All of them, ``channel_state``.
    open : tuple of str
        Those that conduct.
    moves : tuple of (start, end, rate, factor)
    rates : tuple of RateProgram
    q10, t_ref : float
        Temperature factor of all rates.
    start : tuple of float
        The probabilities at the voltage at rest.
    given : bool
        Whether the neuron states some of them; else they are the steady state.
    fastest : float
        The largest sum of rates between -100 and 60 mV, 1/ms.
    """

    states: tuple[str, ...]
    open: tuple[str, ...]
    moves: tuple[tuple[str, str, str, float], ...]
    rates: tuple[RateProgram, ...]
    q10: float
    t_ref: float | None
    start: tuple[float, ...]
    given: bool
    fastest: float

    @property
    def uses_calcium(self) -> bool:
        return any(_uses_calcium(rate.statements, rate.value) for rate in self.rates)

    def slope_of(self, state: str) -> str:
        """dp/dt of a state as text, by the names of states and rates."""
        terms = []
        for start, end, rate, factor in self.moves:
            flow = f"{rate}*{start}" if factor == 1.0 else f"{factor!r}*{rate}*{start}"
            if end == state:
                terms.append(f"+ {flow}")
            elif start == state:
                terms.append(f"- {flow}")
        text = " ".join(terms)
        return text[2:] if text.startswith("+") else text.replace("- ", "-", 1)

    @property
    def last(self) -> str:
        """The probability of the last state as text."""
        return " - ".join(["1", *self.states[:-1]])


@dataclass(frozen=True)
class ChannelProgram:
    """A channel: its gates and the law of its current.

    Parameters
    ----------
    law : {"ohmic", "learned", "nernst", "ghk"}
        g (v - e); `current` by `statements` (µA/cm²); the same with Nernst's potential of
        ``ca``; the equation of Goldman, Hodgkin and Katz, where `g` is the permeability, cm/s.
    held : str
        With Nernst's potential: the concentration, not below 1e-12 mM, by `statements`.
    """

    name: str
    g: float
    e: float
    gates: tuple[GateProgram, ...]
    statements: tuple[Statement, ...] = ()
    current: Expression | None = None
    law: str = "ohmic"
    ca_out: float = 0.0
    held: str = ""
    scheme: SchemeProgram | None = None

    @property
    def size(self) -> str:
        """What the conductance is called."""
        return "p" if self.law == "ghk" else "g"

    @property
    def uses_calcium(self) -> bool:
        """Whether its current or its kinetics depend on the concentration."""
        inside = [*self.gates, *([self.scheme] if self.scheme else [])]
        return self.law in ("nernst", "ghk") or any(x.uses_calcium for x in inside)

    def programs(self) -> Iterator[tuple[str, tuple[Statement, ...], tuple[Expression, ...]]]:
        """Name, statements and values of each gate and rate."""
        for gate in self.gates:
            yield gate.name, gate.statements, tuple(gate.values.values())
        for rate in self.scheme.rates if self.scheme else ():
            yield rate.name, rate.statements, (rate.value,)


@dataclass(frozen=True)
class PoolProgram:
    """dca/dt = -k Σ i - (ca - ca_inf)/tau, i in µA/cm²; `start` in mM."""

    ca_inf: float
    tau: float
    k: float
    sources: tuple[str, ...]
    start: float


@dataclass(frozen=True)
class CellProgram:
    """A neuron per area (µF/cm², mS/cm², µA/cm²) with its membrane area, µm²."""

    name: str
    c_m: float
    v_rest: float
    area: float
    temperature: float | None
    channels: tuple[ChannelProgram, ...]
    source: str
    pool: PoolProgram | None = None

    @property
    def gates(self) -> tuple[GateProgram, ...]:
        return tuple(gate for channel in self.channels for gate in channel.gates)

    @property
    def schemes(self) -> tuple[SchemeProgram, ...]:
        return tuple(channel.scheme for channel in self.channels if channel.scheme is not None)

    def programs(self) -> Iterator[tuple[str, tuple[Statement, ...], tuple[Expression, ...]]]:
        """Name, statements and values of each gate and rate."""
        for channel in self.channels:
            yield from channel.programs()
