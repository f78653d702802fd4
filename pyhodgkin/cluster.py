"""Work divided over the processes of a Dask cluster, a few pieces under way at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from itertools import islice
from typing import Any

from .errors import BackendUnavailableError, InputError

# Pieces that wait at each worker, so that none is idle and memory stays bounded.
AHEAD = 2
TIMEOUT = 15.0  # seconds that a scheduler has to answer
RETRIES = 2  # of a piece whose worker died


def check_workers(workers: Any, cluster: Any) -> None:
    """Raise unless at most one is given, and it is usable.

    Raises
    ------
    InputError
        For a number of workers that is none.
    BackendUnavailableError
        Where Dask is needed and not installed.
    """
    if workers is None and cluster is None:
        return
    if workers is not None and (
        isinstance(workers, bool) or not isinstance(workers, int) or workers < 1
    ):
        raise InputError(f"workers = {workers!r}: give a whole number, at least 1")
    if workers is not None and cluster is not None:
        raise InputError("workers, cluster: give one; a cluster has its own workers")
    _distributed()


@contextmanager
def client_of(workers: int | None, cluster: Any) -> Iterator[Any]:
    """A client of the cluster that is given, or of a local one, which ends with the block.

    Parameters
    ----------
    workers : int, optional
        Processes of a local cluster.
    cluster : dask.distributed.Client or str, optional
        A client, or the address of a scheduler.

    Raises
    ------
    InputError
        For what is no cluster, and a scheduler that does not answer.
    """
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


def divided(
    client: Any,
    function: Callable[..., Any],
    pieces: Iterable[tuple[Any, ...]],
    ahead: int = AHEAD,
    died: Callable[[Exception], Any] | None = None,
) -> Iterator[tuple[int, Any]]:
    """The results of `function` for each piece, with its number, as they come.

    Parameters
    ----------
    client : dask.distributed.Client
    function : callable
        Of a module, since workers import it.
    pieces : iterable of tuple
        The arguments of each call, taken when its turn comes. They go with the call: data that
        lies at a worker would die with it.
    ahead : int
        Pieces under way for each worker.
    died : callable, optional
        What stands for a piece whose workers died each time; by default that is an error.
    """
    distributed = _distributed()
    left = enumerate(pieces)
    under_way: dict[Any, int] = {}
    completed = distributed.as_completed(with_results=False)

    def submit() -> None:
        workers = len(client.scheduler_info(n_workers=-1)["workers"])
        room = ahead * max(workers, 1) - len(under_way)
        for number, arguments in islice(left, max(room, 0)):
            task = client.submit(function, *arguments, pure=False, retries=RETRIES)
            under_way[task] = number
            completed.add(task)

    try:
        submit()
        while under_way:
            task = next(completed)
            try:
                found = task.result()
            except distributed.KilledWorker as error:
                if died is None:
                    raise
                found = died(error)
            number = under_way.pop(task)
            task.release()
            submit()
            yield number, found
    finally:
        if under_way:
            client.cancel(list(under_way))


def share_of(count: int, client: Any, most: int) -> int:
    """How many of `count` items are a piece: `most`, or fewer where a worker would have none."""
    workers = len(client.scheduler_info(n_workers=-1)["workers"])
    return max(1, min(most, -(-count // max(AHEAD * workers, 1))))


def _distributed() -> Any:
    try:
        import distributed  # pyright: ignore[reportMissingImports]
    except ImportError as error:
        raise BackendUnavailableError(
            "workers and cluster need Dask, which is not installed: pip install pyhodgkin[cluster]"
        ) from error
    return distributed
