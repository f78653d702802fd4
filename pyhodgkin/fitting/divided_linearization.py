"""The linearization of recordings that are divided over the workers of a Dask cluster.

Derivatives stay where they are computed: a worker returns their products, as large as there are
directions. What it keeps between two calls it computes again where that is lost.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from typing import Any
from typing import Protocol as Interface

import numpy as np

from ..backends.linearization import Directions, Linearization
from ..backends.loss import Loss
from ..neuron.neuron import Neuron
from ..numerics.arrays import FloatArray, Indices
from ..recordings import Recording
from .normal_equations import LocalEquations, Part
from .over_seeds import engine_on_worker


class Divided(Interface):
    """What runs functions of pieces of recordings; see `DividedBackend`."""

    def pieces(self, count: int) -> list[slice]: ...

    def run(
        self,
        function: Callable[..., Any],
        recordings: Sequence[Recording],
        arguments: Sequence[tuple[Any, ...]],
        which: Sequence[int] | None = None,
    ) -> list[Any]: ...


class DividedLinearization:
    """The linearization of recordings that are divided over workers; see `Linearization`."""

    def __init__(
        self,
        backend: Divided,
        neuron: Neuron,
        recordings: Sequence[Recording],
        theta: FloatArray,
        loss: Loss,
        y0: FloatArray | None,
        how: dict[str, Any],
    ) -> None:
        self._backend, self._recordings = backend, recordings
        self._parts = backend.pieces(len(recordings))
        token = uuid.uuid4().hex
        self._made = [
            (token, i, neuron, theta[part], loss, None if y0 is None else y0[part], how)
            for i, part in enumerate(self._parts)
        ]
        self._valid = [x for found in self._run("valid") for x in found]

    def _run(
        self,
        what: str,
        arguments: Sequence[tuple[Any, ...]] | None = None,
        which: Sequence[int] | None = None,
    ) -> list[Any]:
        pieces = range(len(self._parts)) if which is None else which
        own = [()] * len(self._made) if arguments is None else arguments
        calls = [(self._made[i], what, x) for i, x in zip(pieces, own, strict=True)]
        return self._backend.run(_of_linearization, self._recordings, calls, which)

    @property
    def valid(self) -> list[bool]:
        return self._valid

    def networks(self, points: int) -> list[tuple[Indices, FloatArray]]:
        share = max(16, -(-points // len(self._parts)))
        found = [x for x in self._run("networks", [(share,)] * len(self._parts)) if x]
        return [
            (one[0][0], np.concatenate([rows for _, rows in one]))
            for one in zip(*found, strict=True)
        ]

    def weights(self, recording: int) -> FloatArray:
        piece, own = self._place(recording)
        return self._run("weights", [(own,)], [piece])[0]

    def jvp(self, recording: int, directions: Directions, states: FloatArray | None) -> FloatArray:
        piece, own = self._place(recording)
        return self._run("jvp", [(own, directions, states)], [piece])[0]

    def change(
        self, which: Sequence[int], theta: FloatArray, y0: FloatArray | None
    ) -> list[FloatArray]:
        groups, out = self._groups(which), {}
        arguments = [(own, *_rows(theta, y0, rows)) for _, own, rows in groups]
        found = self._run("change", arguments, [piece for piece, *_ in groups])
        for (_, _, rows), values in zip(groups, found, strict=True):
            out |= dict(zip(rows, values, strict=True))
        return [out[i] for i in range(len(which))]

    @property
    def equations(self) -> DividedLinearization:
        """Itself; see `NormalEquations`."""
        return self

    def products(self, parts: Sequence[Part]) -> list[FloatArray]:
        groups, out = self._groups([part.number for part in parts]), {}
        arguments = [
            (
                [
                    Part(i, parts[r].directions, parts[r].states)
                    for i, r in zip(own, rows, strict=True)
                ],
            )
            for _, own, rows in groups
        ]
        found = self._run("products", arguments, [piece for piece, *_ in groups])
        self._asked = {piece: own for (piece, *_), (own,) in zip(groups, arguments, strict=True)}
        for (_, _, rows), values in zip(groups, found, strict=True):
            out |= dict(zip(rows, values, strict=True))
        return [out[i] for i in range(len(parts))]

    def second_order(
        self,
        which: Sequence[int],
        theta: FloatArray,
        y0: FloatArray | None,
        steps: Sequence[FloatArray],
        part_of: float,
    ) -> list[FloatArray]:
        groups, out = self._groups(which), {}
        arguments = [
            (self._asked[piece], own, *_rows(theta, y0, rows), [steps[r] for r in rows], part_of)
            for piece, own, rows in groups
        ]
        found = self._run("second_order", arguments, [piece for piece, *_ in groups])
        for (_, _, rows), values in zip(groups, found, strict=True):
            out |= dict(zip(rows, values, strict=True))
        return [out[i] for i in range(len(which))]

    def _place(self, recording: int) -> tuple[int, int]:
        piece = next(i for i, x in enumerate(self._parts) if recording < x.stop)
        return piece, recording - self._parts[piece].start

    def _groups(self, which: Sequence[int]) -> list[tuple[int, list[int], list[int]]]:
        """Pieces, the numbers of recordings within them, and their places in `which`."""
        groups: dict[int, tuple[list[int], list[int]]] = {}
        for row, recording in enumerate(which):
            piece, own = self._place(recording)
            of = groups.setdefault(piece, ([], []))
            of[0].append(own)
            of[1].append(row)
        return [(piece, *of) for piece, of in groups.items()]


def _rows(
    theta: FloatArray, y0: FloatArray | None, rows: list[int]
) -> tuple[FloatArray, FloatArray | None]:
    return theta[rows], None if y0 is None else y0[rows]


# -- on a worker ------------------------------------------------------------------------

_LINEARIZATIONS: dict[str, dict[int, tuple[Linearization, LocalEquations, list[Any]]]] = {}


def _of_linearization(
    recordings: list[Recording], engine: str, made: tuple[Any, ...], what: str, own: tuple[Any, ...]
) -> Any:
    """What is asked of the linearization of a piece; it is kept, or made again."""
    token, piece, neuron, theta, loss, y0, how = made
    if token not in _LINEARIZATIONS:
        while len(_LINEARIZATIONS) > 1:  # those of points that a fit has left
            _LINEARIZATIONS.pop(next(iter(_LINEARIZATIONS)))
        _LINEARIZATIONS[token] = {}
    kept = _LINEARIZATIONS[token]
    if piece not in kept:
        found = engine_on_worker(engine).linearize(neuron, recordings, theta, loss, y0=y0, **how)
        kept[piece] = found, LocalEquations(found), []
    linearization, equations, asked = kept[piece]
    if what == "valid":
        return list(linearization.valid)
    if what == "products":
        asked.append(True)
        return equations.products(*own)
    if what == "second_order":
        parts, *rest = own
        if not asked:
            equations.products(parts)
        return equations.second_order(*rest)
    return getattr(linearization, what)(*own)
