"""Piecewise cubic functions of one variable with a continuous slope (numpy only).

Between two knots the function is the cubic with the values and slopes given at both (Hermite's).
Where no slopes are given they are those of Fritsch and Carlson (1980, doi 10.1137/0717021) in the
form of Fritsch and Butland (1984, doi 10.1137/0905021): the function is monotone where the values
are, and has no extremum that they do not have.
"""

from __future__ import annotations

import numpy as np

from .arrays import FloatArray

# One row for each interval: where it begins, and the coefficients of the powers 0 to 3 from there.
COLUMNS = 5


def monotone_slopes(x: FloatArray, y: FloatArray) -> FloatArray:
    """The slopes (N,) at the knots `x` (N,) of the monotone cubic through the values `y` (N,).

    Examples
    --------
    >>> monotone_slopes(np.array([0.0, 1.0, 2.0, 3.0]), np.array([0.0, 0.0, 1.0, 1.0]))
    array([0., 0., 0., 0.])
    """
    h = np.diff(x)
    secant = np.diff(y) / h
    if len(x) == 2:
        return np.repeat(secant, 2)
    left, right = secant[:-1], secant[1:]
    one, other = 2.0 * h[1:] + h[:-1], h[1:] + 2.0 * h[:-1]
    same = left * right > 0.0
    safe_left, safe_right = np.where(same, left, 1.0), np.where(same, right, 1.0)
    inner = np.where(same, (one + other) / (one / safe_left + other / safe_right), 0.0)
    first = _end_slope(h[0], h[1], secant[0], secant[1])
    last = _end_slope(h[-1], h[-2], secant[-1], secant[-2])
    return np.concatenate([[first], inner, [last]])


def _end_slope(h: float, h_next: float, secant: float, secant_next: float) -> float:
    """By the parabola through three knots, limited so that the end stays monotone."""
    slope = ((2.0 * h + h_next) * secant - h * secant_next) / (h + h_next)
    if slope * secant <= 0.0:
        return 0.0
    if secant * secant_next <= 0.0 and abs(slope) > 3.0 * abs(secant):
        return 3.0 * secant
    return slope


def cubic_rows(x: FloatArray, y: FloatArray, slopes: FloatArray, linear: bool) -> FloatArray:
    """The function as rows (N + 1, 5): below the first knot, each interval, above the last knot.

    Parameters
    ----------
    x, y, slopes : array (N,)
        The knots, and the values and slopes there.
    linear : bool
        Outside the knots the function goes on in a straight line with the slope at the end;
        otherwise it keeps its value at the end.
    """
    h = np.diff(x)
    secant = np.diff(y) / h
    rows = np.zeros((len(x) + 1, COLUMNS))
    rows[0, 0], rows[1:, 0] = x[0], x
    rows[0, 1], rows[1:, 1] = y[0], y
    rows[1:-1, 2] = slopes[:-1]
    rows[1:-1, 3] = (3.0 * secant - 2.0 * slopes[:-1] - slopes[1:]) / h
    rows[1:-1, 4] = (slopes[:-1] + slopes[1:] - 2.0 * secant) / (h * h)
    if linear:
        rows[0, 2], rows[-1, 2] = slopes[0], slopes[-1]
    return rows


def value_and_slope(rows: FloatArray, x: FloatArray) -> tuple[FloatArray, FloatArray]:
    """The function of `cubic_rows` and its derivative at `x`."""
    row = rows[np.searchsorted(rows[1:, 0], x, side="right")]
    u = x - row[..., 0]
    c0, c1, c2, c3 = (row[..., i] for i in range(1, COLUMNS))
    return c0 + u * (c1 + u * (c2 + u * c3)), c1 + u * (2.0 * c2 + u * (3.0 * c3))


def inverse_spacing(x: FloatArray) -> float:
    """1/h where knots are evenly spaced (to rounding), else 0: how tables are looked up."""
    h = np.diff(x)
    spacing = (x[-1] - x[0]) / (len(x) - 1)
    even = x[0] + spacing * np.arange(len(x))
    close = 1e-9 * spacing
    return 1.0 / spacing if np.all(np.abs(x - even) < close) and np.all(h > 0) else 0.0
