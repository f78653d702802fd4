"""What an engine gives of its equations at single states: values and derivatives (numpy only)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal
from typing import Protocol as Interface

import numpy as np
from numpy.typing import NDArray

from ...neuron.neuron import Neuron
from ...numerics import mlp
from ...numerics.arrays import FloatArray, Indices
from ..linearization import Directions
from ..voltage_grid import VoltageGrid

# Functions of the state y, the stimulus u and theta, with F components each: dy/dt (S); the steady
# state at the voltage of y (S); opening rate, then sum of both rates, of each gate that a known
# voltage drives linearly (2·G); the sum of the ionic currents (1).
Quantity = Literal["rhs", "steady_state", "rates", "current"]


@dataclass(frozen=True)
class NetworkInputs:
    """A network of a neuron, and its inputs at N states.

    Parameters
    ----------
    arrays : sequence of array
        Weights (out, in) and biases (out,), layer by layer.
    places : array of int (W,)
        Where they lie in theta, in the same order.
    activation : str
    inputs : array (N, in)

    Examples
    --------
    >>> arrays = [np.ones((3, 1)), np.zeros(3), np.ones((2, 3)), np.zeros(2)]
    >>> network = NetworkInputs(arrays, np.arange(14), "tanh", np.zeros((5, 1)))
    >>> network.outputs, network.rows().shape
    (2, (5, 2, 14))
    """

    arrays: Sequence[FloatArray]
    places: Indices
    activation: str
    inputs: FloatArray

    @property
    def outputs(self) -> int:
        """The number of outputs."""
        return len(self.arrays[-1])

    @property
    def biases(self) -> Indices:
        """Places in theta of the last biases: an output changes as its own bias does."""
        return self.places[-self.outputs :]

    def rows(self) -> FloatArray:
        """Its outputs by its weights (N, out, W), in the order of `places`."""
        return mlp.jacobian(self.arrays, self.activation, self.inputs)


class LocalDerivatives(Interface):
    """The equations of one neuron at N states `y` (S, N) and stimuli `u` (N,) for `theta` (P,).

    States are in the order of `states`, the voltage first; gates without a state of their own
    are none. All arrays are float64 of numpy, whatever an engine computes in.
    """

    @property
    def states(self) -> tuple[str, ...]:
        """Names of the states in the order of the arrays here."""
        ...

    def value(
        self, quantity: Quantity, theta: FloatArray, y: FloatArray, u: FloatArray
    ) -> FloatArray:
        """A quantity (F, N)."""
        ...

    def jacobians(self, theta: FloatArray, y: FloatArray, u: FloatArray) -> FloatArray:
        """Derivatives (N, S, S) of the right-hand side by the state."""
        ...

    def slopes(
        self,
        quantity: Quantity,
        theta: FloatArray,
        y: FloatArray,
        u: FloatArray,
        entries: Indices,
    ) -> FloatArray:
        """Derivatives (N, F, m) of a quantity by the `entries` (m,) of theta."""
        ...

    def networks(self, theta: FloatArray, y: FloatArray, u: FloatArray) -> list[NetworkInputs]:
        """The networks of the neuron, and their inputs."""
        ...

    def recurrence(self, decay: FloatArray, push: FloatArray) -> FloatArray:
        """x (G, N) with x[:, k] = decay[:, k]·x[:, k - 1] + push[:, k], from zero."""
        ...

    def forward_sensitivities(
        self,
        theta: FloatArray,
        t: FloatArray,
        y: FloatArray,
        u: FloatArray,
        directions: Directions,
        start: FloatArray,
    ) -> FloatArray:
        """How v moves at every second node (n, q) along a trajectory, and where it starts.

        Nodes `t` (N,) ms are at both ends and in the middle of each step; the states `y` (S, N)
        there are known, and the first one moves by `start` (S, q), whose last columns may be more
        than there are `directions`.
        """
        ...

    def gate_sensitivities(
        self,
        theta: FloatArray,
        grid: VoltageGrid,
        before: FloatArray,
        directions: Directions,
        held: NDArray[np.bool_],
        start: FloatArray | None,
    ) -> FloatArray:
        """How the gates at the samples (T, G, q) of a known voltage move.

        `before` (G, N) are the gates before each step of `grid`. They start at the steady state,
        but for those that are `held` (G,), or move by `start` (G, q) there, whose last columns may
        be more than there are `directions`.
        """
        ...


def from_public(local: LocalDerivatives, neuron: Neuron) -> Indices:
    """Which state of `neuron` each state of `local` is (S,)."""
    return np.array([neuron.states.index(name) for name in local.states], dtype=np.intp)
