"""A batch solved by the compiled kernels: arrays in, arrays out, over several threads."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from ...neuron.tables import Tables
from ...numerics.arrays import FloatArray
from ...protocols import Segments
from ...solution.voltage_steps import Collector
from ..options import SolveOptions
from ..tableau import ExplicitTableau, RosenbrockTableau
from . import entries
from .announce import first_call
from .kernels.layout import Packed, packed
from .kernels.options import CROSSING
from .kernels.stimulus import ELEMENT, N_N, N_Z, NEXT, T_END, T_STOP, H
from .kernels.vectors import WIDE, WIDEST
from .sharing import sharing

Tableau = ExplicitTableau | RosenbrockTableau


@dataclass(frozen=True)
class FixedStep:
    """The exponential scheme, in steps of a size given by the options."""

    error_order: int = 2


Scheme = Tableau | FixedStep
Queue = tuple[NDArray[np.int64], NDArray[np.int64]]  # elements, and the place of the next one (1,)
# Elements of a batch from which on they are computed side by side.
FEWEST = 3
# Elements that one call of a kernel works through, and rows of steps that it may write down.
CHUNK, ROWS = 4096, 16384
# Steps that a kernel takes before Python looks whether it is to stop.
BUDGET = 200_000


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
class Solved:
    """Samples (B, T, S), NaN where not reached; status, accepted, rejected steps (B, 3)."""

    samples: NDArray
    results: NDArray[np.int64]
    steps: Steps | None


def solve(
    tables: Tables,
    scheme: Scheme,
    batch: Batch,
    options: SolveOptions,
    *,
    keep: bool = False,
    rising: Collector | None = None,
    wide: bool | None = None,
    states: int | None = None,
) -> Solved:
    """Solve every element; `keep` returns all steps, `rising` collects those in which v rises.

    Samples are of the first `states`, by default of all. `wide` says whether elements are computed
    side by side; by default that is so for batches, where the processor is found to do it right.
    """
    count = len(batch.theta_of)
    kernel = _kernel(options.dtype, count, scheme, wide)
    run = _Run(tables, scheme, batch, options, keep, rising, kernel, states)
    queues = _queues(count, kernel[1], keep)
    if len(queues) == 1:
        parts = [run(queues[0])]
    else:
        try:
            parts = list(pool(threads()).map(run, queues))
        except BaseException:  # an interrupt: the kernels look at this from time to time
            run.stopped = True
            raise
    found = [np.concatenate(x) for x in zip(*parts, strict=True)] if keep else None
    samples = run.samples.astype(options.dtype, copy=False)
    return Solved(samples, run.results, None if found is None else Steps(*found))


class _Run:
    """What all chunks of a batch have in common, and how one of them is solved."""

    def __init__(
        self,
        tables: Tables,
        scheme: Scheme,
        batch: Batch,
        options: SolveOptions,
        keep: bool,
        rising: Collector | None,
        kernel: tuple[Callable, int, np.dtype],
        states: int | None = None,
    ) -> None:
        count = len(batch.theta_of)
        self.kernel, self.width, self.dtype = kernel
        self.gamma, self.powers, stages = 1.0, 1, 1
        coefficients: tuple = (np.ones((1, 1), dtype=self.dtype),)
        if not isinstance(scheme, FixedStep):
            numbers, self.gamma, self.powers = numbers_of(scheme)
            a, c, *others = numbers
            numbers = (a.astype(self.dtype), c, *(x.astype(self.dtype) for x in others))
            coefficients, stages = (numbers, self.gamma), len(scheme.c)
        common = sharing(tables, batch.theta, self.dtype) if self.width > 1 else None
        self.packed = packed(tables, stages, self.powers, False, common)
        self.batch, self.keep, self.rising, self.stopped = batch, keep, rising, False
        self.lock = Lock()
        self.states = len(tables.states)
        shape = (count, batch.saveat.shape[1], states or self.states)
        self.samples = np.full(shape, np.nan, dtype=self.dtype)
        self.results = np.zeros((count, 3), dtype=np.int64)
        longest = np.inf if options.dt_max is None else options.dt_max
        exponent = -1.0 / (scheme.error_order + 1)
        tolerances = (options.rtol, options.atol, options.v_scale)
        crossing = None if rising is None else rising.threshold
        limits = (longest, exponent, options.max_steps, crossing, options.dt)
        self.options = np.array([*tolerances, *limits], dtype=float)
        segments = batch.segments
        moving = bool((segments.slope != 0).any()) or segments.n_sines > 0
        flags = (batch.clamped, moving, keep, rising is not None)
        self.method = (*lines_of(segments), *coefficients, self.options, flags)

    def __call__(self, queue: Queue) -> tuple[NDArray, NDArray]:
        """Solve the elements of a queue; the steps that were kept, as in `Steps`."""
        b, watch = self.batch, self.rising is not None
        work = _workspace(self.packed, self.width, self.dtype)
        kept_rows = ROWS if self.keep else self.width
        rising_rows = ROWS if watch else self.width
        out = (
            self.samples,
            self.results,
            np.zeros((kept_rows, 2), dtype=np.int64),
            np.zeros((kept_rows, 3 + self.states)),
            np.zeros(rising_rows, dtype=np.int64),
            np.zeros((rising_rows, 3 + self.powers)),
        )
        own = (b.theta, b.theta_of, b.protocol_of, b.v0, b.y0, b.saveat, b.t_stop)
        batch = (queue[0], *own, queue[1])
        counters, kept = work[3], []
        done = False
        while not done and not self.stopped:
            counters[1:] = 0, 0, BUDGET
            near = not np.isnan(self.options[CROSSING])
            with first_call(self.kernel, self.gamma):
                done = self.kernel(work, (self.packed.m, self.packed.c), *self.method, batch, out)
            kept.append(tuple(x[: counters[1]].copy() for x in out[2:4]))
            if self.rising is not None and counters[2]:
                element, numbers = (x[: counters[2]].copy() for x in out[4:6])
                with self.lock:
                    self.rising.add(element, numbers[:, 0], numbers[:, 1], numbers[:, 2:], near)
                    if self.rising.threshold is not None:  # the kernels leave out the others
                        self.options[CROSSING] = self.rising.threshold
        integers, numbers = (np.concatenate(x) for x in zip(*kept, strict=True))
        order = np.argsort(integers[:, 0], kind="stable")
        return integers[order], numbers[order]


def _queues(count: int, width: int, keep: bool) -> list[Queue]:
    """The elements that each call of a kernel takes from.

    All threads take from one queue, each element in turn; where steps are kept, which are to be in
    the order of the elements, every call has its own.
    """
    whole = -(-count // width)
    if not keep or whole <= 2:
        queue = np.arange(count), np.zeros(1, dtype=np.int64)
        return [queue] * (1 if whole <= 2 else min(threads(), whole))
    chunk = min(CHUNK, -(-whole // (4 * threads())) * width)
    starts = range(0, count, chunk)
    return [(np.arange(i, min(i + chunk, count)), np.zeros(1, dtype=np.int64)) for i in starts]


def _workspace(packed: Packed, width: int, dtype: np.dtype) -> tuple:
    z = np.zeros((N_Z, width))
    z[[T_END, T_STOP, NEXT]] = np.inf
    z[H] = 1.0
    n = np.zeros((N_N, width), dtype=np.int64)
    n[ELEMENT] = -1
    x = np.zeros(packed.slots * width, dtype=dtype)
    return x, z.ravel(), n.ravel(), np.zeros(4, dtype=np.int64)


def _kernel(
    dtype: str, count: int, scheme: Scheme, wide: bool | None
) -> tuple[Callable, int, np.dtype]:
    """The kernel for a batch, how many elements it computes side by side, and in what."""
    fixed = isinstance(scheme, FixedStep)
    if wide is None:
        wide = count >= FEWEST or dtype == "float32"
        if wide:
            from .check import integrator_is_right

            wide = integrator_is_right(dtype, scheme)
    if not wide:
        return (entries.fixed_one_by_one if fixed else entries.one_by_one), 1, np.dtype(float)
    if dtype == "float32":
        return (entries.fixed_singles if fixed else entries.singles), WIDEST, np.dtype(np.float32)
    return (entries.fixed_doubles if fixed else entries.doubles), WIDE, np.dtype(float)


@lru_cache(maxsize=16)
def numbers_of(tableau: Tableau) -> tuple[tuple[NDArray, ...], float | None, int]:
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


def lines_of(segments: Segments) -> tuple[FloatArray, FloatArray]:
    """The pieces of every protocol: start, value, slope; and the numbers of their sinusoids."""
    lines = np.stack([segments.start, segments.offset, segments.slope], axis=-1)
    names = ("amplitude", "omega", "chirp", "phase")
    return lines, np.stack([getattr(segments, name) for name in names], axis=-1)


def threads() -> int:
    """How many: ``OMP_NUM_THREADS``, or as many as there are processors for this process."""
    asked = os.environ.get("OMP_NUM_THREADS", "")
    if asked.isdigit() and int(asked) > 0:
        return int(asked)
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@lru_cache(maxsize=4)
def pool(count: int) -> ThreadPoolExecutor:
    """So many threads, which stay."""
    return ThreadPoolExecutor(count, thread_name_prefix="pyhodgkin")


if hasattr(os, "register_at_fork"):  # the threads do not live on in a forked child
    os.register_at_fork(after_in_child=pool.cache_clear)
