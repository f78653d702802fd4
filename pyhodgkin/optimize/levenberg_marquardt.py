"""Levenberg-Marquardt for K starts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ..numerics.arrays import FloatArray
from .adamw import State
from .models import MAX_TRUST_RADIUS, Model, QuadraticModel, within

# That of start k at phi (p,).
Curvature = Callable[[int, FloatArray], Model]
# Those of several starts k at phi (n, p), where one computation serves all of them.
Curvatures = Callable[[Sequence[int], FloatArray], Sequence[Model]]

SHORTER, LONGER = 0.4, 1.5  # times a step that was none, and one that was good, for the next
STALLED = 1e-8  # relative decrease that is none
PATIENCE = 3  # steps in a row without one: converged
MAX_ACCELERATION = 0.75  # of a step is what may be added to follow a curved valley
SMALL = 1e-9  # of phi: no step
KEPT, MOST_KEPT = 0.25, 2  # a step so near what was expected keeps its matrix, so many times
NOTHING, STEP, MEASURE = range(3)  # what is due before the next point can be asked for
GENTLE, MOST = 1e-3, 1e12  # damping at the start, and when to give up


class LevenbergMarquardt:
    """Levenberg-Marquardt with the scaling of Marquardt (1963), in a trust region.

    A step that did what was expected lets the damping go down to a third; it grows as Nielsen's
    (1999) after one that was none, and the next one is shorter.

    The gradient is the exact one of the objective; only the curvature is Gauss and Newton's, by
    differences. So whatever the objective adds (penalties, other losses) is minimised too. A
    failed solve is a step that was too long.

    Parameters
    ----------
    phi : array (K, p)
    curvature : callable
        (k, phi (p,)) to the `QuadraticModel` of start k.
    curvatures : callable, optional
        The same for several starts at once: (k's, phi (n, p)) to their models.

    Examples
    --------
    >>> def curvature(k, x):
    ...     return QuadraticModel(np.diag([2.0, 200.0]))
    >>> optimizer = LevenbergMarquardt(np.ones((1, 2)), curvature)
    >>> while not optimizer.done.all():
    ...     x = optimizer.ask()
    ...     value = np.sum([1.0, 100.0] * x**2, axis=-1)
    ...     optimizer.tell(value, [2.0, 200.0] * x, 0.0)
    >>> bool(optimizer.value[0] < 1e-12)
    True
    """

    _ARRAYS = (
        *("ahead", "point", "value", "gradient", "damping", "damping_factor"),
        *(
            "expected",
            "trust_radius",
            "stalled",
            "kept",
            "done",
            "failed",
            "rejected",
            "rate",
            "due",
        ),
    )

    def __init__(
        self, phi: FloatArray, curvature: Curvature, curvatures: Curvatures | None = None
    ) -> None:
        self.ahead = np.array(phi, dtype=np.float64, order="C")
        k, p = self.ahead.shape
        self._curvature, self._curvatures = curvature, curvatures
        self.point, self.value = self.ahead.copy(), np.full(k, np.inf)
        self.gradient = np.zeros((k, p))
        self._models: list[Model | None] = [None] * k
        self._scales: dict[int, FloatArray] = {}
        self.damping, self.damping_factor = np.full(k, GENTLE), np.full(k, 2.0)
        self.expected, self.rate, self.trust_radius = (
            np.zeros(k),
            np.zeros(k),
            np.full(k, MAX_TRUST_RADIUS),
        )
        self.stalled, self.kept, self.due = (np.zeros(k, np.int64) for _ in range(3))
        self.done, self.failed, self.rejected = (np.zeros(k, bool) for _ in range(3))

    def ask(self) -> FloatArray:
        # Only here, since who is told to stop in between needs no matrix.
        due = np.flatnonzero(self.due * ~self.done).tolist()
        found = self._measured([k for k in due if self.due[k] == MEASURE])
        for k in due:
            if k in found:
                self._models[k] = found[k]
                self._scales.pop(k, None)
                self.due[k] = STEP
            self._step(k)
            self.due[k] = NOTHING
        return self.ahead

    def tell(self, value: FloatArray, gradient: FloatArray, rate: float) -> None:
        self.rejected = np.zeros(len(self.done), bool)
        for k in np.flatnonzero(~self.done).tolist():
            good = bool(np.isfinite(value[k]) and np.all(np.isfinite(gradient[k])))
            self.rejected[k] = not good
            if good and value[k] < self.value[k]:
                self._accept(k, float(value[k]), gradient[k])
            elif not np.isfinite(self.value[k]):
                # A start without a finite value has nowhere to go back to.
                self.done[k] = self.failed[k] = True
                continue
            else:
                self._damp(k)
                stale = self.kept[k] > 0  # where the matrix is from an earlier point
                self.kept[k], self.due[k] = 0, MEASURE if stale else max(self.due[k], STEP)

    def _accept(self, k: int, value: float, gradient: FloatArray) -> None:
        gained, ratio = self.value[k] - value, np.inf
        if np.isfinite(gained):
            ratio = gained / max(self.expected[k], 1e-300)
            factor = float(np.clip(1.0 - 4.0 * (ratio - 0.4), 1.0 / 3.0, 2.0))
            self.damping[k] = max(self.damping[k] * factor, 1e-12)
            self.damping_factor[k] = 2.0
            if ratio > 0.5:
                self.trust_radius[k] = min(LONGER * self.trust_radius[k], MAX_TRUST_RADIUS)
            self.stalled[k] = self.stalled[k] + 1 if gained <= STALLED * abs(value) else 0
        self.point[k], self.value[k], self.gradient[k] = self.ahead[k], value, gradient
        self.done[k] = self.stalled[k] >= PATIENCE
        model = self._models[k]
        # Of numbers alone: what networks say bends, and their directions turn.
        keep = isinstance(model, QuadraticModel) and model.basis is None
        keep = keep and abs(ratio - 1.0) < KEPT
        keep = keep and bool(self.kept[k] < MOST_KEPT)
        self.kept[k] = self.kept[k] + 1 if keep else 0
        self.due[k] = STEP if keep else MEASURE

    def _measured(self, due: Sequence[int]) -> dict[int, Model]:
        """The models at the points of some starts; what damps them forgets only slowly."""
        if self._curvatures is None:
            found = [self._curvature(k, self.point[k]) for k in due]
        else:
            found = self._curvatures(due, self.point[list(due)]) if due else []
        return {k: self._remembering(k, model) for k, model in zip(due, found, strict=True)}

    def _remembering(self, k: int, found: Model) -> Model:
        model = self._models[k]
        before = self._scales.get(k) if model is None else model.scale
        scale = found.diagonal if found.scale is None else found.scale
        if before is not None and before.shape == scale.shape:
            scale = np.maximum(scale, 0.1 * before)
        return replace(found, scale=np.array(scale))

    def _damp(self, k: int) -> None:
        self.damping[k] *= self.damping_factor[k]
        self.damping_factor[k] *= 2.0
        self.trust_radius[k] = SHORTER * float(
            np.max(np.abs(self.ahead[k] - self.point[k]), initial=0.0)
        )
        nothing = 0 < self.expected[k] <= STALLED * abs(self.value[k])
        self.done[k] = self.damping[k] > MOST or nothing

    def _step(self, k: int) -> None:
        """Where to look next: the minimum of the damped quadratic model, not too far."""
        model = self._models[k]
        if model is None:  # restored: it is measured anew, but for what it remembers
            found = self._curvature(k, self.point[k])
            model = self._models[k] = replace(found, scale=self._scales.pop(k))
        slope = model.down(self.gradient[k])
        damped = model.damped(float(self.damping[k]))
        step = damped.step(slope, float(self.trust_radius[k]))
        self.expected[k] = -(slope @ step + 0.5 * model.curvature(step))
        if model.geodesic_acceleration is not None and np.isfinite(step).all():
            turn = damped.solve(model.geodesic_acceleration(step))
            size = np.linalg.norm(turn) / max(float(np.linalg.norm(step)), 1e-300)
            step = within(step + 0.5 * turn * min(1.0, MAX_ACCELERATION / max(size, 1e-300)), model)
        whole = model.up(step)
        longest = float(np.max(np.abs(whole)))
        if not np.isfinite(longest) or longest < SMALL:
            self.done[k] = True
            return
        self.rate[k] = float(np.linalg.norm(whole))
        self.ahead[k] = self.point[k] + whole

    def stop(self, rows: NDArray[np.bool_]) -> None:
        self.done = self.done | rows

    def state(self) -> State:
        out = {name: np.array(getattr(self, name)) for name in self._ARRAYS}
        scales = {k: x.scale for k, x in enumerate(self._models) if x is not None} | self._scales
        out |= {f"scale.{k}": np.array(x) for k, x in scales.items()}
        for k in np.flatnonzero(self.kept).tolist():
            model = self._models[k]
            if isinstance(model, QuadraticModel):
                out[f"matrix.{k}"] = np.array(model.matrix)
        return out

    def restore(self, state: Mapping[str, NDArray]) -> None:
        for name in self._ARRAYS:
            setattr(self, name, np.array(state[name]))
        self._models = [None] * len(self._models)
        scales = {k: state.get(f"scale.{k}") for k in range(len(self._models))}
        self._scales = {k: np.array(x) for k, x in scales.items() if x is not None}
        # One from an earlier point cannot be measured again.
        for k in np.flatnonzero(self.kept).tolist():
            self._models[k] = QuadraticModel(
                np.array(state[f"matrix.{k}"]), scale=self._scales.pop(k)
            )
