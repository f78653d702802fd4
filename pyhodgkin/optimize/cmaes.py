"""CMA-ES for K starts: an evolution strategy for losses without a useful gradient."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from ..numerics.arrays import FloatArray
from .adamw import State

# The loss (M,) of start k at M points (M, p).
Values = Callable[[int, FloatArray], FloatArray]

LEAST = 32  # points of a generation
SMALL = 1e-4  # step size at which it has converged
_LARGE = 1e12


class CMAES:
    """Covariance matrix adaptation with cumulative step-size control (Hansen 2016, 1604.00772).

    One step is one generation: as many points as the rule 4 + 3 ln p says, and at least 32, are
    drawn around the mean and compared; the best of them is the point that the step proposes. It
    needs neither gradients nor smoothness, so that spikes may come and go. The draws depend on the
    number of the generation alone, so that a run that is resumed goes on as it would have.

    Parameters
    ----------
    phi : array (K, p)
    values : callable
        (k, points (M, p)) to their losses (M,).
    size : float
        Standard deviation of the first generation.

    Examples
    --------
    >>> optimizer = CMAES(np.ones((1, 3)), lambda k, x: np.sum(x**2, axis=-1), 0.5)
    >>> for _ in range(60):
    ...     x = optimizer.ask()
    ...     optimizer.tell(np.sum(x**2, axis=-1), np.zeros((1, 3)), 0.0)
    >>> bool(optimizer.value[0] < 1e-3)
    True
    """

    _ARRAYS = (
        *("ahead", "point", "value", "mean", "size", "covariance", "path", "step_path"),
        *("generation", "done", "failed", "rejected", "rate"),
    )

    def __init__(self, phi: FloatArray, values: Values, size: float) -> None:
        self.ahead = np.array(phi, dtype=np.float64, order="C")
        k, p = self.ahead.shape
        self._values = values
        self.point, self.mean = self.ahead.copy(), self.ahead.copy()
        self.value, self.rate = np.full(k, np.inf), np.zeros(k)
        self.size, self.covariance = np.full(k, float(size)), np.tile(np.eye(p), (k, 1, 1))
        self.path, self.step_path = np.zeros((k, p)), np.zeros((k, p))
        self.generation = np.zeros(k, np.int64)
        self.done, self.failed, self.rejected = (np.zeros(k, bool) for _ in range(3))
        self._set(p)

    def _set(self, p: int) -> None:
        self._count = max(LEAST, 4 + int(3 * np.log(max(p, 1))))
        best = self._count // 2
        weights = np.log(best + 0.5) - np.log(np.arange(1, best + 1))
        self._weights = weights / weights.sum()
        self._mass = 1.0 / float(np.sum(self._weights**2))
        mass = self._mass
        self._c_step = (mass + 2) / (p + mass + 5)
        more = 2 * max(0.0, float(np.sqrt((mass - 1) / (p + 1))) - 1)
        self._damping = 1 + more + self._c_step
        self._c_path = (4 + mass / p) / (p + 4 + 2 * mass / p)
        self._c_one = 2 / ((p + 1.3) ** 2 + mass)
        self._c_many = min(1 - self._c_one, 2 * (mass - 2 + 1 / mass) / ((p + 2) ** 2 + mass))
        self._length = float(np.sqrt(p)) * (1 - 1 / (4 * p) + 1 / (21 * p * p))

    def ask(self) -> FloatArray:
        for k in np.flatnonzero(~self.done).tolist():
            if np.isfinite(self.value[k]):  # the first point is where it starts
                self._generation(k)
        return self.ahead

    def tell(self, value: FloatArray, gradient: FloatArray, rate: float) -> None:
        self.rejected = np.zeros(len(self.done), bool)
        for k in np.flatnonzero(~self.done).tolist():
            if not np.isfinite(value[k]):
                # A start that fails is a bad start: its neighbours may not be.
                self.rejected[k] = True
                if not np.isfinite(self.value[k]):
                    self.value[k] = _LARGE
                continue
            if value[k] < self.value[k]:
                self.point[k], self.value[k] = self.ahead[k], value[k]
            self.done[k] = self.size[k] < SMALL

    def _generation(self, k: int) -> None:
        p = self.mean.shape[1]
        rng = np.random.default_rng([int(self.generation[k]), p])
        sizes, axes = np.linalg.eigh(self.covariance[k])
        sizes = np.sqrt(np.maximum(sizes, 1e-14))
        steps = (rng.standard_normal((self._count, p)) * sizes) @ axes.T
        points = self.mean[k] + self.size[k] * steps
        found = np.asarray(self._values(k, points), dtype=np.float64)
        order = np.argsort(np.where(np.isfinite(found), found, np.inf), kind="stable")
        chosen = steps[order[: len(self._weights)]]
        self.ahead[k] = points[order[0]]
        self._adapt(k, chosen, sizes, axes)
        self.generation[k] += 1
        self.rate[k] = self.size[k]

    def _adapt(self, k: int, chosen: FloatArray, sizes: FloatArray, axes: FloatArray) -> None:
        step, p, c = self._weights @ chosen, self.mean.shape[1], self._c_step
        self.mean[k] += self.size[k] * step
        white = axes @ ((axes.T @ step) / sizes)
        self.step_path[k] = (1 - c) * self.step_path[k] + np.sqrt(c * (2 - c) * self._mass) * white
        length = float(np.linalg.norm(self.step_path[k]))
        settled = np.sqrt(1 - (1 - c) ** (2 * (int(self.generation[k]) + 1)))
        moving = length / settled < (1.4 + 2 / (p + 1)) * self._length
        b = self._c_path
        self.path[k] = (1 - b) * self.path[k]
        if moving:
            self.path[k] += np.sqrt(b * (2 - b) * self._mass) * step
        lost = 0.0 if moving else b * (2 - b)
        one, many = self._c_one, self._c_many
        self.covariance[k] = (
            (1 - one - many + one * lost) * self.covariance[k]
            + one * np.outer(self.path[k], self.path[k])
            + many * (chosen.T * self._weights) @ chosen
        )
        self.size[k] *= np.exp(min(1.0, (c / self._damping) * (length / self._length - 1)))

    def stop(self, rows: NDArray[np.bool_]) -> None:
        self.done = self.done | rows

    def state(self) -> State:
        return {name: np.array(getattr(self, name)) for name in self._ARRAYS}

    def restore(self, state: Mapping[str, NDArray]) -> None:
        for name in self._ARRAYS:
            setattr(self, name, np.array(state[name]))
