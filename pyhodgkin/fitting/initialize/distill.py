"""Networks that are trained, by least squares, to say what simple gates and currents do."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ...backends.voltage_grid import voltage_grid_of
from ...neuron.channels import Channel, NeuralCurrent
from ...neuron.kinetics import NeuralKinetics, RateKinetics
from ...neuron.networks import Network
from ...numerics.arrays import FloatArray
from ...recordings import Recording
from . import regression
from .gate_regression import set_gate

_STEPS = 40  # of all layers, after the last layer was solved for
_SEEN, _ELSEWHERE = 400, 100  # voltages and gates at which a current is looked at


def distill_gate(
    kinetics: NeuralKinetics, wanted: RateKinetics, v: FloatArray, seed: int, largest: float = 1.0
) -> Network:
    """A network, drawn from `seed` and trained to say what a gate does at voltages `v`.

    Or what the gate divided by `largest` does, which is not above one. It is trained further on
    recordings, so its weights are kept small.

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
    x, tau = wanted.x_inf(v) / largest, wanted.tau(v)
    return set_gate(kinetics, v, x, tau, seed, _STEPS, exact=False)


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
    weights = (1.0 / (1.0 + np.abs(says)))[:, None]
    says, by = says[:, None], weights[:, :, None]
    network = regression.start(current.network, inputs, says, seed, weights)
    return regression.refined(network, inputs, lambda n: (weights * (n - says), by), 2 * _STEPS)


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
