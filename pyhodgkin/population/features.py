"""Features of a cell's response: one number for each cell and protocol.

A feature says at which times it needs the voltage, and makes numbers of the spike times and these
samples. Features of one's own are subclasses of `Feature`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..errors import InputError, unknown
from ..numerics.arrays import FloatArray
from ..protocols import Protocol, Step

# How long before the stimulus the voltage at rest is looked at, ms, and in how many places.
BASELINE, PLACES = 10.0, 11
# Spacing of the samples in which the lowest voltage of a step is sought, ms, and the most of them.
FINE, MOST = 0.25, 2000
# The last part of a step, over which the steady voltage is a mean.
LATE = 0.1


@dataclass(frozen=True)
class Response:
    """What is known of B cells under one protocol, or one each.

    Parameters
    ----------
    onset, end : array (B,)
        Of the stimulus, ms: its first and last change, or the whole protocol.
    spikes : array (N,)
        Spike times of all cells, ms, cell by cell.
    first : array of int (B + 1,)
        Cell i has ``spikes[first[i]:first[i + 1]]``.
    v : array (B, T)
        mV, at the times that the feature has asked for.
    """

    onset: FloatArray
    end: FloatArray
    spikes: FloatArray
    first: np.ndarray
    v: FloatArray

    @property
    def size(self) -> int:
        """The number of cells."""
        return len(self.first) - 1

    def inside(self) -> tuple[FloatArray, np.ndarray]:
        """Spike times during the stimulus, and the cell of each."""
        cell = np.repeat(np.arange(self.size), np.diff(self.first))
        use = (self.spikes > self.onset[cell]) & (self.spikes <= self.end[cell])
        return self.spikes[use], cell[use]


class Feature:
    """A number for each cell; NaN where it is not defined.

    Examples
    --------
    >>> class LastSpike(Feature):
    ...     name, unit, text = "last_spike", "ms", "time of the last spike"
    ...
    ...     def compute(self, response):
    ...         last = np.full(response.size, np.nan)
    ...         times, cell = response.inside()
    ...         last[cell] = times - response.onset[cell]
    ...         return last
    >>> "last_spike" in known()
    True
    """

    kinds: ClassVar[dict[str, type[Feature]]] = {}
    name: ClassVar[str] = ""
    unit: ClassVar[str] = "1"
    text: ClassVar[str] = ""

    def __init_subclass__(cls) -> None:
        if cls.name:
            Feature.kinds[cls.name] = cls

    def times(self, protocol: Protocol, onset: float, end: float) -> FloatArray:
        """Times at which the voltage is needed, ms; by default none."""
        return np.zeros(0)

    def compute(self, response: Response) -> FloatArray:
        """The feature of each cell, (B,)."""
        raise NotImplementedError


def known() -> list[str]:
    """Names of all features."""
    return list(Feature.kinds)


def feature(name: str) -> Feature:
    """The feature of that name.

    Raises
    ------
    UnknownNameError
        If there is none.
    """
    if name not in Feature.kinds:
        raise unknown("feature", name, Feature.kinds)
    return Feature.kinds[name]()


def window(protocol: Protocol) -> tuple[float, float]:
    """Onset and end of the stimulus, ms.

    Examples
    --------
    >>> from pyhodgkin.protocols import CurrentClamp
    >>> window(CurrentClamp.step(10.0, start=5.0, stop=45.0, t_end=50.0))
    (5.0, 45.0)
    >>> window(CurrentClamp.step(10.0, start=5.0, stop=None, t_end=50.0))
    (5.0, 50.0)

    A step of zero has its times too, so that all of a family have the same:

    >>> window(CurrentClamp.step(0.0, start=5.0, stop=45.0, t_end=50.0))
    (5.0, 45.0)
    """
    end, command = protocol.t_end, protocol.waveform
    if isinstance(command, Step):
        stop = end if command.stop is None else min(command.stop, end)
        if command.start < end:
            return max(command.start, 0.0), stop
    inside = [float(t) for t in protocol.breakpoints if 0.0 < t < end * (1.0 - 1e-12)]
    if not inside:
        return 0.0, end
    if len(inside) == 1 and protocol(0.0) != 0.0 and protocol(end) == 0.0:
        return 0.0, inside[0]  # from the start on
    return inside[0], inside[-1] if len(inside) > 1 else end


class SpikeCount(Feature):
    """Spikes during the stimulus."""

    name, unit, text = "spike_count", "1", "number of spikes during the stimulus"

    def compute(self, response: Response) -> FloatArray:
        """See `Feature.compute`."""
        _, cell = response.inside()
        return np.bincount(cell, minlength=response.size).astype(np.float64)


class Rate(Feature):
    """Spikes during the stimulus over its length."""

    name, unit, text = "rate", "Hz", "firing rate during the stimulus"

    def compute(self, response: Response) -> FloatArray:
        """See `Feature.compute`."""
        return 1000.0 * SpikeCount().compute(response) / (response.end - response.onset)


class FirstSpikeLatency(Feature):
    """From the onset of the stimulus to the first spike in it."""

    name, unit, text = "first_spike_latency", "ms", "time from the onset to the first spike"

    def compute(self, response: Response) -> FloatArray:
        """See `Feature.compute`."""
        times, cell = response.inside()
        found = np.full(response.size, np.nan)
        found[cell[::-1]] = (times - response.onset[cell])[::-1]
        return found


def _intervals(response: Response) -> tuple[FloatArray, np.ndarray]:
    """Intervals between spikes during the stimulus, and the cell of each."""
    times, cell = response.inside()
    same = cell[1:] == cell[:-1]
    return np.diff(times)[same], cell[1:][same]


class Adaptation(Feature):
    """Mean relative change from one interval between spikes to the next.

    Of (I_{k+1} - I_k)/(I_{k+1} + I_k); above 0 where firing slows down. It takes three spikes.
    As in the Allen Institute's feature extraction (Gouwens et al. 2019,
    doi:10.1038/s41593-019-0417-0).
    """

    name, unit, text = "adaptation", "1", "mean relative change of successive intervals"

    def compute(self, response: Response) -> FloatArray:
        """See `Feature.compute`."""
        intervals, cell = _intervals(response)
        same = cell[1:] == cell[:-1]
        change = (np.diff(intervals) / (intervals[1:] + intervals[:-1]))[same]
        return _means(change, cell[1:][same], response.size)


class IntervalCV(Feature):
    """Standard deviation over mean of the intervals between spikes; at least two of them."""

    name, unit, text = "isi_cv", "1", "coefficient of variation of the intervals"

    def compute(self, response: Response) -> FloatArray:
        """See `Feature.compute`."""
        intervals, cell = _intervals(response)
        mean = _means(intervals, cell, response.size)
        square = _means((intervals - mean[cell]) ** 2, cell, response.size)
        count = np.bincount(cell, minlength=response.size)
        return np.where(count > 1, np.sqrt(square) / mean, np.nan)


def _means(values: FloatArray, cell: np.ndarray, size: int) -> FloatArray:
    """Mean of the values of each cell; NaN where it has none."""
    count = np.bincount(cell, minlength=size)
    total = np.bincount(cell, weights=values, minlength=size)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


class Baseline(Feature):
    """Mean voltage over the last 10 ms before the stimulus."""

    name, unit, text = "v_baseline", "mV", "mean potential in the 10 ms before the stimulus"

    def times(self, protocol: Protocol, onset: float, end: float) -> FloatArray:
        """See `Feature.times`."""
        if onset <= 0:
            raise InputError(
                "record: v_baseline needs time before the stimulus; the protocol begins with it"
            )
        return np.linspace(max(onset - BASELINE, 0.0), onset, PLACES)

    def compute(self, response: Response) -> FloatArray:
        """See `Feature.compute`."""
        return response.v.mean(axis=1)


class Sag(Feature):
    """How far the voltage comes back from its lowest value during a hyperpolarizing step.

    (v_min - v_late)/(v_min - v_baseline), from 0 (it stays) to 1; v_late is the mean of the last
    tenth of the step. NaN where the step does not hyperpolarize by 1 mV, or the cell fires.
    """

    name, unit, text = "sag", "1", "part of a hyperpolarization that is undone during the step"

    def times(self, protocol: Protocol, onset: float, end: float) -> FloatArray:
        """See `Feature.times`."""
        before = Baseline().times(protocol, onset, end)
        count = int(min(max(np.ceil((end - onset) / FINE), 40), MOST))
        return np.concatenate([before, np.linspace(onset, end, count + 1)[1:]])

    def compute(self, response: Response) -> FloatArray:
        """See `Feature.compute`."""
        baseline = response.v[:, :PLACES].mean(axis=1)
        during = response.v[:, PLACES:]
        late = during[:, -max(int(LATE * during.shape[1]), 1) :].mean(axis=1)
        lowest = during.min(axis=1)
        fires = np.bincount(response.inside()[1], minlength=response.size) > 0
        use = (lowest < baseline - 1.0) & ~fires
        return np.where(use, (lowest - late) / np.where(use, lowest - baseline, 1.0), np.nan)
