"""A program for one element alone, on plain numbers.

An operation on an array of one number takes ten times as long as one on a number. What Python
refuses for plain numbers (a division by zero, an overflow) is left to the arrays, which give
infinities and NaN there.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from ...neuron.program_values import ProgramValues
from ...neuron.tables import Tables
from ...numerics.cached import cached_property
from ...numerics.elementary import LARGEST_EXPONENT
from ...numerics.piecewise_cubic import value_and_slope
from .networks import NetworkStack
from .program_source import compiled

_SERIES = 0.1  # below this the linoid is summed as a series
_FAILURES = (ZeroDivisionError, OverflowError, ValueError)


class _Floats:
    """What `ProgramValues` computes with, on numbers."""

    tanh = staticmethod(math.tanh)
    log = staticmethod(math.log)
    power = staticmethod(math.pow)

    def __init__(self, tables: Tables, stacks: Sequence[NetworkStack]) -> None:
        self._tables, self._stacks = tables, stacks
        self.p: dict[str, Any] = {}

    def parameter(self, place: int) -> float:
        raise AssertionError("parameters are known before")

    def exp(self, x: float) -> float:
        return math.exp(min(x, LARGEST_EXPONENT))

    def exp_slope(self, x: float, value: float) -> float:
        return value if x < LARGEST_EXPONENT else 0.0

    def logistic(self, x: float) -> float:
        if x >= 0.0:
            return 1.0 / (1.0 + math.exp(-x))
        e = math.exp(x)
        return e / (1.0 + e)

    def linoid(self, x: float) -> float:
        if abs(x) < _SERIES:
            w = 0.25 * x * x
            return 0.5 * x + 1.0 + w * (1 / 3 + w * (-1 / 45 + w * (2 / 945 - w / 4725)))
        return x / -math.expm1(-x)

    def linoid_slope(self, x: float) -> float:
        if abs(x) < _SERIES:
            y = 0.5 * x
            w = y * y
            return 0.5 + y * (1 / 3 + w * (-2 / 45 + w * (6 / 945 - w * 4 / 4725)))
        # d/dx = f(x)/x · (1 - f(-x)), and f(-x) = f(x) - x.
        value = x / -math.expm1(-x)
        return value / x * (1.0 - (value - x))

    def cubic(self, which: int, x: float) -> tuple[float, float]:
        rows = self._tables.table_rows[slice(*self._tables.table_bounds[which : which + 2])]
        value, slope = value_and_slope(rows, np.array(x))
        return float(value), float(slope)

    def network(self, which: int, inputs: Sequence[float]) -> list[float]:
        x: Any = np.array(inputs, dtype=np.float64).reshape(1, -1, 1)
        return self._stacks[which](f"net{which}", x, self.p)[0, 0, :, 0].tolist()

    def network_jacobian(
        self, which: int, inputs: Sequence[float]
    ) -> tuple[list[float], list[list[float]]]:
        """The outputs of a network, and of each the derivatives by the inputs."""
        x: Any = np.array(inputs, dtype=np.float64).reshape(1, -1, 1)
        directions: Any = [row[None, None, :, None] for row in np.eye(len(inputs))]
        out, slopes = self._stacks[which].with_tangents(f"net{which}", x, directions, self.p)
        by_input = np.stack([np.asarray(slope)[0, 0, :, 0] for slope in slopes], axis=-1)
        return np.asarray(out)[0, 0, :, 0].tolist(), by_input.tolist()


class OneElement:
    """The slopes and the Jacobian of one element (S, 1, 1) in double precision; None for others."""

    def __init__(
        self,
        values: ProgramValues,
        known: Mapping[int, int],
        tables: Tables,
        stacks: Sequence[NetworkStack],
        clamped: bool,
    ) -> None:
        self._f, self._clamped = _Floats(tables, stacks), clamped
        self._values, self._known = values, tuple(known)
        self._constants: tuple[Any, list[float]] = (None, [])

    @cached_property
    def _slopes(self) -> Callable[..., list[float]]:
        return compiled(self._values, self._known, self._f, jacobian=False)

    @cached_property
    def _linear(self) -> Callable[..., tuple[list[float], list[list[float]]]]:
        return compiled(self._values, self._known, self._f, jacobian=True)

    def _given(self, p: Mapping[str, Any]) -> list[float]:
        array = p.get("constant")
        if array is not self._constants[0]:
            self._constants = array, np.asarray(array).ravel().tolist()
        self._f.p = dict(p)
        return self._constants[1]

    def slopes(self, y: Any, u: Any, p: Any) -> Any:
        """dy/dt (S, 1, 1)."""
        if not _is_alone(y):
            return None
        stimulus = float(u.item())
        try:
            found = self._slopes(y.ravel().tolist(), stimulus, self._given(p))
        except _FAILURES:
            return None
        if self._clamped:
            found[0] = stimulus
        return np.array(found).reshape(y.shape)

    def jacobian(self, y: Any, u: Any, p: Any) -> tuple[Any, Any] | None:
        """dy/dt and its Jacobian (S, S, 1, 1)."""
        if not _is_alone(y):
            return None
        stimulus = float(u.item())
        try:
            found, rows = self._linear(y.ravel().tolist(), stimulus, self._given(p))
        except _FAILURES:
            return None
        matrix = np.array(rows)
        if self._clamped:
            found[0] = stimulus
            matrix[0] = 0.0
        return np.array(found).reshape(y.shape), matrix[:, :, None, None]


def _is_alone(y: Any) -> bool:
    return type(y) is np.ndarray and y.size == len(y) and y.dtype == np.float64
