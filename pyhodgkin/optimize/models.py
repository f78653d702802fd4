"""Quadratic models of a loss around a point, and steps by them inside a trust region."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol as Interface

import numpy as np

from ..numerics.arrays import FloatArray
from ..numerics.cached import cached_property

MAX_TRUST_RADIUS = 0.7  # of phi in one step: a factor of two of a conductance, 7 mV of a reversal
EPS = float(np.finfo(np.float64).eps)
_HALVINGS = 40

# For a step (q,), what the second derivative of the predictions along it adds to the slope.
GeodesicAcceleration = Callable[[FloatArray], FloatArray]


class Damped(Interface):
    """The steps that a damped model gives."""

    def solve(self, slope: FloatArray) -> FloatArray:
        """The step (q,) down a slope, damped as much as the last `step`."""
        ...

    def step(self, slope: FloatArray, radius: float) -> FloatArray:
        """The longest step (q,) down a slope that is inside the trust region."""
        ...


@dataclass(frozen=True)
class Model(ABC):
    """A quadratic model along q directions in phi, which are orthonormal.

    `scale` (q,), by default the diagonal, is what a step is damped by. `geodesic_acceleration`
    gives, for a step (q,), what the second derivative of the predictions along it adds to the slope
    (Transtrum and Sethna 2012, arXiv 1201.5885).
    """

    scale: FloatArray | None = field(default=None, kw_only=True)
    geodesic_acceleration: GeodesicAcceleration | None = field(default=None, kw_only=True)

    @property
    @abstractmethod
    def diagonal(self) -> FloatArray:
        """Curvature along each direction (q,)."""
        ...

    @abstractmethod
    def up(self, step: FloatArray) -> FloatArray:
        """What a step (q,) is in phi (p,)."""
        ...

    @abstractmethod
    def down(self, slope: FloatArray) -> FloatArray:
        """A slope by phi (p,) along the directions (q,)."""
        ...

    @abstractmethod
    def curvature(self, step: FloatArray) -> float:
        """The second derivative along a step (q,)."""
        ...

    @abstractmethod
    def damped(self, damping: float) -> Damped:
        """The model with so many times the scale on its diagonal."""
        ...

    @cached_property
    def _least(self) -> FloatArray:
        """The scale (q,), but for what is next to nothing."""
        scale = self.diagonal if self.scale is None else self.scale
        return np.maximum(scale, 1e-12 * max(float(scale.max(initial=0.0)), 1e-300))

    def longest(self, step: FloatArray) -> float:
        """How far a step (q,) moves any entry of phi."""
        return float(np.max(np.abs(self.up(step)), initial=0.0))


@dataclass(frozen=True)
class QuadraticModel(Model):
    """Gauss and Newton's matrix (q, q) along q directions.

    `basis` (p, q) are the directions in phi, or None for the entries of phi themselves.
    """

    matrix: FloatArray
    basis: FloatArray | None = None

    @property
    def diagonal(self) -> FloatArray:
        return np.diagonal(self.matrix)

    def up(self, step: FloatArray) -> FloatArray:
        return step if self.basis is None else self.basis @ step

    def down(self, slope: FloatArray) -> FloatArray:
        return slope if self.basis is None else self.basis.T @ slope

    def curvature(self, step: FloatArray) -> float:
        return float(step @ self.matrix @ step)

    def damped(self, damping: float) -> Damped:
        return _Dense(self, self.matrix + np.diag(damping * self._least))


class DampedModel(ABC):
    """Steps by a damped model, of a length that is given.

    Along a direction that the data say nothing of a step would go far, and what is cut from it
    for that would be missing from all others. So all of it is damped further until it is inside
    the trust region, in phi, which has no units.
    """

    def __init__(self, model: Model, largest: float) -> None:
        self._model, self._largest, self._more = model, largest, 0.0

    @abstractmethod
    def solve(self, slope: FloatArray) -> FloatArray:
        """The step (q,) down a slope, damped as much as the last `step`."""
        ...

    def step(self, slope: FloatArray, radius: float) -> FloatArray:
        """The longest step (q,) down a slope that is inside the trust region."""
        self._more = 0.0
        found = self.solve(slope)
        if not np.isfinite(found).all() or self._model.longest(found) <= radius:
            return found
        low, high = np.log(EPS * self._largest), np.log(np.linalg.norm(slope) / radius)
        for _ in range(_HALVINGS):
            middle = 0.5 * (low + high)
            self._more = float(np.exp(middle))
            if self._model.longest(self.solve(slope)) > radius:
                low = middle
            else:
                high = middle
        self._more = float(np.exp(high))
        return self.solve(slope)


class _Dense(DampedModel):
    """By the eigenvectors of the matrix (q, q)."""

    def __init__(self, model: Model, matrix: FloatArray) -> None:
        self._size, self._vectors = np.linalg.eigh(matrix)
        super().__init__(model, float(self._size[-1]))

    def solve(self, slope: FloatArray) -> FloatArray:
        size = self._size + self._more
        least = EPS * len(size) * max(float(size[-1]), 1e-300)
        part = np.where(size > least, self._vectors.T @ slope / np.maximum(size, least), 0.0)
        return -self._vectors @ part


def within(step: FloatArray, model: Model) -> FloatArray:
    """The step (q,), or the part of it that moves no entry of phi by over `MAX_TRUST_RADIUS`."""
    return step * min(1.0, MAX_TRUST_RADIUS / max(model.longest(step), 1e-300))
