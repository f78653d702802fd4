"""A run divided over the workers of a Dask cluster: each solves chunks, this process writes.

Every worker starts an engine of its own. A worker that dies has its chunks solved by others; as the
numbers of a chunk depend on nothing but the plan, it does not matter by which.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from .. import backends
from ..backends.base import Backend
from ..errors import BackendUnavailableError, InputError
from .block import Chunk, compute
from .plan import Plan, integrator
from .run import Executor

# Chunks that wait at each worker, so that none is idle and memory stays bounded.
AHEAD = 2
TIMEOUT = 15.0  # seconds that a scheduler has to answer


@contextmanager
def on_cluster(workers: int | None, cluster: Any) -> Iterator[Executor]:
    """What runs chunks on a cluster; a local one of `workers` processes where none is given.

    Raises
    ------
    InputError
        For a cluster that is none, or a number of workers that is none.
    BackendUnavailableError
        Where Dask is not installed.
    """
    if workers is not None and (
        isinstance(workers, bool) or int(workers) != workers or workers < 1
    ):
        raise InputError(f"workers = {workers!r}: give a whole number, at least 1")
    if workers is not None and cluster is not None:
        raise InputError("workers, cluster: give one; a cluster has its own workers")
    with client_of(workers, cluster) as client:

        def run(plan: Plan, engine: Backend, chunks: Sequence[int]) -> Iterator[tuple[int, Chunk]]:
            if engine.name not in backends.NAMES:
                raise InputError(f"backend: workers start an engine by its name, not {engine!r}")
            return _divided(client, plan, chunks) if chunks else iter(())

        yield run


@contextmanager
def client_of(workers: int | None, cluster: Any) -> Iterator[Any]:
    """A client of the cluster that is given, or of a local one, which ends with the block."""
    distributed = _distributed()
    if isinstance(cluster, distributed.Client):
        yield cluster
        return
    if cluster is not None and not isinstance(cluster, str):
        raise InputError(
            f"cluster is a {type(cluster).__name__}; give a dask.distributed.Client, or the "
            'address of a scheduler, such as "tcp://10.0.0.1:8786"'
        )
    if cluster is not None:
        try:
            client = distributed.Client(cluster, timeout=TIMEOUT)
        except (OSError, TimeoutError, ValueError) as error:
            text = " ".join(str(error).split())[:200]
            raise InputError(
                f'cluster: no scheduler answers at "{cluster}" ({text}); start one with '
                "`dask scheduler`, or leave it out"
            ) from None
        with client:
            yield client
        return
    local = distributed.LocalCluster(
        n_workers=workers, threads_per_worker=1, processes=True, dashboard_address=None
    )
    with local, distributed.Client(local) as client:
        yield client


def _divided(client: Any, plan: Plan, chunks: Sequence[int]) -> Iterator[tuple[int, Chunk]]:
    """Chunks as they are solved, a few of them under way at a time."""
    distributed = _distributed()
    left = list(reversed(chunks))
    under_way: dict[Any, int] = {}
    completed = distributed.as_completed(with_results=False)

    def submit() -> None:
        workers = len(client.scheduler_info(n_workers=-1)["workers"])
        while left and len(under_way) < AHEAD * max(workers, 1):
            chunk = left.pop()
            # The plan goes with each task: data that lies at a worker would die with it.
            task = client.submit(solve_part, plan.part(chunk), pure=False, retries=2)
            under_way[task] = chunk
            completed.add(task)

    try:
        submit()
        while under_way:
            task = next(completed)
            found = task.result()
            chunk = under_way.pop(task)
            task.release()
            submit()
            start, stop = plan.cells(chunk)
            yield chunk, replace(found, start=start, stop=stop)
    finally:
        if under_way:
            client.cancel(list(under_way))


def solve_part(plan: Plan) -> Chunk:
    """Solve all cells of a plan on a worker, whose engine must be that of the run."""
    try:
        engine = backends.get(plan.engine)
    except BackendUnavailableError as error:
        raise BackendUnavailableError(
            f'a worker cannot start the engine of this run, "{plan.engine}", and results of two '
            f'engines are not mixed: give backend="torch", or install it there ({error})'
        ) from None
    own = integrator(plan.engine, plan.options.device)
    if own != plan.integrator:
        raise BackendUnavailableError(
            f"a worker has {own} integrators, and this run {plan.integrator} ones, whose "
            "numbers differ: install the same packages (numba) on all of them"
        )
    return compute(plan, engine, 0)


def _distributed() -> Any:
    try:
        import distributed  # pyright: ignore[reportMissingImports]
    except ImportError as error:
        raise BackendUnavailableError(
            "workers and cluster need Dask, which is not installed: pip install pyhodgkin[cluster]"
        ) from error
    return distributed
