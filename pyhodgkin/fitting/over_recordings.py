"""An engine whose recordings are divided over the workers of a Dask cluster.

It is an engine like any other, so that training knows nothing of it: each worker computes its
recordings, and what is a sum over recordings is summed here, in their order. The division depends
on the number of recordings alone, so that the number of workers changes no bit. Recordings that are
lost with a worker are sent again by the scheduler.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .. import backends
from ..backends.base import Backend, RawSolution, SolveOptions, ValueAndGradient
from ..backends.linearization import Linearization
from ..backends.loss import Loss
from ..cluster import RETRIES
from ..neuron.neuron import Neuron
from ..numerics.arrays import FloatArray, Indices
from ..recordings import Recording
from ..status import Status
from .divided_linearization import DividedLinearization
from .over_seeds import engine_on_worker

PIECES, FEWEST, MOST = 8, 4, 32  # of recordings: about so many, and how many are in each
_KEPT = 6  # sets of recordings that workers hold: of a stage, and of the one before


class DividedBackend:
    """The engine of this process, with the recordings of a fit divided over workers."""

    def __init__(self, client: Any, engine: Backend) -> None:
        backends.check_named(engine)
        self.name, self._client, self._engine = engine.name, client, engine
        self._held: dict[tuple[int, ...], tuple[list[Recording], list[Any]]] = {}

    def solvers(self) -> tuple[str, ...]:
        """Those of the engine."""
        return self._engine.solvers()

    def solve(self, *args: Any, **options: Any) -> RawSolution:
        """By the engine of this process."""
        return self._engine.solve(*args, **options)

    def value_and_grad(
        self,
        neuron: Neuron,
        recordings: Sequence[Recording],
        theta: FloatArray,
        loss: Loss,
        *,
        y0: FloatArray | None = None,
        cells: Indices | None = None,
        ends: Any = None,
        **how: Any,
    ) -> ValueAndGradient:
        """See `Backend.value_and_grad`."""
        if ends is not None:  # of multiple shooting: many short pieces of a few recordings
            given = {"y0": y0, "cells": cells, "ends": ends, **how}
            return self._engine.value_and_grad(neuron, recordings, theta, loss, **given)
        parts = self.pieces(len(recordings))
        calls = [_Call.of(theta, y0, cells, part) for part in parts]
        arguments = [(neuron, call, loss, how) for call in calls]
        return _sum(self.run(_value, recordings, arguments), calls, parts, theta, len(recordings))

    def predict(
        self,
        neuron: Neuron,
        recordings: Sequence[Recording],
        theta: FloatArray,
        *,
        y0: FloatArray | None = None,
        cells: Indices | None = None,
        **how: Any,
    ) -> list[FloatArray]:
        """See `Backend.predict`."""
        parts = self.pieces(len(recordings))
        calls = [_Call.of(theta, y0, cells, part) for part in parts]
        found = self.run(_predictions, recordings, [(neuron, call, how) for call in calls])
        return [values for piece in found for values in piece]

    def linearize(
        self,
        neuron: Neuron,
        recordings: Sequence[Recording],
        theta: FloatArray,
        loss: Loss,
        *,
        mode: str,
        y0: FloatArray | None = None,
        options: SolveOptions,
    ) -> Linearization:
        """See `Backend.linearize`."""
        how = {"mode": mode, "options": options}
        return DividedLinearization(self, neuron, recordings, theta, loss, y0, how)

    @staticmethod
    def pieces(count: int) -> list[slice]:
        """So many recordings in parts, whatever the number of workers."""
        size = int(np.clip(-(-count // PIECES), FEWEST, MOST))
        return [slice(i, min(i + size, count)) for i in range(0, count, size)]

    def run(
        self,
        function: Callable[..., Any],
        recordings: Sequence[Recording],
        arguments: Sequence[tuple[Any, ...]],
        which: Sequence[int] | None = None,
    ) -> list[Any]:
        """The results of a function of each piece of recordings, in their order."""
        held = self._hold(recordings)
        pieces = range(len(held)) if which is None else which
        tasks = [
            self._client.submit(function, held[i], self.name, *own, pure=False, retries=RETRIES)
            for i, own in zip(pieces, arguments, strict=True)
        ]
        return self._client.gather(tasks)

    def _hold(self, recordings: Sequence[Recording]) -> list[Any]:
        """The pieces of recordings at the workers; one that is lost with a worker is made again."""
        key = tuple(map(id, recordings))
        if key not in self._held:
            while len(self._held) >= _KEPT:
                self._held.pop(next(iter(self._held)))
            kept = list(recordings)  # an id is only of use while its object lives
            tasks = [
                self._client.submit(_held, kept[part], pure=False, retries=RETRIES)
                for part in self.pieces(len(kept))
            ]
            self._held[key] = kept, tasks
        return self._held[key][1]


class _Call:
    """The parameters and initial states of a piece of recordings."""

    def __init__(
        self, theta: FloatArray, y0: FloatArray | None, cells: Indices | None, own: Indices | None
    ) -> None:
        self.theta, self.y0, self.cells, self.own = theta, y0, cells, own

    @classmethod
    def of(
        cls, theta: FloatArray, y0: FloatArray | None, cells: Indices | None, part: slice
    ) -> _Call:
        start = None if y0 is None else np.ascontiguousarray(y0[..., part, :])
        if cells is None:
            return cls(theta, start, None, None)
        own, local = np.unique(np.asarray(cells)[part], return_inverse=True)
        return cls(np.ascontiguousarray(theta[..., own, :]), start, local.ravel(), own)

    @property
    def arguments(self) -> dict[str, Any]:
        more = {} if self.cells is None else {"cells": self.cells}
        return {"y0": self.y0, **more}


def _sum(
    found: Sequence[ValueAndGradient],
    calls: Sequence[_Call],
    parts: Sequence[slice],
    theta: FloatArray,
    count: int,
) -> ValueAndGradient:
    """The answer for all recordings, from those for the pieces."""
    value, gradient = np.zeros(np.shape(found[0].value)), np.zeros(np.shape(theta))
    by_y0 = []
    for piece, call, part in zip(found, calls, parts, strict=True):
        share = (part.stop - part.start) / count
        value = value + share * piece.value
        if call.own is None:
            gradient += share * piece.gradient
        else:
            gradient[..., call.own, :] += share * piece.gradient
        if piece.gradient_y0 is not None:
            by_y0.append(share * piece.gradient_y0)
    status = np.concatenate([piece.statuses for piece in found], axis=-1)
    bad = np.any(status != Status.SUCCESS, axis=-1)
    gradient[bad] = 0.0
    states = np.concatenate(by_y0, axis=-2) if by_y0 else None
    if states is not None:
        states[bad] = 0.0
    stats = {
        name: np.concatenate([piece.stats[name] for piece in found], axis=-1)
        for name in found[0].stats
    }
    each = np.concatenate([piece.per_recording for piece in found], axis=-1)
    return ValueAndGradient(np.where(bad, np.inf, value), gradient, states, each, status, stats)


# -- on a worker ------------------------------------------------------------------------


def _held(recordings: list[Recording]) -> list[Recording]:
    return recordings


def _value(
    recordings: list[Recording], engine: str, neuron: Neuron, call: _Call, loss: Loss, how: Any
) -> ValueAndGradient:
    given = {**call.arguments, **how}
    return engine_on_worker(engine).value_and_grad(neuron, recordings, call.theta, loss, **given)


def _predictions(
    recordings: list[Recording], engine: str, neuron: Neuron, call: _Call, how: Any
) -> list[FloatArray]:
    given = {**call.arguments, **how}
    return engine_on_worker(engine).predict(neuron, recordings, call.theta, **given)
