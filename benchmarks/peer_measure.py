"""What both sides of the peer benchmark share: timing, and who is accurate enough.

`common` is the peers' own module of references and records (see `peers.py`); this needs numpy only,
but for `make_truth`, which runs in the peers' environment.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from common import CACHE, VARIANTS, X0, guard, population

ENOUGH = 0.05  # ms: what spike times may be off by in the rows of populations
CELLS = 64  # of a population, whose spike times are known
TRUTH = os.path.join(CACHE, "pop_spikes.npz")
__all__ = ["CELLS", "ENOUGH", "TRUTH", "VARIANTS", "X0", "guard"]


def timed(
    call: Callable[[], Any], budget: float = 1.0, most: int = 15, warm: bool = False
) -> tuple[dict, Any]:
    """Seconds of the first call and of the later ones (median, least, most), and the result.

    With `warm` there is nothing to be compiled any more: a first call beyond the budget counts.
    """
    start = time.perf_counter()
    found = call()
    first, times = time.perf_counter() - start, []
    if warm and first > budget:
        times.append(first)
    while not times or (sum(times) < budget and len(times) < most):
        start = time.perf_counter()
        found = call()
        times.append(time.perf_counter() - start)
    spread = {"med_s": float(np.median(times)), "min_s": min(times), "max_s": max(times)}
    return {"first_s": first, **spread, "reps": len(times)}, found


def cells_of(n: int) -> np.ndarray:
    """The parameters (n, 8) of a population; the first 64 are those whose spikes are known."""
    return np.resize(population(min(n, 10_000)), (n, 8))


def spike_error(found: Iterable[np.ndarray], start: str = "given") -> float:
    """Largest error of a spike time of the first cells, ms; inf where a spike is missing.

    `start` is ``"given"`` or, for who cannot be told where to start, ``"steady"``.
    """
    truth, worst = np.load(TRUTH)[start], 0.0
    for times, row in zip(found, truth, strict=True):
        right = row[np.isfinite(row)]
        if len(times) != len(right):
            return np.inf
        worst = max(worst, float(np.abs(np.asarray(times) - right).max(initial=0.0)))
    return worst


def loosest(settings: Iterable, spikes: Callable[[Any], Any], start: str = "given"):
    """The first of `settings` (from quick to slow) that is accurate enough, and its error."""
    tried = []
    for setting in settings:
        error = spike_error(spikes(setting), start)
        tried.append(f"{setting}: {error:.3g}")
        if error <= ENOUGH:
            return setting, error
    raise RuntimeError(f"none is accurate enough (ms): {'; '.join(tried)}")


def make_truth() -> None:
    """Spike times of the first cells by Runge-Kutta of 0.1 µs, once; in the peers' environment."""
    import hh_numba
    from common import spike_times

    if os.path.exists(TRUTH):
        return
    rates = hh_numba.rates(X0[0])
    steady = np.array([X0[0], *[rates[i] / (rates[i] + rates[i + 1]) for i in (2, 0, 4)]])
    rows = {}
    for name, start in (("given", X0), ("steady", steady)):
        v, _ = hh_numba.pop_par(start, population(CELLS), 1e-4, 500_000, 50, False)
        found = [spike_times(np.arange(v.shape[1]) * 0.005, row) for row in v]
        longest = max(map(len, found))
        rows[name] = np.array([np.pad(x, (0, longest - len(x)), constant_values=np.nan)
                               for x in found])  # fmt: skip
    np.savez(TRUTH, **rows)


if __name__ == "__main__":
    make_truth()
