"""How far spike trains are apart, as a cost that falls while spikes come into place."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .arrays import FloatArray


def train_distance(
    measured: FloatArray, trains: Sequence[FloatArray], time_scale: float
) -> FloatArray:
    """The cost (K,) of aligning each of K spike trains with the measured one.

    An edit distance as that of Victor and Purpura (1996): a spike missing costs 1, a spike too many
    costs 1, and a pair at the distance d costs d/(d + `time_scale`), of all pairings that keep the
    order the cheapest. A pair costs less than a spike missing however far it is apart, so that a
    train with the right number of spikes at wrong times is closer than an empty one.

    Parameters
    ----------
    measured : array (N,)
        Increasing times, ms.
    trains : sequence of array
    time_scale : float
        ms.

    Examples
    --------
    >>> a = np.array([10.0, 30.0])
    >>> train_distance(a, [a, a[:1], np.array([10.0, 30.0, 50.0]), a + 5.0], 5.0).tolist()
    [0.0, 1.0, 1.0, 1.0]
    """
    count = len(trains)
    width = max((len(train) for train in trains), default=0)
    times = np.full((count, width), np.inf)
    for k, train in enumerate(trains):
        times[k, : len(train)] = train
    place = np.arange(width + 1.0)
    best = np.tile(place, (count, 1))  # of no measured spike and the first j of the train
    for spike in measured:
        apart = np.abs(times - spike)
        with np.errstate(invalid="ignore"):
            pair = np.where(np.isfinite(apart), apart / (apart + time_scale), np.inf)
        row = np.empty_like(best)
        row[:, 0] = best[:, 0] + 1.0
        row[:, 1:] = np.minimum(best[:, 1:] + 1.0, best[:, :-1] + pair)
        best = place + np.minimum.accumulate(row - place, axis=1)
    return best[np.arange(count), [len(train) for train in trains]]
