"""A start for networks of gates: simple gates in their place, searched from many random ones.

A random network is nearly flat in the voltage, and of several gates at once it learns first to
close them all, from where no gradient leads on. So each gate is given two rates that are
exponentials of the voltage until they saturate (Sigmoid: six numbers in all), which is what most
gates measured so far are like; many such sets are drawn, activating and inactivating ones alike,
and trained in the clamped mode, the worse ones left out again and again. Networks of the shape
that was asked for are then set to the best.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import product

import numpy as np
from numpy.typing import NDArray

from ..backends.base import Backend, Loss, SolveOptions
from ..errors import InputError
from ..neuron.channels import Channel
from ..neuron.kinetics import NeuralKinetics, RateKinetics
from ..neuron.networks import Network, activate, by_weight
from ..neuron.neuron import Neuron
from ..neuron.rates import Sigmoid
from ..recordings import Recording
from .lbfgs import LBFGS

FloatArray = NDArray[np.float64]

# Parts of the candidates that are trained on, and for how many evaluations each time.
ROUNDS = ((1.0, 12), (0.5, 40), (0.25, 80), (0.125, 150), (0.04, 400))
POOL = 4  # candidates drawn for each one trained
SAMPLES = 8_000  # enough to tell good gates from bad ones
# Mostly the absolute error: spikes, with currents a hundred times larger, do not decide alone.
LOSS = Loss("huber", delta=0.02)
_PRIOR = 1e-6  # keeps numbers that the data do not determine where they were drawn
_RIDGE, _REFINED = 1e-2, 40  # of a last layer solved for, and the steps of all layers after it
_EDGE = 1e-3  # of x_inf and of tau between its bounds: what a network is set to stays finite


def searchable(neuron: Neuron, indices: NDArray[np.intp]) -> tuple[str, ...]:
    """Names of the gates whose networks are trained and can be set to simple gates.

    Examples
    --------
    >>> import pyhodgkin as ph
    >>> net = ph.NeuralKinetics("rates", ph.Network.create((1, 4, 2)))
    >>> cell = ph.library.get("squid_axon").replace_gate("m", net)
    >>> searchable(cell, cell.layout.select("networks"))
    ('m',)
    """
    trained, found = set(indices.tolist()), []
    for channel in neuron.channels:
        for gate in channel.gates if isinstance(channel, Channel) else ():
            kinetics = gate.kinetics
            if isinstance(kinetics, NeuralKinetics) and kinetics.form in ("steady_state", "rates"):
                if neuron.layout[f"{channel.name}.{gate.name}.network.weight0"].start in trained:
                    found.append(gate.name)
    return tuple(found)


def search(
    backend: Backend,
    neuron: Neuron,
    recordings: Sequence[Recording],
    theta: FloatArray,
    indices: NDArray[np.intp],
    *,
    seed: int,
    candidates: int,
    options: SolveOptions,
) -> tuple[FloatArray, float]:
    """theta (P,) with the networks of its gates set to the best of many simple ones.

    Parameters
    ----------
    backend, neuron, recordings, options
        As for `Backend.value_and_grad`, in the clamped mode.
    theta : array (P,)
        Everything else is taken from here.
    indices : array of int
        Places of what is trained.
    seed : int
        Of the draws, and of the hidden layers of the networks.
    candidates : int
        How many are trained in the first round.

    Returns
    -------
    array (P,), float
        And the loss (`LOSS`) of the simple gates; `theta` as it was when none is finite.
    """
    here = neuron.with_theta(theta)
    gates = searchable(neuron, indices)
    if not gates:
        raise InputError(
            f'search: no gate of neuron "{neuron.name}" is a trained network of the form '
            '"steady_state" or "rates" in a Channel'
        )
    thin = thinned(recordings)
    simple = _Simple(here, gates, backend, thin, options)
    rng = np.random.default_rng([seed, len(gates)])
    phi, sign = _drawn(rng, max(1, POOL * candidates), len(gates), _range(thin))
    value = simple.evaluate(phi, sign)[0]
    for part, steps in ROUNDS:
        best = np.argsort(value, kind="stable")[: max(2, round(part * candidates))]
        phi, value = simple.train(phi[best], sign[best], steps)
        sign = sign[best]
    winner = int(np.argmin(value))
    if not np.isfinite(value[winner]):
        return theta, np.inf
    found = simple.neuron.with_theta(simple.theta(phi, sign)[winner])
    low, high = _range(thin)
    for i, name in enumerate(gates):
        kinetics, wanted = here.gate(name).kinetics, found.gate(name).kinetics
        assert isinstance(kinetics, NeuralKinetics) and isinstance(wanted, RateKinetics)
        network = set_to(kinetics, wanted, np.linspace(low - 10, high + 10, 241), seed + 7919 * i)
        here = here.replace_gate(name, replace(kinetics, network=network))
    return here.theta, float(value[winner])


def set_to(kinetics: NeuralKinetics, wanted: RateKinetics, v: FloatArray, seed: int) -> Network:
    """A network, drawn from `seed` and trained to say what a gate does at voltages `v`.

    Examples
    --------
    >>> kinetics = NeuralKinetics("steady_state", Network.create((1, 32, 32, 2)))
    >>> gate = RateKinetics(Sigmoid(1.0, -40.0, 12.0), Sigmoid(0.5, -40.0, -15.0))
    >>> v = np.linspace(-90.0, 40.0, 131)
    >>> found = replace(kinetics, network=set_to(kinetics, gate, v, seed=0))
    >>> bool(np.max(np.abs(found.x_inf(v) - gate.x_inf(v))) < 0.002)
    True
    """
    given, said = kinetics.network, _outputs(kinetics, wanted, v)
    drawn = Network.create(given.layers, given.activation, seed)
    x = h = ((v - kinetics.v_shift) / kinetics.v_scale)[:, None]
    for weight, bias in zip(drawn.weights[:-1], drawn.biases[:-1], strict=True):
        h = activate(given.activation, h @ weight.T + bias)
    a = np.concatenate([h, np.ones((len(v), 1))], axis=1)
    # Large weights that cancel say the same, and are hard to train afterwards.
    matrix = a.T @ a / len(v) + _RIDGE * np.eye(a.shape[1])
    last = np.linalg.solve(matrix, a.T @ said / len(v))
    start = Network((*drawn.weights[:-1], last[:-1].T), (*drawn.biases[:-1], last[-1]),
                    given.activation)  # fmt: skip
    return _refined(start, x, said)


def _refined(network: Network, x: FloatArray, wanted: FloatArray) -> Network:
    """The network with all of its weights moved by least squares (Levenberg) to `wanted`."""
    off, damping = network(x) - wanted, 0.1
    for _ in range(_REFINED):
        rows = by_weight(network.arrays(), network.activation, x)
        rows = rows.reshape(-1, rows.shape[-1])
        damped = rows @ rows.T + damping * np.eye(len(rows))
        moved = network.moved(-rows.T @ np.linalg.solve(damped, off.ravel()))
        there = moved(x) - wanted
        if np.sum(there**2) < np.sum(off**2):
            network, off, damping = moved, there, damping / 3.0
        else:
            damping *= 3.0
    return network


def thinned(recordings: Sequence[Recording], samples: int = SAMPLES) -> list[Recording]:
    """The recordings with every n-th sample only, so that some `samples` are left."""
    n = max(1, round(sum(len(r) for r in recordings) / samples))
    if n == 1:
        return list(recordings)
    out = []
    for r in recordings:
        mask = r.mask[::n]
        if len(r) >= 20 * n and mask.any():
            r = replace(r, t=r.t[::n], mask=mask, **{r.observed: r.data[::n]})
        out.append(r)
    return out


def _outputs(kinetics: NeuralKinetics, wanted: RateKinetics, v: FloatArray) -> FloatArray:
    """What the network must say (n, 2) for the kinetics of `wanted`."""
    if kinetics.form == "rates":
        logs = np.log(np.stack([wanted.alpha(v), wanted.beta(v)], axis=-1)) / kinetics.bound
        return kinetics.bound * np.arctanh(np.clip(logs, -0.99, 0.99))
    x = np.clip(wanted.x_inf(v), _EDGE, 1.0 - _EDGE)
    tau, least = wanted.tau(v), kinetics.tau_min
    if kinetics.tau_max is None:
        second = np.log(np.maximum(tau - least, _EDGE * np.maximum(tau, least)))
    else:
        s = np.log(tau / least) / np.log(kinetics.tau_max / least)
        s = np.clip(s, 0.02, 0.98)
        second = np.log(s) - np.log1p(-s)
    return np.stack([np.log(x) - np.log1p(-x), second], axis=-1)


def _range(recordings: Sequence[Recording]) -> tuple[float, float]:
    traces = [r.data if r.observed == "v" else r.command for r in recordings]
    return min(float(v.min()) for v in traces), max(float(v.max()) for v in traces)


def _drawn(
    rng: np.random.Generator, count: int, gates: int, voltages: tuple[float, float]
) -> tuple[FloatArray, FloatArray]:
    """phi (count, 6·gates) and signs (count, gates): +1 for activation.

    Half-activation in the lower three quarters of the voltages, slopes of 4 to 15 mV, time
    constants of 0.1 to 10 ms there; the rates saturate at 1 to 10 times their size there.
    """
    patterns = list(product([1.0, -1.0], repeat=gates)) if gates <= 6 else [()]
    if len(patterns) > 1:
        sign = np.array([patterns[i % len(patterns)] for i in range(count)])
    else:
        sign = rng.choice([1.0, -1.0], (count, gates))
    shape, (low, high) = (count, gates), voltages
    half = rng.uniform(low, high - 0.25 * (high - low), shape)
    k = np.exp(rng.uniform(np.log(4.0), np.log(15.0), shape))
    tau = np.exp(rng.uniform(np.log(0.1), np.log(10.0), shape))
    share = 1.0 / (1.0 + np.exp(-rng.normal(0.0, 0.7, shape)))
    phi = np.empty((*shape, 2, 3))
    for which, (s, slope) in enumerate(((sign, k / share), (-sign, k / (1.0 - share)))):
        top = np.exp(rng.uniform(0.7, 3.0, shape))  # over the rate at `half`
        phi[..., which, 0] = np.log(0.5 * top / tau)
        phi[..., which, 1] = 0.1 * (half + s * slope * np.log(top - 1.0))
        phi[..., which, 2] = np.log(slope)
    return phi.reshape(count, -1), sign


@dataclass(frozen=True)
class _Places:
    """Where a, v0 and k of the opening and the closing rate of a gate lie in theta."""

    a: tuple[int, int]
    v0: tuple[int, int]
    k: tuple[int, int]


class _Simple:
    """The neuron with simple gates: its loss as a function of phi = (log a, v0/10, log |k|)…"""

    def __init__(
        self,
        neuron: Neuron,
        gates: Sequence[str],
        backend: Backend,
        recordings: Sequence[Recording],
        options: SolveOptions,
    ) -> None:
        for name in gates:
            rates = RateKinetics(Sigmoid(1.0, -40.0, 10.0), Sigmoid(1.0, -40.0, -10.0))
            neuron = neuron.replace_gate(name, rates)
        self.neuron, self._base = neuron, neuron.theta
        self._backend, self._recordings, self._options = backend, recordings, options
        self._places = [self._of(name) for name in gates]

    def _of(self, gate: str) -> _Places:
        layout = self.neuron.layout
        first = next(e.name for e in layout if e.name.endswith(f".{gate}.alpha.a"))
        stem = first.removesuffix("alpha.a")
        a, v0, k = (
            (layout[f"{stem}alpha.{x}"].start, layout[f"{stem}beta.{x}"].start)
            for x in ("a", "v0", "k")
        )
        return _Places(a, v0, k)

    def theta(self, phi: FloatArray, sign: FloatArray) -> FloatArray:
        """theta (K, P) of phi (K, 6G)."""
        numbers = phi.reshape(len(phi), len(self._places), 2, 3)
        theta = np.repeat(self._base[None], len(phi), axis=0)
        for j, place in enumerate(self._places):
            theta[:, place.a] = np.exp(np.clip(numbers[:, j, :, 0], -30.0, 12.0))
            theta[:, place.v0] = 10.0 * numbers[:, j, :, 1]
            s = np.stack([sign[:, j], -sign[:, j]], axis=-1)
            theta[:, place.k] = s * np.exp(np.clip(numbers[:, j, :, 2], -1.0, 8.0))
        return theta

    def evaluate(self, phi: FloatArray, sign: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Value (K,), inf where it failed, and gradient (K, 6G)."""
        theta = self.theta(phi, sign)
        found = self._backend.value_and_grad(
            self.neuron,
            self._recordings,
            theta,
            LOSS,
            mode="clamped",
            y0=None,
            options=self._options,
        )
        slope = np.empty((len(phi), len(self._places), 2, 3))
        for j, p in enumerate(self._places):
            slope[:, j, :, 0] = found.gradient[:, p.a] * theta[:, p.a]
            slope[:, j, :, 1] = 10.0 * found.gradient[:, p.v0]
            slope[:, j, :, 2] = found.gradient[:, p.k] * theta[:, p.k]
        centre = np.tile([0.0, -4.0, np.log(15.0)], 2 * len(self._places))
        width = np.tile([2.0, 5.0, 0.7], 2 * len(self._places))
        off = (phi - centre) / width
        value = np.where(np.isfinite(found.value), found.value, np.inf)
        value = value + _PRIOR * np.mean(off**2, axis=-1)
        return value, slope.reshape(phi.shape) + 2.0 * _PRIOR * off / width / phi.shape[1]

    def train(self, phi: FloatArray, sign: FloatArray, steps: int) -> tuple[FloatArray, FloatArray]:
        """phi and value (K,) after so many evaluations of L-BFGS."""
        optimizer = LBFGS(phi, first=0.3)
        for _ in range(steps):
            if optimizer.done.all():
                break
            value, slope = self.evaluate(optimizer.ask(), sign)
            optimizer.tell(value, slope, 0.0)
        return optimizer.point, optimizer.value
