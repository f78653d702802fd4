"""Few unknowns for many parameters: conductances, and of each gate a shift and a time scale."""

from __future__ import annotations

import numpy as np

from ..neuron.neuron import Neuron
from ..numerics.arrays import FloatArray, Indices
from .parameterization import Parameterization, SharedParameters
from .transforms import Transform

SHIFT = 10.0  # mV: one unit of a shift
CAPACITANCE = 0.3  # of a logarithm: one unit of c_m, which is known best


class TiedGates:
    """theta = (theta_0 + phi A) exp(phi G), entry by entry.

    Each conductance and c_m has a factor, the reversal potential of a channel without gates an
    offset, and each gate with trained rates an offset of all its potentials and a factor of all its
    rates. So a curve keeps its shape, and what is searched has one to two unknowns for each gate.

    Parameters
    ----------
    neuron : Neuron
    trained : array of int
        Places of what is trained: nothing moves for the sake of anything else.
    transform : Transform, optional
        Whose bounds hold.
    """

    share = 1

    def __init__(self, neuron: Neuron, trained: Indices, transform: Transform | None = None):
        self._transform = transform
        offsets, factors, first = [], [], []
        size = neuron.layout.size
        for adds, logs in _moves(neuron, set(np.asarray(trained).tolist())):
            row, log = np.zeros(size), np.zeros(size)
            for place, much in adds:
                row[place] = much
            for place, much in logs:
                log[place] = much
            offsets.append(row)
            factors.append(log)
            first.append((adds or logs)[0][0])
        self._offsets = np.reshape(offsets, (-1, size))
        self._factors = np.reshape(factors, (-1, size))
        self.indices = np.array(first, dtype=np.intp)

    @property
    def units(self) -> FloatArray:
        return np.ones(len(self.indices))

    def start(self, theta: FloatArray) -> FloatArray:
        return np.zeros((len(theta), len(self.indices)))

    def apply(self, phi: FloatArray, theta: FloatArray) -> FloatArray:
        with np.errstate(over="ignore"):
            moved = (theta + phi @ self._offsets) * np.exp(phi @ self._factors)
        return moved if self._transform is None else self._transform.clipped(moved)

    def vjp(self, phi: FloatArray, by_theta: FloatArray) -> FloatArray:
        """Only searched without a gradient: nothing flows back."""
        return np.zeros(phi.shape)

    def of_cell(self, cell: int | None) -> Indices:
        return np.arange(len(self.indices))


_Moves = list[tuple[list[tuple[int, float]], list[tuple[int, float]]]]


def _moves(neuron: Neuron, trained: set[int]) -> _Moves:
    """Places that each unknown adds to, and those that it multiplies, with how much."""
    layout, found = neuron.layout, []
    for entry in layout:
        if entry.start in trained and entry.group == "conductances" and entry.size == 1:
            found.append(([], [(entry.start, 1.0)]))
        elif entry.start in trained and entry.group == "capacitance":
            found.append(([], [(entry.start, CAPACITANCE)]))
    for channel in neuron.channels:
        reversal = [e for e in layout if e.name == f"{channel.name}.e" and e.start in trained]
        if reversal and not channel.gates:
            found.append(([(reversal[0].start, SHIFT)], []))
        for gate in channel.gates:
            prefix = f"{channel.name}.{gate.name}."
            own = [e for e in layout if e.name.startswith(prefix) and e.group != "networks"]
            if not any(e.start in trained and e.group == "rates" for e in own):
                continue
            shift = [(e.start, SHIFT) for e in own if e.name.endswith(".v0")]
            rates = [(e.start, 1.0) for e in own if e.name.endswith(".a") and e.group == "rates"]
            rates = [(i, x) for i, x in rates if "x_inf" not in layout.names[i]]
            found += [(shift, [])] if shift else []
            found += [([], rates)] if rates else []
    return found


def tied(neuron: Neuron, parameters: Parameterization) -> Parameterization:
    """The unknowns of a search, in the place of those of a descent."""
    block = parameters.blocks[0]
    transform = block.transform if isinstance(block, SharedParameters) else None
    return Parameterization(parameters.theta, [TiedGates(neuron, parameters.indices, transform)])
