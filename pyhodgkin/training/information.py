"""Fisher's information on parameters, from how they change what would be observed."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..backends.base import Backend, Loss, SolveOptions
from ..neuron.neuron import Neuron
from ..recordings import Recording
from .evaluate import prediction_mode
from .identifiability import Identifiability
from .noise import levels
from .sensitivities import jacobian, residuals
from .transforms import Transform
from .views import View

FloatArray = NDArray[np.float64]

EXACT = 1e-3  # of the standard deviation of the data: residuals below say nothing of noise


def judge(
    backend: Backend,
    neuron: Neuron,
    recordings: Sequence[Recording],
    indices: NDArray[np.intp],
    noise: Sequence[float] | None,
    options: SolveOptions,
    tolerance: float = 0.5,
    y0: FloatArray | None = None,
) -> Identifiability | None:
    """`identifiability` of arguments that are in order; None if a recording cannot be predicted.

    `y0` is None or (R, S).
    """
    transform = Transform(neuron.layout, neuron.theta, indices)
    # A simulation starts at the first sample, which is less noisy than it was measured.
    recordings = View(recordings, levels(recordings, noise)).measured
    mode = prediction_mode(neuron, recordings)

    def off(phi: FloatArray) -> list[FloatArray]:
        theta = transform.to_theta(phi, np.repeat(neuron.theta[None], len(phi), axis=0))
        start = None if y0 is None else np.repeat(y0[None], len(phi), axis=0)
        loss = Loss(scale=1.0)
        return residuals(
            backend, neuron, recordings, theta, mode=mode, loss=loss, y0=start, options=options
        )

    values, slopes = jacobian(off, transform.to_phi(neuron.theta))
    if not all(np.isfinite(r).all() for r in values):
        return None
    # A parameter whose change cannot be solved has no slope: nothing is known of it.
    slopes = [np.where(np.isfinite(s), s, 0.0) for s in slopes]
    sizes = tuple(noise) if noise is not None else _estimated(values, recordings, len(indices))
    matrix = np.zeros((len(indices),) * 2)
    for slope, size in zip(slopes, sizes, strict=True):
        matrix += slope.T @ slope / size**2
    units = [entry.unit for entry in neuron.layout for _ in range(entry.size)]
    by_phi = transform.pull(transform.to_phi(neuron.theta), np.ones(neuron.layout.size))
    return Identifiability(
        tuple(neuron.layout.names[i] for i in indices),
        tuple(units[i] for i in indices),
        neuron.theta[indices],
        by_phi,
        matrix,
        sum(len(r) for r in values),
        tuple(float(s) for s in sizes),
        tolerance,
    )


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
