"""What programs are computed with on arrays of numpy."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..numerics.elementary import LARGEST_EXPONENT, exponential, linoid, logistic
from ..numerics.mlp import ACTIVATIONS, activate, activation_slope
from ..numerics.piecewise_cubic import value_and_slope
from .tables import Tables


class NumpyFunctions:
    """The functions of programs on arrays of numpy, at the parameters `theta` (P,)."""

    exp = staticmethod(exponential)
    tanh = staticmethod(np.tanh)
    logistic = staticmethod(logistic)
    where = staticmethod(np.where)
    stack = staticmethod(np.stack)

    def __init__(self, tables: Tables, theta: NDArray) -> None:
        self._tables, self._theta = tables, theta

    def parameter(self, place: int) -> Any:
        return self._theta[place]

    def log(self, x: Any) -> Any:
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.log(x)

    def power(self, x: Any, exponent: float) -> Any:
        return x**exponent

    def linoid(self, x: Any) -> Any:
        return linoid(np.asarray(x))[0]

    def linoid_slope(self, x: Any) -> Any:
        return linoid(np.asarray(x))[1]

    def exp_slope(self, x: Any, value: Any) -> Any:
        return np.where(x < LARGEST_EXPONENT, value, 0.0)

    def cubic(self, which: int, x: Any) -> tuple[Any, Any]:
        rows = self._tables.table_rows[slice(*self._tables.table_bounds[which : which + 2])]
        return value_and_slope(rows, np.asarray(x))

    def network(self, which: int, inputs: Sequence[Any]) -> list[Any]:
        """The outputs of a network."""
        x = np.stack(np.broadcast_arrays(*inputs), axis=-1)
        return list(np.moveaxis(self._layers(which, x, None)[0], -1, 0))

    def network_tangents(
        self, which: int, inputs: Sequence[Any], tangents: Sequence[Any]
    ) -> list[Any]:
        """Derivatives of the outputs along those (S, …) of the inputs."""
        x = np.stack(np.broadcast_arrays(*inputs), axis=-1)
        shape = np.broadcast_shapes(*(np.shape(t) for t in tangents))
        along = np.stack([np.broadcast_to(t, shape) for t in tangents], axis=-1)
        return list(np.moveaxis(self._layers(which, x, along)[1], -1, 0))

    def _layers(self, which: int, x: Any, along: Any) -> tuple[Any, Any]:
        tables, place = self._tables, int(self._tables.network_place[which])
        sizes = tables.layers[slice(*tables.network_bounds[which : which + 2])].tolist()
        name = ACTIVATIONS[tables.network_activation[which]]
        for layer, (n_in, n_out) in enumerate(pairwise(sizes)):
            weight = self._theta[place : place + n_in * n_out].reshape(n_out, n_in)
            place += n_in * n_out
            before = x @ weight.T + self._theta[place : place + n_out]
            along = None if along is None else along @ weight.T
            place += n_out
            if layer == len(sizes) - 2:
                return before, along
            x = activate(name, before)
            along = None if along is None else along * activation_slope(name, before)
        raise AssertionError("a network has layers")
