"""How the current of gates under a known voltage moves with the unknowns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ...neuron.neuron import Neuron
from ...numerics.arrays import FloatArray
from ...recordings import Recording
from ..linearization import Directions
from ..loss import Loss, residual_weights
from ..voltage_grid import Balance, VoltageGrid, balance_of, voltage_grid_of
from .directional import jvp
from .local import LocalDerivatives, from_public
from .simulated import Path, padded
from .variational import steps_of


@dataclass(frozen=True)
class ClampedPath(Path):
    """The samples of a recording, its gates there, and the steps in which v drives them.

    `before` (G, N) are the gates before each step, `off` (T,) what the current is too large by.
    """

    grid: VoltageGrid
    balance: Balance | None
    before: FloatArray
    off: FloatArray


@dataclass(frozen=True)
class ClampedSensitivity:
    """A recording whose known voltage drives the gates, and how its current is compared."""

    local: LocalDerivatives
    neuron: Neuron
    loss: Loss

    def paths(
        self, recordings: Sequence[Recording], theta: FloatArray, y0: FloatArray | None
    ) -> list[Path | None]:
        """The gates for `theta` (R, P) at the samples; None where they are not finite."""
        return [
            self._path(r, theta[i], None if y0 is None else y0[i]) for i, r in enumerate(recordings)
        ]

    def _path(
        self, recording: Recording, theta: FloatArray, y0: FloatArray | None
    ) -> ClampedPath | None:
        local, grid, loss = self.local, voltage_grid_of(recording), self.loss
        decay, level, _ = steps_of(local, theta, grid)
        push = (1.0 - decay) * level
        push[:, 0] = self._first(level[:, 0], y0)
        x = local.recurrence(decay, push)
        y = np.concatenate([grid.v_samples[None], x[:, grid.places]])
        if not np.isfinite(y).all():
            return None
        balance = balance_of(recording) if recording.observed == "v" else None
        c_m, keep = theta[self.neuron.layout["c_m"].start], recording.mask
        u = np.zeros(y.shape[1])
        predicted = _averaged(local.value("current", theta, y, u).T, balance)[:, 0]
        off = predicted - (recording.data if balance is None else balance.target(c_m))
        scaled = recording.data if balance is None else balance.target(self.neuron.c_m)
        scale = loss.scale_of(scaled[keep])
        weights = residual_weights(off / scale, loss) / (keep.sum() * scale**2)
        before = np.concatenate([x[:, :1], x[:, :-1]], axis=1)
        return ClampedPath(recording.t, y, u, weights * keep, grid, balance, before, off)

    def change(
        self,
        paths: Sequence[Path],
        recordings: Sequence[Recording],
        theta: FloatArray,
        y0: FloatArray | None,
    ) -> list[FloatArray]:
        """How far the current at the samples in use, for another `theta` (R, P), is from paths."""
        found = self.paths(recordings, theta, y0)
        return [_off(path, moved) for path, moved in zip(paths, found, strict=True)]

    def rows(
        self, path: Path, theta: FloatArray, directions: Directions, states: FloatArray | None
    ) -> FloatArray:
        """How the current at the samples in use moves (n, q).

        The start is the steady state there, or moves by `states` (S, m), for m more directions.
        """
        assert isinstance(path, ClampedPath)
        moved = self._gates(path, theta, directions, states)
        found = jvp(self.local, "current", theta, path.y, path.u, directions)[:, 0]
        c_m = theta[self.neuron.layout["c_m"].start]
        by_gates = -c_m * self.local.jacobians(theta, path.y, path.u)[:, 0, 1:]
        extra = moved.shape[2] - found.shape[1]
        found = np.concatenate([found, np.zeros((len(found), extra))], axis=1)
        found += np.einsum("ng,ngq->nq", by_gates, moved)
        found = _averaged(found, path.balance)
        if path.balance is not None:
            own = np.flatnonzero(directions.entries == self.neuron.layout["c_m"].start)
            first = directions.size - len(directions.entries)
            found[:, first + own] += path.balance.slope[:, None] * directions.slopes[own]
        return found[path.seen]

    def _gates(
        self,
        path: ClampedPath,
        theta: FloatArray,
        directions: Directions,
        states: FloatArray | None,
    ) -> FloatArray:
        """How the gates at the samples move (T, G, q)."""
        held = np.isin(self.local.states[1:], [name for name, _ in self.neuron.initial])
        start = None if states is None else padded(states[1:], directions)
        return self.local.gate_sensitivities(theta, path.grid, path.before, directions, held, start)

    def _first(self, level: FloatArray, y0: FloatArray | None) -> FloatArray:
        """The gates (G,) at the start."""
        names, given = self.local.states[1:], dict(self.neuron.initial)
        if y0 is not None:
            return y0[from_public(self.local, self.neuron)][1:]
        return np.array([given.get(n, x) for n, x in zip(names, level, strict=True)])


def _off(path: Path, moved: Path | None) -> FloatArray:
    assert isinstance(path, ClampedPath)
    if not isinstance(moved, ClampedPath):
        return np.full(len(path.seen), np.nan)
    return (moved.off - path.off)[path.seen]


def _averaged(x: FloatArray, balance: Balance | None) -> FloatArray:
    """Means around each sample (T, q), in current clamp."""
    if balance is None:
        return x
    before, here, after = balance.weights.T[:, :, None]
    return before * np.roll(x, 1, axis=0) + here * x + after * np.roll(x, -1, axis=0)
