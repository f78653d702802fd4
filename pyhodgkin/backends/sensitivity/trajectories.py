"""Trajectories through recordings, as finely as the variational equations look at them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from ...neuron.neuron import Neuron
from ...numerics.arrays import FloatArray
from ...numerics.interpolation import cubic_hermite
from ...recordings import Recording
from ..base import Backend, SolveOptions
from .local import LocalDerivatives, from_public

FINE = 0.025  # ms: a trajectory is solved for that often
MOVE, LONGEST = 1.5, 1.0  # mV and ms: steps in which rates hardly change
AT_ONCE = 4_000_000  # numbers of a solve


@dataclass(frozen=True)
class Trajectory:
    """States `y` (S, N) in the engine's own order at times `t` (N,), ms, those of the samples too.

    They are NaN after a solve that failed.
    """

    t: FloatArray
    y: FloatArray

    @property
    def v(self) -> FloatArray:
        """(N,) mV."""
        return self.y[0]


def solved(
    backend: Backend,
    local: LocalDerivatives,
    neuron: Neuron,
    options: SolveOptions,
    recordings: Sequence[Recording],
    theta: FloatArray,
    y0: FloatArray | None,
) -> list[Trajectory]:
    """One for each recording, for its `theta` (R, P) and `y0` (R, S) or the steady state.

    Recordings with the same times are solved together.
    """
    if y0 is None:
        y0 = _at_rest(neuron, recordings, theta)
    order = from_public(local, neuron)
    out: dict[int, Trajectory] = {}
    for group in _together(recordings, len(order)):
        t = _fine(recordings[group[0]].t)
        protocols = [recordings[i].protocol for i in group]
        found = backend.solve(neuron, protocols, theta[group], y0[group], t, options)
        y = np.moveaxis(np.asarray(found.y)[:, :, order], 2, 1)
        out |= {i: Trajectory(t, np.array(rows)) for i, rows in zip(group, y, strict=True)}
    return [out[i] for i in range(len(recordings))]


def _at_rest(neuron: Neuron, recordings: Sequence[Recording], theta: FloatArray) -> FloatArray:
    """The steady state (R, S) at the first voltage of each recording."""
    of = {x.tobytes(): x for x in theta}  # most often one for all, and to make a neuron takes long
    cells = {key: neuron.with_theta(x) for key, x in of.items()}
    pairs = zip(theta, recordings, strict=True)
    return np.stack([cells[x.tobytes()].initial_state(float(r.data[0])) for x, r in pairs])


def _together(recordings: Sequence[Recording], states: int) -> Iterator[list[int]]:
    """Places of recordings that have the same times, not too many of them."""
    groups: dict[bytes, list[int]] = {}
    for i, recording in enumerate(recordings):
        groups.setdefault(recording.t.tobytes(), []).append(i)
    for group in groups.values():
        size = states * len(_fine(recordings[group[0]].t))
        count = max(1, AT_ONCE // size)
        yield from (group[i : i + count] for i in range(0, len(group), count))


def at_nodes(
    path: Trajectory, local: LocalDerivatives, recording: Recording, theta: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Times (N,) from one to the next of which v moves little, the states and the stimulus there.

    Every second of them is in the middle of the two beside it. The states (S, N) come from cubics
    through what was solved for.
    """
    t, at = path.t, _nodes(path.t, path.v)
    u = np.asarray(recording.protocol(t), dtype=np.float64)
    slope = local.value("rhs", theta, path.y, u)
    y = cubic_hermite(t, path.y, slope, at)
    return at, y, np.asarray(recording.protocol(at), dtype=np.float64)


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
