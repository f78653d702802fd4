"""The unknowns phi of a fit, in blocks: parameters of the neuron, and states of the recordings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol as Interface

import numpy as np

from ..errors import InputError
from ..neuron.networks import Network
from ..neuron.neuron import Neuron
from ..numerics.arrays import FloatArray, Indices
from .transforms import Transform

_STRIDE = 1_000_003  # between the seeds of the networks of one start


def draw(neuron: Neuron, seeds: list[int], indices: Indices) -> FloatArray:
    """theta (K, P) with the trainable networks drawn anew for each seed.

    Network number i of seed s, in the order of the parameter vector, is
    ``Network.create(layers, seed=s + 1000003*i)``; where the last layer of the network given is
    zero, the drawn one's is zero too, so that a residual starts at its prior.

    Examples
    --------
    >>> import pyhodgkin as ph
    >>> net = ph.NeuralKinetics("rates", ph.Network.create((1, 4, 2), seed=5))
    >>> cell = ph.library.get("squid_axon").replace_gate("n", net)
    >>> theta = draw(cell, [5, 6], cell.layout.select("networks"))
    >>> bool(np.all(theta[0] == cell.theta)), bool(np.all(theta[1] == cell.theta))
    (True, False)
    """
    layout, trained = neuron.layout, set(indices.tolist())
    places: dict[str, list] = {}
    for entry in layout:
        if entry.group == "networks" and entry.start in trained:
            places.setdefault(entry.name.rpartition(".")[0], []).append(entry)
    if not places:
        raise InputError(
            "seeds: a seed draws the trainable networks anew, and this fit trains none; "
            "leave `seeds` out"
        )
    theta = np.repeat(neuron.theta[None], len(seeds), axis=0)
    for i, entries in enumerate(places.values()):
        weights = entries[0::2]
        layers = (weights[0].shape[1], *(w.shape[0] for w in weights))
        zero_last = not np.any(neuron.theta[weights[-1].slice])
        for k, seed in enumerate(seeds):
            network = Network.create(layers, seed=seed + _STRIDE * i, zero_last=zero_last)
            for entry, array in zip(entries, network.arrays(), strict=True):
                theta[k, entry.slice] = array.ravel()
    return theta


class ParameterBlock(Interface):
    """A part of phi that holds parameters of the neuron.

    `theta` is (K, P), or (K, C, P) for C cells. `indices` (n,) are the places in theta of its
    entries, `units` (n,) how many units of the transform one unit of each is, and `share` by how
    many cells each of them is used at once.
    """

    @property
    def indices(self) -> Indices: ...
    @property
    def units(self) -> FloatArray: ...
    @property
    def share(self) -> int: ...

    def start(self, theta: FloatArray) -> FloatArray:
        """The entries (K, n) at `theta`."""
        ...

    def apply(self, phi: FloatArray, theta: FloatArray) -> FloatArray:
        """`theta` with the parameters that its entries `phi` (K, n) give."""
        ...

    def vjp(self, phi: FloatArray, by_theta: FloatArray) -> FloatArray:
        """The gradient (K, n) by its entries, of that by theta."""
        ...

    def of_cell(self, cell: int | None) -> Indices:
        """Which of its entries a recording of `cell` depends on."""
        ...


class StateBlock(Interface):
    """A part of phi that holds states: at the start of recordings, or at nodes."""

    def start(self) -> FloatArray:
        """The entries (K, n) to begin with."""
        ...

    def unpack(self, phi: FloatArray) -> FloatArray:
        """The states (K, N, S) that its entries `phi` (K, n) give."""
        ...

    def initial(self, phi: FloatArray) -> FloatArray | None:
        """The states (K, R, S) at the start of the recordings; None where they are not fitted."""
        ...

    def vjp(self, phi: FloatArray, by_states: FloatArray, rows: Indices) -> FloatArray:
        """The gradient by its entries of the starts `rows`, of that by the states."""
        ...

    def repeated(self, k: int, times: int) -> StateBlock:
        """That of start `k`, so many times."""
        ...

    def of(self, y0: FloatArray, recording: int) -> tuple[Indices, FloatArray]:
        """Its entries that are the initial state `y0` (S,) of a recording, and the slopes."""
        ...


class SharedParameters:
    """Parameters that all recordings, and all `cells` where there are several, have in common."""

    def __init__(self, transform: Transform, cells: int | None = None) -> None:
        self.transform, self._cells = transform, cells

    @property
    def indices(self) -> Indices:
        return self.transform.indices

    @property
    def units(self) -> FloatArray:
        return np.ones(self.transform.size)

    @property
    def share(self) -> int:
        return 1 if self._cells is None else self._cells

    def start(self, theta: FloatArray) -> FloatArray:
        return self.transform.to_phi(theta if self._cells is None else theta[:, 0])

    def apply(self, phi: FloatArray, theta: FloatArray) -> FloatArray:
        return self.transform.to_theta(phi if self._cells is None else phi[:, None], theta)

    def vjp(self, phi: FloatArray, by_theta: FloatArray) -> FloatArray:
        total = by_theta if self._cells is None else by_theta.sum(axis=1)
        return self.transform.vjp(phi, total)

    def of_cell(self, cell: int | None) -> Indices:
        return np.arange(self.transform.size)


class Parameterization:
    """phi (K, p): the blocks of parameters one after the other, then that of states.

    Parameters
    ----------
    theta : array (K, P) or (K, C, P)
        Holds the parameters that stay.
    blocks : sequence of ParameterBlock
    states : StateBlock, optional

    Examples
    --------
    >>> import pyhodgkin as ph
    >>> cell = ph.library.get("squid_axon")
    >>> transform = Transform(cell.layout, cell.theta, cell.layout.select("k.g"))
    >>> unknowns = Parameterization(cell.theta[None], [SharedParameters(transform)])
    >>> theta, states = unknowns.unpack(unknowns.start() + np.log(2.0))
    >>> float(round(theta[0, cell.layout["k.g"].start], 6)), states
    (72.0, None)
    """

    def __init__(
        self,
        theta: FloatArray,
        blocks: Sequence[ParameterBlock],
        states: StateBlock | None = None,
    ) -> None:
        self.theta, self.blocks, self.states = theta, tuple(blocks), states
        ends = np.cumsum([len(block.indices) for block in self.blocks])
        starts = [0, *ends[:-1].tolist()]
        self._parts = [slice(a, int(b)) for a, b in zip(starts, ends, strict=True)]

    @property
    def indices(self) -> Indices:
        """Places in theta of the entries of phi that are parameters."""
        return np.concatenate([block.indices for block in self.blocks])

    @property
    def units(self) -> FloatArray:
        """How many units of the transform one unit of each entry of phi that is a parameter is."""
        return np.concatenate([block.units for block in self.blocks])

    def of_cell(self, cell: int | None) -> Indices:
        """Entries of phi, of those that are parameters, that a recording of `cell` depends on."""
        parts = zip(self.blocks, self._parts, strict=True)
        return np.concatenate([own.start + block.of_cell(cell) for block, own in parts])

    def slopes(self, phi: FloatArray) -> FloatArray:
        """The slopes of theta by the entries of phi (p,) that are parameters."""
        found = self._by_parameters(phi[None], np.ones((1, *self.theta.shape[1:])))[0]
        for block, own in zip(self.blocks, self._parts, strict=True):
            found[own] /= block.share  # all cells move with what they share
        return found

    def of_state(self, y0: FloatArray, recording: int) -> tuple[Indices, FloatArray]:
        """Entries of phi that are the initial state `y0` (S,) of a recording, and its slopes."""
        assert self.states is not None
        at, slopes = self.states.of(y0, recording)
        return len(self.indices) + at, slopes

    def start(self) -> FloatArray:
        """phi (K, p) of where it begins."""
        parts = [block.start(self.theta) for block in self.blocks]
        parts += [] if self.states is None else [self.states.start()]
        return np.concatenate(parts, axis=-1)

    def repeated(self, k: int, times: int) -> Parameterization:
        """Those of start `k`, so many times."""
        theta = np.repeat(self.theta[k : k + 1], times, axis=0)
        states = None if self.states is None else self.states.repeated(k, times)
        return Parameterization(theta, self.blocks, states)

    def without_states(self) -> Parameterization:
        """The same parameters, and no states."""
        return Parameterization(self.theta, self.blocks)

    def unpack(self, phi: FloatArray) -> tuple[FloatArray, FloatArray | None]:
        """theta (K, P) or (K, C, P), and the states (K, N, S) or None."""
        theta = self.theta
        for block, own in zip(self.blocks, self._parts, strict=True):
            theta = block.apply(phi[:, own], theta)
        if self.states is None:
            return theta, None
        return theta, self.states.unpack(phi[:, len(self.indices) :])

    def initial(self, phi: FloatArray) -> FloatArray | None:
        """Initial states (K, R, S) of the recordings, or None where they are not fitted."""
        return None if self.states is None else self.states.initial(phi[:, len(self.indices) :])

    def vjp(
        self, phi: FloatArray, by_theta: FloatArray, by_states: FloatArray | None, rows: Indices
    ) -> FloatArray:
        """Gradient by phi of the starts `rows`, from those by theta and by the states."""
        gradient = self._by_parameters(phi[rows], by_theta)
        if self.states is None:
            return gradient
        if by_states is None:
            raise InputError("fit_initial: this engine gives no gradient by the initial state")
        own = self.states.vjp(phi[:, len(self.indices) :], by_states, rows)
        return np.concatenate([gradient, own], axis=-1)

    def _by_parameters(self, phi: FloatArray, by_theta: FloatArray) -> FloatArray:
        parts = zip(self.blocks, self._parts, strict=True)
        return np.concatenate([b.vjp(phi[:, own], by_theta) for b, own in parts], axis=-1)
