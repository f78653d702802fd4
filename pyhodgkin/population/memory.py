"""Results of a run in memory."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from ..numerics.arrays import FloatArray
from .block import Chunk
from .plan import Plan

_PER_SPIKE, _SPIKES = 8, 16  # bytes, and how many a cell may be expected to have
_SHARE = 0.8


class Memory:
    """Holds what a run records; the chunks may come in any order."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.path: Any = None
        self.arrays: dict[str, NDArray] = {}
        self._times: dict[int, tuple[FloatArray, ...]] = {}
        self._counts = np.zeros((plan.runs, plan.n), dtype=np.int32)
        _check_room(plan)

    def done(self, chunk: int) -> bool:
        """Whether a chunk is there."""
        return chunk in self._times

    def write(self, chunk: int, found: Chunk) -> None:
        """Keep a chunk."""
        own = slice(found.start, found.stop)
        for name, values in found.arrays.items():
            if name not in self.arrays:
                shape = (len(values), self.plan.n, *values.shape[2:])
                self.arrays[name] = np.zeros(shape, dtype=values.dtype)
            self.arrays[name][:, own] = values
        self._counts[:, own] = found.counts
        self._times[chunk] = found.times

    def close(self) -> None:
        """All is there."""

    def array(self, name: str, start: int, stop: int) -> NDArray:
        """A recorded array (K, stop - start, ...)."""
        return self.arrays[name][:, start:stop]

    def counts(self) -> NDArray[np.int32]:
        """Spikes of every cell, (K, n)."""
        return self._counts

    def spikes(self, k: int, start: int, stop: int) -> tuple[FloatArray, NDArray]:
        """Spike times of cells under protocol k, cell by cell, and their numbers."""
        counts = self._counts[k, start:stop]
        parts = []
        for chunk in range(start // self.plan.chunk_size, -(-stop // self.plan.chunk_size)):
            first, last = self.plan.cells(chunk)
            edges = np.concatenate([[0], np.cumsum(self._counts[k, first:last])])
            low, high = max(start, first) - first, min(stop, last) - first
            parts.append(self._times[chunk][k][edges[low] : edges[high]])
        return (np.concatenate(parts) if parts else np.zeros(0)), counts


def _check_room(plan: Plan) -> None:
    size = np.dtype(plan.options.dtype).itemsize
    samples = len(plan.saveat) * len(plan.states) * size
    each = samples + 8 * len(plan.features) + 12 + (_PER_SPIKE * _SPIKES if plan.spikes else 0)
    needed, free = plan.runs * plan.n * each, _free()
    if free is not None and needed > _SHARE * free:
        raise InputError(
            f"record: {needed / 2**30:.1f} GiB of results do not fit into memory "
            f"({free / 2**30:.1f} GiB are free): give out= to write them to a store, record fewer "
            "variables, or a larger saveat"
        )


def _free() -> int | None:
    """Bytes of memory that are free, where the system says so."""
    try:
        with open("/proc/meminfo", encoding="ascii") as file:
            for line in file:
                if line.startswith("MemAvailable:"):
                    return int(line.split()[1]) * 1024
    except (OSError, ValueError, IndexError):
        pass
    return None
