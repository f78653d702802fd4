"""An independent right-hand side of any neuron, in plain numpy, as the tests' referee.

It uses the numbers of a neuron but none of the package's formulas: every equation is written
out again here, one state and one time at a time, so that an engine and this file can only
agree by both being right. Slow on purpose; give it to scipy's solvers.
"""

from __future__ import annotations

from collections.abc import Callable
from math import exp, expm1, log1p, prod, tanh

import numpy as np

Function = Callable[[float], float]


def rhs(neuron, i_stim: Function | float = 0.0):
    """f(t, y) -> dy/dt of `neuron` under a stimulus (µA/cm²; a number, or a function of t)."""
    stimulus = as_function(i_stim)
    if neuron.right_hand_side is not None:
        return lambda t, y: black_box(neuron.right_hand_side, y, stimulus(t))

    def f(t, y):
        v, x = y[0], values_of_gates(neuron, y[0], y[1:])
        dv = (stimulus(t) - total_current(neuron, v, x)) / neuron.c_m
        return np.array([dv, *gate_slopes(neuron, v, x)])

    return f


def clamped_rhs(neuron, v_command: Function | float):
    """f(t, x) -> dx/dt of the gates of `neuron` (in state order) under a commanded v (mV)."""
    command = as_function(v_command)

    def f(t, x):
        v = command(t)
        return np.array(gate_slopes(neuron, v, values_of_gates(neuron, v, x)))

    return f


def as_function(value: Function | float) -> Function:
    return value if callable(value) else lambda t: float(value)


def values_of_gates(neuron, v, x) -> dict[str, float]:
    """Value of every gate by name: from the state, or x_inf(v) for an instantaneous gate."""
    values, state = {}, iter(x)
    for channel in neuron.channels:
        for gate in channel.gates:
            instantaneous = gate.kinetics.kind == "instantaneous"
            values[gate.name] = curve(gate.kinetics.x_inf, v) if instantaneous else next(state)
    return values


def total_current(neuron, v, x) -> float:
    return sum(current(channel, v, x) for channel in neuron.channels)


def current(channel, v, x) -> float:
    """Current of one channel (µA/cm², outward positive); `x` maps gate names to values."""
    if hasattr(channel, "network"):
        inputs = [(v - channel.v_shift) / channel.v_scale, *(x[g.name] for g in channel.gates)]
        return channel.scale * network(channel.network, inputs)[0]
    return channel.g * prod(x[g.name] ** g.power for g in channel.gates) * (v - channel.e)


def gate_slopes(neuron, v, x) -> list[float]:
    """dx/dt (1/ms) of every gate that is a state."""
    slopes = []
    for channel in neuron.channels:
        for gate in channel.gates:
            if gate.kinetics.kind != "instantaneous":
                factor = 1.0
                if neuron.temperature is not None and gate.t_ref is not None:
                    factor = gate.q10 ** ((neuron.temperature - gate.t_ref) / 10.0)
                slopes.append(factor * gate_slope(gate.kinetics, v, x[gate.name]))
    return slopes


def gate_slope(kinetics, v, x) -> float:
    """dx/dt (1/ms) at the kinetics' own temperature."""
    if kinetics.kind == "neural" and kinetics.form == "free":
        z = (v - kinetics.v_shift) / kinetics.v_scale
        return network(kinetics.network, [x] if kinetics.network.layers[0] == 1 else [z, x])[0]
    x_inf, tau = steady_state_and_time_constant(kinetics, v)
    return (x_inf - x) / tau


def steady_state_and_time_constant(kinetics, v) -> tuple[float, float]:
    """x_inf and tau (ms) at v (mV), at the kinetics' own temperature."""
    if kinetics.kind == "rates":
        alpha, beta = curve(kinetics.alpha, v), curve(kinetics.beta, v)
        return alpha / (alpha + beta), 1.0 / (alpha + beta)
    if kinetics.kind == "steady_state":
        return curve(kinetics.x_inf, v), curve(kinetics.tau, v)
    n1, n2 = network(kinetics.network, [(v - kinetics.v_shift) / kinetics.v_scale])
    if kinetics.form == "steady_state":
        if kinetics.tau_max is None:
            return sigmoid(n1), kinetics.tau_min + exp(n2)
        return sigmoid(n1), kinetics.tau_min * (kinetics.tau_max / kinetics.tau_min) ** sigmoid(n2)
    alpha = exp(kinetics.bound * tanh(n1 / kinetics.bound))
    beta = exp(kinetics.bound * tanh(n2 / kinetics.bound))
    if kinetics.form == "residual":
        x_inf, tau = steady_state_and_time_constant(kinetics.prior, v)
        alpha, beta = alpha * x_inf / tau, beta * (1.0 - x_inf) / tau
    return alpha / (alpha + beta), 1.0 / (alpha + beta)


def curve(c, v) -> float:
    """Value of a rate curve at v (mV)."""
    if c.form == "constant":
        return c.a
    if c.form == "exponential":
        return c.a * exp((v - c.v0) / c.k)
    if c.form == "sigmoid":
        return c.a * sigmoid((v - c.v0) / c.k)
    if c.form == "linoid":
        u = (v - c.v0) / c.k
        if u == 0.0:
            return c.a * c.k
        return c.a * c.k * (u / -expm1(-u) if u > -700.0 else 0.0)
    if c.form == "sum":
        return sum(curve(term, v) for term in c.terms)
    if c.form == "product":
        return prod(curve(factor, v) for factor in c.factors)
    if c.form == "power":
        return curve(c.base, v) ** c.exponent
    raise NotImplementedError(c.form)


def sigmoid(u) -> float:
    return 1.0 / (1.0 + exp(-u)) if u > -700.0 else 0.0


def network(net, inputs) -> list[float]:
    """Outputs of a multi-layer perceptron."""
    z = [float(x) for x in inputs]
    last = len(net.weights) - 1
    for i, (weight, bias) in enumerate(zip(net.weights, net.biases, strict=True)):
        rows = zip(weight.tolist(), bias.tolist(), strict=True)
        z = [sum(w * x for w, x in zip(row, z, strict=True)) + b for row, b in rows]
        if i < last:
            z = [activation(net.activation, x) for x in z]
    return z


def activation(name, x) -> float:
    if name == "tanh":
        return tanh(x)
    if name == "softplus":
        return max(x, 0.0) + log1p(exp(-abs(x)))
    if name == "silu":
        return x * sigmoid(x)
    raise NotImplementedError(name)


def black_box(box, y, i_stim) -> np.ndarray:
    """dy/dt of a NeuralRightHandSide."""
    inputs = [(a - shift) / s for a, shift, s in zip(y, box.shift, box.scale, strict=True)]
    if box.stimulus_scale is not None:
        inputs.append(i_stim / box.stimulus_scale)
    out = network(box.network, inputs)
    return np.array([s * n / box.time_scale for s, n in zip(box.scale, out, strict=True)])
