"""Sources of spikes that are no cells of the network: Poisson trains, and given times."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from ..errors import InputError
from ..numerics.arrays import FloatArray, Indices
from . import checks

# Length of the pieces of time that Poisson trains are drawn in, ms; it decides the numbers.
WINDOW = 100.0
TAG = 2  # of their random numbers, beside the seed


@dataclass(frozen=True, eq=False)
class Source:
    """Base of `PoissonSource` and `SpikeTimes`."""

    kind: ClassVar[str]

    n: int

    def window(self, k: int, seed: int, index: int) -> tuple[FloatArray, Indices]:
        """The spikes of the `k`-th piece of time: when (ms), and of which."""
        raise NotImplementedError


@dataclass(frozen=True, eq=False)
class PoissonSource(Source):
    """`n` independent Poisson trains.

    Parameters
    ----------
    n : int
    rate : float or array (n,)
        Hz.
    start, stop : float
        When they begin and end, ms.

    Examples
    --------
    >>> times, cells = PoissonSource(100, rate=50.0).window(0, seed=1, index=0)
    >>> bool(400 < len(times) < 600)
    True
    """

    kind: ClassVar[str] = "poisson"

    rate: Any
    start: float = 0.0
    stop: float = np.inf

    def __post_init__(self) -> None:
        object.__setattr__(self, "n", checks.count("PoissonSource: n", self.n))
        rate = checks.of_cells("PoissonSource: rate", self.rate, self.n, "Hz", least=0.0)
        if rate.size and rate.max() > 1e5:
            raise InputError(f"PoissonSource: rate = {rate.max():g} Hz is above 100,000 Hz")
        object.__setattr__(self, "rate", rate)
        start = checks.number("PoissonSource: start", self.start, "ms", least=0.0)
        object.__setattr__(self, "start", start)
        if not float(self.stop) > start:
            raise InputError(f"PoissonSource: stop = {self.stop:g} ms is not after {start:g} ms")
        object.__setattr__(self, "stop", float(self.stop))

    def window(self, k: int, seed: int, index: int) -> tuple[FloatArray, Indices]:
        if (k + 1) * WINDOW <= self.start or k * WINDOW >= self.stop:
            return np.zeros(0), np.zeros(0, dtype=np.int64)
        rng = np.random.default_rng([seed, TAG, index, k])
        rates = np.cumsum(np.broadcast_to(self.rate, (self.n,))) * (WINDOW * 1e-3)
        times = (k + rng.random(rng.poisson(rates[-1]))) * WINDOW
        cells = np.searchsorted(rates, rng.random(len(times)) * rates[-1], side="right")
        used = (times >= self.start) & (times < self.stop)
        return times[used], cells[used].astype(np.int64)


@dataclass(frozen=True, eq=False)
class SpikeTimes(Source):
    """Spikes at given times.

    Parameters
    ----------
    n : int
        How many trains there are.
    times : array (K,)
        ms, in any order.
    indices : array of int (K,), optional
        Of which train each spike is; default all of the first.

    Examples
    --------
    >>> SpikeTimes(2, times=[5.0, 1.0], indices=[0, 1]).times.tolist()
    [1.0, 5.0]
    """

    kind: ClassVar[str] = "times"

    times: Any
    indices: Any = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "n", checks.count("SpikeTimes: n", self.n))
        times = checks.numbers("SpikeTimes: times", self.times, "ms", least=0.0)
        if times.ndim != 1:
            raise InputError(f"SpikeTimes: times have shape {times.shape}; give (K,)")
        given = np.zeros(len(times), dtype=np.int64) if self.indices is None else self.indices
        cells = checks.indices("SpikeTimes: indices", given, self.n)
        if len(cells) != len(times):
            raise InputError(f"SpikeTimes: {len(cells)} indices for {len(times)} times")
        order = np.lexsort((cells, times))
        object.__setattr__(self, "times", times[order])
        object.__setattr__(self, "indices", cells[order])

    def window(self, k: int, seed: int, index: int) -> tuple[FloatArray, Indices]:
        low, high = np.searchsorted(self.times, [k * WINDOW, (k + 1) * WINDOW])
        return self.times[low:high], self.indices[low:high]


SOURCES: dict[str, type] = {kind.kind: kind for kind in (PoissonSource, SpikeTimes)}


class Trains:
    """The spikes of all sources, in order, for one piece of a simulation after the other."""

    def __init__(self, sources: list[Source], first_node: int, seed: int) -> None:
        self._sources, self._first, self._seed = sources, first_node, seed
        self._next, self._times = 0, np.zeros(0)
        self._cells = np.zeros((0, 2), dtype=np.int64)

    def between(self, edges: FloatArray) -> tuple[Indices, Indices, FloatArray]:
        """Bounds of the spikes of each step, their nodes and cells (K, 2), and times (K,)."""
        while self._sources and self._next * WINDOW < edges[-1]:
            self._draw()
        end = int(np.searchsorted(self._times, edges[-1]))
        times, cells = self._times[:end], self._cells[:end]
        self._times, self._cells = self._times[end:], self._cells[end:]
        bounds = np.searchsorted(times, edges)
        bounds[0], bounds[-1] = 0, end
        return bounds.astype(np.int64), cells, times

    def _draw(self) -> None:
        times, cells = [self._times], [self._cells]
        for index, source in enumerate(self._sources):
            when, which = source.window(self._next, self._seed, index)
            nodes = np.full(len(which), self._first + index, dtype=np.int64)
            times.append(when)
            cells.append(np.stack([nodes, which], axis=1))
        all_times, all_cells = np.concatenate(times), np.concatenate(cells)
        order = np.lexsort((all_cells[:, 1], all_cells[:, 0], all_times))
        self._times, self._cells = all_times[order], all_cells[order]
        self._next += 1
