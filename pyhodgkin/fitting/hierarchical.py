"""Several cells: networks that they share, and numbers of each cell's own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..errors import InputError, RecordingError, unknown
from ..neuron.channels import Channel
from ..neuron.kinetics import NeuralKinetics
from ..neuron.neuron import Neuron
from ..numerics.arrays import FloatArray, Indices
from ..numerics.cached import cached_property
from ..recordings import Recording
from .parameterization import Parameterization, SharedParameters, StateBlock
from .transforms import Transform

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
            if recording.cell not in self._places:
                raise unknown("cell of a recording", recording.cell, self.names)
        return np.array([self._places[r.cell] for r in recordings], dtype=np.intp)

    @cached_property
    def _places(self) -> dict[str, int]:
        return {name: i for i, name in enumerate(self.names)}


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


class CellParameters:
    """Parameters that each of C cells has for itself: phi holds those of one cell after the other.

    Parameters
    ----------
    transform : Transform
        Of the parameters of one cell.
    cells : int
    scale : float
        Units of the transform that one unit of phi is. A cell has a part 1/C in the loss, and √C
        makes its numbers change it as what is shared does.
    """

    def __init__(self, transform: Transform, cells: int, scale: float = 1.0) -> None:
        self.transform, self._cells, self.scale = transform, cells, scale

    @property
    def indices(self) -> Indices:
        return np.tile(self.transform.indices, self._cells)

    @property
    def units(self) -> FloatArray:
        return np.full(self._cells * self.transform.size, self.scale)

    @property
    def share(self) -> int:
        return 1

    def start(self, theta: FloatArray) -> FloatArray:
        own = self.transform.to_phi(theta) / self.scale
        return own.reshape(len(own), -1)

    def apply(self, phi: FloatArray, theta: FloatArray) -> FloatArray:
        return self.transform.to_theta(self._split(phi), theta)

    def vjp(self, phi: FloatArray, by_theta: FloatArray) -> FloatArray:
        own = self.scale * self.transform.vjp(self._split(phi), by_theta)
        return own.reshape(len(own), -1)

    def of_cell(self, cell: int | None) -> Indices:
        assert cell is not None
        return self.transform.size * cell + np.arange(self.transform.size)

    def _split(self, phi: FloatArray) -> FloatArray:
        return self.scale * phi.reshape(len(phi), self._cells, self.transform.size)


def hierarchical(
    theta: FloatArray,
    shared: Transform,
    own: Transform,
    states: StateBlock | None = None,
    scale: float = 1.0,
) -> Parameterization:
    """What the C cells of `theta` (K, C, P) share, and what each of them has for itself."""
    cells = theta.shape[1]
    blocks = [SharedParameters(shared, cells), CellParameters(own, cells, scale)]
    return Parameterization(theta, blocks, states)


def directions_together(
    unknowns: Parameterization, cells: Indices
) -> tuple[FloatArray, list[Indices]]:
    """Directions (q, p) in phi that move one number of all cells at once.

    No recording depends on two cells, so one prediction serves all of them. The second result is
    which entries of phi (q,) each recording, of `cells` (R,), depends on so.
    """
    total, places = len(unknowns.indices), [unknowns.of_cell(int(c)) for c in cells]
    every = {tuple(x) for x in places}
    directions = np.zeros((len(places[0]), total))
    for entries in every:
        directions[np.arange(len(entries)), list(entries)] = 1.0
    return directions, places


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
