"""The compiled integrators in place of the eager loop: what goes in, and what comes out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ...errors import InputError
from ...neuron.neuron import Neuron
from ...numerics.arrays import FloatArray
from ...protocols import Protocol, Segments
from ...solution.voltage_steps import Collector
from ..base import RawSolution, SolveOptions, is_clamped
from ..compiled import why_not
from ..step_limit import check_max_steps
from .integrate import Run
from .steps import Explicit, Method, Rosenbrock
from .tape import Tape

if TYPE_CHECKING:
    from ..compiled.solve import Solved, Steps
    from .solve import Problem


def kernel_for(neuron: Neuron, method: Method, options: SolveOptions) -> bool:
    """Whether the compiled integrators can do this solve."""
    return isinstance(method, (Explicit, Rosenbrock)) and tables_for(neuron, options)


def tables_for(neuron: Neuron, options: SolveOptions) -> bool:
    """Whether compiled code can read this neuron, and is used."""
    if options.device != "cpu" or why_not():
        return False
    try:
        return neuron.tables.size > 0
    except InputError:  # a form of kinetics that is a Python function
        return False


def solve(
    neuron: Neuron,
    protocols: Sequence[Protocol],
    theta: FloatArray,
    y0: FloatArray | None,
    saveat: FloatArray,
    method: Method,
    options: SolveOptions,
    ends: FloatArray | None,
) -> RawSolution:
    """See `Backend.solve`; `ends` are the ends of the protocols where the solve goes there."""
    from ..compiled.solve import Batch
    from ..compiled.solve import solve as solve_batch

    rows, clamped = np.atleast_2d(theta), is_clamped(protocols)
    check_max_steps(options.max_steps, protocols, saveat[-1] if ends is None else ends)
    count, every = max(len(rows), len(protocols)), np.arange(max(len(rows), len(protocols)))
    batch = Batch(
        rows,
        every if len(rows) > 1 else np.zeros(count, dtype=np.int64),
        Segments.stack([protocol.segments for protocol in protocols]),
        every if len(protocols) > 1 else np.zeros(count, dtype=np.int64),
        np.full(count, neuron.v_rest),
        start_of(neuron, y0, count),
        np.asarray(saveat, dtype=np.float64)[None],
        np.broadcast_to(saveat[-1] if ends is None else ends, (count,)).astype(np.float64),
        clamped,
    )
    watch = ends is not None and not clamped
    collector = Collector(count) if watch else None
    assert isinstance(method, (Explicit, Rosenbrock))
    found = solve_batch(neuron.tables, method.tableau, batch, options, rising=collector)
    y = found.samples.astype(np.float64, copy=False)
    if clamped:
        for i, row in enumerate(y):
            own = protocols[i if len(protocols) > 1 else 0](saveat)
            row[:, 0] = np.where(saveat <= batch.t_stop[i], own, np.nan)
    steps = None if collector is None else collector.result()
    return RawSolution(np.asarray(saveat), y, statistics(found, method), found.results[:, 0], steps)


def run(problem: Problem, theta: Tensor, y0: Tensor, keep: bool) -> Run:
    """As `Problem.run`, without a recorder of voltages."""
    from ..compiled.solve import Batch
    from ..compiled.solve import solve as solve_batch

    k, q = problem.t0.shape
    shape = k, q
    every, protocols = np.arange(k * q), problem.protocols
    own = every // q if q == 1 else every % q
    times = problem.saveat.reshape(len(problem.saveat), -1).t().numpy()
    start = y0[problem.system.to_public].flatten(1).t().double().numpy()
    batch = Batch(
        theta.detach().double().numpy(),
        every // q,
        Segments.stack([protocol.segments for protocol in protocols]),
        own if len(protocols) > 1 else np.zeros(k * q, dtype=np.int64),
        start[:, 0],
        np.ascontiguousarray(start),
        np.ascontiguousarray(times),
        problem.t1.flatten().numpy(),
        problem.system.clamped,
    )
    tables, method = problem.neuron.tables, problem.method
    assert isinstance(method, (Explicit, Rosenbrock))
    found = solve_batch(tables, method.tableau, batch, problem.options, keep=keep)
    order = problem.system.from_public
    samples = torch.from_numpy(found.samples).permute(1, 2, 0)[:, order]
    status, steps, rejected = (torch.from_numpy(x.copy()).view(shape) for x in found.results.T)
    evaluations = (steps + rejected) * method.evaluations
    tape = None
    if found.steps is not None:
        tape = tape_of(found.steps, shape, order, problem.stimulus.like)
    samples = samples.reshape(*samples.shape[:2], *shape)
    return Run(samples, steps, rejected, evaluations, status, tape)


def start_of(neuron: Neuron, y0: FloatArray | None, count: int) -> FloatArray:
    """States (0, S), (1, S) or (B, S) to start from."""
    n = len(neuron.states)
    if y0 is None:
        return np.zeros((0, n))
    rows = np.atleast_2d(np.asarray(y0, dtype=np.float64))
    if rows.shape[-1] != n:
        raise InputError(f"y0 has shape {np.shape(y0)}; its last axis must be {n} states")
    if not np.isfinite(rows).all():
        raise InputError("y0 has a value that is NaN or infinite")
    return rows if len(rows) in (1, count) else np.broadcast_to(rows, (count, n)).copy()


def statistics(found: Solved, method: Method) -> dict[str, NDArray[np.int64]]:
    """Counters of each element (B,)."""
    steps, rejected = found.results[:, 1], found.results[:, 2]
    evaluations = (steps + rejected) * method.evaluations
    return {"n_steps": steps, "n_rejected": rejected, "n_f_evals": evaluations}


def tape_of(steps: Steps, shape: tuple[int, int], from_public: Tensor, like: Tensor) -> Tape | None:
    """The accepted steps of K·Q elements as a tape, whose states are in the engine's order."""
    element = steps.integers[:, 0]
    if not len(element):
        return None
    elements = shape[0] * shape[1]
    count = np.bincount(element, minlength=elements)
    first = np.cumsum(count) - count
    longest = int(count.max())
    # The rows of an element that has fewer steps repeat its last one.
    place = np.minimum(np.arange(longest)[:, None], np.maximum(count - 1, 0))
    rows = np.minimum(first + place, len(element) - 1)
    t, h, t_next = (steps.numbers[:, i][rows].reshape(longest, *shape) for i in range(3))
    h = np.where(count.reshape(shape) > 0, h, 1e-9)
    y = steps.numbers[:, 3:][:, from_public.numpy()][rows].transpose(0, 2, 1)
    return Tape(
        torch.from_numpy(t),
        torch.from_numpy(h),
        torch.from_numpy(t_next),
        torch.from_numpy(steps.integers[:, 1][rows].reshape(longest, *shape)),
        torch.from_numpy(np.ascontiguousarray(y)).reshape(longest, -1, *shape).to(like.dtype),
        torch.from_numpy(count.reshape(shape)),
    )
