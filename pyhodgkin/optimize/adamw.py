"""Optimizers that are asked for points and told values: K starts at once, each on its own.

Everything an optimizer knows is in `state()`, so a run goes on from a checkpoint exactly as it
would have gone on by itself. A start that fails never touches the others.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol as Interface

import numpy as np
from numpy.typing import NDArray

from ..numerics.arrays import FloatArray

State = dict[str, NDArray]

GIVE_UP = 20  # halvings in a row; a millionth of the step is no step
RECOVER = 25  # good steps after which a halved rate is doubled again


class Optimizer(Interface):
    """What the loop needs of an optimizer of K starts."""

    @property
    def done(self) -> NDArray[np.bool_]: ...
    @property
    def failed(self) -> NDArray[np.bool_]: ...
    @property
    def rejected(self) -> NDArray[np.bool_]: ...
    @property
    def point(self) -> FloatArray: ...
    @property
    def value(self) -> FloatArray: ...
    @property
    def rate(self) -> FloatArray: ...

    def ask(self) -> FloatArray:
        """Points (K, p) whose value and gradient are wanted next."""
        ...

    def tell(self, value: FloatArray, gradient: FloatArray, rate: float) -> None:
        """Value (K,) and gradient (K, p) there; a value that is not finite is a failed step.

        Afterwards `point` (K, p) and `value` (K,) are the last good ones and `rejected` says
        whose step was refused. `rate` is the learning rate of the schedule.
        """
        ...

    def stop(self, rows: NDArray[np.bool_]) -> None:
        """Leave these starts (K,) where they are from now on."""
        ...

    def state(self) -> State:
        """Everything, as arrays."""
        ...

    def restore(self, state: Mapping[str, NDArray]) -> None:
        """The inverse of `state`."""
        ...


class AdamW:
    """Adam with decoupled weight decay (10.48550/arXiv.1711.05101), elementwise over K starts.

    The same update as ``torch.optim.AdamW``. When a step leads to a value that is not finite,
    the start goes back and takes half of the step; its rate stays halved for a while.

    Parameters
    ----------
    phi : array (K, p)
    decay : array (p,)
        Weight decay of each parameter.
    """

    _ARRAYS = (
        *("ahead", "point", "value", "mean", "square", "direction"),
        *("count", "factor", "failures", "streak", "done", "failed", "rejected", "rate"),
    )

    def __init__(
        self,
        phi: FloatArray,
        decay: FloatArray | float = 0.0,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
    ) -> None:
        self.ahead = np.array(phi, dtype=np.float64, order="C")
        k = len(self.ahead)
        self.point = self.ahead.copy()
        self.value = np.full(k, np.inf)
        self.mean, self.square = np.zeros_like(self.ahead), np.zeros_like(self.ahead)
        self.direction = np.zeros_like(self.ahead)
        self.count, self.factor, self.rate = np.zeros(k, np.int64), np.ones(k), np.zeros(k)
        self.failures, self.streak = np.zeros(k, np.int64), np.zeros(k, np.int64)
        self.done, self.failed = np.zeros(k, bool), np.zeros(k, bool)
        self.rejected = np.zeros(k, bool)
        self.decay, self.betas, self.eps = np.asarray(decay), betas, eps

    def ask(self) -> FloatArray:
        return self.ahead

    def tell(self, value: FloatArray, gradient: FloatArray, rate: float) -> None:
        good = np.isfinite(value) & np.all(np.isfinite(gradient), axis=-1) & ~self.done
        bad = ~good & ~self.done
        self.rejected = bad
        self._accept(good, value, gradient, rate)
        self.failures = np.where(bad, self.failures + 1, np.where(good, 0, self.failures))
        self.factor = np.where(bad, 0.5 * self.factor, self.factor)
        self.direction = np.where(bad[:, None], 0.5 * self.direction, self.direction)
        self.streak = np.where(bad, 0, self.streak)
        # A start that never had a finite value has nowhere to go back to.
        self.failed |= bad & (~np.isfinite(self.value) | (self.failures >= GIVE_UP))
        self.done |= self.failed
        moving = ~self.done[:, None]
        self.ahead = np.where(moving, self.point + self.direction, self.ahead)
        self.rate = np.where(self.done, self.rate, rate * self.factor)

    def _accept(
        self, good: NDArray[np.bool_], value: FloatArray, gradient: FloatArray, rate: float
    ) -> None:
        rows, (b1, b2) = good[:, None], self.betas
        self.point = np.where(rows, self.ahead, self.point)
        self.value = np.where(good, value, self.value)
        self.mean = np.where(rows, b1 * self.mean + (1 - b1) * gradient, self.mean)
        self.square = np.where(rows, b2 * self.square + (1 - b2) * gradient**2, self.square)
        self.count = self.count + good
        self.streak = self.streak + good
        again = good & (self.streak >= RECOVER) & (self.factor < 1.0)
        self.factor = np.where(again, np.minimum(2.0 * self.factor, 1.0), self.factor)
        self.streak = np.where(again, 0, self.streak)
        n = np.maximum(self.count, 1)[:, None]
        size = np.sqrt(self.square / (1 - b2**n)) + self.eps
        step = self.mean / (1 - b1**n) / size + self.decay * self.point
        self.direction = np.where(rows, -rate * self.factor[:, None] * step, self.direction)

    def stop(self, rows: NDArray[np.bool_]) -> None:
        self.done = self.done | rows

    def state(self) -> State:
        return {name: np.array(getattr(self, name)) for name in self._ARRAYS}

    def restore(self, state: Mapping[str, NDArray]) -> None:
        for name in self._ARRAYS:
            setattr(self, name, np.array(state[name]))
