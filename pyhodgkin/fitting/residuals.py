"""Residuals, and how they change with each unknown: one call of the engine for all of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from ..backends.base import Backend, SolveOptions
from ..backends.loss import Loss, residual_weights
from ..backends.voltage_grid import balance_of
from ..neuron.neuron import Neuron
from ..numerics.arrays import FloatArray, Indices
from ..recordings import Recording

# Where spikes shift, a wider difference is no slope; a narrower one sees the solver's own error.
STEP = 3e-5


def residuals(
    backend: Backend,
    neuron: Neuron,
    recordings: Sequence[Recording],
    theta: FloatArray,
    *,
    mode: str,
    loss: Loss,
    y0: FloatArray | None,
    options: SolveOptions,
    cells: Indices | None = None,
) -> list[FloatArray]:
    """(predicted - measured)/scale at the samples in use: (M, n) for each recording.

    `theta` is (M, P), or (M, C, P) with the cell (R,) of each recording, `y0` None or (M, R, S).
    They are NaN where a solve failed.
    """
    more = {} if cells is None else {"cells": cells}
    predicted = backend.predict(
        neuron, recordings, theta, mode=mode, y0=y0, options=options, **more
    )
    out = []
    for i, (recording, values) in enumerate(zip(recordings, predicted, strict=True)):
        own = theta if cells is None else theta[:, cells[i]]
        values, keep = np.reshape(values, (len(theta), -1)), recording.mask
        scaled = recording.data
        target: FloatArray = recording.data[None]
        if mode == "clamped" and recording.observed == "v":
            balance, c_m = balance_of(recording), own[:, neuron.layout["c_m"].start]
            target = balance.stimulus - c_m[:, None] * balance.slope
            scaled = balance.target(neuron.c_m)
        scale = loss.scale_of(scaled[keep])
        with np.errstate(invalid="ignore", over="ignore"):
            out.append(((values - target) / scale)[:, keep])
    return out


def jacobian(
    function: Callable[[FloatArray], list[FloatArray]],
    phi: FloatArray,
    step: float = STEP,
    directions: FloatArray | None = None,
) -> tuple[list[FloatArray], list[FloatArray]]:
    """Values (n,) and their slopes (n, p) by `phi` (p,), for each part that `function` returns.

    Central differences, from one call with 2p + 1 points; where one side cannot be computed the
    other one serves alone. A slope that cannot be known is NaN. With `directions` (q, p) the
    slopes (n, q) are along these.

    Examples
    --------
    >>> value, slope = jacobian(lambda x: [x**2], np.array([3.0, 1.0]))
    >>> slope[0].round(6)
    array([[6., 0.],
           [0., 2.]])
    """
    points = points_around(phi, step, directions)
    return differences(function(points), len(points) // 2, step)


def points_around(
    phi: FloatArray, step: float = STEP, directions: FloatArray | None = None
) -> FloatArray:
    """Points (2q + 1, p) for central differences: `phi` (p,), then up and down each direction."""
    moves = step * (np.eye(len(phi)) if directions is None else directions)
    return np.concatenate([phi[None], phi + moves, phi - moves])


def differences(
    parts: Sequence[FloatArray], q: int, step: float = STEP
) -> tuple[list[FloatArray], list[FloatArray]]:
    """Values (n,) and slopes (n, q) of each part (2q + 1, n), from the values at such points."""
    values, slopes = [], []
    for part in parts:
        here, up, down = part[0], part[1 : q + 1], part[q + 1 :]
        good_up = np.isfinite(up).all(axis=-1, keepdims=True)
        good_down = np.isfinite(down).all(axis=-1, keepdims=True)
        with np.errstate(invalid="ignore"):
            slope = np.where(
                good_up & good_down,
                (up - down) / (2.0 * step),
                np.where(good_up, (up - here) / step, (here - down) / step),
            )
        values.append(here)
        slopes.append(np.ascontiguousarray(slope.T))
    return values, slopes


def gauss_newton(
    values: Sequence[FloatArray],
    slopes: Sequence[FloatArray],
    loss: Loss,
    places: Sequence[Indices] | None = None,
) -> FloatArray:
    """The Gauss-Newton matrix (p, p) of the mean of `loss` over recordings.

    Outside its square part a Huber loss, and the absolute value everywhere, weigh a residual
    by the inverse of its size. Slopes that are not known count as zero. `places` (q,) for each
    recording are the entries of phi that its q slopes are by.
    """
    q = slopes[0].shape[1]
    of = [np.arange(q)] * len(values) if places is None else places
    total = np.zeros((1 + max(int(own.max()) for own in of),) * 2)
    for r, slope, own in zip(values, slopes, of, strict=True):
        slope = np.where(np.isfinite(slope), slope, 0.0)
        weighed = slope * residual_weights(r, loss)[:, None]
        total[np.ix_(own, own)] += slope.T @ weighed / (len(r) * len(values))
    return total
