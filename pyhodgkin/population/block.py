"""One block of cells: solved in one call of the engine, and reduced to what is recorded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..backends.base import Backend, RawSolution
from ..errors import SolveError
from ..numerics.arrays import FloatArray
from ..protocols import Protocol
from ..status import Status
from ..units import PER_CM2
from .features import Response, window
from .plan import Plan


@dataclass(frozen=True)
class Chunk:
    """What is recorded of the cells from `start` to `stop`, under K protocols.

    Parameters
    ----------
    start, stop : int
    arrays : dict of str to array (K, B, ...)
        ``status``, ``n_steps``, and what is recorded; ``rheobase`` is (1, B).
    times : tuple of K arrays
        Spike times, ms, cell by cell.
    counts : array of int (K, B)
        Spikes of each cell.
    """

    start: int
    stop: int
    arrays: dict[str, NDArray]
    times: tuple[FloatArray, ...]
    counts: NDArray[np.int32]


def compute(plan: Plan, engine: Backend, chunk: int) -> Chunk:
    """Solve the cells of a chunk, block by block."""
    start, stop = plan.cells(chunk)
    blocks = range(start, stop, plan.block)
    return joined([block(plan, engine, b, min(b + plan.block, stop)) for b in blocks])


def joined(parts: Sequence[Chunk]) -> Chunk:
    """Chunks that follow one another, as one."""
    if len(parts) == 1:
        return parts[0]
    arrays = {
        name: np.concatenate([part.arrays[name] for part in parts], axis=1)
        for name in parts[0].arrays
    }
    times = tuple(np.concatenate(own) for own in zip(*(part.times for part in parts), strict=True))
    counts = np.concatenate([part.counts for part in parts], axis=1)
    return Chunk(parts[0].start, parts[-1].stop, arrays, times, counts)


def block(plan: Plan, engine: Backend, start: int, stop: int) -> Chunk:
    """Solve one block of cells."""
    theta = plan.theta(start, stop)
    found = [_under(plan, engine, theta, k, start) for k in range(plan.runs)]
    names = found[0][0]
    arrays = {name: np.stack([arrays[name] for arrays, _, _ in found]) for name in names}
    if plan.rheobase is not None:
        arrays["rheobase"] = _rheobase(plan, engine, theta)[None]
    times = tuple(times for _, times, _ in found)
    return Chunk(start, stop, arrays, times, np.stack([counts for _, _, counts in found]))


def _under(
    plan: Plan, engine: Backend, theta: FloatArray, k: int, start: int
) -> tuple[dict[str, NDArray], FloatArray, NDArray[np.int32]]:
    """What is recorded under protocol k, the spike times, and their numbers."""
    count = len(theta)
    protocols = plan.protocols[start : start + count] if plan.each else plan.protocols[k : k + 1]
    t = plan.times(k)
    solved = _solve(plan, engine, theta, protocols, t)
    failed = solved.status != Status.SUCCESS
    arrays: dict[str, NDArray] = {
        "status": solved.status.astype(np.int8),
        "n_steps": solved.n_steps.astype(np.int32),
    }
    if plan.states:
        ends = np.array([protocol.t_end for protocol in protocols])
        own = plan.saveat[None] <= ends[:, None] * (1.0 + 1e-9)
        inside = np.flatnonzero(plan.saveat <= t[-1])
        places = np.searchsorted(t, plan.saveat[inside])
        for name in plan.states:
            samples = np.full((count, len(plan.saveat)), np.nan, dtype=plan.options.dtype)
            samples[:, inside] = solved.y[:, places, plan.neuron.states.index(name)]
            arrays[name] = np.where(own, samples, samples.dtype.type(np.nan))
    spans = np.array([window(protocol) for protocol in protocols])
    onset, end = (np.broadcast_to(x, (count,)) for x in spans.T)
    first = np.concatenate([[0], np.cumsum(solved.counts)])
    for item, wanted in zip(plan.features, plan.samples[k], strict=True):
        v = solved.y[:, np.searchsorted(t, wanted), 0]
        values = item.compute(Response(onset, end, solved.spikes, first, v))
        arrays[item.name] = np.where(failed, np.nan, values)
    if not plan.spikes:
        return arrays, np.zeros(0), np.zeros_like(solved.counts)
    return arrays, solved.spikes, solved.counts


@dataclass(frozen=True)
class _Solved:
    y: FloatArray
    status: NDArray[np.int64]
    n_steps: NDArray[np.int64]
    spikes: FloatArray
    counts: NDArray[np.int32]


def _solve(
    plan: Plan, engine: Backend, theta: FloatArray, protocols: Sequence[Protocol], t: FloatArray
) -> _Solved:
    """Solve cells; in halves where there are too many steps to know all spikes."""
    raw = engine.solve(plan.neuron, protocols, theta, None, t, plan.options, to_end=True)
    if not plan.finds_spikes:
        return _without_spikes(raw)
    if raw.steps is None:
        raise SolveError(f"the engine {engine.name} gave no steps to find spikes in")
    if raw.steps.knows(plan.threshold):
        trains = raw.steps.crossings(plan.threshold)
        counts = np.array([len(train) for train in trains], dtype=np.int32)
        return _Solved(raw.y, raw.status, raw.stats["n_steps"], np.concatenate(trains), counts)
    half = len(theta) // 2
    if half == 0:
        raise SolveError(
            f"threshold = {plan.threshold:g} mV: one cell takes too many steps to know its spikes "
            "by it; take threshold = 0, or a shorter protocol"
        )
    parts = []
    for own in (slice(0, half), slice(half, None)):
        mine = protocols[own] if len(protocols) > 1 else protocols
        parts.append(_solve(plan, engine, theta[own], mine, t))
    return _Solved(*(np.concatenate([getattr(p, n) for p in parts]) for n in _FIELDS))


_FIELDS = ("y", "status", "n_steps", "spikes", "counts")


def _without_spikes(raw: RawSolution) -> _Solved:
    counts = np.zeros(len(raw.status), dtype=np.int32)
    return _Solved(raw.y, raw.status, raw.stats["n_steps"], np.zeros(0), counts)


def _rheobase(plan: Plan, engine: Backend, theta: FloatArray) -> FloatArray:
    wanted, neuron = plan.rheobase, plan.neuron
    assert wanted is not None
    last = np.array([wanted.start + wanted.duration])

    def fires(cells: NDArray, protocols: list[Protocol]) -> NDArray[np.bool_]:
        raw = engine.solve(neuron, protocols, theta[cells], None, last, plan.options, to_end=True)
        assert raw.steps is not None
        trains = raw.steps.crossings(plan.threshold)
        return np.array([bool((train > wanted.start).any()) for train in trains])

    place = neuron.layout["c_m"].start if "c_m" in neuron.layout else None
    c_m = np.ones(len(theta)) if place is None else theta[:, place]
    unit = neuron.current_unit or PER_CM2
    return wanted.compute(fires, c_m, unit)
