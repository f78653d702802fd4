"""Where the potential stands still, in the plane of the potential and one gate."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from ..numerics.arrays import FloatArray, Indices
from ..solution.currents import ionic_current

if TYPE_CHECKING:
    from ..neuron.neuron import Neuron


_LEVELS = 401  # values of the gate in [0, 1] that are tried at each potential
_HALVINGS = 40
_JUMP = 0.2


def v_nullcline(
    neuron: Neuron,
    gate: str,
    v: FloatArray,
    stimulus: float,
    frozen: Mapping[str, float] | None = None,
) -> list[FloatArray]:
    """Lines (N, 2) of potential and gate on which the ionic currents equal the stimulus.

    Parameters
    ----------
    neuron : Neuron
    gate : str
        The gate that is free, from 0 to 1.
    v : array (V,)
        Potentials, ascending, mV.
    stimulus : float
        In the unit of the neuron's currents.
    frozen : mapping of str to float, optional
        Values of other gates; those not named are at their steady state at each potential.

    Returns
    -------
    list of array (N, 2)
        Empty where the gate can nowhere balance the currents, or another gate has no steady
        state.

    Examples
    --------
    >>> import pyhodgkin as ph
    >>> axon = ph.library.get("squid_axon")
    >>> (line,) = v_nullcline(axon, "n", np.linspace(-60.0, 0.0, 7), 10.0)
    >>> y = np.array([-30.0, *(axon.gate(x).kinetics.x_inf(-30.0) for x in axon.states[1:])])
    >>> y[axon.states.index("n")] = line[line[:, 0] == -30.0][0, 1]
    >>> float(sum(ionic_current(axon, channel, y) for channel in axon.channels).round(6))
    10.0
    """
    frozen = frozen or {}
    others = [name for name in neuron.states[1:] if name not in (gate, *frozen)]
    if not all(neuron.gate(name).kinetics.is_linear for name in others):
        return []
    x = np.linspace(0.0, 1.0, _LEVELS)
    net = _Net(neuron, gate, stimulus, frozen)
    on_grid = net(*np.meshgrid(v, x, indexing="ij"))
    if not np.isfinite(on_grid).any():
        return []
    changes = np.signbit(on_grid[:, 1:]) != np.signbit(on_grid[:, :-1])
    changes &= np.isfinite(on_grid[:, 1:]) & np.isfinite(on_grid[:, :-1])
    # Where the current does not depend on the gate (at its reversal potential) there is no root
    # for it, and where it is zero at one end of the range the end is the root.
    i, k = np.nonzero(changes)
    at = v[i]
    root = _halve(net, at, x[k], x[k + 1])
    return _joined(i, at, root)


class _Net:
    """Sum of the ionic currents minus the stimulus, at potentials and values of one gate."""

    def __init__(
        self, neuron: Neuron, gate: str, stimulus: float, frozen: Mapping[str, float]
    ) -> None:
        self.neuron, self.gate, self.stimulus, self.frozen = neuron, gate, stimulus, frozen

    def __call__(self, v: FloatArray, x: FloatArray) -> FloatArray:
        states = [v]
        for name in self.neuron.states[1:]:
            if name == self.gate:
                states.append(x)
            elif name in self.frozen:
                states.append(np.full(v.shape, float(self.frozen[name])))
            else:
                states.append(np.asarray(self.neuron.gate(name).kinetics.x_inf(v)))
        y = np.stack(states, axis=-1)
        with np.errstate(all="ignore"):
            total = [ionic_current(self.neuron, channel, y) for channel in self.neuron.channels]
            return np.asarray(np.sum(total, axis=0) - self.stimulus)


def _halve(net: _Net, v: FloatArray, low: FloatArray, high: FloatArray) -> FloatArray:
    """Roots between `low` and `high` by bisection."""
    at_low = np.signbit(net(v, low))
    for _ in range(_HALVINGS):
        middle = 0.5 * (low + high)
        same = np.signbit(net(v, middle)) == at_low
        low, high = np.where(same, middle, low), np.where(same, high, middle)
    return 0.5 * (low + high)


def _joined(i: Indices, v: FloatArray, x: FloatArray) -> list[FloatArray]:
    """Roots of neighbouring potentials as lines: each goes on at the root nearest to it.

    A root that is far from all of the potential before begins a line: at a pole, say.
    """
    lines: list[list[tuple[float, float]]] = []
    open_lines: list[tuple[int, list[tuple[float, float]]]] = []  # place of the last point, line
    for place in np.unique(i):
        here = np.flatnonzero(i == place)
        free = list(here)
        going = []
        for last, line in open_lines:
            if last != place - 1 or not free:
                continue
            best = min(free, key=lambda j: abs(x[j] - line[-1][1]))
            if abs(x[best] - line[-1][1]) > _JUMP:
                continue
            free.remove(best)
            line.append((float(v[best]), float(x[best])))
            going.append((int(place), line))
        for j in free:
            line = [(float(v[j]), float(x[j]))]
            lines.append(line)
            going.append((int(place), line))
        open_lines = going
    return [np.array(line) for line in lines]


def steady_stimulus(command: FloatArray) -> float:
    """The value other than the first one that a stimulus (T,) has longest.

    The mean of these where it varies all the time, and the first one where it is constant.

    Examples
    --------
    >>> steady_stimulus(np.array([0.0, 0.0, 5.0, 5.0, 7.0, 0.0]))
    5.0
    """
    known = command[np.isfinite(command)]
    if not known.size:
        return 0.0
    other = known[known != known[0]]
    if not other.size:
        return float(known[0])
    values, counts = np.unique(other, return_counts=True)
    held = counts.max() >= max(2, 0.2 * other.size)
    return float(values[np.argmax(counts)] if held else other.mean())
