"""A sum of networks trained on given inputs, by Levenberg-Marquardt with a robust loss."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from ...neuron.networks import Network
from ...numerics import mlp
from ...numerics.arrays import FloatArray

_STEPS, _GAINED, _TRIES = 150, 1e-4, 8
_RIDGE, _LINEAR_RIDGE = 1e-5, 1e-9  # of weights on inputs of mean zero and size one
_HUBER = 3.0  # in units of the error that counts as one
_FIRST, _LEAST, _SHRINK, _GROW = 1e-2, 1e-10, 0.3, 4.0  # of the damping
_CHUNK = 1_000
_STILL = 0.1  # change of an input, in units of its spread


class Task(Protocol):
    """What the sum is compared with: see `current_regression.Regression`."""

    @property
    def inputs(self) -> Sequence[FloatArray]: ...
    @property
    def weights(self) -> FloatArray: ...
    @property
    def target(self) -> FloatArray: ...
    @property
    def share(self) -> FloatArray: ...


@dataclass(frozen=True)
class NetworkSum:
    """A sum of networks of inputs that have been shifted and scaled to mean zero and size one.

    Attributes
    ----------
    inner : tuple of Network
        Of the standardized inputs.
    units : tuple of float
        What the output of each is multiplied by.
    shift, size : tuple of array (in,)
        Mean and spread of the inputs.
    """

    inner: tuple[Network, ...]
    units: tuple[float, ...]
    shift: tuple[FloatArray, ...]
    size: tuple[FloatArray, ...]

    @classmethod
    def standardized(
        cls,
        networks: Sequence[Network],
        units: Sequence[float],
        inputs: Sequence[FloatArray],
        share: FloatArray,
    ) -> NetworkSum:
        """The same networks seen through standardized inputs."""
        whole = share / share.sum()
        shift = tuple(whole @ x[1] for x in inputs)
        size = tuple(
            np.sqrt(whole @ (x[1] - m) ** 2) + 1e-9 for x, m in zip(inputs, shift, strict=True)
        )
        inner = []
        for network, m, s in zip(networks, shift, size, strict=True):
            fresh = len(network.layers) > 2 and not network.weights[-1].any()
            w, b = network.weights[0], network.biases[0]
            first = (w, b) if fresh else (w * s, b + w @ m)
            inner.append(_with_first(network, *first))
        return cls(tuple(inner), tuple(units), shift, size)

    def networks(self) -> tuple[Network, ...]:
        """The networks of the inputs as they are."""
        out = []
        for network, m, s in zip(self.inner, self.shift, self.size, strict=True):
            w = network.weights[0] / s
            out.append(_with_first(network, w, network.biases[0] - w @ m))
        return tuple(out)

    def says(self, task: Task) -> FloatArray:
        """The sum (N,), a mean over the three samples of each row."""
        total = np.zeros(len(task.target))
        for i, network in enumerate(self.inner):
            for x, weight in zip(task.inputs[i], task.weights, strict=True):
                z = (x - self.shift[i]) / self.size[i]
                total += self.units[i] * weight * network(z)[:, 0]
        return total

    def slopes(self, task: Task, rows: slice) -> FloatArray:
        """Derivatives (n, W) of these rows by all weights.

        Where the inputs hardly change over the three samples, those at their mean.
        """
        parts = []
        for i, network in enumerate(self.inner):
            z = (task.inputs[i][:, rows] - self.shift[i]) / self.size[i]
            weights = task.weights[:, rows]
            if np.abs(z[2] - z[0]).max() < _STILL or len(network.layers) == 2:
                z, weights = np.einsum("jn,jnk->nk", weights, z)[None], np.ones((1, z.shape[1]))
            part = np.zeros(())
            for x, weight in zip(z, weights, strict=True):
                by = mlp.jacobian(network.arrays(), network.activation, x)[:, 0]
                part = part + (self.units[i] * weight[:, None]) * by
            parts.append(part)
        return np.concatenate(parts, axis=1)

    def moved(self, by: FloatArray) -> NetworkSum:
        """With all weights moved."""
        ends = np.cumsum([network.size for network in self.inner])[:-1]
        pairs = zip(self.inner, np.split(by, ends), strict=True)
        return replace(self, inner=tuple(network.moved(part) for network, part in pairs))

    @property
    def ridge(self) -> FloatArray:
        """Of each weight (W,): little for a linear current, whose filters nearly agree."""
        parts = []
        for network in self.inner:
            linear = len(network.layers) == 2
            parts.append(np.full(network.size, _LINEAR_RIDGE if linear else _RIDGE))
        return np.concatenate(parts)

    @property
    def flat(self) -> FloatArray:
        """All weights (W,)."""
        return np.concatenate([a.ravel() for n in self.inner for a in n.arrays()])


def trained(
    model: NetworkSum,
    task: Task,
    scale: FloatArray,
    poll: Callable[[], None] = lambda: None,
    steps: int = _STEPS,
) -> tuple[float, NetworkSum]:
    """The loss and the sum of networks after training; `scale` (N,) are errors that count as one.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> x = np.linspace(-2.0, 2.0, 101)[:, None]
    >>> once, inputs = np.ones(101), np.stack([x, x, x])
    >>> task = SimpleNamespace(inputs=[inputs, inputs], weights=np.ones((3, 101)) / 3.0,
    ...     target=3.0 * x[:, 0] + np.sin(2.0 * x[:, 0]), share=once)
    >>> networks = [Network.create((1, 1)), Network.create((1, 8, 1), zero_last=True)]
    >>> start = NetworkSum.standardized(networks, [1.0, 1.0], task.inputs, once)
    >>> cost, found = trained(start, task, 0.05 * once)
    >>> bool(np.abs(found.says(task) - task.target).max() < 0.05)
    True
    """
    whole = task.share / task.share.sum()
    off = (model.says(task) - task.target) / scale
    cost, damping = _cost(off, whole, model), _FIRST
    for _ in range(steps):
        poll()
        matrix, slope = _normal(model, task, scale, off, whole)
        moved, less = model, cost
        for _ in range(_TRIES):
            damped = matrix + damping * np.diag(np.diag(matrix))
            tried = model.moved(np.asarray(np.linalg.solve(damped, -slope), dtype=np.float64))
            there = (tried.says(task) - task.target) / scale
            less = _cost(there, whole, tried)
            if less < cost:
                moved, off, damping = tried, there, max(_SHRINK * damping, _LEAST)
                break
            damping *= _GROW
        if moved is model:
            break
        gained, model, cost = cost - less, moved, less
        if gained < _GAINED * cost:
            break
    return cost, model


def _cost(off: FloatArray, whole: FloatArray, model: NetworkSum) -> float:
    size = np.abs(off)
    loss = np.where(size < _HUBER, 0.5 * off**2, _HUBER * (size - 0.5 * _HUBER))
    return float(whole @ loss + 0.5 * model.ridge @ model.flat**2)


def _normal(
    model: NetworkSum, task: Task, scale: FloatArray, off: FloatArray, whole: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """The Gauss-Newton matrix (W, W) and the slope (W,) of the loss."""
    ridge = model.ridge
    matrix, slope = np.diag(ridge), ridge * model.flat
    weight = whole * np.where(np.abs(off) < _HUBER, 1.0, _HUBER / np.maximum(np.abs(off), 1e-30))
    for begin in range(0, len(off), _CHUNK):
        rows = slice(begin, begin + _CHUNK)
        by = model.slopes(task, rows) / scale[rows, None]
        matrix += by.T @ (weight[rows, None] * by)
        slope += by.T @ (weight[rows] * off[rows])
    return matrix, slope


def _with_first(network: Network, weight: FloatArray, bias: FloatArray) -> Network:
    """The same network with another first layer."""
    weights, biases = (weight, *network.weights[1:]), (bias, *network.biases[1:])
    return Network(weights, biases, network.activation)
