"""Fisher's information on parameters, from how they change what would be observed."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from ..backends.base import Backend, SolveOptions
from ..backends.loss import Loss
from ..neuron.neuron import Neuron
from ..numerics.arrays import FloatArray, Indices
from ..recordings import Recording
from ..recordings.denoise import anchored, levels
from ..recordings.observables import observables_of, places_of
from ..results.errors import prediction_mode
from ..results.identifiability import Identifiability
from .prepared_recordings import PreparedRecordings
from .residuals import jacobian, residuals
from .transforms import Transform

SHIFT = 0.01  # mV, of the voltage that a simulation starts at
KNOWN = 0.2  # standard error of that voltage, denoised, in units of the noise
EXACT = 1e-3  # of the standard deviation of the data: residuals below say nothing of noise


def judge(
    backend: Backend,
    neuron: Neuron,
    recordings: Sequence[Recording],
    indices: Indices,
    noise: Sequence[float | None] | None,
    options: SolveOptions,
    tolerance: float = 0.5,
    y0: FloatArray | None = None,
    at_bounds: Sequence[str] = (),
    starts: Sequence[float] = (),
) -> Identifiability | None:
    """`identifiability` of arguments that are in order; None if a recording cannot be predicted.

    `noise` is None where it is to be estimated, of all recordings or of one. `y0` is None or
    (R, S); `at_bounds` are parameters that are at a limit, and held there. `starts` are those of
    `PreparedRecordings`.
    """
    transform = Transform(neuron.layout, neuron.theta, indices)
    # A simulation starts at the first sample, which is less noisy than it was measured.
    levels_ = levels(recordings, None if noise is None else [x or 0.0 for x in noise])
    recordings = PreparedRecordings(recordings, levels_, neuron.v_rest, starts).measured

    def off(
        phi: FloatArray, recordings: Sequence[Recording] = tuple(recordings)
    ) -> list[FloatArray]:
        theta = transform.to_theta(phi, np.repeat(neuron.theta[None], len(phi), axis=0))
        start = None if y0 is None else np.repeat(y0[None], len(phi), axis=0)
        return residuals_in_units(backend, neuron, recordings, theta, start, options)

    values, slopes = jacobian(off, transform.to_phi(neuron.theta))
    if not all(np.isfinite(r).all() for r in values):
        return None
    # A parameter whose change cannot be solved has no slope: nothing is known of it.
    slopes = [np.where(np.isfinite(s), s, 0.0) for s in slopes]
    found = _estimated(values, recordings, len(indices))
    sizes = [
        f if x is None else x for x, f in zip(noise or [None] * len(found), found, strict=True)
    ]
    matrix = np.zeros((len(indices),) * 2)
    begun = slopes_by_start(off, recordings, transform.to_phi(neuron.theta), levels_, y0)
    priors = []
    for slope, size, start in zip(slopes, sizes, begun, strict=True):
        matrix += slope.T @ slope / size**2
        if start is not None:
            priors.append(KNOWN * size * (slope.T @ start) / size**2)
    matrix = _less(matrix, priors)
    units = [entry.unit for entry in neuron.layout for _ in range(entry.size)]
    by_phi = transform.vjp(transform.to_phi(neuron.theta), np.ones(neuron.layout.size))
    return Identifiability(
        tuple(neuron.layout.names[i] for i in indices),
        tuple(units[i] for i in indices),
        neuron.theta[indices],
        by_phi,
        matrix,
        sum(len(r) for r in values),
        tuple(float(s) for s in sizes),
        tolerance,
        tuple(at_bounds),
    )


def residuals_in_units(
    backend: Backend,
    neuron: Neuron,
    recordings: Sequence[Recording],
    theta: FloatArray,
    y0: FloatArray | None,
    options: SolveOptions,
) -> list[FloatArray]:
    """Residuals (M, n) of each recording, in the unit of what was observed, clamp by clamp."""
    out: dict[int, FloatArray] = {}
    for observed in observables_of(recordings):
        at = places_of(recordings, observed)
        mine = [recordings[i] for i in at]
        mode, start = prediction_mode(neuron, mine), None if y0 is None else y0[:, at]
        found = residuals(backend, neuron, mine, theta, mode=mode, loss=Loss(scale=1.0), y0=start,
                          options=options)  # fmt: skip
        out |= dict(zip(at.tolist(), found, strict=True))
    return [out[i] for i in range(len(recordings))]


def _less(matrix: FloatArray, priors: Sequence[FloatArray]) -> FloatArray:
    """The information that is left when estimates are also drawn away by matrix⁻¹ prior (each).

    That is the inverse of matrix⁻¹ + Σ (matrix⁻¹ prior) (matrix⁻¹ prior)ᵀ.
    """
    if not priors:
        return matrix
    b = np.stack(priors, axis=-1)
    inner = np.eye(len(priors)) + b.T @ np.linalg.pinv(matrix, hermitian=True) @ b
    return matrix - b @ np.linalg.solve(inner, b.T)


def slopes_by_start(
    off: Callable[..., list[FloatArray]],
    recordings: Sequence[Recording],
    phi: FloatArray,
    noise: Sequence[float],
    y0: FloatArray | None,
) -> list[FloatArray | None]:
    """Slopes (n,) of each recording by the voltage it starts at; None where that is known."""
    noisy = [r.observed == "v" and size > 0.0 for r, size in zip(recordings, noise, strict=True)]
    if y0 is not None or not any(noisy):
        return [None] * len(recordings)
    ends = []
    for sign in (1.0, -1.0):
        moved = [
            anchored(r, float(r.data[0]) + sign * SHIFT) if own else r
            for r, own in zip(recordings, noisy, strict=True)
        ]
        ends.append([part[0] for part in off(phi[None], moved)])
    out: list[FloatArray | None] = []
    for r, up, down, own in zip(recordings, *ends, noisy, strict=True):
        slope = (up - down) / (2.0 * SHIFT)
        # The first sample itself is what was moved.
        slope[: int(r.mask[0])] = 0.0
        out.append(np.nan_to_num(slope, nan=0.0, posinf=0.0, neginf=0.0) if own else None)
    return out


def _estimated(
    values: Sequence[FloatArray], recordings: Sequence[Recording], p: int
) -> tuple[float, ...]:
    out = []
    for r, recording in zip(values, recordings, strict=True):
        left = max(len(r) - p, 1)
        size = float(np.sqrt(np.sum(r**2) / left))
        floor = EXACT * float(np.std(recording.data[recording.mask]))
        out.append(max(size, floor, np.finfo(float).tiny))
    return tuple(out)
