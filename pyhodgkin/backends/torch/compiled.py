"""The compiled integrators in place of the eager loop: what goes in, and what comes out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ...errors import InputError
from ...neuron.neuron import Neuron
from ...numerics.arrays import FloatArray
from ...protocols import Protocol, Segments
from ...solution.recomputed import Recomputed
from ...solution.voltage_steps import KEPT, Collector, VoltageSteps
from ..base import RawSolution, SolveOptions, is_clamped
from ..compiled import why_not
from ..step_limit import check_max_steps
from .steps import Explicit, Exponential, Method, Rosenbrock

if TYPE_CHECKING:
    from ..compiled.solve import Solved

# Elements of a batch from which on only the steps that cross 0 mV are kept.
LARGE = 128


def kernel_for(neuron: Neuron, method: Method, options: SolveOptions) -> bool:
    """Whether the compiled integrators can do this solve."""
    return isinstance(method, (Explicit, Rosenbrock, Exponential)) and tables_for(neuron, options)


def tables_for(neuron: Neuron, options: SolveOptions) -> bool:
    """Whether compiled code can read this neuron, and is used."""
    if options.device != "cpu" or why_not():
        return False
    try:
        return neuron.tables.size > 0 and not neuron.is_coupled
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
    from ..compiled.solve import Batch, FixedStep
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
    watch, large = ends is not None and not clamped, count >= LARGE
    collector = Collector(count, KEPT if large else None) if watch else None
    scheme = FixedStep() if isinstance(method, Exponential) else method.tableau
    found = solve_batch(neuron.tables, scheme, batch, options, rising=collector)
    y = found.samples.astype(np.float64, copy=False)
    if clamped:
        for i, row in enumerate(y):
            own = protocols[i if len(protocols) > 1 else 0](saveat)
            row[:, 0] = np.where(saveat <= batch.t_stop[i], own, np.nan)
    steps = None if collector is None else collector.result()
    if steps is not None and large:
        own = replace(batch, theta=batch.theta.copy(), y0=batch.y0.copy())

        def again() -> VoltageSteps:
            every = Collector(count)
            solve_batch(neuron.tables, scheme, own, options, rising=every)
            return every.result()

        steps = Recomputed(steps, again)
    return RawSolution(np.asarray(saveat), y, statistics(found, method), found.results[:, 0], steps)


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
