"""What a simulation of a network gives: spikes, voltages, rates, regularity, figures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from ..backends.network_plan import Spikes
from ..errors import InputError, unknown
from ..numerics.arrays import FloatArray, Indices
from . import checks
from .network import SpikingNetwork

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True, eq=False)
class SpikeTrains:
    """The spikes of `n` cells: when (K,), ms, increasing, and of which cell (K,)."""

    n: int
    times: FloatArray
    indices: Indices

    def of(self, cell: int) -> FloatArray:
        """The times of the spikes of one cell, ms."""
        if not 0 <= cell < self.n:
            raise InputError(f"cell = {cell}: there are cells 0 to {self.n - 1}")
        return self.times[self.indices == cell]

    def counts(self, start: float = 0.0, stop: float = np.inf) -> Indices:
        """Spikes of each cell (n,) from `start` to `stop` (ms)."""
        used = (self.times >= start) & (self.times < stop)
        return np.bincount(self.indices[used], minlength=self.n)

    def intervals(self, start: float = 0.0) -> tuple[FloatArray, Indices]:
        """Intervals between spikes of one cell after `start`, ms, and of which cell each is."""
        used = self.times >= start
        times, cells = self.times[used], self.indices[used]
        order = np.lexsort((times, cells))
        times, cells = times[order], cells[order]
        same = cells[1:] == cells[:-1]
        return np.diff(times)[same], cells[1:][same]


@dataclass(frozen=True, eq=False, repr=False)
class NetworkSolution:
    """The spikes of a network, and the voltages that were recorded.

    Attributes
    ----------
    network : SpikingNetwork
    duration, dt : float
        ms.
    seed : int
        Of the Poisson trains.
    spikes : dict of name to SpikeTrains
    t : array (T,)
        ms, of the voltages.
    v : dict of name to array (recorded cells, T)
        mV.
    recorded : dict of name to array (recorded cells,)
        Which cells those are.
    """

    network: SpikingNetwork
    duration: float
    dt: float
    seed: int
    spikes: dict[str, SpikeTrains]
    t: FloatArray
    v: dict[str, FloatArray] = field(default_factory=dict)
    recorded: dict[str, Indices] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        network: SpikingNetwork,
        duration: float,
        dt: float,
        seed: int,
        found: Sequence[Spikes],
        t: FloatArray,
        samples: FloatArray,
        recorded: dict[str, Indices],
    ) -> NetworkSolution:
        """From what an engine gave, piece by piece."""
        cells = np.concatenate([x.cells for x in found])
        times = np.concatenate([x.times for x in found])
        trains, v, row = {}, {}, 0
        for node, (name, group) in enumerate(network.groups.items()):
            own = cells[:, 0] == node
            trains[name] = SpikeTrains(group.n, times[own], cells[own, 1])
            if name in recorded:
                v[name] = samples[row : row + len(recorded[name])]
                row += len(recorded[name])
        return cls(network, duration, dt, seed, trains, t, v, recorded)

    def _trains(self, group: str) -> SpikeTrains:
        if group not in self.spikes:
            raise unknown("group", str(group), self.spikes)
        return self.spikes[group]

    def spike_times(self, group: str, cell: int) -> FloatArray:
        """The times of the spikes of one cell, ms."""
        return self._trains(group).of(cell)

    def rates(self, group: str, start: float = 0.0) -> FloatArray:
        """Mean firing rate of each cell (n,) after `start` ms, Hz."""
        start = self._start(start)
        return self._trains(group).counts(start) / (1e-3 * (self.duration - start))

    def population_rate(self, group: str, bin: float = 5.0) -> tuple[FloatArray, FloatArray]:
        """Rate over time: the middles of bins of `bin` ms, and spikes per cell in each, Hz."""
        width = checks.number("bin", bin, "ms", least=0.0, above=True)
        trains = self._trains(group)
        count = max(1, int(np.floor(self.duration / width + 1e-9)))
        found, edges = np.histogram(trains.times, bins=count, range=(0.0, count * width))
        return 0.5 * (edges[1:] + edges[:-1]), found / (trains.n * width * 1e-3)

    def isi_cv(self, group: str, start: float = 0.0, least: int = 3) -> FloatArray:
        """Coefficient of variation of the intervals between spikes of each cell (n,).

        NaN for cells with fewer than `least` spikes after `start` ms; a Poisson train has 1.
        """
        trains = self._trains(group)
        gaps, cells = trains.intervals(self._start(start))
        count = np.bincount(cells, minlength=trains.n)
        total = np.bincount(cells, gaps, trains.n)
        squares = np.bincount(cells, gaps * gaps, trains.n)
        with np.errstate(invalid="ignore", divide="ignore"):
            mean = total / count
            cv = np.sqrt(np.maximum(squares / count - mean * mean, 0.0)) / mean
        return np.where(count + 1 >= max(least, 2), cv, np.nan)

    def _start(self, start: float) -> float:
        start = checks.number("start", start, "ms", least=0.0)
        if start >= self.duration:
            raise InputError(f"start = {start:g} ms is not before the end, {self.duration:g} ms")
        return start

    def plot_raster(self, groups: Sequence[str] | None = None, **options: Any) -> Figure:
        """Spikes of all cells over time: `pyhodgkin.plot.raster`."""
        from ..plot.network import raster

        return raster(self, groups, **options)

    def plot_rates(self, groups: Sequence[str] | None = None, **options: Any) -> Figure:
        """Rates of the groups over time: `pyhodgkin.plot.population_rates`."""
        from ..plot.network import population_rates

        return population_rates(self, groups, **options)

    def __repr__(self) -> str:
        parts = [f"{name} {x.n} cells, {len(x.times)} spikes" for name, x in self.spikes.items()]
        return f"<NetworkSolution {self.duration:g} ms: {'; '.join(parts)}>"
