"""A batch solved by the compiled kernels: arrays in, arrays out, over several threads."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from ...neuron.tables import Tables
from ...protocols import Segments
from ..options import SolveOptions
from ..tableau import ExplicitTableau, RosenbrockTableau
from . import entries
from .layout import Packed, packed
from .stimulus import ELEMENT, H, N_N, N_Z, NEXT, T_END, T_STOP

FloatArray = NDArray[np.float64]
Tableau = ExplicitTableau | RosenbrockTableau
# Elements of a batch from which on they are computed side by side.
FEWEST = 2
# Elements that one call of a kernel works through, and rows of steps that it may write down.
CHUNK, ROWS = 4096, 16384


@dataclass(frozen=True)
class Batch:
    """B elements of one neuron: their parameters, protocols, starts and times.

    Parameters
    ----------
    theta : array (K, P)
    theta_of : array of int (B,)
        The row of `theta` of each element.
    segments : Segments
        Batched.
    protocol_of : array of int (B,)
        The protocol of each element.
    v0 : array (B,)
        mV; where an element starts, with its gates at their steady state.
    y0 : array (0, S), (1, S) or (B, S)
        States to start from instead, where there are rows.
    saveat : array (1, T) or (B, T)
        ms.
    t_stop : array (B,)
        ms.
    clamped : bool
    """

    theta: FloatArray
    theta_of: NDArray[np.int64]
    segments: Segments
    protocol_of: NDArray[np.int64]
    v0: FloatArray
    y0: FloatArray
    saveat: FloatArray
    t_stop: FloatArray
    clamped: bool


@dataclass(frozen=True)
class Steps:
    """The accepted steps, in the order of time for each element; one row a step.

    `integers` (N, 2): element and piece. `numbers` (N, 3 + S): t, h, the end, the state at t.
    """

    integers: NDArray[np.int64]
    numbers: FloatArray


@dataclass(frozen=True)
class Rising:
    """The accepted steps in which v rises: the element (N,); t, h, coefficients (N, 3 + powers)."""

    element: NDArray[np.int64]
    numbers: FloatArray


@dataclass(frozen=True)
class Solved:
    """Samples (B, T, S), NaN where not reached; status, accepted, rejected steps (B, 3)."""

    samples: NDArray
    results: NDArray[np.int64]
    steps: Steps | None
    rising: Rising | None


def solve(
    tables: Tables,
    tableau: Tableau,
    batch: Batch,
    options: SolveOptions,
    *,
    keep: bool = False,
    watch: bool = False,
) -> Solved:
    """Solve every element; with `keep` all steps are returned, with `watch` those that rise."""
    count, s = len(batch.theta_of), len(tables.states)
    dtype = np.dtype(options.dtype)
    samples = np.full((count, batch.saveat.shape[1], s), np.nan, dtype=dtype)
    results = np.zeros((count, 3), dtype=np.int64)
    run = _Run(tables, tableau, batch, options, keep, watch, samples, results)
    chunks = [np.arange(i, min(i + run.chunk, count)) for i in range(0, count, run.chunk)]
    with np.errstate(all="ignore"):
        if len(chunks) == 1:
            parts = [run(chunks[0])]
        else:
            parts = list(_pool(_threads()).map(run, chunks))
    steps = rising = None
    if keep:
        found = [part for part, _ in parts]
        steps = Steps(*(np.concatenate(x) for x in zip(*found, strict=True)))
    if watch:
        found = [part for _, part in parts]
        rising = Rising(*(np.concatenate(x) for x in zip(*found, strict=True)))
    return Solved(samples, results, steps, rising)


class _Run:
    """What all chunks of a batch have in common, and how one of them is solved."""

    def __init__(
        self,
        tables: Tables,
        tableau: Tableau,
        batch: Batch,
        options: SolveOptions,
        keep: bool,
        watch: bool,
        samples: NDArray,
        results: NDArray[np.int64],
    ) -> None:
        count = len(batch.theta_of)
        self.kernel, self.width, self.dtype = _kernel(options.dtype, count)
        self.tableau, self.gamma, self.powers = _numbers(tableau)
        self.packed = packed(tables, len(tableau.c), self.powers)
        self.lines, self.sines = _lines(batch.segments)
        self.batch, self.keep, self.watch = batch, keep, watch
        self.samples, self.results, self.states = samples, results, len(tables.states)
        longest = np.inf if options.dt_max is None else options.dt_max
        exponent = -1.0 / (tableau.error_order + 1)
        tolerances = (options.rtol, options.atol, options.v_scale)
        self.options = np.array([*tolerances, longest, exponent, options.max_steps], dtype=float)
        segments = batch.segments
        moving = bool((segments.slope != 0).any()) or segments.n_sines > 0
        self.flags = (batch.clamped, moving, keep, watch)
        whole = -(-count // self.width)
        per_thread = -(-whole // (4 * _threads())) * self.width
        self.chunk = count if count <= 2 * self.width else min(CHUNK, max(per_thread, self.width))

    def __call__(self, queue: NDArray[np.int64]) -> tuple[tuple, tuple]:
        work, b = _workspace(self.packed, self.width, self.dtype), self.batch
        rows = ROWS if self.keep or self.watch else self.width
        out = (
            self.samples,
            self.results,
            np.zeros((rows if self.keep else self.width, 2), dtype=np.int64),
            np.zeros((rows if self.keep else self.width, 3 + self.states)),
            np.zeros(rows if self.watch else self.width, dtype=np.int64),
            np.zeros((rows if self.watch else self.width, 3 + self.powers)),
        )
        batch = (queue, b.theta, b.theta_of, b.protocol_of, b.v0, b.y0, b.saveat, b.t_stop)
        neuron = (self.packed.m, self.packed.c)
        counters = work[3]
        kept: list[tuple] = []
        rising: list[tuple] = []
        done = False
        while not done:
            done = self.kernel(
                work,
                neuron,
                self.lines,
                self.sines,
                self.tableau,
                self.gamma,
                self.options,
                self.flags,
                batch,
                out,
            )
            kept.append(tuple(x[: counters[1]].copy() for x in out[2:4]))
            rising.append(tuple(x[: counters[2]].copy() for x in out[4:6]))
            counters[1:] = 0
        return _sorted(kept, 0), _sorted(rising, None)


def _sorted(parts: list[tuple], column: int | None) -> tuple:
    """Rows of several calls together, element by element, in the order of time for each."""
    first, second = (np.concatenate(x) for x in zip(*parts, strict=True))
    order = np.argsort(first if column is None else first[:, column], kind="stable")
    return first[order], second[order]


def _workspace(packed: Packed, width: int, dtype: np.dtype) -> tuple:
    z = np.zeros((N_Z, width))
    z[[T_END, T_STOP, NEXT]] = np.inf
    z[H] = 1.0
    n = np.zeros((N_N, width), dtype=np.int64)
    n[ELEMENT] = -1
    x = np.zeros(packed.slots * width, dtype=dtype)
    return x, z.ravel(), n.ravel(), np.zeros(3, dtype=np.int64)


def _kernel(dtype: str, count: int) -> tuple[Callable, int, np.dtype]:
    """The kernel for a batch, how many elements it computes side by side, and in what."""
    if dtype == "float32":
        return entries.singles, 16, np.dtype(np.float32)
    if count < FEWEST:
        return entries.one_by_one, 1, np.dtype(np.float64)
    return entries.doubles, 8, np.dtype(np.float64)


@lru_cache(maxsize=16)
def _numbers(tableau: Tableau) -> tuple[tuple[NDArray, ...], float | None, int]:
    """The coefficients of a method as a kernel reads them."""
    n = len(tableau.c)
    a, c = _square(tableau.a), np.array(tableau.c)
    if isinstance(tableau, ExplicitTableau):
        dense = np.ascontiguousarray(np.array(tableau.dense).T)
        numbers = (a, c, np.zeros((n, n)), np.array(tableau.b_error), dense)
        return numbers, None, len(dense)
    dense, matrix = np.array(tableau.dense), _square(tableau.c_matrix)
    return (a, c, matrix, np.array(tableau.d), dense), tableau.gamma, len(dense)


def _square(rows: tuple[tuple[float, ...], ...]) -> FloatArray:
    """A strictly lower triangular matrix from its rows."""
    out = np.zeros((len(rows), len(rows)))
    for i, row in enumerate(rows):
        out[i, : len(row)] = row
    return out


def _lines(segments: Segments) -> tuple[FloatArray, FloatArray]:
    """The pieces of every protocol: start, value, slope; and the numbers of their sinusoids."""
    lines = np.stack([segments.start, segments.offset, segments.slope], axis=-1)
    names = ("amplitude", "omega", "chirp", "phase")
    return lines, np.stack([getattr(segments, name) for name in names], axis=-1)


def _threads() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@lru_cache(maxsize=4)
def _pool(threads: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(threads, thread_name_prefix="pyhodgkin")
