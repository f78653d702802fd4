"""Gauss and Newton's matrix where networks are trained: by the directions that matter.

A network of two thousand weights that sees one voltage says two smooth curves; along all but some
tens of directions in its weights these do not change. The matrix is taken along those only.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..backends.torch.solve import cached_system
from ..backends.torch.system import System
from ..backends.torch.variations import Block, Way, networks
from ..recordings import Recording
from .driven import Driven
from .starts import Unknowns
from .tangents import Path, Simulated

FloatArray = NDArray[np.float64]
Indices = NDArray[np.intp]

POINTS = 250  # where networks are looked at to find their directions
PART = 0.3  # of a step, to see how the slopes turn along it
LEAST = 1e-5  # of the largest: a direction along which a network says less is none
MOST = 1e7  # mV or ms per unit of phi: what goes faster means nothing


@dataclass(frozen=True)
class Case:
    """What a matrix is of.

    `parameters` gives, of phi (p,), theta (R, P) and y0 (R, S) or None of the recordings; `cells`
    (R,) are theirs.
    """

    solver: Simulated | Driven
    recordings: Sequence[Recording]
    cells: Indices | None
    parameters: Callable[[FloatArray], tuple[FloatArray, FloatArray | None]]


class Directions:
    """Some tens of directions for each network, and every other unknown for itself.

    Parameters
    ----------
    unknowns : Unknowns
    phi : array (p,)
    networks : sequence of (array of int (W,), array (n, W))
        Places in theta of the weights of each network, and its outputs by them.
    """

    def __init__(
        self,
        unknowns: Unknowns,
        phi: FloatArray,
        networks: Sequence[tuple[Indices, FloatArray]],
    ) -> None:
        self._unknowns, self.size = unknowns, len(phi)
        self.indices, slopes = unknowns.indices, unknowns.slopes(phi)
        where = {int(place): j for j, place in enumerate(self.indices)}
        self.blocks: list[Block] = []
        self.basis: list[tuple[Indices, FloatArray]] = []  # places in phi, and columns
        taken: list[Indices] = []
        for places, outputs in networks:
            own = np.array([i for i, x in enumerate(places) if int(x) in where], dtype=np.intp)
            at = np.array([where[int(places[i])] for i in own], dtype=np.intp)
            columns = _span(outputs[:, own] * slopes[at])
            self.blocks.append(Block(own, slopes[at][:, None] * columns))
            self.basis.append((at, columns))
            taken.append(at)
        rest = np.setdiff1d(np.arange(len(self.indices)), np.concatenate([[], *taken]))
        self.rest, self._slopes = rest.astype(np.intp), slopes
        self.learned = sum(columns.shape[1] for _, columns in self.basis)
        self.count = self.learned + len(self.rest) + self.size - len(self.indices)

    def of(self, cell: int | None) -> tuple[Way, Indices]:
        """What a recording of `cell` sees, and which directions these are."""
        positions = self._unknowns.seen_by(cell)
        mine = np.flatnonzero(np.isin(self.rest, positions))
        entries = self.rest[mine]
        own = np.concatenate([np.arange(self.learned), self.learned + mine])
        return Way(self.blocks, self.indices[entries], self._slopes[entries]), own

    def matrix(self) -> FloatArray:
        """All directions as columns (p, q) in phi."""
        out, place = np.zeros((self.size, self.count)), 0
        for at, columns in self.basis:
            out[at, place : place + columns.shape[1]] = columns
            place += columns.shape[1]
        states = np.arange(len(self.indices), self.size)
        out[np.concatenate([self.rest, states]), np.arange(self.learned, self.count)] = 1.0
        return out

    def scale(self, matrix: FloatArray) -> FloatArray:
        """What damping is measured by (q,): of a network its largest, else each its own."""
        out, place = np.array(np.diagonal(matrix)), 0
        for _, columns in self.basis:
            own = slice(place, place + columns.shape[1])
            out[own] = out[own].max(initial=0.0)
            place = own.stop
        return out


def _span(rows: FloatArray) -> FloatArray:
    """Orthonormal columns (w, r) that span the rows (n, w), but for what is next to nothing."""
    if 0 in rows.shape:
        return np.zeros((rows.shape[1], 0))
    size, vectors = np.linalg.eigh(rows @ rows.T)
    keep = size > LEAST**2 * size[-1]
    return rows.T @ vectors[:, keep] / np.sqrt(size[keep])


@dataclass(frozen=True)
class _Part:
    """Of one recording: its path, how what is compared moves (n, q), and along which directions."""

    number: int
    path: Path
    rows: FloatArray
    own: Indices


class Curvature:
    """Gauss and Newton's matrix at `phi` (p,) of start 0 of `unknowns`, and how the slopes turn.

    Attributes
    ----------
    directions : Directions
    matrix : array (q, q)
        Of the mean of the loss over the recordings, along the directions.
    """

    def __init__(self, case: Case, unknowns: Unknowns, phi: FloatArray) -> None:
        self._case, self._phi = case, phi
        system = cached_system(case.solver.neuron, False)
        theta, y0 = case.parameters(phi)
        paths = case.solver.paths(case.recordings, theta, y0)
        self.directions = Directions(unknowns, phi, _networks(system, theta[0], paths))
        self._parts = [
            self._part(i, path, system, unknowns, theta[i], None if y0 is None else y0[i])
            for i, path in enumerate(paths)
            if path is not None
        ]
        self.matrix = np.zeros((self.directions.count,) * 2)
        for part in self._parts:
            weighed = part.rows * part.path.of_rows[:, None]
            self.matrix[np.ix_(part.own, part.own)] += part.rows.T @ weighed / len(paths)

    def _part(
        self,
        i: int,
        path: Path,
        system: System,
        unknowns: Unknowns,
        theta: FloatArray,
        y0: FloatArray | None,
    ) -> _Part:
        directions, cells, states = self.directions, self._case.cells, None
        way, own = directions.of(None if cells is None else int(cells[i]))
        if y0 is not None:
            at, states = unknowns.of_state(y0, i)
            states = states[system.from_public.numpy()]
            own = np.concatenate([own, directions.count - directions.size + at])
        found = self._case.solver.rows(path, theta, way, states)
        # Near an equilibrium that is unstable they grow without end, and hide all others.
        found *= np.minimum(1.0, MOST / np.maximum(np.linalg.norm(found, axis=1), 1e-300))[:, None]
        return _Part(i, path, found, own)

    def bend(self, step: FloatArray, part_of: float = PART) -> FloatArray:
        """What the second derivative along `step` (q,) adds to the slope of the loss (q,).

        From one more solve, a part of the step away.
        """
        whole, out = self.directions.matrix() @ step, np.zeros(len(step))
        theta, y0 = self._case.parameters(self._phi + part_of * whole)
        which = [part.number for part in self._parts]
        if not which:
            return out
        away = self._case.solver.away(
            [part.path for part in self._parts],
            [self._case.recordings[i] for i in which],
            theta[which],
            None if y0 is None else y0[which],
        )
        for part, moved in zip(self._parts, away, strict=True):
            second = 2.0 / part_of * (moved / part_of - part.rows @ step[part.own])
            weighed = part.path.of_rows * np.nan_to_num(second)
            out[part.own] += part.rows.T @ weighed / len(self._case.recordings)
        return out


def _networks(
    system: System, theta: FloatArray, paths: Sequence[Path | None]
) -> list[tuple[Indices, FloatArray]]:
    """Places of the weights of each network, and its outputs (n, W) by them, where it was."""
    some = [path for path in paths if path is not None]
    if not some:
        return []
    y = np.concatenate([path.y for path in some], axis=1)
    u = np.concatenate([path.u for path in some])
    # As many of the voltages, however rare, as of the times.
    order = np.argsort(y[0], kind="stable")
    levels = np.linspace(y[0, order[0]], y[0, order[-1]], POINTS // 2)
    by_voltage = order[np.minimum(np.searchsorted(y[0, order], levels), len(order) - 1)]
    by_time = np.linspace(0, len(u) - 1, POINTS // 2).astype(np.intp)
    at = np.unique(np.concatenate([by_voltage, by_time]))
    found = networks(system, theta, y[:, at], u[at])
    return [(x.places, x.rows().reshape(-1, len(x.places))) for x in found]
