"""Spike trains compared, and v below the spikes: a loss for searches without a gradient."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from ...backends.base import SolveOptions, ValueAndGradient
from ...backends.loss import Loss
from ...errors import InputError
from ...neuron.neuron import Neuron
from ...numerics.arrays import FloatArray, Indices
from ...numerics.spike_distance import train_distance
from ...numerics.spikes import upward_crossings
from ...recordings import Recording
from ...status import Status
from ..comparison import Comparison
from ..parameterization import Parameterization
from ..prepared_recordings import cut
from ..problem import Problem
from ..tied_gates import tied
from .base import Mode, StageSettings, register

BEFORE, AFTER = 2.0, 5.0  # ms around a measured spike in which v is not compared
DEAD_TIME = 1.0  # ms
RUNAWAY = 3  # times the measured spikes, and 20 more, are enough to count
BELOW = -35.0  # mV: v above it is compared as that, unless spikes begin lower
MOST_STRETCHES = 20  # changes of the stimulus; more of them are samples of a curve
UNIT = 2.0  # mV: an error of v below the spikes that costs as much as half a spike


class SpikeTrainComparison:
    """The mean over recordings of D/√(1 + N) + C + U.

    D is the `train_distance` of the N measured spikes. C counts spikes between the changes of the
    stimulus: the sum over these stretches, rest included, of |M - n|/√(1 + n), with n spikes
    measured and M predicted. U is the mean Huber loss of v in units of 2 mV where no spike was
    measured (2 ms before to 5 ms after each), both traces cut off at -35 mV.
    """

    factor = 1.0

    def __init__(
        self,
        problem: Problem,
        recordings: Sequence[Recording],
        heldout: Sequence[Recording],
        options: SolveOptions,
        time_scale: float,
        threshold: float = 0.0,
    ) -> None:
        self.recordings, self._heldout = list(recordings), list(heldout)
        self._problem, self._options = problem, options
        self._time_scale, self._threshold = time_scale, threshold
        self.loss = Loss(threshold=threshold)

    def __len__(self) -> int:
        return len(self.recordings)

    def value_and_grad(
        self, theta: FloatArray, states: FloatArray | None, part: Indices | None = None
    ) -> ValueAndGradient:
        mine = self.recordings if part is None else [self.recordings[i] for i in part]
        y0 = states if states is None or part is None else states[:, part]
        return self._evaluate(mine, theta, y0, states)

    def heldout(self, theta: FloatArray) -> ValueAndGradient:
        return self._evaluate(self._heldout, theta, None, None)

    def remark(self, theta: FloatArray, states: FloatArray | None) -> str:
        if not len(theta):
            return ""
        counts = self.counts(theta[:1], None if states is None else states[:1])
        rows = [f"{m}/{p}" for m, p in counts if m or p]
        return f"spikes measured/predicted {', '.join(rows)}" if rows else ""

    def counts(self, theta: FloatArray, states: FloatArray | None) -> list[tuple[int, int]]:
        """Spikes measured and predicted in each recording, of the first row of `theta`."""
        predicted = self._predicted(self.recordings, theta, states)
        return [
            (len(self._spikes(r, r.data)), len(self._spikes(r, np.atleast_2d(v)[0])))
            for r, v in zip(self.recordings, predicted, strict=True)
        ]

    def miscounted(self, theta: FloatArray) -> FloatArray:
        """Mean difference of the numbers of spikes of a recording (K,); inf where one failed."""
        out = np.zeros(len(theta))
        for recording, v in zip(
            self.recordings, self._predicted(self.recordings, theta, None), strict=True
        ):
            count = len(self._spikes(recording, recording.data))
            for k, row in enumerate(np.reshape(v, (len(theta), -1))):
                fine = bool(np.isfinite(row).all())
                out[k] += abs(len(self._spikes(recording, row)) - count) if fine else np.inf
        return out / max(1, len(self.recordings))

    def _predicted(
        self, recordings: Sequence[Recording], theta: FloatArray, y0: FloatArray | None
    ) -> list[FloatArray]:
        problem = self._problem
        more: dict[str, Any] = {}
        if problem.cells is not None:
            more["cells"] = problem.cells.of(recordings)
        return problem.backend.predict(
            problem.neuron,
            recordings,
            theta,
            mode="simulation",
            y0=y0,
            options=self._options,
            **more,
        )

    def _spikes(self, recording: Recording, v: FloatArray) -> FloatArray:
        return upward_crossings(recording.t, v, self._threshold, DEAD_TIME)

    def _evaluate(
        self,
        recordings: Sequence[Recording],
        theta: FloatArray,
        y0: FloatArray | None,
        states: FloatArray | None,
    ) -> ValueAndGradient:
        predicted = self._predicted(recordings, theta, y0)
        each = np.stack(
            [
                self._cost(r, np.reshape(v, (len(theta), -1)))
                for r, v in zip(recordings, predicted, strict=True)
            ],
            axis=-1,
        )
        status = np.where(np.isfinite(each), int(Status.SUCCESS), int(Status.NONFINITE))
        by_states = None if states is None else np.zeros(states.shape)
        return ValueAndGradient(
            each.mean(axis=-1), np.zeros(theta.shape), by_states, each, status.astype(np.int64)
        )

    def _cost(self, recording: Recording, v: FloatArray) -> FloatArray:
        """The cost (K,) of predictions (K, T) of one recording; inf where a solve failed."""
        good = np.asarray(np.isfinite(v).all(axis=-1))
        measured = self._spikes(recording, recording.data)
        most = RUNAWAY * len(measured) + 20
        trains = [
            self._spikes(recording, row)[:most] if fine else measured[:0]
            for row, fine in zip(v, good, strict=True)
        ]
        distance = train_distance(measured, trains, self._time_scale) / np.sqrt(1 + len(measured))
        distance += miscounts(measured, trains, stretches(recording))
        keep = recording.mask & (recording.data < BELOW)
        for spike in measured:
            keep &= (recording.t < spike - BEFORE) | (recording.t > spike + AFTER)
        if not keep.any():
            return np.where(good, distance, np.inf)
        off = np.abs(np.minimum(v[:, keep], BELOW) - recording.data[keep]) / UNIT
        weight = np.gradient(recording.t)[keep]
        huber = np.where(off < 1.0, 0.5 * off**2, off - 0.5)
        below = huber @ (weight / weight.sum())
        return np.where(good, distance + below, np.inf)


def stretches(recording: Recording) -> FloatArray:
    """Where the stimulus changes, from the first sample to the last; of a curve only these, ms."""
    t, breaks = recording.t, recording.protocol.breakpoints
    inside = breaks[(breaks > t[0]) & (breaks < t[-1])]
    return np.array([t[0], *(inside if len(inside) <= MOST_STRETCHES else ()), np.inf])


def miscounts(measured: FloatArray, trains: Sequence[FloatArray], edges: FloatArray) -> FloatArray:
    """How far the numbers of spikes between `edges` are off, (K,).

    Examples
    --------
    >>> miscounts(np.array([1.0, 2.0, 3.0]), [np.array([1.0]), np.zeros(0)], np.array([0.0, 5.0]))
    array([1. , 1.5])
    """
    wanted = np.histogram(measured, edges)[0]
    found = np.stack([np.histogram(train, edges)[0] for train in trains])
    return (np.abs(found - wanted) / np.sqrt(1 + wanted)).sum(axis=-1)


@register
@dataclass(frozen=True)
class SpikeTrains(Mode):
    """The neuron is simulated; spike trains are compared, and v where there is no spike.

    Parameters
    ----------
    time_scale : float
        ms: a pair of spikes so far apart costs half as much as a spike missing or too many.
    """

    time_scale: float = 10.0
    name: ClassVar[str] = "spikes"
    optimizers: ClassVar[tuple[str, ...] | None] = ("cmaes",)
    starts_at_measured_v: ClassVar[bool] = True

    @property
    def compares(self) -> str:
        return (
            f"spike times (to {self.time_scale:g} ms), their numbers, and v between them, simulated"
        )

    def __post_init__(self) -> None:
        if not 0 < self.time_scale < np.inf:
            raise InputError(f"Stage: time_scale = {self.time_scale} ms must be positive")

    def check(
        self,
        where: str,
        stage: StageSettings,
        neuron: Neuron,
        recordings: Sequence[Recording],
        loss: Loss,
    ) -> None:
        if any(r.observed != "v" for r in recordings):
            raise InputError(
                f"{where}: spike trains are those of current clamp; in voltage clamp v is "
                'commanded: use mode="clamped"'
            )
        super().check(where, stage, neuron, recordings, loss)

    def parameterize(
        self,
        problem: Problem,
        stage: StageSettings,
        parameters: Parameterization,
        y0: FloatArray | None,
    ) -> Parameterization:
        return tied(problem.neuron, parameters)

    def prepare(
        self, problem: Problem, stage: StageSettings, unknowns: Parameterization
    ) -> Comparison:
        return comparison_of(problem, stage, self.time_scale)


def comparison_of(
    problem: Problem, stage: StageSettings, time_scale: float = 10.0
) -> SpikeTrainComparison:
    """What is compared in a stage of this mode, and by which a stage is taken back."""
    trained, heldout = (
        [cut(r, stage.horizon) for r in prepared.sampled(stage.sampling)]
        for prepared in problem.prepared
    )
    options = problem.options_of(stage.options)
    return SpikeTrainComparison(problem, trained, heldout, options, time_scale)
