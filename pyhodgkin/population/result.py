"""What a run of a population returns."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError, unknown
from ..neuron.neuron import Neuron
from ..numerics.arrays import FloatArray
from ..numerics.cached import cached_property
from ..status import Status
from .plan import Plan
from .population import Population

if TYPE_CHECKING:
    from ..protocols import Protocol as Clamp


class Source(Protocol):
    """Where results are: in memory or in a store."""

    path: Any

    def array(self, name: str, start: int, stop: int) -> NDArray:
        """(K, stop - start, ...)."""
        ...

    def counts(self) -> NDArray[np.int32]:
        """How many spikes each cell has, (K, n)."""
        ...

    def spikes(self, k: int, start: int, stop: int) -> tuple[FloatArray, NDArray]:
        """Times, cell by cell, and their numbers."""
        ...


class PopulationResult(Mapping[str, NDArray]):
    """What was recorded of each cell; a mapping of names to arrays.

    Arrays are (n,) or (n, T) for one protocol, and (K, n) or (K, n, T) for a family of K. Those
    of a store are read when they are asked for; `select` reads some of the cells only.

    Attributes
    ----------
    population : Population
    protocols : tuple of CurrentClamp or VoltageClamp
    t : array (T,)
        Times of the recorded variables, ms.
    path : path or None
        Of the store.

    Examples
    --------
    >>> import pyhodgkin as ph
    >>> cells = ph.Population(
    ...     ph.library.get("squid_axon"), 20, {"na.g": ph.LogNormal(cv=0.2)}, seed=1
    ... )
    >>> step = ph.CurrentClamp.step(10.0, start=5.0, stop=45.0, t_end=50.0)
    >>> found = ph.simulate(cells, step, record=("spikes", "rate", "v"), saveat=0.5)
    >>> found["rate"].shape, found["v"].shape, len(found.spike_times(1))
    ((20,), (20, 101), 3)
    >>> found
    PopulationResult(20 cells of squid_axon, 1 protocol, rate v spikes, success)
    """

    def __init__(self, plan: Plan, source: Source) -> None:
        self._plan, self._source = plan, source

    @property
    def population(self) -> Population:
        """The cells."""
        return self._plan.population

    @property
    def neuron(self) -> Neuron:
        """The neuron that the cells vary around."""
        return self._plan.population.neuron

    @property
    def protocols(self) -> tuple[Clamp, ...]:
        """What the cells were under."""
        return self._plan.protocols

    @property
    def t(self) -> FloatArray:
        """Times of the recorded variables (T,), ms."""
        return self._plan.saveat

    @property
    def path(self) -> Any:
        """The store, or None for results in memory."""
        return self._source.path

    @property
    def threshold(self) -> float:
        """Of spikes, mV."""
        return self._plan.threshold

    @property
    def n(self) -> int:
        """The number of cells."""
        return self._plan.n

    @cached_property
    def names(self) -> tuple[str, ...]:
        """What was recorded, but for spikes."""
        plan = self._plan
        own = [item.name for item in plan.features] + list(plan.states)
        return (*own, *(["rheobase"] if plan.rheobase else []))

    @property
    def runs(self) -> int:
        """How many protocols each cell was under, K."""
        return self._plan.runs

    @cached_property
    def amplitudes(self) -> FloatArray | None:
        """Of a family of steps the current of each (K,); None for other protocols."""
        return self._plan.amplitudes

    def unit(self, name: str) -> str:
        """Unit of something recorded, or of a parameter; ``"1"`` or nothing where it has none."""
        from .stored import layout_of

        layout = self.population.neuron.layout
        if name in layout:
            return layout[name].unit
        found = layout_of(self._plan, values=False)
        if name not in found:
            raise unknown("result", name, found)
        return found[name]["attributes"]["units"]

    @property
    def has_spikes(self) -> bool:
        """Whether spike times are known."""
        return self._plan.spikes

    # -- a mapping -----------------------------------------------------------------------

    def __getitem__(self, name: str) -> NDArray:
        return self.select(name, 0, self.n)

    def __iter__(self) -> Iterator[str]:
        return iter((*self.names, "status", "n_steps"))

    def __len__(self) -> int:
        return len(self.names) + 2

    def select(self, name: str, start: int = 0, stop: int | None = None) -> NDArray:
        """Something recorded, of the cells from `start` to `stop`."""
        if name == "n_spikes":
            return self.n_spikes[..., start:stop]
        if name not in list(self):
            if name in self.population.neuron.layout:
                return self.population[name][start:stop]
            raise unknown("result", name, [*self, "n_spikes", *self.population.varied])
        found = self._source.array(name, start, self.n if stop is None else stop)
        return found if self._plan.several and name != "rheobase" else found[0]

    # -- spikes --------------------------------------------------------------------------

    def spike_times(self, cell: int, protocol: int = 0) -> FloatArray:
        """Spike times of a cell, ms."""
        i = range(self.n)[cell]
        return self._spikes(protocol, i, i + 1)[0]

    def spikes(
        self, protocol: int = 0, start: int = 0, stop: int | None = None
    ) -> tuple[FloatArray, NDArray[np.int64]]:
        """All spikes under a protocol: times (N,), ms, and the cell of each (N,)."""
        stop = self.n if stop is None else stop
        times, counts = self._spikes(protocol, start, stop)
        return times, np.repeat(np.arange(start, start + len(counts)), counts)

    @cached_property
    def n_spikes(self) -> NDArray[np.int32]:
        """How many spikes each cell has in the whole run, (n,) or (K, n)."""
        self._check_spikes()
        found = self._source.counts()
        return found if self._plan.several else found[0]

    def _check_spikes(self) -> None:
        if not self.has_spikes:
            raise InputError('spikes were not recorded: record=("spikes", …)')

    def _spikes(self, k: int, start: int, stop: int) -> tuple[FloatArray, NDArray]:
        self._check_spikes()
        return self._source.spikes(range(self._plan.runs)[k], start, stop)

    # -- how it ended --------------------------------------------------------------------

    @property
    def success(self) -> NDArray[np.bool_]:
        """Whether each cell was solved to the end."""
        return self["status"] == Status.SUCCESS

    @property
    def message(self) -> str:
        """One line on the cells that failed, and what to do about them."""
        status = np.atleast_2d(self["status"])
        lines = []
        for code in np.unique(status):
            if code != Status.SUCCESS:
                cells = np.unique(np.nonzero(status == code)[1])
                some = ", ".join(str(i) for i in cells[:8]) + (" …" if len(cells) > 8 else "")
                lines.append(f"{len(cells):,} cells ({some}): {Status(int(code)).message}")
        return "; ".join(lines) or Status.SUCCESS.message

    def __repr__(self) -> str:
        runs = f"{self._plan.runs} protocol{'s' if self._plan.runs > 1 else ''}"
        runs = "a protocol each" if self._plan.each else runs
        what = " ".join([*self.names, *(["spikes"] if self.has_spikes else [])])
        failed = int(np.sum(~np.atleast_2d(self.success).all(axis=0)))
        end = f"{failed:,} failed" if failed else "success"
        size = f"{self.n:,} cells of {self.neuron.name}"
        return f"PopulationResult({size}, {runs}, {what}, {end})"

    # -- to other forms ------------------------------------------------------------------

    def to_xarray(self) -> Any:
        """An `xarray.Dataset` (lazy, of a store), with units, coordinates and the model."""
        from .to_xarray import dataset

        return dataset(self)

    def to_pandas(self) -> Any:
        """A `pandas.DataFrame`: a row for each cell (and protocol), parameters and features."""
        import pandas

        parts = []
        for k in range(self._plan.runs):
            table = self.population.to_pandas()
            for name in self.names:
                values = np.asarray(self[name])
                if name not in self._plan.states:
                    table[name] = values[k] if values.ndim == 2 else values
            parts.append(table)
        if not self._plan.several:
            return parts[0]
        return pandas.concat(parts, keys=range(len(parts)), names=["protocol"])

    # -- figures -------------------------------------------------------------------------

    def plot_raster(self, **options: Any) -> Any:
        """Spikes of the cells over time; see `pyhodgkin.plot.population.raster`."""
        from ..plot import population

        return population.raster(self, **options)

    def plot_rate(self, **options: Any) -> Any:
        """The rate of all cells over time; see `pyhodgkin.plot.population.rate_histogram`."""
        from ..plot import population

        return population.rate_histogram(self, **options)

    def plot_fi(self, **options: Any) -> Any:
        """f-I curves with bands; see `pyhodgkin.plot.population_cells.fi_curves`."""
        from ..plot import population_cells

        return population_cells.fi_curves(self, **options)

    def plot_distributions(self, names: Any = None, **options: Any) -> Any:
        """Histograms over the cells; see `pyhodgkin.plot.population_cells.distributions`."""
        from ..plot import population_cells

        return population_cells.distributions(self, names, **options)

    def plot_scatter(self, x: Any = None, y: Any = None, **options: Any) -> Any:
        """Features against parameters; see `pyhodgkin.plot.population_cells.scatter`."""
        from ..plot import population_cells

        return population_cells.scatter(self, x, y, **options)

    @staticmethod
    def load(path: str | os.PathLike[str]) -> PopulationResult:
        """The results in a store that ``simulate(…, out=path)`` wrote."""
        from .store import load

        return load(path)
