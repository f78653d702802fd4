"""The voltage that a noisy recording starts at, with the parameters that fit it.

A simulation starts at the first sample. The mean of the first samples is less noisy than that, but
where v moves from the beginning on, however little, it is not where it started, and the leak makes
up for it. So the first voltages are unknowns beside the parameters: one step of Gauss and Newton's
method for both, after which the parameters are fitted again.
"""

from __future__ import annotations

import numpy as np

from ..numerics.arrays import FloatArray, Indices
from .information import residuals_in_units, slopes_by_start
from .problem import Problem
from .residuals import jacobian
from .transforms import Transform

SURE = 2.0  # standard errors that a start is away from where it was taken to be, to be moved
FARTHEST = 3.0  # mV in one step


def better_starts(
    problem: Problem, theta: FloatArray, indices: Indices
) -> tuple[float, ...] | None:
    """First voltages of the recordings (R,), mV, at `theta` (P,); None where none is to move."""
    recordings, neuron = problem.prepared[0].measured, problem.neuron
    noisy = [i for i, r in enumerate(recordings) if r.observed == "v" and problem.noise[i] > 0.0]
    if not noisy:
        return None
    transform = Transform(neuron.layout, theta, indices)
    phi = transform.to_phi(theta)

    def off(points: FloatArray, of: object = tuple(recordings)) -> list[FloatArray]:
        rows = transform.to_theta(points, np.repeat(theta[None], len(points), axis=0))
        return residuals_in_units(problem.backend, neuron, of, rows, None, problem.options)  # type: ignore[arg-type]

    values, slopes = jacobian(off, phi)
    by_start = slopes_by_start(off, recordings, phi, problem.noise, None)
    p, size = len(phi), len(phi) + len(noisy)
    matrix, right = np.zeros((size, size)), np.zeros(size)
    for i, (r, slope) in enumerate(zip(values, slopes, strict=True)):
        rows, sigma = np.zeros((len(r), size)), problem.noise[i] or float(np.std(r)) or 1.0
        rows[:, :p] = np.nan_to_num(slope)
        begun = by_start[i]
        if i in noisy and begun is not None:
            rows[:, p + noisy.index(i)] = begun
        matrix += rows.T @ rows / sigma**2
        right += rows.T @ np.nan_to_num(r) / sigma**2
    for j, i in enumerate(noisy):  # the first sample itself
        given, sigma = problem.recordings[i], problem.noise[i]
        matrix[p + j, p + j] += 1.0 / sigma**2
        right[p + j] += (float(recordings[i].data[0]) - float(given.data[0])) / sigma**2
    covariance = np.linalg.pinv(matrix, hermitian=True)
    moves = -(covariance @ right)[p:]
    errors = np.sqrt(np.maximum(np.diagonal(covariance)[p:], 0.0))
    moves = np.where(np.abs(moves) > SURE * errors, np.clip(moves, -FARTHEST, FARTHEST), 0.0)
    if not moves.any() or not np.isfinite(moves).all():
        return None
    starts = [float(r.data[0]) for r in recordings]
    for i, move in zip(noisy, moves.tolist(), strict=True):
        starts[i] += move
    return tuple(starts)
