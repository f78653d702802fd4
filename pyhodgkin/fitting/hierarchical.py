"""Several cells: networks that they share, and numbers of each cell's own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError, RecordingError, unknown
from ..neuron.channels import Channel
from ..neuron.kinetics import NeuralKinetics
from ..neuron.neuron import Neuron
from ..recordings import Recording
from .parameterization import Parameterization
from .transforms import Transform

FloatArray = NDArray[np.float64]
Indices = NDArray[np.intp]

# In units of the variance of the data: next to nothing, but all there is along a direction that
# changes no prediction.
SCALE = 0.1


@dataclass(frozen=True, eq=False)
class Cells:
    """The C cells of a fit.

    Parameters
    ----------
    names : tuple of str (C,)
    own : array of int
        Places in theta of the parameters that each cell has for itself.
    """

    names: tuple[str, ...]
    own: Indices

    def __len__(self) -> int:
        return len(self.names)

    def of(self, recordings: Sequence[Recording]) -> Indices:
        """The place of the cell of each recording (R,)."""
        for recording in recordings:
            if recording.cell not in self.names:
                raise unknown("cell of a recording", recording.cell, self.names)
        return np.array([self.names.index(r.cell) for r in recordings], dtype=np.intp)


def cells_of(
    neuron: Neuron,
    per_cell: str | Sequence[str] | None,
    recordings: Sequence[Recording],
    heldout: Sequence[Recording] = (),
) -> Cells | None:
    """The cells of a fit with `per_cell`, or None without."""
    if per_cell is None:
        return None
    own = neuron.layout.select(per_cell)
    if len(own) == 0:
        raise InputError(f"per_cell = {per_cell!r} names no parameter")
    if np.isin(own, neuron.layout.select("networks")).any():
        raise InputError(
            f"per_cell = {per_cell!r}: networks are shared by the cells; name numbers such as "
            '"conductances" or "k.g"'
        )
    for recording in (*recordings, *heldout):
        if not recording.cell:
            raise RecordingError(
                f'recording "{recording.name}": per_cell needs to know of which cell it is: '
                'Recording(…, cell="name")'
            )
    cells = Cells(tuple(dict.fromkeys(r.cell for r in recordings)), own)
    cells.of(heldout)
    return cells


class HierarchicalParameterization(Parameterization):
    """phi (K, p): what the cells share, then the numbers of each cell, then initial states.

    Parameters
    ----------
    shared, own : Transform
    theta : array (K, C, P)
    y0 : array (K, R, S), optional
    gates : bool
    scale : float
        Units of the transform that one unit of phi is, for the numbers of a cell. A cell has a
        part 1/C in the loss, and √C makes its numbers bend it as what is shared does.
    """

    def __init__(
        self,
        shared: Transform,
        own: Transform,
        theta: FloatArray,
        y0: FloatArray | None = None,
        gates: bool = True,
        scale: float = 1.0,
    ) -> None:
        super().__init__(shared, theta, y0, gates)
        self.own, self._scale = own, scale
        self._cells = theta.shape[1]

    @property
    def indices(self) -> Indices:
        """Places in theta of the entries of phi that are parameters."""
        return np.concatenate([self.transform.indices, np.tile(self.own.indices, self._cells)])

    @property
    def units(self) -> FloatArray:
        """How many units of the transform one unit of each entry of phi that is a parameter is."""
        shared = np.ones(self.transform.size)
        return np.concatenate([shared, np.full(self._cells * self.own.size, self._scale)])

    def repeated(self, k: int, times: int) -> Parameterization:
        """Those of start `k`, so many times."""
        y0 = None if self.y0 is None else np.repeat(self.y0[k : k + 1], times, axis=0)
        theta = np.repeat(self.theta[k : k + 1], times, axis=0)
        return HierarchicalParameterization(
            self.transform, self.own, theta, y0, self._gates, self._scale
        )

    def together(self, cells: Indices) -> tuple[FloatArray, list[Indices]]:
        """Directions (q, p) in phi, and which entries (q,) each recording (of `cells`) sees so."""
        p, n = self.transform.size, self.own.size
        total = p + self._cells * n
        directions = np.zeros((p + n, total))
        directions[:p, :p] = np.eye(p)
        for j in range(n):
            directions[p + j, p + j :: n] = 1.0
        shared = np.arange(p)
        places = [np.concatenate([shared, p + n * c + np.arange(n)]) for c in cells]
        return directions, places

    def seen_by(self, cell: int | None) -> Indices:
        assert cell is not None
        p, n = self.transform.size, self.own.size
        return np.concatenate([np.arange(p), p + n * cell + np.arange(n)])

    def slopes(self, phi: FloatArray) -> FloatArray:
        found = super().slopes(phi)
        found[: self.transform.size] /= self._cells  # all cells move with what they share
        return found

    def _start(self) -> FloatArray:
        first = self.transform.to_phi(self.theta[:, 0])
        own = self.own.to_phi(self.theta) / self._scale
        return np.concatenate([first, own.reshape(len(own), -1)], axis=-1)

    def _theta(self, phi: FloatArray) -> FloatArray:
        p = self.transform.size
        theta = self.transform.to_theta(phi[:, None, :p], self.theta)
        return self.own.to_theta(self._split(phi), theta)

    def _chain_rule(self, phi: FloatArray, by_theta: FloatArray) -> FloatArray:
        p = self.transform.size
        shared = self.transform.vjp(phi[:, :p], by_theta.sum(axis=1))
        own = self._scale * self.own.vjp(self._split(phi), by_theta)
        return np.concatenate([shared, own.reshape(len(own), -1)], axis=-1)

    def _split(self, phi: FloatArray) -> FloatArray:
        own = phi[:, self.transform.size : len(self.indices)]
        return self._scale * own.reshape(len(phi), self._cells, self.own.size)


class MeanConductance:
    """Keeps the mean over the cells of the conductances behind learned gates where it began.

    A gate and its conductance are only known as a product: where each cell has a conductance of
    its own, twice the conductances with a gate that opens half as far predict exactly the same.
    What the neuron was given is taken as the mean of the population.

    Parameters
    ----------
    neuron : Neuron
    own, trained : array of int
        Places of the numbers that are each cell's own, and of all that are trained.
    """

    def __init__(self, neuron: Neuron, own: Indices, trained: Indices) -> None:
        layout = neuron.layout
        places = []
        for channel in neuron.channels:
            learned = any(isinstance(g.kinetics, NeuralKinetics) for g in channel.gates)
            if not isinstance(channel, Channel) or not learned:
                continue
            networks = layout.select(f"{channel.name}.*network*")
            place = layout[f"{channel.name}.g"].start
            if place in own and place in trained and np.isin(networks, trained).any():
                places.append(place)
        self.indices = np.array(places, dtype=np.intp)
        self._centre = neuron.theta[self.indices]

    def __call__(self, theta: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Value (K,) and gradient (K, C, P) at `theta` (K, C, P)."""
        away = theta[..., self.indices].mean(axis=1) / self._centre - 1.0
        slope = np.zeros_like(theta)
        slope[..., self.indices] = (2.0 * SCALE / theta.shape[1] * away / self._centre)[:, None]
        return SCALE * np.sum(away**2, axis=-1), slope

    def row(self, theta: FloatArray) -> FloatArray:
        """Rows (n, C, P) by `theta` (C, P) whose squares sum to half the curvature."""
        out = np.zeros((len(self.indices), *theta.shape))
        for i, (place, centre) in enumerate(zip(self.indices, self._centre, strict=True)):
            out[i, :, place] = np.sqrt(SCALE) / theta.shape[0] / centre
        return out
