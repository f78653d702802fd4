"""Gradients of a batch by the compiled adjoint: arrays in, arrays out, over several threads."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...neuron.tables import Tables
from ...numerics.arrays import FloatArray
from ..tableau import ExplicitTableau
from . import entries
from .announce import first_call
from .kernels.layout import packed
from .kernels.stimulus import N_N, N_Z
from .kernels.vectors import NARROW
from .solve import Batch, Steps, Tableau, lines_of, numbers_of, pool, threads


@dataclass(frozen=True)
class Gradients:
    """What flows back to the parameters (B, P) and the start (B, S) of every element."""

    theta: FloatArray
    y0: FloatArray


def gradients(
    tables: Tables,
    tableau: Tableau,
    batch: Batch,
    steps: Steps,
    samples: NDArray,
    cotangent: NDArray,
    *,
    wide: bool | None = None,
) -> Gradients:
    """The exact derivative of the steps taken, for the derivatives (B, T, S) by the samples.

    The start is a state of its own, also where it was a steady state. A cotangent must be 0 where
    there is no sample. For `wide` see `solve`.
    """
    if wide is None:
        from .check import adjoint_is_right

        wide = adjoint_is_right(tableau)
    kernel, width = (entries.backwards, NARROW) if wide else (entries.backwards_one_by_one, 1)
    count = len(batch.theta_of)
    (a, c, matrix, d, dense), gamma, powers = numbers_of(tableau)
    weights = np.zeros(len(c))
    weights[: len(tableau.a[-1])] = tableau.a[-1]
    if not isinstance(tableau, ExplicitTableau):
        weights[-1] = 1.0
    taken = np.bincount(steps.integers[:, 0], minlength=count)
    rows = (np.cumsum(taken) - taken, taken, steps.integers, steps.numbers)
    lines, sines = lines_of(batch.segments)
    moving = bool((batch.segments.slope != 0).any()) or batch.segments.n_sines > 0
    own = packed(tables, len(c), powers, True)
    found = Gradients(np.zeros((count, tables.size)), np.zeros((count, len(tables.states))))
    bars = tuple(np.ascontiguousarray(x, dtype=np.float64) for x in (samples, cotangent))
    # Elements with as many steps side by side: the others of a group wait for the longest.
    order = np.argsort(taken, kind="stable")

    def part(queue: NDArray[np.int64]) -> None:
        arrays = (
            np.zeros(own.slots * width),
            np.zeros(N_Z * width),
            np.zeros(N_N * width, dtype=np.int64),
        )
        numbers = (queue, batch.theta, batch.theta_of, batch.protocol_of, batch.saveat)
        method = (lines, sines, (a, c, matrix, d, dense, weights), gamma or 0.0)
        with first_call(kernel, gamma):
            kernel(
                arrays,
                (own.m, own.c),
                *method,
                (batch.clamped, moving),
                numbers,
                rows,
                bars,
                (found.theta, found.y0),
            )

    at_once = max(width, -(-count // (4 * threads() * width)) * width)
    queues = [order[i : i + at_once] for i in range(0, count, at_once)]
    if len(queues) == 1:
        part(queues[0])
    else:
        list(pool(threads()).map(part, queues))
    return found
