"""Where K starts begin, and which of their numbers are unknown."""

from __future__ import annotations

from copy import copy
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from ..neuron.networks import Network
from ..neuron.neuron import Neuron
from .transforms import Transform

if TYPE_CHECKING:
    from .modes.multiple_shooting import Shooting

FloatArray = NDArray[np.float64]

_GATE_EDGE = 1e-4  # keeps the logit of a gate that starts at 0 or 1 finite
_STRIDE = 1_000_003  # between the seeds of the networks of one start


def draw(neuron: Neuron, seeds: list[int], indices: NDArray[np.intp]) -> FloatArray:
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


class Parameterization:
    """phi (K, p): the trainable parameters, and the initial states if they are fitted.

    Parameters
    ----------
    transform : Transform
    theta : array (K, P)
        Holds the parameters that stay.
    y0 : array (K, R, S), optional
        Initial states of the recordings, to be fitted: v in units of 10 mV, gates as logits.
    gates : bool
        Whether the states after v are gates, which stay in [0, 1].
    free_v : bool
        Whether v of the initial states is fitted too.
    """

    shooting: Shooting | None = None  # where y0 holds the nodes of windows

    def __init__(
        self,
        transform: Transform,
        theta: FloatArray,
        y0: FloatArray | None = None,
        gates: bool = True,
        free_v: bool = True,
    ) -> None:
        self.transform, self.theta, self.y0, self._gates = transform, theta, y0, gates
        self._first = 0 if free_v else 1  # of the states that are fitted

    @property
    def indices(self) -> NDArray[np.intp]:
        """Places in theta of the entries of phi that are parameters."""
        return self.transform.indices

    @property
    def units(self) -> FloatArray:
        """How many units of the transform one unit of each entry of phi that is a parameter is."""
        return np.ones(len(self.indices))

    def seen_by(self, cell: int | None) -> NDArray[np.intp]:
        """Entries of phi, of those that are parameters, that a recording of `cell` sees."""
        return np.arange(len(self.indices))

    def slopes(self, phi: FloatArray) -> FloatArray:
        """The slopes of theta by the entries of phi (p,) that are parameters."""
        return self._chain_rule(phi[None], np.ones((1, *self.theta.shape[1:])))[0]

    def of_state(self, y0: FloatArray, recording: int) -> tuple[NDArray[np.intp], FloatArray]:
        """Entries of phi that are the initial state `y0` (S,) of a recording, and its slopes."""
        slope = np.ones(len(y0))
        slope[0] = 10.0
        if self._gates:
            slope[1:] = y0[1:] * (1.0 - y0[1:])
        n = len(y0) - self._first
        return len(self.indices) + n * recording + np.arange(n), np.diag(slope)[:, self._first :]

    def _start(self) -> FloatArray:
        return self.transform.to_phi(self.theta)

    def _theta(self, phi: FloatArray) -> FloatArray:
        return self.transform.to_theta(phi[:, : self.transform.size], self.theta)

    def _chain_rule(self, phi: FloatArray, by_theta: FloatArray) -> FloatArray:
        return self.transform.vjp(phi[:, : self.transform.size], by_theta)

    def start(self) -> FloatArray:
        """phi (K, p) of where it begins."""
        phi = self._start()
        if self.y0 is None:
            return phi
        x = self.y0[..., 1:]
        if self._gates:
            x = np.clip(x, _GATE_EDGE, 1.0 - _GATE_EDGE)
            x = np.log(x) - np.log1p(-x)
        states = np.concatenate([self.y0[..., :1] / 10.0, x], axis=-1)[..., self._first :]
        return np.concatenate([phi, states.reshape(len(phi), -1)], axis=-1)

    def repeated(self, k: int, times: int) -> Parameterization:
        """Those of start `k`, so many times."""
        y0 = None if self.y0 is None else np.repeat(self.y0[k : k + 1], times, axis=0)
        theta = np.repeat(self.theta[k : k + 1], times, axis=0)
        return Parameterization(self.transform, theta, y0, self._gates, not self._first)

    def without_states(self) -> Parameterization:
        """The same parameters, and no initial states."""
        other = copy(self)
        other.y0 = None
        return other

    def unpack(self, phi: FloatArray) -> tuple[FloatArray, FloatArray | None]:
        """theta (K, P), and y0 (K, R, S) or None."""
        p = len(self.indices)
        theta = self._theta(phi)
        if self.y0 is None:
            return theta, None
        states = phi[:, p:].reshape(*self.y0.shape[:-1], self.y0.shape[-1] - self._first)
        x = states[..., 1 - self._first :]
        x = 0.5 * (1.0 + np.tanh(0.5 * x)) if self._gates else x
        v = self.y0[..., :1] if self._first else 10.0 * states[..., :1]
        return theta, np.concatenate([v, x], axis=-1)

    def initial(self, phi: FloatArray) -> FloatArray | None:
        """Initial states (K, R, S) of the recordings, or None where they are not fitted."""
        return self.unpack(phi)[1]

    def vjp(
        self,
        phi: FloatArray,
        by_theta: FloatArray,
        by_y0: FloatArray | None,
        rows: NDArray[np.intp],
    ) -> FloatArray:
        """Gradient by phi of the starts `rows`, from those by theta and y0."""
        gradient = self._chain_rule(phi[rows], by_theta)
        if self.y0 is None:
            return gradient
        if by_y0 is None:
            raise InputError("fit_initial: this engine gives no gradient by the initial state")
        y0 = self.unpack(phi)[1][rows]  # type: ignore[index]
        slope = np.ones_like(y0)
        slope[..., 0] = 10.0
        if self._gates:
            slope[..., 1:] = y0[..., 1:] * (1.0 - y0[..., 1:])
        by_states = (by_y0 * slope)[..., self._first :]
        return np.concatenate([gradient, by_states.reshape(len(rows), -1)], axis=-1)
