"""Markov schemes, calcium currents and the pool as programs."""

from __future__ import annotations

import numpy as np

from ..neuron.calcium import STATE
from ..neuron.calcium_channels import CalciumChannel, GHKChannel
from ..neuron.calcium_curves import LEAST, at_calcium
from ..neuron.markov import MarkovChannel, Rate
from ..neuron.neuron import Neuron
from .expressions import Assignment, Choice, Expression, Number, Statement, Symbol, exp
from .expressions import tanh as tanh_of
from .from_curves import CA, V, expression_of
from .layers import network
from .programs import ChannelProgram, GateProgram, PoolProgram, RateProgram, SchemeProgram

VOLTAGES = np.linspace(-100.0, 60.0, 161)


def calcium_channel(channel: CalciumChannel, gates: tuple[GateProgram, ...]) -> ChannelProgram:
    """The program of a current with the driving force of calcium."""
    if isinstance(channel, GHKChannel):
        return ChannelProgram(channel.name, channel.p, 0.0, gates, law="ghk", ca_out=channel.ca_out)
    held = f"{channel.name}_inside"
    least = (Choice(held, CA, Number(LEAST), Number(LEAST), CA),)
    return ChannelProgram(
        channel.name, channel.g, 0.0, gates, least, law="nernst", ca_out=channel.ca_out, held=held
    )


def pool_of(neuron: Neuron) -> PoolProgram | None:
    """The program of the pool; it starts where the neuron is at rest."""
    pool = neuron.calcium
    if pool is None:
        return None
    start = float(neuron.initial_state()[neuron.states.index(STATE)])
    return PoolProgram(pool.ca_inf, pool.tau, pool.k, pool.sources, start)


def scheme_channel(neuron: Neuron, channel: MarkovChannel) -> ChannelProgram:
    """The program of a channel whose states form a Markov scheme."""
    full = {state: f"{channel.name}_{state}" for state in channel.states}
    names = {rate.name: f"{channel.name}_{rate.name}_rate" for rate in channel.rates}
    y = neuron.initial_state()
    p = [float(y[neuron.states.index(name)]) for name in channel.state_names]
    scheme = SchemeProgram(
        states=tuple(full.values()),
        open=tuple(full[state] for state in channel.open),
        moves=tuple(
            (full[move.start], full[move.end], names[move.rate], move.factor)
            for move in channel.transitions
        ),
        rates=tuple(_rate(names[rate.name], rate) for rate in channel.rates),
        q10=channel.q10,
        t_ref=channel.t_ref,
        start=(*p, 1.0 - sum(p)),
        given=any(name in channel.state_names for name, _ in neuron.initial),
        fastest=_fastest(neuron, channel),
    )
    return ChannelProgram(channel.name, channel.g, channel.e, (), scheme=scheme)


def _rate(name: str, rate: Rate) -> RateProgram:
    before: list[Statement] = []
    known: Expression | None = None
    if rate.curve is not None:
        known = expression_of(rate.curve, before, f"{name}_part")
    if rate.learned is None:
        assert known is not None
        return RateProgram(name, tuple(before), known)
    prefix = f"{name}_net"
    z = Assignment(f"{prefix}_z", (V - rate.v_shift) / rate.v_scale)
    layers, (out,) = network(rate.learned, prefix, (z.name,))
    factor = exp(rate.bound * tanh_of(Symbol(out) / rate.bound))
    value = factor if known is None else known * factor
    return RateProgram(name, (*before, z, *layers), value)


def _fastest(neuron: Neuron, channel: MarkovChannel) -> float:
    """The largest sum of the rates over voltages, at the concentration of the start."""
    rates = {rate.name: np.ones_like(VOLTAGES) for rate in channel.rates}
    ca = None if neuron.calcium is None else float(neuron.initial_state()[-1])
    for rate in channel.rates:
        if rate.curve is not None:
            curve = rate.curve if ca is None else at_calcium(rate.curve, ca)
            rates[rate.name] = rates[rate.name] * curve(VOLTAGES)
        if rate.learned is not None:
            z = (VOLTAGES - rate.v_shift) / rate.v_scale
            n = rate.learned(z[:, None])[:, 0]
            rates[rate.name] = rates[rate.name] * np.exp(rate.bound * np.tanh(n / rate.bound))
    total = sum(move.factor * rates[move.rate] for move in channel.transitions)
    return channel.rate_factor(neuron.temperature) * float(np.max(total))
