"""From a neuron with a calcium pool or Markov schemes to the program of its equations."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import InputError
from .calcium import FARADAY, PREFIX, STATE, VALENCE, thermal_voltage
from .calcium_channels import CalciumChannel, GHKChannel
from .channels import NeuralCurrent
from .currents import Current
from .curves import Curve
from .gates import Gate
from .kinetics import Kinetics, NeuralKinetics
from .markov import MarkovChannel, Rate
from .program import Builder, Op, Program
from .program_curves import CurveOperations, Scope
from .program_networks import Networks
from .tables import Tables

if TYPE_CHECKING:
    from .neuron import Neuron

KNOWN_FORMS = ("steady_state", "rates", "residual", "free")


def program_tables(neuron: Neuron, places: dict[str, int], size: int) -> Tables:
    """The tables of `neuron`: its program, the tabulated curves in it, and nothing else.

    Parameters
    ----------
    places : dict
        Where each parameter begins in theta.
    size : int
        The length of theta.
    """
    lowered = _Lowering(neuron, places)
    initial = dict(neuron.initial)
    whole, wide = np.zeros(0, dtype=np.int64), np.zeros((0, 2), dtype=np.int64)
    none = np.zeros(1, dtype=np.int64)
    arrays: dict[str, Any] = lowered.program().arrays()
    return Tables(
        name=neuron.name,
        states=neuron.states,
        v_rest=float(neuron.v_rest),
        initial=np.array([initial.get(name, np.nan) for name in neuron.states]),
        c_m=places["c_m"],
        size=size,
        leaf_form=whole,
        leaf_place=whole,
        node_kind=whole,
        node_exponent=np.zeros(0),
        node_bounds=none,
        children=whole,
        **lowered.curves.table_arrays(),
        gate_kind=whole,
        gate_state=whole,
        gate_curves=wide,
        gate_prior=whole,
        gate_network=whole,
        gate_numbers=np.zeros((0, 6)),
        channel_places=wide,
        channel_bounds=none,
        factors=wide,
        current_network=whole,
        current_bounds=none,
        current_gates=whole,
        current_numbers=np.zeros((0, 3)),
        **lowered.networks.arrays(),
        box_numbers=np.zeros((3, 0)),
        **arrays,
    )


@dataclass
class _Equation:
    """One state: its slope, where the search for its steady state begins, whether it has none."""

    slope: int
    start: int
    held: bool = False


class _Lowering:
    """Builds the program channel by channel."""

    def __init__(self, neuron: Neuron, places: dict[str, int]) -> None:
        self._neuron, self._places, self._build = neuron, places, Builder()
        build, pool = self._build, neuron.calcium
        self.curves, self.networks = CurveOperations(build, places), Networks(build, places)
        self._v = build.state(0)
        ca = rest = None
        if pool is not None:
            ca, rest = build.state(neuron.states.index(STATE)), self._parameter(f"{PREFIX}.ca_inf")
        # Curves at the state, and where the calcium is at rest.
        self._here, self._resting = Scope(self._v, ca), Scope(self._v, rest)
        self._equations: dict[str, _Equation] = {}
        self._currents = {channel.name: self._current(channel) for channel in neuron.channels}
        self._total = build.sum(list(self._currents.values()))
        self._membrane()
        if pool is not None and ca is not None and rest is not None:
            self._pool(ca, rest, pool.sources)

    def program(self) -> Program:
        """The program of what was built."""
        rows = [self._equations[name] for name in self._neuron.states]
        return self._build.program(
            [row.slope for row in rows],
            [row.start for row in rows],
            [*self._currents.values(), self._total],
            [row.held for row in rows],
        )

    def _parameter(self, name: str) -> int:
        return self._build.parameter(self._places[name])

    def _membrane(self) -> None:
        build = self._build
        balance = build.subtract(build.stimulus(), self._total)
        slope = build.divide(balance, self._parameter("c_m"))
        self._equations["v"] = _Equation(slope, self._v, held=True)

    def _pool(self, ca: int, rest: int, sources: tuple[str, ...]) -> None:
        build = self._build
        inward = build.sum([self._currents[name] for name in sources])
        above = build.divide(build.subtract(ca, rest), self._parameter(f"{PREFIX}.tau"))
        brought = build.multiply(self._parameter(f"{PREFIX}.k"), inward)
        slope = build.subtract(build.number(0.0), build.add(brought, above))
        self._equations[STATE] = _Equation(slope, rest)

    # -- currents -----------------------------------------------------------------------------

    def _current(self, channel: Current) -> int:
        build, name = self._build, channel.name
        gates = [self._gate(name, gate) for gate in channel.gates]
        if isinstance(channel, NeuralCurrent):
            z = self._scaled(channel.v_shift, channel.v_scale)
            (out,) = self.networks.add(f"{name}.network", channel.network, [z, *gates])
            return build.times(channel.scale, out)
        if isinstance(channel, MarkovChannel):
            open_, drive = self._scheme(channel), self._off_reversal(name)
        else:
            open_ = None
            for x, gate in zip(gates, channel.gates, strict=True):
                part = build.whole_power(x, gate.power)
                open_ = part if open_ is None else build.multiply(open_, part)
            if isinstance(channel, CalciumChannel):
                drive = self._calcium_drive(channel)
            else:
                drive = self._off_reversal(name)
        size = self._parameter(f"{name}.{'p' if isinstance(channel, GHKChannel) else 'g'}")
        conductance = size if open_ is None else build.multiply(size, open_)
        return build.multiply(conductance, drive)

    def _off_reversal(self, name: str) -> int:
        return self._build.subtract(self._v, self._parameter(f"{name}.e"))

    def _calcium_drive(self, channel: CalciumChannel) -> int:
        """v - e by Nernst, or the current of a unit permeability by Goldman, Hodgkin and Katz."""
        build, temperature = self._build, self._neuron.temperature
        assert temperature is not None and self._here.ca is not None
        scale, outside = thermal_voltage(temperature), self._parameter(f"{channel.name}.ca_out")
        if isinstance(channel, GHKChannel):
            x = build.times(1.0 / scale, self._v)
            minus = build.times(-1.0, x)
            leaving = build.multiply(self._here.ca, build.apply(Op.LINOID, x))
            coming = build.multiply(outside, build.apply(Op.LINOID, minus))
            return build.times(VALENCE * FARADAY, build.subtract(leaving, coming))
        inside = build.apply(Op.LOG, self.curves.not_negative(self._here.ca))
        ratio = build.subtract(build.apply(Op.LOG, outside), inside)
        return build.subtract(self._v, build.times(scale, ratio))

    def _scheme(self, channel: MarkovChannel) -> int:
        """The probability of the open states; the states get their equations."""
        build, neuron = self._build, self._neuron
        p = {
            state: build.state(neuron.states.index(name))
            for state, name in zip(channel.states, channel.state_names, strict=False)
        }
        p[channel.states[-1]] = build.subtract(build.number(1.0), build.sum(list(p.values())))
        factor = channel.rate_factor(neuron.temperature)
        rates = {rate.name: self._rate(channel.name, rate) for rate in channel.rates}
        slopes = dict.fromkeys(channel.states[:-1], build.number(0.0))
        for move in channel.transitions:
            rate = build.times(factor * move.factor, rates[move.rate])
            flow = build.multiply(rate, p[move.start])
            if move.start in slopes:
                slopes[move.start] = build.subtract(slopes[move.start], flow)
            if move.end in slopes:
                slopes[move.end] = build.add(slopes[move.end], flow)
        even = build.number(1.0 / len(channel.states))
        for name, slope in zip(channel.state_names, slopes.values(), strict=True):
            self._equations[name] = _Equation(slope, even)
        return build.sum([p[state] for state in channel.open])

    def _rate(self, channel: str, rate: Rate) -> int:
        build, path, known = self._build, f"{channel}.{rate.name}", None
        if rate.curve is not None:
            known = self.curves.add(path, rate.curve, self._here)
        if rate.learned is None:
            assert known is not None
            return known
        z = self._scaled(rate.v_shift, rate.v_scale)
        (out,) = self.networks.add(f"{path}.network", rate.learned, [z])
        factor = self._bounded(out, rate.bound)
        return factor if known is None else build.multiply(known, factor)

    # -- gates --------------------------------------------------------------------------------

    def _gate(self, channel: str, gate: Gate) -> int:
        """The value of a gate; one with a state gets its equation."""
        build, kinetics, path = self._build, gate.kinetics, f"{channel}.{gate.name}"
        factor = gate.rate_factor(self._neuron.temperature)
        if kinetics.kind == "instantaneous":
            return self.curves.add(f"{path}.x_inf", kinetics.curves()["x_inf"], self._here)
        x = build.state(self._neuron.states.index(gate.name))
        if isinstance(kinetics, NeuralKinetics) and kinetics.form == "free":
            inputs = [self._scaled(kinetics.v_shift, kinetics.v_scale), x]
            inputs = inputs[2 - kinetics.network.layers[0] :]
            (out,) = self.networks.add(f"{path}.network", kinetics.network, inputs)
            half = build.number(0.5)
            self._equations[gate.name] = _Equation(build.times(factor, out), half, held=True)
            return x
        a, s = self._rates(path, gate, kinetics, self._here)
        slope = build.subtract(build.times(factor, a), build.multiply(build.times(factor, s), x))
        a0, s0 = self._rates(path, gate, kinetics, self._resting)
        self._equations[gate.name] = _Equation(slope, build.divide(a0, s0))
        return x

    def _rates(self, path: str, gate: Gate, kinetics: Kinetics, at: Scope) -> tuple[int, int]:
        """Opening rate and sum of both rates, before the temperature factor."""
        build = self._build
        if not isinstance(kinetics, NeuralKinetics):
            return self._published(path, kinetics, at)
        if kinetics.form not in KNOWN_FORMS:
            raise InputError(
                f'gate "{gate.name}": form = "{kinetics.form}" was registered as a Python '
                f"function; with a calcium pool or a Markov scheme {list(KNOWN_FORMS)} are known"
            )
        z = self._scaled(kinetics.v_shift, kinetics.v_scale)
        first, second = self.networks.add(f"{path}.network", kinetics.network, [z])
        if kinetics.form == "steady_state":
            low, high = kinetics.tau_min, kinetics.tau_max
            if high is None:
                tau = build.add(build.number(low), build.apply(Op.EXP, second))
            else:
                span = build.times(float(np.log(high / low)), build.apply(Op.LOGISTIC, second))
                tau = build.times(low, build.apply(Op.EXP, span))
            s = build.divide(build.number(1.0), tau)
            return build.multiply(build.apply(Op.LOGISTIC, first), s), s
        alpha, beta = (self._bounded(out, kinetics.bound) for out in (first, second))
        if kinetics.prior is not None:
            a, s = self._published(f"{path}.prior", kinetics.prior, at)
            alpha = build.multiply(alpha, a)
            beta = build.multiply(beta, build.subtract(s, a))
        return alpha, build.add(alpha, beta)

    def _published(self, path: str, kinetics: Kinetics, at: Scope) -> tuple[int, int]:
        build = self._build
        curves: Iterator[tuple[str, Curve]] = iter(kinetics.curves().items())
        first, second = (self.curves.add(f"{path}.{role}", curve, at) for role, curve in curves)
        if kinetics.kind == "rates":
            return first, build.add(first, second)
        return build.divide(first, second), build.divide(build.number(1.0), second)

    def _scaled(self, shift: float, scale: float) -> int:
        build = self._build
        return build.times(1.0 / scale, build.subtract(self._v, build.number(shift)))

    def _bounded(self, out: int, bound: float) -> int:
        """exp(B·tanh(N/B))."""
        build = self._build
        held = build.apply(Op.TANH, build.times(1.0 / bound, out))
        return build.apply(Op.EXP, build.times(bound, held))
