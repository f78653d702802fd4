"""Derivatives of a neuron's equations at single states, by compiled code."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...neuron.neuron import Neuron
from ...numerics.arrays import FloatArray, Indices
from ..linearization import Directions
from ..options import SolveOptions
from ..sensitivity.directional import Levels, jvp
from ..sensitivity.local import LocalDerivatives, NetworkInputs, Quantity
from ..sensitivity.variational import at_voltages, calmed
from ..voltage_grid import VoltageGrid
from .compiled import tables_for
from .local_derivatives import TorchDerivatives


def derivatives_of(neuron: Neuron, options: SolveOptions) -> LocalDerivatives:
    """The derivatives of a neuron's equations, by compiled code where that can be."""
    eager = TorchDerivatives(neuron, options)
    if options.dtype != "float64" or not tables_for(neuron, options):
        return eager
    return CompiledDerivatives(neuron, eager)


class CompiledDerivatives:
    """Those of `neuron`, in double precision on the CPU; see `LocalDerivatives`.

    Examples
    --------
    >>> from pyhodgkin.neuron import library
    >>> cell = library.get("squid_axon")
    >>> local, at_rest = derivatives_of(cell, SolveOptions()), cell.initial_state(-65.0)
    >>> local.jacobians(cell.theta, at_rest[:, None], np.zeros(1)).shape
    (1, 4, 4)
    """

    def __init__(self, neuron: Neuron, eager: TorchDerivatives) -> None:
        from ..compiled.local import Points

        self._points, self._eager = Points(neuron.tables), eager
        self.states = neuron.states
        self._order = np.array([self.states.index(x) for x in eager.states])

    def value(
        self, quantity: Quantity, theta: FloatArray, y: FloatArray, u: FloatArray
    ) -> FloatArray:
        """A quantity (F, N); see `LocalDerivatives.value`."""
        return self._points.value(quantity, theta[None], y.T, u).T

    def jacobians(self, theta: FloatArray, y: FloatArray, u: FloatArray) -> FloatArray:
        """Derivatives (N, S, S) of the right-hand side by the state."""
        return self._points.jacobians(theta[None], y.T, u)

    def slopes(
        self,
        quantity: Quantity,
        theta: FloatArray,
        y: FloatArray,
        u: FloatArray,
        entries: Indices,
    ) -> FloatArray:
        """Derivatives (N, F, m) by entries of theta; see `LocalDerivatives.slopes`."""
        return self._points.slopes(quantity, theta[None], y.T, u, entries)

    def networks(self, theta: FloatArray, y: FloatArray, u: FloatArray) -> list[NetworkInputs]:
        """The networks, and their inputs at N states; see `LocalDerivatives.networks`."""
        return self._eager.networks(theta, y[self._order], u)

    def recurrence(self, decay: FloatArray, push: FloatArray) -> FloatArray:
        """x (G, N) with x[:, k] = decay[:, k]·x[:, k - 1] + push[:, k], from zero."""
        return self._eager.recurrence(decay, push)

    def forward_sensitivities(
        self,
        theta: FloatArray,
        t: FloatArray,
        y: FloatArray,
        u: FloatArray,
        directions: Directions,
        start: FloatArray,
    ) -> FloatArray:
        """How v moves along a trajectory; see `LocalDerivatives.forward_sensitivities`."""
        from ..compiled.kernels.recurrences import trajectory

        a = self.jacobians(theta, y, u)
        a, b = calmed(a, jvp(self, "rhs", theta, y, u, directions))
        s, q = start.shape
        out = np.zeros(((len(t) + 1) // 2, q))
        work = (np.zeros((s, s)), np.zeros((s, s)), np.zeros((s, q)))
        trajectory(np.ascontiguousarray(t), a, b, np.array(start), work, out)
        return out

    def gate_sensitivities(
        self,
        theta: FloatArray,
        grid: VoltageGrid,
        before: FloatArray,
        directions: Directions,
        held: NDArray[np.bool_],
        start: FloatArray | None,
    ) -> FloatArray:
        """How gates under a known voltage move; see `LocalDerivatives.gate_sensitivities`."""
        from ..compiled.kernels.recurrences import gates

        levels = Levels(grid.v)
        table = jvp(self, "rates", theta, *at_voltages(self, levels.nodes), directions)
        rates = self._points.value("rates", theta[None], at_voltages(self, grid.v)[0].T)
        h = np.concatenate([[0.0], grid.h[1:]])
        q = table.shape[2] if start is None else start.shape[1]
        moved = np.zeros((len(before), q))
        out = np.zeros((len(grid.places), len(before), q))
        begin = np.zeros((0, 0)) if start is None else np.ascontiguousarray(start)
        nodes, weights = levels.stencils
        places = np.ascontiguousarray(grid.places, dtype=np.int64)
        gates(
            rates,
            np.ascontiguousarray(table),
            np.ascontiguousarray(nodes, dtype=np.int64),
            np.ascontiguousarray(weights, dtype=np.float64),
            h,
            np.ascontiguousarray(before, dtype=np.float64),
            held,
            begin,
            places,
            moved,
            out,
        )
        return out
