"""Channels whose states and transitions are those of a Markov scheme."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..errors import InputError, unknown
from ..numerics.arrays import FloatArray
from .curves import Curve, as_curve, finite
from .gates import Gate, check_name
from .networks import Network


@dataclass(frozen=True)
class Rate:
    """A named rate of a Markov scheme, 1/ms: a curve, a network of the voltage, or both.

    With a network N it is curve·exp(B·tanh(N((v - v_shift)/v_scale)/B)), B = `bound`; a network
    that is zero starts at the curve. Without a curve the factor alone.

    Parameters
    ----------
    name : str
    curve : Curve, optional
        Of v, and of ``ca`` where the neuron has a pool.
    learned : Network, optional
        1 input, 1 output.
    v_shift, v_scale : float
        mV.
    bound : float

    Examples
    --------
    >>> from pyhodgkin.neuron.rates import Exponential
    >>> Rate("k1", Exponential(2.26e-4, 0, 14.3)).name
    'k1'
    """

    name: str
    curve: Curve | None = None
    learned: Network | None = None
    v_shift: float = -40.0
    v_scale: float = 50.0
    bound: float = 10.0

    def __post_init__(self) -> None:
        check_name("rate", self.name)
        if self.curve is None and self.learned is None:
            raise InputError(f'rate "{self.name}": give a curve, a network (learned), or both')
        if self.curve is not None:
            object.__setattr__(self, "curve", as_curve(self.curve))
        net = self.learned
        if net is not None and (net.layers[0], net.layers[-1]) != (1, 1):
            raise InputError(
                f'rate "{self.name}": its network has {net.layers[0]} inputs and '
                f"{net.layers[-1]} outputs; it needs 1 and 1"
            )
        if self.v_scale <= 0 or self.bound <= 0:
            raise InputError(f'rate "{self.name}": v_scale (mV) and bound must be positive')


@dataclass(frozen=True)
class Transition:
    """From one state to another at `factor` times a named rate."""

    start: str
    end: str
    rate: str
    factor: float = 1.0


@dataclass(frozen=True)
class MarkovChannel:
    """An ionic current g·p·(v - e), p the probability of the open states of a Markov scheme.

    dp_i/dt = Σ_j (r_ji p_j - r_ij p_i). The probabilities sum to one, and the last state is one
    minus the others: it is not among the states of the neuron, so the sum is exact.

    Parameters
    ----------
    name : str
    states : tuple of str
        Two or more. Each but the last is a state of the neuron, ``name_state``.
    transitions : mapping or sequence of Transition
        Of (start, end) to the rate: a curve (1/ms), a `Network`, the name of one of `rates`, or
        (factor, name). Transitions of one name share its parameters.
    open : str or tuple of str
        The states that conduct.
    g, e : float
        Maximal conductance and reversal potential, as of a `Channel`.
    rates : mapping or sequence of Rate
        Rates by name: curves (1/ms), networks or `Rate`.
    q10, t_ref : float
        Temperature factor of all rates, as of a `Gate`.

    Examples
    --------
    >>> from pyhodgkin.neuron.rates import Exponential
    >>> up, down = Exponential(0.1, 0, 25), Exponential(0.05, 0, -30)
    >>> k = MarkovChannel("k", ("C2", "C1", "O"), {("C2", "C1"): (2, "up"), ("C1", "C2"): "down",
    ...     ("C1", "O"): "up", ("O", "C1"): (2, "down")}, "O", 36.0, -77.0,
    ...     rates={"up": up, "down": down})
    >>> k.state_names
    ('k_C2', 'k_C1')
    """

    name: str
    states: tuple[str, ...]
    transitions: tuple[Transition, ...]
    open: tuple[str, ...]
    g: float
    e: float
    rates: tuple[Rate, ...] = ()
    q10: float = 1.0
    t_ref: float | None = None

    def __init__(
        self,
        name: str,
        states: Iterable[str],
        transitions: Mapping[tuple[str, str], Any] | Iterable[Transition],
        open: str | Iterable[str],
        g: float,
        e: float,
        rates: Mapping[str, Any] | Iterable[Rate] = (),
        q10: float = 1.0,
        t_ref: float | None = None,
    ) -> None:
        check_name("channel", name)
        known = _rates(rates)
        moves = _transitions(transitions, known)
        values = {
            "name": name,
            "states": tuple(states),
            "transitions": tuple(moves),
            "open": (open,) if isinstance(open, str) else tuple(open),
            "rates": tuple(known),
            "t_ref": t_ref,
        }
        for number, value in (("g", g), ("e", e), ("q10", q10)):
            values[number] = finite(f'channel "{name}": {number}', value)
        for field, value in values.items():
            object.__setattr__(self, field, value)
        self._check()

    def _check(self) -> None:
        who = f'channel "{self.name}"'
        for state in self.states:
            check_name("state", state)
        if len(self.states) < 2 or len(set(self.states)) < len(self.states):
            raise InputError(f"{who}: states = {self.states}; give two or more, each once")
        if not self.open or len(set(self.open)) < len(self.open):
            raise InputError(f"{who}: open = {self.open}; name the states that conduct, each once")
        names = [rate.name for rate in self.rates]
        if len(set(names)) < len(names) or set(names) & {"g", "e"}:
            raise InputError(f"{who}: rates {names}; each name once, and none g or e")
        ends = [(move.start, move.end) for move in self.transitions]
        for state in (*self.open, *(x for pair in ends for x in pair)):
            if state not in self.states:
                raise unknown(f"state of {who}", state, self.states)
        for pair in ends:
            if pair[0] == pair[1] or ends.count(pair) > 1:
                raise InputError(f"{who}: transition {pair} leads to itself or is given twice")
        for move in self.transitions:
            if move.rate not in names:
                raise unknown(f"rate of {who}", move.rate, names)
            if not 0.0 < finite(f"{who}: factor", move.factor) < np.inf:
                raise InputError(f"{who}: factor = {move.factor:g} must be positive")
        unused = set(names) - {move.rate for move in self.transitions}
        if unused:
            raise InputError(f"{who}: rate {sorted(unused)} is used by no transition")
        self._check_connected(ends)
        if self.g < 0 or self.q10 <= 0:
            raise InputError(
                f"{who}: g = {self.g:g}, q10 = {self.q10:g}; a conductance is zero or positive "
                "(mS/cm², or µS or nS of a whole cell), q10 is positive"
            )

    def _check_connected(self, ends: list[tuple[str, str]]) -> None:
        """From every state there must be a way to every other: else some are left for good."""
        for forwards in (True, False):
            seen = [self.states[0]]
            for state in seen:
                for a, b in ends if forwards else [(b, a) for a, b in ends]:
                    if a == state and b not in seen:
                        seen.append(b)
            cut = [state for state in self.states if state not in seen]
            if cut:
                first = self.states[0]
                way = f"from {first} to {cut[0]}" if forwards else f"from {cut[0]} to {first}"
                raise InputError(
                    f'channel "{self.name}": no transitions lead {way}: the scheme has no unique '
                    "steady state"
                )

    @property
    def gates(self) -> tuple[Gate, ...]:
        """None: its states are no gates."""
        return ()

    def with_gates(self, gates: tuple[Gate, ...]) -> MarkovChannel:
        """The same channel, which has no gates."""
        if gates:
            raise InputError(f'channel "{self.name}" is a Markov scheme and has no gates')
        return self

    @property
    def state_names(self) -> tuple[str, ...]:
        """Names of its states among those of the neuron; the last one is not there."""
        return tuple(f"{self.name}_{state}" for state in self.states[:-1])

    @property
    def label(self) -> str:
        """The open states as text."""
        return "+".join(self.open)

    def rate(self, name: str) -> Rate:
        """The rate called `name`."""
        for rate in self.rates:
            if rate.name == name:
                return rate
        raise unknown(f'rate of channel "{self.name}"', name, [r.name for r in self.rates])

    def with_rate(self, name: str, value: Curve | Network | Rate) -> MarkovChannel:
        """The same channel with another curve, or a network, for the rate `name`."""
        self.rate(name)
        new = _rate(name, value)
        return replace(self, rates=tuple(new if r.name == name else r for r in self.rates))

    def rate_factor(self, temperature: float | None) -> float:
        """q10^((temperature - t_ref)/10): factor of the rates at `temperature` (deg C)."""
        if temperature is None or self.t_ref is None:
            return 1.0
        return float(self.q10 ** ((temperature - self.t_ref) / 10.0))


def _rates(given: Mapping[str, Any] | Iterable[Rate]) -> list[Rate]:
    if isinstance(given, Mapping):
        return [_rate(str(name), value) for name, value in given.items()]
    return list(given)


def _rate(name: str, value: Any) -> Rate:
    if isinstance(value, Rate):
        return replace(value, name=name)
    if isinstance(value, Network):
        return Rate(name, learned=value)
    return Rate(name, as_curve(value))


def _transitions(given: Any, known: list[Rate]) -> list[Transition]:
    """Transitions; what is a curve or a network of its own is added to the rates."""
    if not isinstance(given, Mapping):
        return list(given)
    moves = []
    for (start, end), value in given.items():
        factor = 1.0
        if isinstance(value, tuple):
            factor, value = float(value[0]), value[1]
        if not isinstance(value, str):
            known.append(_rate(f"{start}_{end}", value))
            value = known[-1].name
        moves.append(Transition(start, end, value, factor))
    return moves


def open_of_scheme(neuron: Any, channel: MarkovChannel, y: FloatArray) -> FloatArray:
    """The probability of the open states for states `y` (..., S) of `neuron`: (...)."""
    p = {
        state: y[..., neuron.states.index(name)]
        for state, name in zip(channel.states, channel.state_names, strict=False)
    }
    p[channel.states[-1]] = 1.0 - np.sum(list(p.values()), axis=0)
    return np.sum([p[state] for state in channel.open], axis=0)
