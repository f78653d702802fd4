"""Values and derivatives of a neuron's equations at single states, by Julia."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...neuron.network_paths import networks_of
from ...neuron.networks import Network
from ...neuron.neuron import Neuron
from ...numerics.arrays import FloatArray, Indices
from ..linearization import Directions
from ..sensitivity.directional import Levels
from ..sensitivity.local import NetworkInputs, Quantity
from ..voltage_grid import VoltageGrid
from .arrays import c_order
from .convert import system_of
from .start import session


class JuliaDerivatives:
    """Those of `neuron`; see `LocalDerivatives`. States are in their public order.

    Parameters
    ----------
    neuron : Neuron
    """

    def __init__(self, neuron: Neuron) -> None:
        self.states = neuron.states
        self._neuron = neuron
        gates = sum(gate.has_state and gate.kinetics.is_linear for gate in neuron.gates)
        self._components = {
            "rhs": len(self.states),
            "steady_state": len(self.states),
            "rates": 2 * gates,
            "current": 1,
        }
        starts = {path: neuron.layout[f"{path}.weight0"].start for path, _ in networks_of(neuron)}
        pairs = ((starts[path], network) for path, network in networks_of(neuron))
        self._networks = sorted(pairs, key=lambda pair: pair[0])

    def value(
        self, quantity: Quantity, theta: FloatArray, y: FloatArray, u: FloatArray
    ) -> FloatArray:
        """A quantity (F, N); see `LocalDerivatives.value`."""
        out = np.empty((self._components[quantity], len(u)))
        self._call("local_values!", out, quantity, *_points(theta, y, u))
        return out

    def jacobians(self, theta: FloatArray, y: FloatArray, u: FloatArray) -> FloatArray:
        """Derivatives (N, S, S) of the right-hand side by the state."""
        out = np.empty((len(u), len(self.states), len(self.states)))
        self._call("local_jacobians!", out, *_points(theta, y, u))
        return out

    def slopes(
        self,
        quantity: Quantity,
        theta: FloatArray,
        y: FloatArray,
        u: FloatArray,
        entries: Indices,
    ) -> FloatArray:
        """Derivatives (N, F, m) by entries of theta; see `LocalDerivatives.slopes`."""
        out = np.empty((len(u), self._components[quantity], len(entries)))
        places = np.asarray(entries, dtype=np.int64) + 1
        self._call("local_slopes!", out, quantity, *_points(theta, y, u), places)
        return out

    def networks(self, theta: FloatArray, y: FloatArray, u: FloatArray) -> list[NetworkInputs]:
        """The networks, and their inputs at N states; see `LocalDerivatives.networks`."""
        sizes = [network.layers[0] for _, network in self._networks]
        out = np.empty((len(u), sum(sizes)))
        self._call("network_inputs!", out, *_points(theta, y, u))
        inputs = np.split(out, np.cumsum(sizes)[:-1], axis=1) if sizes else []
        return [
            _of_theta(network, start, theta, x)
            for (start, network), x in zip(self._networks, inputs, strict=True)
        ]

    def recurrence(self, decay: FloatArray, push: FloatArray) -> FloatArray:
        """x (G, N) with x[:, k] = decay[:, k]·x[:, k - 1] + push[:, k], from zero."""
        out = np.empty(decay.shape)
        session().call("local_recurrence!", out.T, c_order(decay).T, c_order(push).T)
        return out

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
        out = np.empty((len(t[::2]), start.shape[1]))
        at = c_order(theta), c_order(t), c_order(y).T, c_order(u)
        along = self._along(directions)
        self._call("forward_sensitivities!", out, *at, *along, c_order(start).T)
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
        levels = Levels(grid.v)
        numbers, weights = levels.stencils
        begin = np.zeros((len(before), 0)) if start is None else c_order(start)
        count = directions.size if start is None else begin.shape[1]
        out = np.empty((len(grid.places), len(before), count))
        self._call(
            "gate_sensitivities!",
            out,
            c_order(theta),
            c_order(levels.nodes),
            np.ascontiguousarray(numbers, dtype=np.int64).T + 1,
            c_order(weights).T,
            c_order(grid.v),
            c_order(grid.h),
            np.asarray(grid.places, dtype=np.int64) + 1,
            c_order(before).T,
            np.ascontiguousarray(held, dtype=np.bool_),
            *self._along(directions),
            begin.T,
        )
        return out

    def _along(self, directions: Directions) -> tuple[NDArray[Any], ...]:
        """Places and slopes of entries; for each network the number of columns; the columns."""
        counts, columns = [], []
        for (_, network), block in zip(self._networks, directions.networks, strict=True):
            whole = np.zeros((network.size, block.columns.shape[1]))
            whole[block.trained] = block.columns
            counts.append(whole.shape[1])
            columns.append(whole.ravel())
        return (
            np.asarray(directions.entries, dtype=np.int64) + 1,
            c_order(directions.slopes),
            np.array(counts, dtype=np.int64),
            np.concatenate([np.zeros(0), *columns]),
        )

    def _call(self, name: str, out: FloatArray, *arguments: Any) -> None:
        """Call a function that writes into `out`; a text comes before the system, as in Julia."""
        if out.size:
            kind = [x for x in arguments[:1] if isinstance(x, str)]
            rest = arguments[len(kind) :]
            session().call(name, out.T, *kind, system_of(self._neuron), *rest)


def _points(theta: FloatArray, y: FloatArray, u: FloatArray) -> tuple[FloatArray, ...]:
    """Parameters, states and stimuli as Julia has them."""
    return c_order(theta), c_order(y).T, c_order(u)


def _of_theta(network: Network, start: int, theta: FloatArray, x: FloatArray) -> NetworkInputs:
    """A network with its weights from `theta`, from `start` on."""
    arrays, place = [], start
    for array in network.arrays():
        arrays.append(theta[place : place + array.size].reshape(array.shape))
        place += array.size
    return NetworkInputs(arrays, np.arange(start, place), network.activation, x)
