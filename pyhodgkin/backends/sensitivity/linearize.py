"""Predictions and their derivatives along directions: the contract of `..linearization`."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ...neuron.neuron import Neuron
from ...numerics.arrays import FloatArray, Indices
from ...recordings import Recording
from ..base import Backend, SolveOptions
from ..linearization import Directions
from ..loss import Loss
from .clamped import ClampedSensitivity
from .directional import network_inputs
from .local import LocalDerivatives, from_public
from .simulated import Path, SimulatedSensitivity


class PathLinearization:
    """By the variational equations along the paths that the recordings were predicted by.

    Parameters
    ----------
    method : SimulatedSensitivity or ClampedSensitivity
    recordings : sequence of Recording (R,)
    theta : array (R, P)
    y0 : array (R, S), optional
    """

    def __init__(
        self,
        method: SimulatedSensitivity | ClampedSensitivity,
        recordings: Sequence[Recording],
        theta: FloatArray,
        y0: FloatArray | None,
    ) -> None:
        self._method, self._recordings, self._theta = method, recordings, theta
        self._paths: list[Path | None] = method.paths(recordings, theta, y0)

    @property
    def valid(self) -> list[bool]:
        return [path is not None for path in self._paths]

    def networks(self, points: int) -> list[tuple[Indices, FloatArray]]:
        some = [path for path in self._paths if path is not None]
        if not some:
            return []
        y = np.concatenate([path.y for path in some], axis=1)
        u = np.concatenate([path.u for path in some])
        # As many of the voltages, however rare, as of the times.
        order = np.argsort(y[0], kind="stable")
        levels = np.linspace(y[0, order[0]], y[0, order[-1]], points // 2)
        by_voltage = order[np.minimum(np.searchsorted(y[0, order], levels), len(order) - 1)]
        by_time = np.linspace(0, len(u) - 1, points // 2).astype(np.intp)
        at = np.unique(np.concatenate([by_voltage, by_time]))
        found = network_inputs(self._method.local, self._theta[0], y[:, at], u[at])
        return [(x.places, x.rows().reshape(-1, len(x.places))) for x in found]

    def weights(self, recording: int) -> FloatArray:
        return self._path(recording).row_weights

    def jvp(self, recording: int, directions: Directions, states: FloatArray | None) -> FloatArray:
        order = from_public(self._method.local, self._method.neuron)
        own = None if states is None else states[order]
        path, theta = self._path(recording), self._theta[recording]
        return self._method.rows(path, theta, directions, own)

    def change(
        self, which: Sequence[int], theta: FloatArray, y0: FloatArray | None
    ) -> list[FloatArray]:
        paths, recordings = [self._path(i) for i in which], [self._recordings[i] for i in which]
        return self._method.change(paths, recordings, theta, y0)

    def _path(self, recording: int) -> Path:
        path = self._paths[recording]
        assert path is not None
        return path


def linearize(
    backend: Backend,
    local: LocalDerivatives,
    neuron: Neuron,
    recordings: Sequence[Recording],
    theta: FloatArray,
    loss: Loss,
    *,
    mode: str,
    y0: FloatArray | None,
    options: SolveOptions,
) -> PathLinearization:
    """The linearization of `backend`, of whose equations `local` is; see `Backend.linearize`."""
    method = (
        ClampedSensitivity(local, neuron, loss)
        if mode == "clamped"
        else SimulatedSensitivity(backend, local, neuron, loss, options)
    )
    return PathLinearization(method, recordings, theta, y0)
