"""What recordings tell of curves: derivatives of the predictions along functions of the voltage."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..backends.base import Backend, SolveOptions
from ..neuron.neuron import Neuron
from ..numerics.arrays import FloatArray, Indices
from ..recordings import Recording
from ..recordings.observables import observables_of, places_of
from ..results.errors import prediction_mode

STEP = 1e-4  # of an added weight, or of phi
AT_ONCE = 24  # parameter vectors in one call of the engine
SAMPLES = 12000  # of all recordings together, at which derivatives are kept
EXACT = 1e-4  # of the standard deviation of the data: residuals below say nothing of noise
BLOCKS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512)  # samples, for the variance of block means
FEWEST = 24  # blocks


@dataclass(frozen=True)
class CurveInformation:
    """The quadratic model of the loss around a fit, along q directions.

    Attributes
    ----------
    matrix : array (q, q)
        Fisher's information.
    slope : array (q,)
        Of half the sum of squares over the noise.
    noise : tuple of float
        Standard deviation assumed for each recording, in its unit.
    inflation : tuple of float
        Samples for each that is independent: the autocorrelation of the residuals.
    """

    matrix: FloatArray
    slope: FloatArray
    noise: tuple[float, ...]
    inflation: tuple[float, ...]


class Predictor:
    """Predictions for recordings, for the neurons that `theta` (K, P) describe."""

    def __init__(
        self,
        backend: Backend,
        recordings: Sequence[Recording],
        options: SolveOptions,
        y0: FloatArray | None = None,
    ) -> None:
        self._backend, self._recordings = backend, recordings
        self._options, self._y0 = options, y0
        total = sum(int(r.mask.sum()) for r in recordings)
        every = max(1, int(np.ceil(total / SAMPLES)))
        self.keep = [np.flatnonzero(r.mask) for r in recordings]
        self.some = [np.arange(0, len(keep), every) for keep in self.keep]

    def __call__(self, neuron: Neuron, theta: FloatArray) -> list[FloatArray]:
        """Residuals (K, n) of each recording at the samples in use."""
        out: dict[int, FloatArray] = {}
        for observed in observables_of(self._recordings):
            at = places_of(self._recordings, observed)
            mine = [self._recordings[i] for i in at]
            y0 = None if self._y0 is None else np.repeat(self._y0[None, at], len(theta), axis=0)
            mode = prediction_mode(neuron, mine)
            found = self._backend.predict(
                neuron, mine, theta, mode=mode, y0=y0, options=self._options
            )
            for i, values in zip(at.tolist(), found, strict=True):
                data = self._recordings[i].data
                out[i] = (np.reshape(values, (len(theta), -1)) - data)[:, self.keep[i]]
        return [out[i] for i in range(len(self._recordings))]


def information(
    predictor: Predictor,
    neuron: Neuron,
    recordings: Sequence[Recording],
    places: Indices,
    slopes: FloatArray,
    noise: Sequence[float | None],
    assumed: CurveInformation | None = None,
) -> CurveInformation | None:
    """The quadratic model along entries `places` (q,) of theta; None where it cannot be found.

    `slopes` (q,) is how far each entry moves; `noise` (R,) what is known of the noise. Noise and
    autocorrelation are those of the residuals, or those of `assumed`.
    """
    (here,) = zip(*(r for r in predictor(neuron, neuron.theta[None])), strict=True)
    if not all(np.isfinite(r).all() for r in here):
        return None
    if assumed is not None:
        sizes, inflation = assumed.noise, assumed.inflation
    else:
        sizes = [_size(r, rec, n) for r, rec, n in zip(here, recordings, noise, strict=True)]
        inflation = [independent(r / size) for r, size in zip(here, sizes, strict=True)]
    columns: list[list[FloatArray]] = [[] for _ in recordings]
    for start in range(0, len(places), AT_ONCE):
        part = np.arange(start, min(start + AT_ONCE, len(places)))
        theta = np.repeat(neuron.theta[None], len(part), axis=0)
        theta[np.arange(len(part)), places[part]] += STEP * slopes[part]
        for i, moved in enumerate(predictor(neuron, theta)):
            some = predictor.some[i]
            columns[i].append((moved[:, some] - here[i][some]) / STEP)
    q = len(places)
    matrix, slope = np.zeros((q, q)), np.zeros(q)
    for i, parts in enumerate(columns):
        j = np.concatenate(parts)
        j = np.where(np.isfinite(j).all(axis=1, keepdims=True), j, 0.0)
        some = predictor.some[i]
        weight = len(here[i]) / len(some) / (sizes[i] ** 2 * inflation[i])
        matrix += weight * j @ j.T
        slope += weight * j @ here[i][some]
    return CurveInformation(matrix, slope, tuple(sizes), tuple(inflation))


def misfit(predictor: Predictor, neuron: Neuron, found: CurveInformation) -> float:
    """Half the sum of squares over the noise, at the theta of `neuron`."""
    parts = [r[0] for r in predictor(neuron, neuron.theta[None])]
    terms = [
        np.sum(r**2) / (size**2 * many)
        for r, size, many in zip(parts, found.noise, found.inflation, strict=True)
    ]
    return 0.5 * float(np.sum(terms))


def independent(r: FloatArray) -> float:
    """Samples for each independent one, from the variance of means over blocks of residuals.

    Examples
    --------
    >>> import numpy as np
    >>> white = np.random.default_rng(0).normal(size=4000)
    >>> bool(independent(white) < 1.4)
    True
    >>> bool(independent(np.repeat(white[:400], 10)) > 6.0)
    True
    """
    size, largest = float(np.mean(r**2)), 1.0
    for length in BLOCKS:
        count = len(r) // length
        if count < FEWEST or size == 0.0:
            break
        means = r[: count * length].reshape(count, length).mean(axis=1)
        # A standard error of the variance is allowed for, so that white noise counts as white.
        ratio = length * float(np.mean(means**2)) / size
        largest = max(largest, ratio / (1.0 + np.sqrt(2.0 / count)))
    return largest


def _size(r: FloatArray, recording: Recording, known: float | None) -> float:
    floor = EXACT * float(np.std(recording.data[recording.mask]))
    return max(float(np.sqrt(np.mean(r**2))), known or 0.0, floor, np.finfo(float).tiny)
