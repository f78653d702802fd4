"""Networks set to given outputs, or to functions of their outputs, by least squares."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ...neuron.networks import Network
from ...numerics import mlp
from ...numerics.arrays import FloatArray

# Outputs (n, out) to residuals (n, m) and their derivatives by the outputs (n, m, out).
Residuals = Callable[[FloatArray], tuple[FloatArray, FloatArray]]
RIDGE = 1e-2  # of a last layer that is solved for
FIRST_DAMPING, LEAST_DAMPING = 1e-3, 1e-14  # of the mean diagonal of J Jᵀ
SHRINK, GROW, MOST_FAILED = 0.25, 3.0, 12
CONVERGED = 1e-26  # mean square of residuals below which nothing is gained


def start(
    like: Network, x: FloatArray, wanted: FloatArray, seed: int, weights: FloatArray
) -> Network:
    """A network of the same shape, drawn from `seed`, its last layer solved for `wanted` (n, out).

    `weights` (n, 1) multiply the residuals.
    """
    drawn = Network.create(like.layers, like.activation, seed)
    h = mlp.forward(drawn.arrays(), like.activation, x).inputs[-1]
    a = weights * np.concatenate([h, np.ones((len(x), 1))], axis=1)
    # Large weights that cancel say the same, and are hard to train afterwards.
    matrix = a.T @ a / len(x) + RIDGE * np.eye(a.shape[1])
    last = np.linalg.solve(matrix, a.T @ (weights * wanted) / len(x))
    return Network((*drawn.weights[:-1], last[:-1].T), (*drawn.biases[:-1], last[-1]),
                   like.activation)  # fmt: skip


def refined(network: Network, x: FloatArray, residuals: Residuals, steps: int) -> Network:
    """All weights moved by Levenberg-Marquardt, so that the sum of squares is least.

    There are more weights than residuals: the system that is solved is that of the residuals.

    Parameters
    ----------
    network : Network
    x : array (n, in)
    residuals : callable
        As `Residuals`.
    steps : int
        At most; fewer when nothing is gained.

    Examples
    --------
    >>> x = np.linspace(-1.0, 1.0, 31)[:, None]
    >>> def off(out):
    ...     return out - np.sin(3.0 * x), np.ones((31, 1, 1))
    >>> found = refined(Network.create((1, 12, 1), seed=0), x, off, 80)
    >>> bool(np.max(np.abs(found(x) - np.sin(3.0 * x))) < 1e-3)
    True
    """
    off, rows, kernel = _system(network, x, residuals)
    damping, failed = FIRST_DAMPING, 0
    for _ in range(steps):
        size = float(np.trace(kernel)) / len(kernel)
        if failed > MOST_FAILED or not size > 0.0 or off @ off < CONVERGED * len(off):
            break
        damped = kernel + damping * size * np.eye(len(kernel))
        moved = network.moved(-rows.T @ np.linalg.solve(damped, off))
        there = residuals(moved(x))[0].ravel()
        if there @ there < off @ off:
            network, damping, failed = moved, max(SHRINK * damping, LEAST_DAMPING), 0
            off, rows, kernel = _system(network, x, residuals)
        else:
            damping, failed = GROW * damping, failed + 1
    return network


def _system(
    network: Network, x: FloatArray, residuals: Residuals
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Residuals (r,), their derivatives J (r, W) by the weights, and J Jᵀ."""
    off, by_output = residuals(network(x))
    jacobian = mlp.jacobian(network.arrays(), network.activation, x)
    rows = (by_output @ jacobian).reshape(off.size, -1)
    return off.ravel(), rows, rows @ rows.T
