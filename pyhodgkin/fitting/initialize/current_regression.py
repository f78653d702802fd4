"""Currents that are networks of gates with known kinetics, set by least squares.

Where v was measured, such gates are known along the recording, and so is what the currents have
to be: the current balance i_stim - c_m dv/dt less the currents that are known. What remains is a
regression without a differential equation.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ...backends.base import Backend, SolveOptions
from ...backends.voltage_grid import balance_of, voltage_grid_of
from ...neuron.channels import NeuralCurrent
from ...neuron.kinetics import NeuralKinetics
from ...neuron.networks import Network
from ...neuron.neuron import Neuron
from ...numerics.arrays import FloatArray, Indices
from ...recordings import Recording
from .network_sum import NetworkSum, trained
from .random_networks import untrained

ROWS = 24_000  # samples, at most: at rest they are drawn with gaps
_FAST = 15.0  # mV/ms: above, every sample counts
_SOFT, _RELATIVE = 0.02, 0.01  # of the error that counts as one: of the spread, and of the current


def settable_currents(neuron: Neuron, indices: Indices) -> tuple[str, ...]:
    """Names of the trained currents that are networks of gates that nothing trains.

    Examples
    --------
    >>> import pyhodgkin as ph
    >>> soma = ph.Neuron("soma", (ph.leak(0.1, -70.0),), v_rest=-70.0)
    >>> cell = ph.with_axial_current(soma, hidden=0)
    >>> settable_currents(cell, cell.layout.select("networks"))
    ('axial',)
    """
    moved, found = set(indices.tolist()), []
    for channel in neuron.channels:
        if not isinstance(channel, NeuralCurrent):
            continue
        entries = [e for e in neuron.layout if e.name.startswith(f"{channel.name}.")]
        own = [e for e in entries if e.name.startswith(f"{channel.name}.network.")]
        rest = [e for e in entries if e not in own]
        fixed = not any(set(range(e.start, e.start + e.size)) & moved for e in rest)
        fixed &= not any(isinstance(g.kinetics, NeuralKinetics) and g.kinetics.form == "free"
                         for g in channel.gates)  # fmt: skip
        if fixed and all(e.start in moved for e in own):
            found.append(channel.name)
    return tuple(found)


@dataclass(frozen=True)
class Regression:
    """The inputs of each current (3, N, in) around N samples, and what their sum has to be.

    `weights` (3, N) make a mean over the gaps beside each sample; `target` (N,) is the current
    balance; `share` (N,) how many samples each one stands for.
    """

    inputs: tuple[FloatArray, ...]
    weights: FloatArray
    target: FloatArray
    share: FloatArray


def set_currents(
    backend: Backend,
    neuron: Neuron,
    recordings: Sequence[Recording],
    names: Sequence[str],
    *,
    seed: int,
    candidates: int,
    options: SolveOptions,
    poll: Callable[[], None] = lambda: None,
) -> tuple[Neuron, float]:
    """The neuron with the networks of the currents `names` set, and the loss.

    Parameters
    ----------
    backend, options
        What the known currents are computed by.
    neuron : Neuron
    recordings : sequence of Recording
        Of v, without noise or denoised.
    names : sequence of str
        From `settable_currents`.
    seed : int
        Of samples, and of networks that were not trained yet.
    candidates : int
        So many networks are trained from random weights; the best is taken.
    poll : callable
        Called between steps.

    Returns
    -------
    neuron : Neuron
    loss : float
        The root of the mean square error of the current over its spread.
    """
    named = (neuron.channel(name) for name in names)
    currents = [c for c in named if isinstance(c, NeuralCurrent)]
    assert len(currents) == len(names)
    known = neuron
    for name in names:
        known = known.without_channel(name)
    found = _regression(backend, neuron, known, currents, recordings, options, seed)
    spread = 1.4826 * float(np.median(np.abs(found.target - np.median(found.target))))
    scale = _SOFT * max(spread, 1e-12) + _RELATIVE * np.abs(found.target)
    best: tuple[float, NetworkSum] | None = None
    for k in range(max(1, candidates)):
        networks = [_start(c.network, seed + 1000 * k, k > 0) for c in currents]
        units = [c.scale for c in currents]
        model = NetworkSum.standardized(networks, units, found.inputs, found.share)
        cost, model = trained(model, found, scale, poll)
        if best is None or cost < best[0]:
            best = cost, model
    assert best is not None
    for name, network in zip(names, best[1].networks(), strict=True):
        neuron = neuron.replace_channel(name, replace(neuron.channel(name), network=network))
    off = best[1].says(found) - found.target
    whole = found.share / found.share.sum()
    around = found.target - whole @ found.target
    return neuron, float(np.sqrt(whole @ off**2 / max(whole @ around**2, 1e-24)))


def _start(network: Network, seed: int, again: bool) -> Network:
    """The network to start from: as it is where it has been trained, else with random weights."""
    if len(network.layers) == 2 or not (again or untrained(network)):
        return network
    return Network.create(network.layers, network.activation, seed, zero_last=True)


def _regression(
    backend: Backend,
    neuron: Neuron,
    known: Neuron,
    currents: Sequence[NeuralCurrent],
    recordings: Sequence[Recording],
    options: SolveOptions,
    seed: int,
) -> Regression:
    theta = known.theta[None]
    parts = []
    said = backend.predict(known, recordings, theta, mode="clamped", y0=None, options=options)
    total = sum(len(r) for r in recordings)
    rng = np.random.default_rng(seed)
    for recording, current in zip(recordings, said, strict=True):
        balance = balance_of(recording)
        target = balance.target(neuron.c_m) - np.reshape(current, -1)
        fast = np.abs(balance.slope) > _FAST
        fast |= np.roll(fast, 1) | np.roll(fast, -1)
        room = max(200, ROWS * len(recording) // total)
        picked, share = _picked(fast, recording.mask, room, rng)
        inputs = _inputs(neuron, currents, recording)
        around = np.clip(np.array([picked - 1, picked, picked + 1]), 0, len(recording) - 1)
        parts.append(
            ([x[around] for x in inputs], balance.weights[picked].T, target[picked], share)
        )
    inputs = tuple(np.concatenate(x, axis=1) for x in zip(*(p[0] for p in parts), strict=True))
    weights, target, share = (np.concatenate([p[i] for p in parts], axis=-1) for i in (1, 2, 3))
    # Where v is fast the inputs are averaged one by one: such samples stand together.
    order = np.argsort(-np.max([np.abs(x[2] - x[0]).max(axis=-1) for x in inputs], axis=0))
    inputs = tuple(x[:, order] for x in inputs)
    return Regression(inputs, weights[:, order], target[order], share[order])


def _picked(
    fast: NDArray[np.bool_], mask: NDArray[np.bool_], room: int, rng: np.random.Generator
) -> tuple[Indices, FloatArray]:
    """Places of samples, and how many each stands for: all fast ones, and some of the others."""
    places, shares = [], []
    for which in (fast & mask, ~fast & mask):
        at = np.flatnonzero(which)
        count = min(len(at), room // 2)
        if count:
            chosen = np.sort(rng.choice(at, count, replace=False)) if count < len(at) else at
            places.append(chosen)
            shares.append(np.full(count, len(at) / count))
    order = np.argsort(np.concatenate(places))
    return np.concatenate(places)[order], np.concatenate(shares)[order]


def _inputs(
    neuron: Neuron, currents: Sequence[NeuralCurrent], recording: Recording
) -> list[FloatArray]:
    """What the network of each current is given at each sample (T, in)."""
    grid = voltage_grid_of(recording)
    gates = [gate for current in currents for gate in current.gates]
    level = np.empty((len(grid.v), len(gates)))
    keep = np.empty_like(level)
    with np.errstate(divide="ignore", over="ignore"):
        for i, gate in enumerate(gates):
            factor = gate.rate_factor(neuron.temperature)
            level[:, i] = gate.kinetics.x_inf(grid.v)
            tau = gate.kinetics.tau(grid.v) / factor
            keep[:, i] = np.exp(-grid.h / tau) if gate.has_state else 0.0
    gain = (1.0 - keep) * level
    x, row = np.empty_like(level), level[0]
    for k in range(len(level)):
        row = gain[k] + keep[k] * row
        x[k] = row
    x = x[grid.places]
    for i, gate in enumerate(gates):
        if not gate.has_state:
            x[:, i] = gate.kinetics.x_inf(grid.v_samples)
    found, first = [], 0
    for current in currents:
        own = x[:, first : first + len(current.gates)]
        first += len(current.gates)
        v = (grid.v_samples - current.v_shift) / current.v_scale
        found.append(np.column_stack([v, own]))
    return found
