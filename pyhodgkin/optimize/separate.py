"""Levenberg-Marquardt for unknowns in blocks that nothing connects, each in a trust region."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol as Interface

import numpy as np
from numpy.typing import NDArray

from ..numerics.arrays import FloatArray
from .adamw import State
from .levenberg_marquardt import LevenbergMarquardt
from .models import Model

_INNER = "block."


class Blocks(Interface):
    """An objective of K starts that is a sum over C blocks of b unknowns each.

    Blocks are numbered start by start: that of block c of start k is k·C + c.
    """

    @property
    def weights(self) -> FloatArray:
        """How much the value of each block (C,) counts in that of a start."""
        ...

    @property
    def scale(self) -> float:
        """Units of a block that one unit of phi is."""
        ...

    @property
    def values(self) -> FloatArray:
        """The value of each block (K·C,) at the latest point; inf where there is none."""
        ...

    @property
    def gradients(self) -> FloatArray:
        """The gradients (K·C, b) there."""
        ...

    def curvatures(self, which: Sequence[int], points: FloatArray) -> Sequence[Model]:
        """The models of some blocks at `points` (n, b)."""
        ...


class SeparateLevenbergMarquardt:
    """Levenberg-Marquardt of each block by itself: a step of one that fails stops no other.

    Parameters
    ----------
    phi : array (K, p)
        The C blocks of each start, one after the other.
    blocks : Blocks
    """

    def __init__(self, phi: FloatArray, blocks: Blocks) -> None:
        self._blocks, self._shape = blocks, np.shape(phi)
        self._count = len(blocks.weights)
        own = blocks.scale * np.reshape(phi, (len(phi) * self._count, -1))

        def curvature(k: int, point: FloatArray) -> Model:
            return blocks.curvatures([k], point[None])[0]

        self._each = LevenbergMarquardt(own, curvature, blocks.curvatures)
        self.rejected = np.zeros(len(phi), bool)

    @property
    def done(self) -> NDArray[np.bool_]:
        return np.all(self._by_start(self._each.done), axis=1)

    @property
    def failed(self) -> NDArray[np.bool_]:
        return np.any(self._by_start(self._each.failed), axis=1)

    @property
    def rate(self) -> FloatArray:
        return self._by_start(self._each.rate).max(axis=1) / self._blocks.scale

    @property
    def point(self) -> FloatArray:
        return self._each.point.reshape(self._shape) / self._blocks.scale

    @property
    def value(self) -> FloatArray:
        return self._by_start(self._each.value) @ self._blocks.weights

    def ask(self) -> FloatArray:
        ahead = np.where(self._each.done[:, None], self._each.point, self._each.ask())
        return ahead.reshape(self._shape) / self._blocks.scale

    def tell(self, value: FloatArray, gradient: FloatArray, rate: float) -> None:
        active = ~self.done
        self._each.tell(self._blocks.values, self._blocks.gradients, rate)
        # A start is only refused where no block of it has a value.
        self.rejected = active & self._by_start(self._each.rejected).all(axis=1)

    def stop(self, rows: NDArray[np.bool_]) -> None:
        self._each.stop(np.repeat(rows, self._count))

    def state(self) -> State:
        each = self._each.state()
        return {"rejected": self.rejected.copy()} | {_INNER + k: x for k, x in each.items()}

    def restore(self, state: Mapping[str, NDArray]) -> None:
        self.rejected = np.array(state["rejected"])
        each = {k[len(_INNER) :]: x for k, x in state.items() if k.startswith(_INNER)}
        self._each.restore(each)

    def _by_start(self, x: NDArray) -> NDArray:
        return x.reshape(-1, self._count)
