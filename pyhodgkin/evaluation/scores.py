"""The numbers of one model on one recording."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from ..numerics.arrays import FloatArray
from ..numerics.spikes import coincidence_factor, match, upward_crossings
from ..recordings import Recording

# A neuron that was not trained has recordings, and none of them is of training.
RECORDINGS, TRAINING, HELDOUT = "recordings", "training", "held out"
ROLES = (RECORDINGS, TRAINING, HELDOUT)


@dataclass(frozen=True)
class Rules:
    """What counts as a spike, and which spikes coincide.

    Parameters
    ----------
    gamma_window : float
        Spikes at most so far apart coincide, ms.
    threshold : float
        A spike is where v rises through it, mV.
    dead_time : float
        No second spike counts so soon after a spike, ms.
    around_spikes : (float, float)
        The samples from so long before to so long after a spike of either trace are no part of
        the sub-threshold error, ms.
    """

    gamma_window: float = 2.0
    threshold: float = 0.0
    dead_time: float = 1.0
    around_spikes: tuple[float, float] = (2.0, 5.0)

    def __post_init__(self) -> None:
        if not 0 < self.gamma_window < math.inf:
            raise InputError(f"gamma_window = {self.gamma_window} ms: give a positive time")
        if not math.isfinite(self.threshold):
            raise InputError(f"threshold = {self.threshold} mV: give a finite potential")
        if not 0 <= self.dead_time < math.inf:
            raise InputError(f"dead_time = {self.dead_time} ms: give zero or more")
        if len(self.around_spikes) != 2 or not all(0 <= x < math.inf for x in self.around_spikes):
            raise InputError(
                f"around_spikes = {self.around_spikes} ms: give the times before and after a spike"
            )


@dataclass(frozen=True)
class Score:
    """One member on one recording; NaN where a number is not defined, see `Evaluation`.

    Parameters
    ----------
    recording, role, member, unit : str
        `role` is ``"training"``, ``"held out"``, or ``"recordings"`` of a neuron that was
        not trained; `unit` that of what was observed.
    rmse, mae : float
        Over the samples that the mask keeps, in `unit`; NaN where the solve failed.
    relative_l2 : float
        Norm of the difference over the norm of what was measured, over the same samples.
    subthreshold_rmse : float
        mV, over the samples away from the spikes of both traces.
    spikes_measured, spikes_predicted, spikes_matched : int or None
        None under voltage clamp.
    spike_error_mean, spike_error_max : float
        Absolute difference of the times of matched spikes, ms.
    gamma : float
        Coincidence factor, see `pyhodgkin.numerics.spikes.coincidence_factor`.
    features : mapping of str to (float, float)
        Measured and predicted value of each feature.
    """

    recording: str
    role: str
    member: str
    unit: str
    rmse: float
    mae: float
    relative_l2: float
    subthreshold_rmse: float = math.nan
    spikes_measured: int | None = None
    spikes_predicted: int | None = None
    spikes_matched: int | None = None
    spike_error_mean: float = math.nan
    spike_error_max: float = math.nan
    gamma: float = math.nan
    features: dict[str, tuple[float, float]] = field(default_factory=dict)

    def row(self) -> dict[str, Any]:
        """Flat: each feature as ``NAME_error``, predicted minus measured."""
        out = {name: value for name, value in vars(self).items() if name != "features"}
        off = {f"{name}_error": p - m for name, (m, p) in self.features.items()}
        return {**out, **off}

    @property
    def spiking(self) -> bool:
        """Whether either trace has a spike."""
        return bool(self.spikes_measured or self.spikes_predicted)


def relative_l2(measured: FloatArray, predicted: FloatArray) -> float:
    """Norm of the difference over the norm of what was measured; NaN when that is zero.

    Examples
    --------
    >>> float(relative_l2(np.array([3.0, 4.0]), np.array([3.0, 3.0])))
    0.2
    """
    norm = np.linalg.norm(measured)
    return float(np.linalg.norm(predicted - measured) / norm) if norm > 0 else math.nan


def spikes_of(recording: Recording, v: FloatArray, rules: Rules) -> FloatArray:
    """Spike times of a trace, ms, at samples that the mask of the recording keeps."""
    times = upward_crossings(recording.t, v, rules.threshold, rules.dead_time)
    return times[recording.mask[np.searchsorted(recording.t, times)]]


def duration_of(recording: Recording) -> float:
    """Time between neighbouring samples that the mask keeps, in sum, ms."""
    kept = recording.mask[1:] & recording.mask[:-1]
    return float(np.diff(recording.t)[kept].sum())


def away_from_spikes(
    recording: Recording, predicted: FloatArray, spikes: FloatArray, rules: Rules
) -> NDArray[np.bool_]:
    """The samples that count, below threshold in both traces and away from `spikes`."""
    keep = recording.mask & (recording.data < rules.threshold)
    keep &= ~(predicted >= rules.threshold)  # a failed solve stays in, and shows
    before, after = rules.around_spikes
    for spike in spikes:
        keep &= (recording.t < spike - before) | (recording.t > spike + after)
    return keep


def spike_numbers(recording: Recording, predicted: FloatArray, rules: Rules) -> dict[str, Any]:
    """The part of a `Score` that there is under current clamp only."""
    measured = spikes_of(recording, recording.data, rules)
    model = spikes_of(recording, predicted, rules)
    pairs = match(measured, model, rules.gamma_window)
    off = np.abs(measured[pairs[:, 0]] - model[pairs[:, 1]])
    quiet = away_from_spikes(recording, predicted, np.concatenate([measured, model]), rules)
    difference = (predicted - recording.data)[quiet]
    duration = duration_of(recording)
    return {
        "subthreshold_rmse": _rms(difference),
        "spikes_measured": len(measured),
        "spikes_predicted": len(model),
        "spikes_matched": len(pairs),
        "spike_error_mean": float(off.mean()) if len(off) else math.nan,
        "spike_error_max": float(off.max()) if len(off) else math.nan,
        "gamma": coincidence_factor(measured, model, duration, rules.gamma_window),
    }


def _rms(x: FloatArray) -> float:
    return float(np.sqrt(np.mean(x**2))) if x.size else math.nan
