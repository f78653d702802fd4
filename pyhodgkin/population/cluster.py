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
from ..cluster import client_of, divided
from ..errors import BackendUnavailableError
from .block import Chunk, compute
from .plan import Plan, integrator
from .run import Executor


@contextmanager
def on_cluster(workers: int | None, cluster: Any) -> Iterator[Executor]:
    """What runs chunks on a cluster; see `pyhodgkin.cluster.client_of`."""
    with client_of(workers, cluster) as client:

        def run(plan: Plan, engine: Backend, chunks: Sequence[int]) -> Iterator[tuple[int, Chunk]]:
            backends.check_named(engine)
            pieces = ((plan.part(chunk),) for chunk in chunks)
            for number, found in divided(client, solve_part, pieces):
                start, stop = plan.cells(chunks[number])
                yield chunks[number], replace(found, start=start, stop=stop)

        yield run


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
