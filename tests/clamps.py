"""Recordings of both clamps of one virtual cell."""

from __future__ import annotations

from functools import cache

import pyhodgkin as ph

SQUID = ph.library.get("squid_axon")


@cache
def in_current_clamp(
    amplitude: float = 10.0, t_end: float = 16.0, noise: float = 0.0, dt: float = 0.05, **changed
) -> ph.Recording:
    """v under a step of current, of the squid axon with some parameters `changed`."""
    clamp = ph.CurrentClamp.step(amplitude, start=2.0, stop=t_end - 2.0, t_end=t_end)
    trace = ph.simulate(SQUID.with_parameters(**changed), clamp, saveat=dt, backend="torch")
    return ph.Recording.from_solution(trace, noise, seed=int(amplitude), name=f"{amplitude:g} uA")


@cache
def in_voltage_clamp(
    level: float = 0.0, t_end: float = 10.0, noise: float = 0.0, dt: float = 0.05, **changed
) -> ph.Recording:
    """The current under a step of the voltage, of the same cell."""
    clamp = ph.VoltageClamp.step(level, start=2.0, stop=t_end - 2.0, t_end=t_end, holding=-65.0)
    trace = ph.simulate(SQUID.with_parameters(**changed), clamp, saveat=dt, backend="torch")
    return ph.Recording.from_solution(trace, noise, seed=int(level) + 99, name=f"{level:g} mV")


def with_network(size: int = 8, seed: int = 0) -> ph.Neuron:
    """The squid axon with a network in the place of its n gate."""
    network = ph.Network.create((1, size, 2), seed=seed)
    return SQUID.replace_gate("n", ph.NeuralKinetics("steady_state", network))
