"""Markov schemes, calcium currents and the calcium pool read back as equations."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..units import written
from .calcium import thermal_voltage
from .calcium_channels import CalciumChannel, GHKChannel
from .markov import MarkovChannel, Rate

if TYPE_CHECKING:
    from .neuron import Neuron


def coupled_current(
    channel: MarkovChannel | CalciumChannel, factors: list[str], unit: str
) -> tuple[str, str]:
    """The law of one current, and its numbers; `unit` is that of conductances."""
    name = channel.name
    if isinstance(channel, MarkovChannel):
        open_ = " + ".join(f"{name}_{state}" for state in channel.open)
        law = f"i_{name} = g_{name} ({open_}) (v - e_{name})"
        return law, f"g_{name} = {channel.g:g} {unit}".rstrip() + f", e_{name} = {channel.e:g} mV"
    outside = f"ca_out = {channel.ca_out:g} mM"
    if isinstance(channel, GHKChannel):
        drive = "2F (ca L(x) - ca_out L(-x))"
        law = " ".join([f"i_{name} = p_{name}", *factors, drive])
        size = f"p_{name} = {channel.p:g} cm/s (µL/s for nA, nL/s for pA), {outside}"
        return law, f"{size}, x = 2F v/(RT), L(x) = x/(1 - exp(-x))"
    law = " ".join([f"i_{name} = g_{name}", *factors, f"(v - e_{name})"])
    size = f"g_{name} = {channel.g:g} {unit}".rstrip()
    return law, f"{size}, e_{name} = RT/(2F) ln(ca_out/ca), {outside}"


def coupled_blocks(neuron: Neuron) -> list[list[str]]:
    """The equations of the Markov schemes, and of the pool."""
    schemes = [c for c in neuron.channels if isinstance(c, MarkovChannel)]
    blocks = [_scheme(channel, neuron.temperature) for channel in schemes]
    pool = neuron.calcium
    if pool is not None:
        inward = " + ".join(f"i_{name}" for name in pool.sources) or "0"
        unit = written(neuron.current_unit) or "unit of current"
        lines = [
            f"dca/dt = -k ({inward}) - (ca - ca_inf)/tau_ca    ca in mM",
            f"    k = {pool.k:g} mM/ms per {unit}, ca_inf = {pool.ca_inf:g} mM, "
            f"tau_ca = {pool.tau:g} ms",
        ]
        if neuron.temperature is not None:
            lines.append(f"    RT/(2F) = {thermal_voltage(neuron.temperature):g} mV")
        blocks.append(lines)
    return blocks


def _scheme(channel: MarkovChannel, temperature: float | None) -> list[str]:
    name, last = channel.name, channel.states[-1]
    rest = " - ".join(f"{name}_{state}" for state in channel.states[:-1])
    lines = [f"{name}: states {' '.join(channel.states)}, {name}_{last} = 1 - {rest}"]
    factor = channel.rate_factor(temperature)
    if factor != 1.0:
        lines.append(f"    all rates times {factor:.4g} at {temperature:g} °C")
    for move in channel.transitions:
        times = "" if move.factor == 1.0 else f"{move.factor:g} "
        lines.append(f"    {move.start} -> {move.end} at {times}{move.rate}")
    return [*lines, *(f"    {rate.name} = {_rate(rate)}" for rate in channel.rates)]


def _rate(rate: Rate) -> str:
    known = "" if rate.curve is None else str(rate.curve)
    if rate.learned is None:
        return known
    layers = "-".join(map(str, rate.learned.layers))
    sign = "-" if rate.v_shift > 0 else "+"
    z = f"(v {sign} {abs(rate.v_shift):g})/{rate.v_scale:g}"
    factor = f"exp({rate.bound:g} tanh(N/{rate.bound:g}))"
    text = f"({known}) {factor}" if known else factor
    return f"{text}, N = network {layers} of {z}"
