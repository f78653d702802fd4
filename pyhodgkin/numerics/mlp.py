"""A multi-layer perceptron forwards and backwards, its arrays a plain list.

`arrays` are the weight (out, in) and the bias (out,) of each layer in turn; the activation
function follows every layer but the last.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from .arrays import FloatArray
from .elementary import logistic

ACTIVATIONS = ("tanh", "softplus", "silu")


def activate(name: str, z: FloatArray) -> FloatArray:
    """The activation function `name`, elementwise."""
    if name == "tanh":
        return np.tanh(z)
    if name == "softplus":
        return np.logaddexp(0.0, z)
    return z * logistic(z)


def activation_slope(name: str, z: FloatArray) -> FloatArray:
    """The derivative of the activation function `name`, elementwise."""
    if name == "tanh":
        return 1.0 - np.tanh(z) ** 2
    s = logistic(z)
    return s if name == "softplus" else s * (1.0 + z * (1.0 - s))


class Forward(NamedTuple):
    """A forward pass: the `output` (..., out), and what the way back needs.

    `inputs` are those of each layer, `before` what went into each activation function.
    """

    output: FloatArray
    inputs: list[FloatArray]
    before: list[FloatArray]


def forward(arrays: Sequence[FloatArray], activation: str, x: FloatArray) -> Forward:
    """The outputs (..., out) for inputs `x` (..., in).

    Examples
    --------
    >>> arrays = [np.ones((3, 1)), np.zeros(3), np.ones((1, 3)), np.zeros(1)]
    >>> bool(forward(arrays, "tanh", np.array([[0.5]])).output[0, 0] == 3.0 * np.tanh(0.5))
    True
    """
    inputs, before = [x], []
    for weight, bias in zip(arrays[0:-2:2], arrays[1:-2:2], strict=True):
        before.append(inputs[-1] @ weight.T + bias)
        inputs.append(activate(activation, before[-1]))
    return Forward(inputs[-1] @ arrays[-2].T + arrays[-1], inputs, before)


def vjp(
    arrays: Sequence[FloatArray], activation: str, passed: Forward, by_output: FloatArray
) -> list[FloatArray]:
    """The gradient by each of `arrays` of a number whose gradient by the output is (N, out).

    Examples
    --------
    >>> arrays = [np.ones((3, 1)), np.zeros(3), np.ones((1, 3)), np.zeros(1)]
    >>> passed = forward(arrays, "tanh", np.array([[0.5], [1.0]]))
    >>> [a.shape for a in vjp(arrays, "tanh", passed, np.ones((2, 1)))]
    [(3, 1), (3,), (1, 3), (1,)]
    """
    gradient: list[FloatArray] = []
    for i, by in _backward(arrays, activation, passed.before, by_output):
        gradient = [by.T @ passed.inputs[i], by.sum(axis=0), *gradient]
    return gradient


def jacobian(arrays: Sequence[FloatArray], activation: str, x: FloatArray) -> FloatArray:
    """Derivatives (N, out, W) of the outputs for `x` (N, in) by all weights, in order of `arrays`.

    Examples
    --------
    >>> arrays = [np.ones((3, 1)), np.zeros(3), np.ones((1, 3)), np.zeros(1)]
    >>> float(jacobian(arrays, "tanh", np.array([[0.5]]))[0, 0, -1])  # by the last bias
    1.0
    """
    passed = forward(arrays, activation, x)
    n, out = passed.output.shape
    before = [z[:, None] for z in passed.before]
    parts: list[FloatArray] = []
    eye = np.broadcast_to(np.eye(out), (n, out, out))
    for i, by in _backward(arrays, activation, before, eye):
        weight = by[..., None] * passed.inputs[i][:, None, None, :]
        parts = [weight.reshape(n, out, -1), by, *parts]
    return np.concatenate(parts, axis=-1)


def _backward(
    arrays: Sequence[FloatArray], activation: str, before: Sequence[FloatArray], by: FloatArray
) -> Iterator[tuple[int, FloatArray]]:
    """Each layer from the last to the first, and the derivatives (..., m) by what leaves it."""
    for i in reversed(range(len(before) + 1)):
        yield i, by
        if i:
            by = (by @ arrays[2 * i]) * activation_slope(activation, before[i - 1])
