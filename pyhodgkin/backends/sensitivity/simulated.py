"""How predictions move with the unknowns: the variational equations along what was solved.

With A and B the derivatives of the right-hand side by the state and by the unknowns, the state
moves by S, dS/dt = A S + B. That is linear: along a trajectory which an engine has computed, all
directions are followed at once, by Lobatto's method of order 4, which stays bounded however fast
a gate is. An error of a few percent in each spike would grow a thousandfold along a train.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ...neuron.neuron import Neuron
from ...numerics.arrays import FloatArray, Indices
from ...numerics.spikes import crossing, match, rises
from ...recordings import Recording
from ..base import Backend, SolveOptions
from ..linearization import Directions
from ..loss import Loss, residual_weights
from .directional import jvp
from .local import LocalDerivatives
from .trajectories import Trajectory, at_nodes, solved


@dataclass(frozen=True)
class Path:
    """A trajectory at its nodes, and which samples each of them stands for.

    `t` (N,) ms, `y` (S, N) in the engine's own order, `u` (N,) the stimulus, `weights` (N,) of
    the squared residuals there in the loss of the recording.
    """

    t: FloatArray
    y: FloatArray
    u: FloatArray
    weights: FloatArray

    @property
    def seen(self) -> Indices:
        """Nodes (n,) that stand for samples."""
        return np.flatnonzero(self.weights)

    @property
    def row_weights(self) -> FloatArray:
        """How much each row of slopes counts (n,)."""
        return self.weights[self.seen]


@dataclass(frozen=True)
class SimulatedPath(Path):
    """A trajectory of v, with the spikes (m,) of it that have a counterpart in the recording.

    Every second node is in the middle of the two beside it, and stands for no sample. `rising`
    (m,) are the nodes before their times `spikes`, ms, and `spike_weight` is that of each of
    their squared errors.
    """

    spikes: FloatArray
    rising: Indices
    spike_weight: float

    @property
    def row_weights(self) -> FloatArray:
        """How much each row of slopes counts: those of v (n,), then those of the spikes (m,)."""
        return np.concatenate([super().row_weights, np.full(len(self.spikes), self.spike_weight)])


@dataclass(frozen=True)
class SimulatedSensitivity:
    """A recording of v, solved, and how it is compared."""

    backend: Backend
    local: LocalDerivatives
    neuron: Neuron
    loss: Loss
    options: SolveOptions

    def paths(
        self, recordings: Sequence[Recording], theta: FloatArray, y0: FloatArray | None
    ) -> list[Path | None]:
        """The trajectories for `theta` (R, P) through recordings of v; None where one fails."""
        found = self._solved(recordings, theta, y0)
        triples = zip(recordings, theta, found, strict=True)
        return [
            self._path(recording, x, path) if np.isfinite(path.v).all() else None
            for recording, x, path in triples
        ]

    def _path(self, recording: Recording, theta: FloatArray, path: Trajectory) -> SimulatedPath:
        keep, loss = recording.mask, self.loss
        t, y, u = at_nodes(path, self.local, recording, theta)
        predicted = path.v[np.searchsorted(path.t, recording.t)]
        off = self._below(predicted) - self._below(recording.data)
        scale = loss.scale_of(recording.data[keep])
        each = residual_weights(off[keep] / scale, loss) / (keep.sum() * scale**2)
        # What is above the v_clip stays there when it moves a little.
        each *= predicted[keep] <= self._v_clip
        places = 2 * np.searchsorted(t[1::2], recording.t[keep])
        weights = np.zeros(len(t))
        np.add.at(weights, places, each)
        return SimulatedPath(t, y, u, weights, *self._matched(recording, t, y[0]))

    def _matched(
        self, recording: Recording, t: FloatArray, v: FloatArray
    ) -> tuple[FloatArray, Indices, float]:
        """Spikes that have a counterpart: their times, the nodes before them, their weight."""
        loss, level = self.loss, self.loss.threshold
        expected = rises(recording.data, level, recording.mask)
        if not loss.spikes or not len(expected):
            return np.zeros(0), np.zeros(0, np.intp), 0.0
        measured = crossing(recording.t, recording.data, expected, level)
        rising = rises(v[::2], level)
        times = crossing(t[::2], v[::2], rising, level)
        found = match(measured, times, loss.match_window)[:, 1]
        return times[found], 2 * rising[found], 2.0 * loss.spikes / len(measured)

    @property
    def _v_clip(self) -> float:
        return np.inf if self.loss.v_clip is None else self.loss.v_clip

    def _below(self, v: FloatArray) -> FloatArray:
        return np.minimum(v, self._v_clip)

    def change(
        self,
        paths: Sequence[Path],
        recordings: Sequence[Recording],
        theta: FloatArray,
        y0: FloatArray | None,
    ) -> list[FloatArray]:
        """How far what each row is of, for another `theta` (R, P), is from each path.

        It is NaN for a spike that has gone.
        """
        found = self._solved(recordings, theta, y0)
        return [self._change(path, moved) for path, moved in zip(paths, found, strict=True)]

    def _change(self, path: Path, moved: Trajectory) -> FloatArray:
        assert isinstance(path, SimulatedPath)
        t, v, level = moved.t, moved.v, self.loss.threshold
        seen = self._below(np.interp(path.t[path.seen], t, v)) - self._below(path.y[0, path.seen])
        times = crossing(t, v, rises(v, level), level)
        before, after = match(path.spikes, times, self.loss.match_window).T
        late = np.full(len(path.spikes), np.nan)
        late[before] = times[after] - path.spikes[before]
        return np.concatenate([seen, late])

    def rows(
        self,
        path: Path,
        theta: FloatArray,
        directions: Directions,
        states: FloatArray | None,
    ) -> FloatArray:
        """How v at the nodes that stand for samples, and the times of spikes, move (n + m, q).

        The start is the steady state there, or moves by `states` (S, m), for m more directions.
        """
        start = (
            self._steady(path, theta, directions) if states is None else padded(states, directions)
        )
        out = np.zeros((len(path.t), start.shape[1]))
        out[::2] = self.local.forward_sensitivities(
            theta, path.t, path.y, path.u, directions, start
        )
        assert isinstance(path, SimulatedPath)
        i = path.rising
        # Where v rises by v' in a ms, what lifts it by one mV brings it 1/v' ms earlier.
        gap, rise = path.t[i + 2] - path.t[i], path.y[0, i + 2] - path.y[0, i]
        earlier = (0.5 * gap / rise)[:, None] * (out[i] + out[i + 2])
        return np.concatenate([out[path.seen], -earlier])

    def _steady(self, path: Path, theta: FloatArray, directions: Directions) -> FloatArray:
        """How the steady state that a recording starts at moves (S, q)."""
        at = path.y[:, :1], path.u[:1]
        found = jvp(self.local, "steady_state", theta, *at, directions)[0]
        found[np.isin(self.local.states, [name for name, _ in self.neuron.initial])] = 0.0
        return found

    def _solved(
        self, recordings: Sequence[Recording], theta: FloatArray, y0: FloatArray | None
    ) -> list[Trajectory]:
        return solved(self.backend, self.local, self.neuron, self.options, recordings, theta, y0)


def padded(states: FloatArray, directions: Directions) -> FloatArray:
    """The slopes of initial states, which nothing else moves, after those of everything else."""
    return np.concatenate([np.zeros((len(states), directions.size)), states], axis=1)
