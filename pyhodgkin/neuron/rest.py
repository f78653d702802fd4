"""Resting potentials: where the steady-state current is zero, and whether they are stable."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ..errors import InputError
from ..numerics.arrays import FloatArray
from .channels import Channel, NeuralCurrent
from .coupled import coupling_of

if TYPE_CHECKING:
    from .neuron import Neuron


LOWEST, HIGHEST = -200.0, 150.0  # mV
_SPACING = 0.05  # mV
_BISECTIONS = 60


@dataclass(frozen=True)
class RestingPoint:
    """A potential `v` (mV) at which nothing changes, and whether a small push dies out."""

    v: float
    stable: bool


def resting_points(neuron: Neuron, current: float = 0.0) -> list[RestingPoint]:
    """All potentials at which the neuron stands still under a constant current.

    Parameters
    ----------
    neuron : Neuron
        Of channels; not of a `NeuralRightHandSide`, nor with gates of the form "free".
    current : float
        Stimulus, in the unit of the neuron's currents; positive depolarises.

    Returns
    -------
    list of RestingPoint
        From -200 to 150 mV, increasing. Two that are nearer than 0.05 mV may be missed.

    Examples
    --------
    >>> from pyhodgkin.neuron import library
    >>> [(round(p.v, 2), p.stable) for p in resting_points(library.get("squid_axon"))]
    [(-64.97, True)]
    """
    _check(neuron)
    v = np.linspace(LOWEST, HIGHEST, int((HIGHEST - LOWEST) / _SPACING) + 1)
    excess = steady_current(neuron, v) - current
    at = np.flatnonzero((excess[:-1] < 0) != (excess[1:] < 0))
    low, high, rises = v[at], v[at + 1], excess[at] < 0
    for _ in range(_BISECTIONS):
        middle = 0.5 * (low + high)
        before = (steady_current(neuron, middle) - current < 0) == rises
        low, high = np.where(before, middle, low), np.where(before, high, middle)
    return [RestingPoint(float(x), is_stable(neuron, float(x))) for x in 0.5 * (low + high)]


def rest(neuron: Neuron, current: float = 0.0) -> float:
    """The lowest stable resting potential (mV); see `Neuron.rest`."""
    points = resting_points(neuron, current)
    stable = [point.v for point in points if point.stable]
    if stable:
        return stable[0]
    who = f'neuron "{neuron.name}" has no stable resting potential'
    if current:
        who += f" at a current of {current:g}"
    if not points:
        raise InputError(f"{who}: its current has one sign from {LOWEST:g} to {HIGHEST:g} mV")
    where = ", ".join(f"{point.v:.2f}" for point in points)
    raise InputError(
        f"{who}: it stands still at {where} mV, but any push grows; it fires by itself"
    )


def steady_current(neuron: Neuron, v: FloatArray) -> FloatArray:
    """Sum of the ionic currents at `v` (...), mV, with every gate at its steady state."""
    gates = {gate.name: gate.kinetics.x_inf(v) for gate in neuron.gates}
    return total_current(neuron, v, gates)


def total_current(neuron: Neuron, v: FloatArray, gates: dict[str, FloatArray]) -> FloatArray:
    """Sum of the ionic currents, outward positive, at values of `v` and of all gates by name."""
    total = np.zeros(np.shape(v))
    for channel in neuron.channels:
        if isinstance(channel, Channel):
            part = channel.g * (v - channel.e)
            for gate in channel.gates:
                part = part * gates[gate.name] ** gate.power
        else:
            assert isinstance(channel, NeuralCurrent)  # of others `_check` knows
            scaled = (v - channel.v_shift) / channel.v_scale
            inputs = np.stack([scaled, *(gates[g.name] + 0.0 * scaled for g in channel.gates)], -1)
            part = channel.scale * channel.network(inputs)[..., 0]
        total = total + part
    return total


def is_stable(neuron: Neuron, v: float) -> bool:
    """Whether all eigenvalues of the Jacobian at the steady state `v` (mV) decay."""
    dv, dx = 1e-4, 1e-6
    around = v + dv * np.array([-1.0, 0.0, 1.0])
    steady = {gate.name: np.asarray(gate.kinetics.x_inf(around)) for gate in neuron.gates}
    moving = [gate for gate in neuron.gates if gate.has_state]
    held = {gate.name for gate in moving}
    fixed = {name: x[1] + 0.0 * x if name in held else x for name, x in steady.items()}
    total = total_current(neuron, around, fixed)
    jacobian = np.zeros((1 + len(moving), 1 + len(moving)))
    jacobian[0, 0] = -(total[2] - total[0]) / (2 * dv) / neuron.c_m
    for i, gate in enumerate(moving, 1):
        x = steady[gate.name]
        tau = float(np.asarray(gate.kinetics.tau(np.array([v])))[0])
        rate = gate.rate_factor(neuron.temperature) / tau
        jacobian[i, i] = -rate
        jacobian[i, 0] = rate * (x[2] - x[0]) / (2 * dv)
        at = {name: values[1] for name, values in steady.items()}
        sides = [
            total_current(neuron, np.array(v), {**at, gate.name: at[gate.name] + s * dx})
            for s in (-1.0, 1.0)
        ]
        jacobian[0, i] = -(float(sides[1]) - float(sides[0])) / (2 * dx) / neuron.c_m
    return bool(np.linalg.eigvals(jacobian).real.max() < 0)


def _check(neuron: Neuron) -> None:
    if neuron.is_linear_in_gates:
        return
    free = [gate.name for gate in neuron.gates if not gate.kinetics.is_linear]
    what = "a NeuralRightHandSide" if not free else f'gate {free[0]} of the form "free"'
    what = coupling_of(neuron) or what
    raise InputError(
        f'neuron "{neuron.name}" has {what}, so its steady state is no function of the voltage; '
        "simulate it without a stimulus to see where it rests"
    )
