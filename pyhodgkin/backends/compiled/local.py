"""Values and derivatives of a neuron's equations at many states: arrays in, arrays out."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from ...neuron.tables import Tables
from ...numerics.arrays import FloatArray, Indices
from . import entries
from .announce import first_call
from .kernels import points
from .kernels.layout import Packed, packed
from .kernels.stimulus import N_N, N_Z
from .kernels.vectors import NARROW

STAGES, POWERS = 2, 1
QUANTITIES = {
    "rhs": points.RIGHT_HAND_SIDE,
    "steady_state": points.STEADY_STATE,
    "rates": points.RATES,
    "current": points.CURRENT,
}


class Points:
    """The equations of one neuron at N states `y` (N, S), under stimuli `u` (N,).

    `theta` is (K, P), and `of` (N,) says which row belongs to each state; without it there is one
    row for all. States are in the public order. Quantities are those of
    `backends.sensitivity.local`.
    """

    def __init__(self, tables: Tables, wide: bool | None = None) -> None:
        self.tables, self.packed = tables, _packed(tables)
        if wide is None:
            from .check import points_are_right

            wide = points_are_right()
        self.kernel, self.width = (
            (entries.points, NARROW) if wide else (entries.points_one_by_one, 1)
        )

    def size(self, quantity: str) -> int:
        """F, the number of components of a quantity."""
        s = len(self.tables.states)
        return {"rates": 2 * (s - 1), "current": 1}.get(quantity, s)

    def value(
        self,
        quantity: str,
        theta: FloatArray,
        y: FloatArray,
        u: FloatArray | None = None,
        of: Indices | None = None,
    ) -> FloatArray:
        """A quantity (N, F)."""
        values = np.zeros((len(y), self.size(quantity)))
        self._run(points.VALUE, quantity, theta, y, u, of, values=values)
        return values

    def jacobians(self, theta: FloatArray, y: FloatArray, u: FloatArray) -> FloatArray:
        """Derivatives (N, S, S) of the right-hand side by the state."""
        found = np.zeros((len(y), y.shape[1], y.shape[1]))
        self._run(points.JACOBIAN, "rhs", theta, y, u, None, jacobians=found)
        return found

    def pullback(
        self,
        quantity: str,
        theta: FloatArray,
        y: FloatArray,
        bars: FloatArray,
        u: FloatArray | None = None,
        of: Indices | None = None,
    ) -> tuple[FloatArray, FloatArray]:
        """From derivatives (N, F) by a quantity to those by theta (K, P) and states (N, S)."""
        by_theta, by_state = np.zeros(theta.shape), np.zeros(y.shape)
        self._run(
            points.PULLBACK,
            quantity,
            theta,
            y,
            u,
            of,
            bars=bars,
            by_theta=by_theta,
            by_state=by_state,
        )
        return by_theta, by_state

    def slopes(
        self, quantity: str, theta: FloatArray, y: FloatArray, u: FloatArray, at: Indices
    ) -> FloatArray:
        """Derivatives (N, F, m) of a quantity by the entries `at` (m,) of theta."""
        found = np.zeros((len(y), self.size(quantity), len(at)))
        if found.size:
            self._run(points.SLOPES, quantity, theta, y, u, None, at=at, slopes=found)
        return found

    def _run(
        self,
        task: int,
        quantity: str,
        theta: FloatArray,
        y: FloatArray,
        u: FloatArray | None,
        of: Indices | None,
        *,
        bars: FloatArray | None = None,
        at: Indices | None = None,
        **out: FloatArray,
    ) -> None:
        count = len(y)
        if count == 0:
            return
        arrays = (
            np.zeros(self.packed.slots * self.width),
            np.zeros(N_Z * self.width),
            np.zeros(N_N * self.width, dtype=np.int64),
        )
        batch = (
            _numbers(theta),
            _integers(np.zeros(count) if of is None else of),
            _numbers(y),
            np.zeros(count) if u is None else _numbers(u),
            np.zeros((0, self.size(quantity))) if bars is None else _numbers(bars),
        )
        places = _integers(np.zeros(0) if at is None else at)
        weighted = task == points.PULLBACK or bool(np.isin(places, self._inside()).any())
        two, three = np.zeros((0, 0)), np.zeros((0, 0, 0))
        results = (
            out.get("values", two),
            out.get("jacobians", three),
            out.get("by_theta", two),
            out.get("by_state", two),
            out.get("slopes", three),
        )
        with first_call(self.kernel, None):
            self.kernel(
                arrays,
                (self.packed.m, self.packed.c),
                task,
                QUANTITIES[quantity],
                batch,
                places,
                weighted,
                results,
            )

    def _inside(self) -> Indices:
        """The weights of all networks but their last biases."""
        t, found = self.tables, [np.zeros(0, dtype=np.int64)]
        for i, place in enumerate(t.network_place):
            layers = t.layers[t.network_bounds[i] : t.network_bounds[i + 1]]
            size = int(((layers[:-1] + 1) * layers[1:]).sum()) - int(layers[-1])
            found.append(np.arange(place, place + size))
        return np.concatenate(found)


@lru_cache(maxsize=64)
def _packed(tables: Tables) -> Packed:
    return packed(tables, STAGES, POWERS, True)


def _numbers(x: FloatArray) -> FloatArray:
    return np.ascontiguousarray(x, dtype=np.float64)


def _integers(x: NDArray) -> NDArray[np.int64]:
    return np.ascontiguousarray(x, dtype=np.int64)
