"""Networks that are trained, by least squares, to say what simple gates and currents do."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ...backends.voltage_grid import voltage_grid_of
from ...neuron.channels import Channel, NeuralCurrent
from ...neuron.kinetics import NeuralKinetics, RateKinetics
from ...neuron.networks import Network
from ...numerics import mlp
from ...numerics.arrays import FloatArray
from ...recordings import Recording

_RIDGE, _STEPS = 1e-2, 40  # of a last layer solved for, and the steps of all layers after it
_EDGE = 1e-3  # of x_inf and of tau between its bounds: what a network is set to stays finite
_SEEN, _ELSEWHERE = 400, 100  # voltages and gates at which a current is looked at


def distill_gate(
    kinetics: NeuralKinetics, wanted: RateKinetics, v: FloatArray, seed: int, largest: float = 1.0
) -> Network:
    """A network, drawn from `seed` and trained to say what a gate does at voltages `v`.

    Or what the gate divided by `largest` does, which is not above one.

    Examples
    --------
    >>> from dataclasses import replace
    >>> from pyhodgkin.neuron.rates import Sigmoid
    >>> kinetics = NeuralKinetics("steady_state", Network.create((1, 32, 32, 2)))
    >>> gate = RateKinetics(Sigmoid(1.0, -40.0, 12.0), Sigmoid(0.5, -40.0, -15.0))
    >>> v = np.linspace(-90.0, 40.0, 131)
    >>> found = replace(kinetics, network=distill_gate(kinetics, gate, v, seed=0))
    >>> bool(np.max(np.abs(found.x_inf(v) - gate.x_inf(v))) < 0.002)
    True
    """
    x = ((v - kinetics.v_shift) / kinetics.v_scale)[:, None]
    return _trained(kinetics.network, x, _outputs(kinetics, wanted, v, largest), seed, _STEPS)


def distill_current(
    current: NeuralCurrent,
    wanted: Channel,
    recordings: Sequence[Recording],
    seed: int,
    largest: Sequence[float] = (),
) -> Network:
    """A network, drawn from `seed` and trained to say the current of a channel.

    Mostly where the voltages of `recordings` drive the channel to, and a little anywhere else.
    Large currents are wanted as exactly, relatively, as one of one `scale`. The network sees each
    gate divided by its `largest` value.

    Examples
    --------
    >>> import pyhodgkin as ph
    >>> t, clamp = np.arange(0.0, 10.0, 0.1), ph.CurrentClamp.constant(0.0, 10.0)
    >>> recording = Recording(t, clamp, v=-30.0 + 50.0 * np.sin(t))
    >>> unknown = NeuralCurrent("unknown", Network.create((1, 16, 16, 1)))
    >>> found = distill_current(unknown, Channel("leak", g=0.1, e=-70.0), [recording], seed=0)
    >>> bool(abs(found(np.array([(0.0 + 40.0) / 50.0]))[0] - 7.0) < 0.05)
    True
    """
    rng = np.random.default_rng(seed)
    sizes = np.array([1.0, *(largest or np.ones(len(wanted.gates)))])
    seen = np.concatenate([_driven(wanted, recording) for recording in recordings]) / sizes
    chosen = seen[rng.choice(len(seen), min(_SEEN, len(seen)), replace=False)]
    low, high = seen[:, 0].min() - 10.0, seen[:, 0].max() + 10.0
    anywhere = rng.uniform(0.0, 1.0, (_ELSEWHERE, seen.shape[1]))
    anywhere[:, 0] = low + (high - low) * anywhere[:, 0]
    v, *gates = np.concatenate([chosen, anywhere]).T
    says = wanted.g * (v - wanted.e) / current.scale
    for x, size, gate in zip(gates, sizes[1:], wanted.gates, strict=True):
        says = says * (size * x) ** gate.power
    inputs = np.column_stack([(v - current.v_shift) / current.v_scale, *gates])
    weights = 1.0 / (1.0 + np.abs(says))
    return _trained(current.network, inputs, says[:, None], seed, 2 * _STEPS, weights[:, None])


def _driven(channel: Channel, recording: Recording) -> FloatArray:
    """The voltage (mV) and the gates of a channel at each sample (T, 1 + G)."""
    grid = voltage_grid_of(recording)
    columns = [grid.v_samples]
    for gate in channel.gates:
        level, keep = gate.kinetics.x_inf(grid.v), np.exp(-grid.h / gate.kinetics.tau(grid.v))
        x = level[:1].repeat(len(level))
        for k in range(1, len(level)):
            x[k] = level[k] + (x[k - 1] - level[k]) * keep[k]
        columns.append(x[grid.places])
    return np.column_stack(columns)


def _trained(
    like: Network,
    x: FloatArray,
    wanted: FloatArray,
    seed: int,
    steps: int,
    weights: FloatArray | float = 1.0,
) -> Network:
    """A network of the same shape, drawn anew, that says `wanted` (n, out) for inputs `x`."""
    weights = np.broadcast_to(weights, (len(x), 1))
    drawn = Network.create(like.layers, like.activation, seed)
    h = mlp.forward(drawn.arrays(), like.activation, x).inputs[-1]
    a = weights * np.concatenate([h, np.ones((len(x), 1))], axis=1)
    # Large weights that cancel say the same, and are hard to train afterwards.
    matrix = a.T @ a / len(x) + _RIDGE * np.eye(a.shape[1])
    last = np.linalg.solve(matrix, a.T @ (weights * wanted) / len(x))
    start = Network((*drawn.weights[:-1], last[:-1].T), (*drawn.biases[:-1], last[-1]),
                    like.activation)  # fmt: skip
    return _refined(start, x, wanted, steps, weights)


def _refined(
    network: Network, x: FloatArray, wanted: FloatArray, steps: int, weights: FloatArray
) -> Network:
    """The network with all of its weights moved by least squares (Levenberg) to `wanted`."""
    off, damping = weights * (network(x) - wanted), 0.1
    for _ in range(steps):
        rows = weights[:, :, None] * mlp.jacobian(network.arrays(), network.activation, x)
        rows = rows.reshape(-1, rows.shape[-1])
        damped = rows @ rows.T + damping * np.eye(len(rows))
        moved = network.moved(-rows.T @ np.linalg.solve(damped, off.ravel()))
        there = weights * (moved(x) - wanted)
        if np.sum(there**2) < np.sum(off**2):
            network, off, damping = moved, there, damping / 3.0
        else:
            damping *= 3.0
    return network


def _outputs(
    kinetics: NeuralKinetics, wanted: RateKinetics, v: FloatArray, largest: float
) -> FloatArray:
    """What the network must say (n, 2) for the kinetics of `wanted`, x divided by `largest`."""
    x, tau = wanted.x_inf(v) / largest, wanted.tau(v)
    if kinetics.form == "rates":
        rates = np.stack([x, np.maximum(1.0 - x, 1e-12)], axis=-1) / tau[:, None]
        logs = np.log(rates) / kinetics.bound
        return kinetics.bound * np.arctanh(np.clip(logs, -0.99, 0.99))
    x, least = np.clip(x, _EDGE, 1.0 - _EDGE), kinetics.tau_min
    if kinetics.tau_max is None:
        second = np.log(np.maximum(tau - least, _EDGE * np.maximum(tau, least)))
    else:
        s = np.log(tau / least) / np.log(kinetics.tau_max / least)
        s = np.clip(s, 0.02, 0.98)
        second = np.log(s) - np.log1p(-s)
    return np.stack([np.log(x) - np.log1p(-x), second], axis=-1)
