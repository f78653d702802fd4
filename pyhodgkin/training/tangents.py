"""How predictions move with the unknowns: the variational equations along what was solved.

With A and B the derivatives of the right-hand side by the state and by the unknowns, the state
moves by S, dS/dt = A S + B. That is linear: along a trajectory which an engine has computed, all
directions are followed at once, by Lobatto's method of order 4, which stays bounded however fast
a gate is. An error of a few percent in each spike would grow a thousandfold along a train.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..backends.base import Backend, Loss, SolveOptions, default_scale
from ..backends.spike_times import crossing, nearest_pairs, rises
from ..backends.torch.solve import cached_system
from ..backends.torch.system import System
from ..backends.torch.variations import Way, along, jacobians, rhs, steady_state
from ..neuron.neuron import Neuron
from ..recordings import Recording
from .sensitivities import weights_of

FloatArray = NDArray[np.float64]
Indices = NDArray[np.intp]

FINE = 0.025  # ms: a trajectory is looked at that often
MOVE, LONGEST = 1.5, 1.0  # mV and ms: steps in which rates hardly change
FAST = 1e4  # per ms: a gate that is faster follows v as well


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
    def of_rows(self) -> FloatArray:
        """How much each row of slopes counts (n,)."""
        return self.weights[self.seen]


@dataclass(frozen=True)
class SolvedPath(Path):
    """A trajectory of v, with the spikes (m,) of it that have a counterpart in the recording.

    Every second node is in the middle of the two beside it, and stands for no sample. `rising`
    (m,) are the nodes before their times `spikes`, ms, and `spike_weight` is that of each of
    their squared errors.
    """

    spikes: FloatArray
    rising: Indices
    spike_weight: float

    @property
    def of_rows(self) -> FloatArray:
        """How much each row of slopes counts: those of v (n,), then those of the spikes (m,)."""
        return np.concatenate([super().of_rows, np.full(len(self.spikes), self.spike_weight)])


@dataclass(frozen=True)
class Simulated:
    """A recording of v, solved, and how it is compared."""

    backend: Backend
    neuron: Neuron
    loss: Loss
    options: SolveOptions

    def path(
        self, recording: Recording, theta: FloatArray, y0: FloatArray | None
    ) -> SolvedPath | None:
        """The trajectory for `theta` (P,) through a recording of v; None where it fails."""
        fine = _fine(recording.t)
        v = self._solved(recording, theta, y0, fine)[0]
        if not np.isfinite(v).all():
            return None
        keep, loss, t = recording.mask, self.loss, _nodes(fine, v)
        predicted = v[np.searchsorted(fine, recording.t)]
        off = self._below(predicted) - self._below(recording.data)
        scale = loss.scale if loss.scale is not None else default_scale(recording.data[keep])
        each = weights_of(off[keep] / scale, loss) / (keep.sum() * scale**2)
        # What is above the ceiling stays there when it moves a little.
        each *= predicted[keep] <= self._ceiling
        places = 2 * np.searchsorted(t[1::2], recording.t[keep])
        weights = np.zeros(len(t))
        np.add.at(weights, places, each)
        y = self._solved(recording, theta, y0, t)
        u = np.asarray(recording.protocol(t), dtype=np.float64)
        return SolvedPath(t, y, u, weights, *self._matched(recording, t, y[0]))

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
        _, found = nearest_pairs(measured, times, loss.reach)
        return times[found], 2 * rising[found], 2.0 * loss.spikes / len(measured)

    @property
    def _ceiling(self) -> float:
        return np.inf if self.loss.ceiling is None else self.loss.ceiling

    def _below(self, v: FloatArray) -> FloatArray:
        return np.minimum(v, self._ceiling)

    def away(
        self, path: Path, recording: Recording, theta: FloatArray, y0: FloatArray | None
    ) -> FloatArray:
        """How far what each row is of, for another `theta`, is from a path.

        It is NaN for a spike that has gone.
        """
        assert isinstance(path, SolvedPath)
        t, level = _fine(recording.t), self.loss.threshold
        v = self._solved(recording, theta, y0, t)[0]
        seen = self._below(np.interp(path.t[path.seen], t, v)) - self._below(path.y[0, path.seen])
        times = crossing(t, v, rises(v, level), level)
        before, after = nearest_pairs(path.spikes, times, self.loss.reach)
        late = np.full(len(path.spikes), np.nan)
        late[before] = times[after] - path.spikes[before]
        return np.concatenate([seen, late])

    def rows(
        self,
        path: Path,
        theta: FloatArray,
        way: Way,
        states: FloatArray | None,
    ) -> FloatArray:
        """How v at the nodes that stand for samples, and the times of spikes, move (n + m, q).

        The start is the steady state there, or moves by `states` (S, m), for m more directions.
        """
        system = cached_system(self.neuron, False)
        start = self._steady(system, path, theta, way) if states is None else _padded(states, way)
        a = jacobians(system, theta, path.y, path.u)
        b = along(rhs, system, theta, path.y, path.u, way)
        if start.shape[1] > b.shape[2]:
            # Initial states come last, and nothing but the start moves with them.
            more = np.zeros((*b.shape[:2], start.shape[1] - b.shape[2]))
            b = np.concatenate([b, more], axis=-1)
        # Rows of any size leave nothing of the others in a double.
        calm = np.minimum(1.0, FAST / np.maximum(np.abs(np.diagonal(a, axis1=1, axis2=2)), 1e-9))
        step, push = _steps(path.t, calm[:, :, None] * a, calm[:, :, None] * b)
        out = np.zeros((len(path.t), start.shape[1]))
        moved = start
        out[0] = moved[0]
        for k in range(len(step)):
            moved = step[k] @ moved
            moved += push[k]
            out[2 * k + 2] = moved[0]
        assert isinstance(path, SolvedPath)
        i = path.rising
        # Where v rises by v' in a ms, what lifts it by one mV brings it 1/v' ms earlier.
        gap, rise = path.t[i + 2] - path.t[i], path.y[0, i + 2] - path.y[0, i]
        earlier = (0.5 * gap / rise)[:, None] * (out[i] + out[i + 2])
        return np.concatenate([out[path.seen], -earlier])

    def _steady(self, system: System, path: Path, theta: FloatArray, way: Way) -> FloatArray:
        """How the steady state that a recording starts at moves (S, q)."""
        found = along(steady_state, system, theta, path.y[:, :1], path.u[:1], way)[0]
        found[np.isin(system.states, [name for name, _ in self.neuron.initial])] = 0.0
        return found

    def _solved(
        self, recording: Recording, theta: FloatArray, y0: FloatArray | None, t: FloatArray
    ) -> FloatArray:
        neuron = self.neuron
        if y0 is None:
            y0 = neuron.with_theta(theta).initial_state(float(recording.data[0]))
        found = self.backend.solve(neuron, [recording.protocol], theta, y0, t, self.options)
        return np.array(found.y)[0].T[cached_system(neuron, False).from_public.numpy()]


def _padded(states: FloatArray, way: Way) -> FloatArray:
    """The slopes of initial states, which nothing else moves, after those of everything else."""
    return np.concatenate([np.zeros((len(states), way.size)), states], axis=1)


def _fine(t: FloatArray) -> FloatArray:
    """The times of the samples, and others between them."""
    parts = np.maximum(1, np.ceil(np.diff(t) / FINE - 1e-6)).astype(np.intp)
    step = np.repeat(np.diff(t) / parts, parts)
    number = np.arange(parts.sum()) - np.repeat(np.cumsum(parts) - parts, parts)
    out = np.concatenate([np.repeat(t[:-1], parts) + number * step, t[-1:]])
    out[np.concatenate([[0], np.cumsum(parts)])] = t
    return out


def _nodes(t: FloatArray, v: FloatArray) -> FloatArray:
    """Times from one to the next of which v moves little, and those in the middle between them."""
    way = np.concatenate([[0.0], np.cumsum(np.abs(np.diff(v)) / MOVE + np.diff(t) / LONGEST)])
    kept = np.interp(np.linspace(0.0, way[-1], int(np.ceil(way[-1])) + 1), way, t)
    out = np.empty(2 * len(kept) - 1)
    out[::2], out[1::2] = kept, 0.5 * (kept[1:] + kept[:-1])
    return out


def _steps(t: FloatArray, a: FloatArray, b: FloatArray) -> tuple[FloatArray, FloatArray]:
    """From each second node to the next S becomes step (S, S) @ S + push (S, q).

    Lobatto's method (IIIA, of order 4) for dS/dt = `a` S + `b`, with the nodes between as its
    middles.
    """
    h, eye = np.diff(t[::2])[:, None, None] / 6.0, np.eye(a.shape[1])
    first, middle, last = a[:-2:2], a[1::2], a[2::2]
    left = np.linalg.inv(eye - h * (last + 2.0 * middle - 3.0 * h * (middle @ last)))
    right = eye + h * (first + 2.0 * middle + 3.0 * h * (middle @ first))
    push = b[:-2:2] + 4.0 * b[1::2] + b[2::2] + 3.0 * h * (middle @ (b[:-2:2] - b[2::2]))
    return left @ right, left @ (h * push)
