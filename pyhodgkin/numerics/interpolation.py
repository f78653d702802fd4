"""Polynomial interpolation: Lagrange's weights on any grid, Newton's form, cubic Hermite.

The weights stand apart from the values, so that tensors can be interpolated with them too.
"""

from __future__ import annotations

import numpy as np

from .arrays import FloatArray, Indices


def lagrange_weights(nodes: FloatArray, at: FloatArray) -> FloatArray:
    """What each of k nodes counts for in the polynomial through them, at N points.

    Parameters
    ----------
    nodes : array (N, k) or (k,)
        Distinct in each row.
    at : array (N,)

    Returns
    -------
    array (N, k)
        The polynomial of degree k - 1 at each point is the sum of weights times values.

    Examples
    --------
    >>> weights = lagrange_weights(np.array([0.0, 1.0, 3.0]), np.array([2.0]))
    >>> float((weights @ np.array([0.0, 1.0, 9.0]))[0])  # of x², at 2
    4.0
    """
    nodes = np.broadcast_to(nodes, (len(at), np.shape(nodes)[-1]))
    weights = np.ones(nodes.shape)
    k = nodes.shape[1]
    for i in range(k):
        for j in range(k):
            if i != j:
                weights[:, i] *= (at - nodes[:, j]) / (nodes[:, i] - nodes[:, j])
    return weights


def even_stencils(place: FloatArray, count: int, order: int) -> tuple[Indices, FloatArray]:
    """Numbers and weights (N, order) of the nodes nearest to points on an even grid.

    Parameters
    ----------
    place : array (N,)
        Distance of each point from the first of `count` nodes, in units of their spacing.
    count, order : int
        Nodes of the grid, at least `order`; nodes that the polynomial goes through.

    Examples
    --------
    >>> numbers, weights = even_stencils(np.array([1.5]), count=4, order=4)
    >>> numbers.tolist(), weights.tolist()
    ([[0, 1, 2, 3]], [[-0.0625, 0.5625, 0.5625, -0.0625]])
    """
    first = np.clip(np.floor(place).astype(np.intp) - (order // 2 - 1), 0, count - order)
    own = np.arange(order)
    return first[:, None] + own, lagrange_weights(own.astype(np.float64), place - first)


def lagrange(x: FloatArray, y: FloatArray, at: FloatArray, order: int) -> FloatArray:
    """The polynomials through the (up to) `order` samples around each of N points.

    Parameters
    ----------
    x, y : array (T,)
        Increasing `x`.
    at : array (N,)
    order : int
        How many samples a polynomial goes through; its degree is one less.

    Returns
    -------
    array (N,)

    Examples
    --------
    >>> x = np.array([0.0, 1.0, 2.5, 3.0, 4.0])
    >>> lagrange(x, x**3, np.array([0.5, 2.0]), order=4)
    array([0.125, 8.   ])
    """
    k = min(order, len(x))
    first = np.clip(np.searchsorted(x, at, side="right") - k // 2, 0, len(x) - k)
    numbers = first[:, None] + np.arange(k)
    return weighted(numbers, lagrange_weights(x[numbers], at), y)


def newton_coefficients(nodes: FloatArray, y: FloatArray) -> FloatArray:
    """Divided differences (k, N) of values `y` at `nodes`, both (N, k), for `newton_polynomial`."""
    column, coefficients = y, [y[:, 0]]
    for i in range(1, nodes.shape[1]):
        column = np.diff(column, axis=1) / (nodes[:, i:] - nodes[:, :-i])
        coefficients.append(column[:, 0])
    return np.array(coefficients)


def newton_polynomial(nodes: FloatArray, coefficients: FloatArray, at: FloatArray) -> FloatArray:
    """The polynomials through N rows of nodes (N, k), each at its own point: cheap to repeat.

    Examples
    --------
    >>> nodes = np.array([[0.0, 1.0, 3.0]])
    >>> newton_polynomial(nodes, newton_coefficients(nodes, nodes**2), np.array([2.0]))
    array([4.])
    """
    value = coefficients[-1]
    for i in range(len(coefficients) - 2, -1, -1):
        value = value * (at - nodes[:, i]) + coefficients[i]
    return value


def weighted(numbers: Indices, weights: FloatArray, values: FloatArray) -> FloatArray:
    """Sums (N, …) of some of the `values` (T, …), by numbers and weights (N, k) of them."""
    shape = (-1, *(1,) * (values.ndim - 1))
    columns = zip(numbers.T, weights.T, strict=True)
    return np.asarray(sum(w.reshape(shape) * values[i] for i, w in columns))


def cubic_hermite(x: FloatArray, y: FloatArray, slopes: FloatArray, at: FloatArray) -> FloatArray:
    """The cubics through values and slopes at both ends of each interval, at N points.

    Parameters
    ----------
    x : array (T,)
        Increasing.
    y, slopes : array (..., T)
        Values, and their derivatives by `x`.
    at : array (N,)

    Returns
    -------
    array (..., N)

    Examples
    --------
    >>> x = np.array([0.0, 1.0, 3.0])
    >>> cubic_hermite(x, x**3, 3.0 * x**2, np.array([0.5, 2.0]))
    array([0.125, 8.   ])
    """
    i = np.clip(np.searchsorted(x, at, side="right") - 1, 0, len(x) - 2)
    h = x[i + 1] - x[i]
    s = (at - x[i]) / h
    low, high = y[..., i], y[..., i + 1]
    first, last = h * slopes[..., i], h * slopes[..., i + 1]
    bent = (1.0 - s) * (first - (high - low)) + s * (high - low - last)
    return low + s * (high - low) + s * (1.0 - s) * bent
