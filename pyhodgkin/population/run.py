"""Running a population: chunk by chunk, into memory or a store, here or on a cluster."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from .. import backends
from ..backends.base import Backend
from ..backends.options import options_of
from ..cluster import check_workers
from ..errors import InputError, SolveError
from ..progress import Bar
from ..protocols import Protocol
from .block import Chunk, compute
from .memory import Memory
from .plan import Plan
from .population import Population
from .request import made
from .result import PopulationResult

# What a run is divided over: chunks in, chunks out, in any order.
Executor = Callable[[Plan, Backend, Sequence[int]], Iterable[tuple[int, Chunk]]]


def simulate(
    population: Population,
    protocol: Protocol | Sequence[Protocol],
    *,
    record: str | Sequence[Any] = "spikes",
    saveat: ArrayLike | float | None = None,
    each: bool = False,
    threshold: float = 0.0,
    out: str | os.PathLike[str] | None = None,
    overwrite: bool = False,
    chunk_size: int | None = None,
    workers: int | None = None,
    cluster: Any = None,
    progress: bool | None = None,
    throw: bool = False,
    backend: str | Backend = "auto",
    **options: Any,
) -> PopulationResult:
    """Simulate all cells of a population under a protocol, or a family of them.

    Parameters
    ----------
    population : Population
    protocol : CurrentClamp or VoltageClamp, or a sequence of one kind
        A sequence is a family: all cells under each of its protocols.
    record : str or sequence
        ``"spikes"``; variables such as ``"v"`` at the times `saveat`; features:
        ``"rate"``, ``"spike_count"``, ``"first_spike_latency"``, ``"adaptation"``, ``"isi_cv"``,
        ``"v_baseline"``, ``"sag"``, counted from the first to the last change of the stimulus;
        ``"rheobase"`` or a `Rheobase`. Features are made while the run goes on, and nothing else
        of it is kept.
    saveat : float or array (T,), optional
        Spacing or times, ms, of the variables. Default: every 0.1 ms.
    each : bool
        The sequence of protocols holds one for each cell.
    threshold : float
        mV; a spike is a rise of v through it.
    out : path, optional
        A Zarr store (a folder, by custom ``….zarr``), which is written as the run goes on (needs
        the extra ``population``). If it holds the same run, that is continued; if it is complete,
        nothing is computed.
    overwrite : bool
        Replace another run in `out`; until the new one is complete, the old one is kept.
    chunk_size : int, optional
        Cells that are written at a time, rounded up to whole blocks; see Notes.
    workers : int, optional
        Processes on this machine (a local Dask cluster; needs the extra ``cluster``). Default:
        threads of this process, as many as there are processors.
    cluster : dask.distributed.Client or str, optional
        A cluster, or the address of its scheduler.
    progress : bool, optional
        Show a progress bar with the time left; default: on a terminal and in a notebook.
    throw : bool
        Raise `SolveError` at the end when a cell failed. By default its status says so, its
        features and samples are NaN, and the other cells are right.
    backend : {"auto", "torch", "julia"}
    **options
        How to solve: `SolveOptions`, one by one (``rtol=1e-4``) or as ``options=SolveOptions(…)``.

    Returns
    -------
    PopulationResult

    Raises
    ------
    InputError
        For arguments that cannot be used, a store of another run, and results that do not fit
        into memory.
    SolveError
        With `throw`, when a cell failed.

    Notes
    -----
    The engine is always given blocks of the same cells (4096 on a processor, fewer where many
    samples are recorded), so that the numbers are the same bits whatever the chunks, threads,
    workers and interruptions of a run are.

    Examples
    --------
    >>> import pyhodgkin as ph
    >>> axon = ph.library.get("squid_axon")
    >>> cells = ph.Population(axon, 50, {"na.g": ph.Uniform(spread=0.2)}, seed=1)
    >>> steps = ph.CurrentClamp.family([5.0, 10.0], start=10.0, stop=90.0, t_end=100.0)
    >>> found = cells.simulate(steps, record=("rate", "first_spike_latency"), rtol=1e-4)
    >>> found["rate"].shape
    (2, 50)
    """
    if not isinstance(population, Population):
        raise InputError(f"population is a {type(population).__name__}; give a Population")
    solved = options_of(options, None, simulate)
    check_workers(workers, cluster)
    engine = (
        backends.get(backend, solved, [population.neuron]) if isinstance(backend, str) else backend
    )
    plan = made(
        population, protocol, record, each, saveat, threshold, solved, engine.name, chunk_size
    )
    with _executor(workers, cluster) as executor:
        sink = _sink(plan, out, overwrite)
        try:
            _fill(sink, executor, engine, progress)
        finally:
            sink.close()
    result = PopulationResult(sink.plan, sink)
    if throw and not np.all(result.success):
        raise SolveError(f"{population.neuron.name}: {result.message}")
    return result


def _fill(sink: Any, executor: Executor, engine: Backend, progress: bool | None) -> None:
    """Compute the chunks that are not there yet."""
    plan = sink.plan
    left = [chunk for chunk in range(plan.n_chunks) if not sink.done(chunk)]
    with Bar(progress) as bar:
        cells = plan.n - sum(np.diff(plan.cells(chunk))[0] for chunk in left)
        for chunk, found in executor(plan, engine, left):
            sink.write(chunk, found)
            cells += found.stop - found.start
            bar.update("cells", int(cells), plan.n, "")


def _sink(plan: Plan, out: Any, overwrite: bool) -> Any:
    if out is None:
        return Memory(plan)
    from .store import open_store

    return open_store(plan, out, overwrite)


def _executor(workers: int | None, cluster: Any) -> AbstractContextManager[Executor]:
    if workers is None and cluster is None:
        return nullcontext(in_turn)
    from .cluster import on_cluster

    return on_cluster(workers, cluster)


def in_turn(plan: Plan, engine: Backend, chunks: Sequence[int]) -> Iterator[tuple[int, Chunk]]:
    """One chunk after the other in this process, whose kernels use all threads."""
    for chunk in chunks:
        yield chunk, compute(plan, engine, chunk)
