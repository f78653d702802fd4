"""The verb `adapt_cells`: the few numbers of many new cells, each by itself."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from . import backends
from ._adapt import BATCH, Cell, adapt, adapted, cell_of
from ._fit import fit
from .backends.base import Backend
from .backends.options import NAMES, check_names, options_of
from .cluster import check_workers, client_of, divided, share_of
from .errors import InputError, RecordingError
from .fitting import checks
from .neuron.neuron import Neuron
from .numerics.arrays import FloatArray
from .numerics.cached import cached_property
from .population.population import Population
from .progress import Bar
from .recordings import Recording
from .results.fit_result import FitResult


class AdaptedCells(Mapping[str, FitResult]):
    """The fits of many cells, by the name of the cell.

    Attributes
    ----------
    population : Population
        The cells that were fitted, with their values: to simulate them, or as a table
        (``population.to_pandas()``).
    failed : tuple of str
        Cells none of whose fits came to anything; they are not in `population`.
    """

    def __init__(self, results: Mapping[str, FitResult], names: Sequence[str]) -> None:
        self._results, self._names = dict(results), tuple(names)

    def __getitem__(self, cell: str) -> FitResult:
        return self._results[cell]

    def __iter__(self) -> Iterator[str]:
        return iter(self._results)

    def __len__(self) -> int:
        return len(self._results)

    @cached_property
    def failed(self) -> tuple[str, ...]:
        """Names of the cells that could not be fitted."""
        return tuple(name for name, result in self.items() if not result.success)

    @cached_property
    def population(self) -> Population:
        """The cells that could be."""
        good = {name: result for name, result in self.items() if result.success}
        if not good:
            raise InputError("no cell could be fitted")
        neuron = next(iter(good.values())).neuron
        table: dict[str, Any] = {"cell": list(good)}
        for name in self._names:
            place = neuron.layout[name].start
            table[name] = np.array([r.neuron.theta[place] for r in good.values()])
        return Population.from_table(neuron, table)

    @property
    def scores(self) -> FloatArray:
        """The loss of each cell (C,); inf where it could not be fitted."""
        return np.array([float(np.min(result.scores)) for result in self.values()])

    def __repr__(self) -> str:
        failed = f", {len(self.failed)} failed" if self.failed else ""
        return f"AdaptedCells({len(self):,} cells, {' '.join(self._names)}{failed})"


def adapt_cells(
    fitted: Neuron | FitResult,
    recordings: Iterable[Recording],
    *,
    trainable: str | Sequence[str] = "conductances",
    workers: int | None = None,
    cluster: Any = None,
    progress: bool | None = None,
    backend: str | Backend = "auto",
    **options: Any,
) -> AdaptedCells:
    """Fit the few numbers of each of many cells, with networks (and all else) held.

    Each cell is fitted by `adapt`, as if alone: none is held up by another, and the result does
    not depend on which others there are.

    Parameters
    ----------
    fitted : Neuron or FitResult
        Where to start: for instance the mean cell of a fit with `per_cell`.
    recordings : sequence of Recording
        Each says of which cell it is (``Recording(…, cell="a")``); a cell may have several.
    trainable : str or sequence of str
        Patterns for ``neuron.layout.select``; no networks.
    workers : int, optional
        Processes on this machine (a local Dask cluster; needs the extra ``cluster``).
    cluster : dask.distributed.Client or str, optional
        A cluster, or the address of its scheduler.
    progress : bool, optional
        A progress bar with the time left; default on a terminal and in a notebook.
    backend, **options
        As of `adapt`.

    Returns
    -------
    AdaptedCells
        A mapping of names to `FitResult`, with `population`.

    Raises
    ------
    InputError, RecordingError, UnknownNameError
        When an argument cannot be used; before any cell is fitted, as far as that can be known.

    Examples
    --------
    >>> import pyhodgkin as ph
    >>> axon = ph.library.get("squid_axon")
    >>> clamp = ph.CurrentClamp.step(10.0, start=2.0, stop=None, t_end=14.0)
    >>> cells = ph.Population(axon, 2, {"k.g": [33.0, 39.0]})
    >>> traces = [ph.simulate(cell, clamp, saveat=0.1) for cell in cells]
    >>> sweeps = [ph.Recording.from_solution(t, cell=name) for t, name in zip(traces, "ab")]
    >>> found = ph.adapt_cells(axon, sweeps, trainable="k.g")
    >>> found.population["k.g"].round(1)
    array([33., 39.])
    """
    neuron = fitted.neuron if isinstance(fitted, FitResult) else fitted
    if not isinstance(neuron, Neuron):
        raise InputError(f"fitted is a {type(fitted).__name__}; give a Neuron or a FitResult")
    check_names(options, adapt, fit, also=True)
    for name in ("out", "resume", "overwrite", "callback"):
        if name in options:
            raise InputError(f"{name}: there are many fits; use adapt for one cell")
    check_workers(workers, cluster)
    groups = _by_cell(checks.recordings_of(recordings))
    names = [neuron.layout.names[i] for i in checks.trainable_of(neuron, trainable)]
    if isinstance(backend, str):  # "auto" is decided once, for all workers
        how = {k: x for k, x in options.items() if k in (*NAMES, "options")}
        backend = backends.get(backend, options_of(how), [neuron])
    own: dict[str, Any] = {}
    for name in ("bounds", "noise"):
        own[name] = options.pop(name, None)
    own["size"] = options.pop("area", None), options.pop("capacitance", None)
    cells = {cell: cell_of(neuron, sweeps, trainable, **own) for cell, sweeps in groups.items()}
    found: dict[str, FitResult] = {}
    with Bar(progress) as bar:
        parts = _fits(
            cells, {"trainable": trainable, "options": options}, backend, workers, cluster
        )
        for results in parts:
            found |= results
            bar.update("cells", len(found), len(groups), "")
    return AdaptedCells({cell: found[cell] for cell in groups}, names)


def _fits(
    cells: Mapping[str, Cell],
    own: dict[str, Any],
    engine: Backend,
    workers: int | None,
    cluster: Any,
) -> Iterator[dict[str, FitResult]]:
    names = list(cells)
    if workers is None and cluster is None:
        for begin in range(0, len(names), BATCH):
            part = names[begin : begin + BATCH]
            found = adapted([cells[name] for name in part], backend=engine, **own)
            yield dict(zip(part, found, strict=True))
        return
    backends.check_named(engine)
    with client_of(workers, cluster) as client:
        size = share_of(len(names), client, BATCH)
        parts = [names[i : i + size] for i in range(0, len(names), size)]
        pieces = (([cells[name] for name in part], engine.name, own) for part in parts)
        for number, found in divided(client, _some, pieces):
            yield dict(zip(parts[number], found, strict=True))


def _some(cells: list[Cell], backend: str, own: dict[str, Any]) -> list[FitResult]:
    return adapted(cells, backend=backend, **own)


def _by_cell(recordings: Sequence[Recording]) -> dict[str, list[Recording]]:
    groups: dict[str, list[Recording]] = {}
    for recording in recordings:
        if not recording.cell:
            raise RecordingError(
                f'recording "{recording.name}" does not say of which cell it is: '
                'Recording(…, cell="name")'
            )
        groups.setdefault(recording.cell, []).append(recording)
    return groups
