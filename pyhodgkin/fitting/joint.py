"""Recordings of both clamps in one stage: a comparison for each observable, and their mean.

The loss is Σ_o w_o L_o over the observables o (v in current clamp, the current in voltage clamp)
that are trained on, with equal weights w_o that sum to one. L_o is what the recordings of that
observable would have alone: the mean over them of the mean over their samples, of residuals in
units of the standard deviation of what was measured. So neither the number of samples nor that of
recordings decides which of the two counts for more, and neither do units. An engine is called for
one clamp at a time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import cast

import numpy as np

from ..backends.base import ValueAndGradient
from ..backends.linearization import Directions, Linearization
from ..numerics.arrays import FloatArray, Indices
from ..recordings import Recording
from .comparison import Comparison, LeastSquares
from .parameterization import Parameterization
from .problem import Problem
from .stage import Stage

_NAMES = {"v": "v", "current": "current"}


def prepare(problem: Problem, stage: Stage, unknowns: Parameterization) -> Comparison:
    """What a stage compares: what its mode says, for each observable where there are both."""
    kinds = problem.observables
    if len(kinds) == 1:
        return stage.mode.prepare(problem, stage, unknowns)
    trained = [x for x in kinds if len(problem.places(x))]
    judged = [x for x in kinds if len(problem.of(x).heldout)]
    parts = []
    for observed in kinds:
        mode, own = stage.mode, stage
        if observed != "v":
            mode, own = mode.in_voltage_clamp(), replace(stage, horizon=None)
        parts.append(
            Part(
                observed,
                mode.prepare(problem.of(observed), own, unknowns),
                problem.places(observed),
                stage.mode.states_of(problem, unknowns, observed),
                1.0 / len(trained) if observed in trained else 0.0,
                1.0 / len(judged) if observed in judged else 0.0,
            )
        )
    return JointComparison(parts, len(problem.recordings))


@dataclass(frozen=True)
class Part:
    """The recordings of one observable, and what is compared of them.

    `recordings` are their places among those trained on, `states` those of their states among all
    that are fitted, None where none are. `weight` and `heldout_weight` are those of its loss.
    """

    observed: str
    comparison: Comparison
    recordings: Indices
    states: Indices | None
    weight: float
    heldout_weight: float

    def states_in(self, states: FloatArray | None, axis: int = 1) -> FloatArray | None:
        """Its own of all states."""
        if states is None or self.states is None:
            return None
        return np.take(states, self.states, axis=axis)


class JointComparison:
    """The mean of the losses of several observables; see `LeastSquares`.

    `recordings` and what there is for each of them are in the order of the fit; minibatches are
    drawn from the parts one after the other.
    """

    factor = 1.0

    def __init__(self, parts: Sequence[Part], recordings: int) -> None:
        self._all, self._count = tuple(parts), recordings
        self._parts = tuple(part for part in parts if part.weight > 0.0)
        sizes = [len(part.comparison) for part in self._parts]
        self._ends = np.cumsum(sizes)
        self.loss = parts[0].comparison.loss
        self.recordings: Sequence[Recording] = self._ordered()

    def __len__(self) -> int:
        return int(self._ends[-1])

    def _ordered(self) -> list[Recording]:
        out: dict[int, Recording] = {}
        for part in self._parts:
            out |= dict(zip(part.recordings.tolist(), part.comparison.recordings, strict=True))
        return [out[i] for i in range(self._count)]

    def value_and_grad(
        self, theta: FloatArray, states: FloatArray | None, part: Indices | None = None
    ) -> ValueAndGradient:
        found = []
        for end, own in zip(self._ends, self._parts, strict=True):
            size, mine, weight = len(own.comparison), None, own.weight
            if part is not None:
                mine = part[(part >= end - size) & (part < end)] - (end - size)
                # Over a round of minibatches each of its parts counts as it does in the whole.
                weight *= len(mine) / size * len(self) / len(part)
                if not len(mine):
                    continue
            value = own.comparison.value_and_grad(theta, own.states_in(states), mine)
            found.append((weight, own, value))
        return _sum(found, states)

    def heldout(self, theta: FloatArray) -> ValueAndGradient:
        judged = [part for part in self._all if part.heldout_weight > 0.0]
        return _sum([(x.heldout_weight, x, x.comparison.heldout(theta)) for x in judged], None)

    def remark(self, theta: FloatArray, states: FloatArray | None) -> str:
        if not len(theta):
            return ""
        found = [x.comparison.value_and_grad(theta, x.states_in(states)) for x in self._parts]
        pairs = list(zip(self._parts, found, strict=True))
        best = int(np.argmin(np.sum([part.weight * own.value for part, own in pairs], axis=0)))
        said = ", ".join(f"{_NAMES[part.observed]} {own.value[best]:.4g}" for part, own in pairs)
        more = [x.comparison.remark(theta, x.states_in(states)) for x in self._parts]
        return "; ".join(text for text in (f"in training {said}", *more) if text)

    # -- by least squares ---------------------------------------------------------------

    def residuals(self, theta: FloatArray, states: FloatArray | None) -> list[FloatArray]:
        out: dict[int, FloatArray] = {}
        for part in self._parts:
            found = _squares(part).residuals(theta, part.states_in(states))
            out |= dict(zip(part.recordings.tolist(), found, strict=True))
        return [out[i] for i in range(self._count)]

    def gauss_newton(
        self,
        values: Sequence[FloatArray],
        slopes: Sequence[FloatArray],
        places: Sequence[Indices] | None,
    ) -> FloatArray:
        found = []
        for part in self._parts:
            at = part.recordings.tolist()
            mine = None if places is None else [places[i] for i in at]
            own = ([values[i] for i in at], [slopes[i] for i in at], mine)
            found.append(part.weight * _squares(part).gauss_newton(*own))
        # A cell may have recordings of one clamp only.
        total = np.zeros((max(len(x) for x in found),) * 2)
        for matrix in found:
            total[: len(matrix), : len(matrix)] += matrix
        return total

    def parameters(self, theta: FloatArray) -> FloatArray:
        """Those (R, P) of the neuron that is trained, whatever an engine is given in its place."""
        out = np.empty((self._count, theta.shape[-1]))
        for part in self._parts:
            out[part.recordings] = _squares(part).cell_parameters(theta)
        return out

    def linearize(self, theta: FloatArray, states: FloatArray | None) -> Linearization:
        found = []
        for part in self._parts:
            rows = _squares(part).model.theta(theta[part.recordings])
            found.append(_squares(part).linearize(rows, part.states_in(states, axis=0)))
        return JointLinearization(self._parts, found, self._count)

    def timed(self) -> bool:
        return any(_squares(part).timed() for part in self._parts)


class JointLinearization:
    """The linearizations of the parts as one; see `Linearization`."""

    def __init__(
        self, parts: Sequence[Part], found: Sequence[Linearization], recordings: int
    ) -> None:
        self._found = list(zip(parts, found, strict=True))
        self._count = recordings
        self._of: dict[int, tuple[Part, Linearization, int]] = {
            place: (part, own, i)
            for part, own in self._found
            for i, place in enumerate(part.recordings.tolist())
        }

    @property
    def valid(self) -> list[bool]:
        return [bool(own.valid[j]) for _, own, j in map(self._of.__getitem__, range(self._count))]

    def networks(self, points: int) -> list[tuple[Indices, FloatArray]]:
        every = [rows for rows in (own.networks(points) for _, own in self._found) if rows]
        return [
            (of_one[0][0], np.concatenate([rows for _, rows in of_one]))
            for of_one in zip(*every, strict=True)
        ]

    def weights(self, recording: int) -> FloatArray:
        part, own, j = self._of[recording]
        share = part.weight * part.comparison.factor / len(part.recordings)
        return own.weights(j) * (share * self._count)

    def jvp(self, recording: int, directions: Directions, states: FloatArray | None) -> FloatArray:
        _, own, j = self._of[recording]
        return own.jvp(j, directions, states)

    def change(
        self, which: Sequence[int], theta: FloatArray, y0: FloatArray | None
    ) -> list[FloatArray]:
        out: dict[int, FloatArray] = {}
        for part, own in self._found:
            rows = [row for row, i in enumerate(which) if self._of[i][0] is part]
            if not rows:
                continue
            mine = [self._of[which[row]][2] for row in rows]
            values = _squares(part).model.theta(theta[rows])
            found = own.change(mine, values, None if y0 is None else y0[rows])
            out |= dict(zip(rows, found, strict=True))
        return [out[row] for row in range(len(which))]


def _squares(part: Part) -> LeastSquares:
    return cast(LeastSquares, part.comparison)


def _sum(
    found: Sequence[tuple[float, Part, ValueAndGradient]], states: FloatArray | None
) -> ValueAndGradient:
    """The weighed sum of the answers of the parts; its gradient by all `states`."""
    value = sum(weight * own.value for weight, _, own in found)
    gradient = sum(weight * own.gradient for weight, _, own in found)
    by_states = None if states is None else np.zeros(states.shape)
    for weight, part, own in found:
        if by_states is not None and part.states is not None and own.gradient_y0 is not None:
            by_states[:, part.states] = weight * own.gradient_y0
    return ValueAndGradient(
        np.asarray(value),
        np.asarray(gradient),
        by_states,
        np.concatenate([own.per_recording for *_, own in found], axis=-1),
        np.concatenate([own.statuses for *_, own in found], axis=-1),
    )
