"""What a process holds: resident memory, open files, threads, children."""

from __future__ import annotations

import gc
import os
import time
from collections.abc import Mapping
from pathlib import Path

import numpy as np

NAMES = ("memory (MB)", "files", "threads", "children")
# Growth from the second quarter to the last one that is none: MB, and a part of the memory.
FLAT_MB, FLAT_PART = 10.0, 0.02
_SELF = Path("/proc/self")


def held() -> tuple[float, int, int, int]:
    """Resident memory in MB, open files, threads and child processes of this process (Linux)."""
    pages = int((_SELF / "statm").read_text().split()[1])
    children = sum(
        len((task / "children").read_text().split()) for task in (_SELF / "task").iterdir()
    )
    memory = pages * os.sysconf("SC_PAGE_SIZE") / 1e6
    return memory, len(os.listdir(_SELF / "fd")), len(os.listdir(_SELF / "task")), children


class Watch:
    """Rows of what the process holds, over `seconds`, one every so many."""

    def __init__(self, seconds: float, every: float) -> None:
        self.began = time.monotonic()
        self.seconds, self.every = seconds, every
        self.rows: list[tuple[float, ...]] = []

    def goes_on(self) -> bool:
        return time.monotonic() - self.began < self.seconds

    def look(self, counts: Mapping[str, int]) -> None:
        """Write a row where the last one is long ago."""
        now = time.monotonic() - self.began
        if self.rows and now - self.rows[-1][0] < self.every:
            return
        gc.collect()
        self.rows.append((now, *held()))
        done = sum(counts.values())
        numbers = ", ".join(f"{n} {x:g}" for n, x in zip(NAMES, self.rows[-1][1:], strict=True))
        print(f"{now:7.0f} s: {done} tasks; {numbers}", flush=True)

    def quarters(self) -> tuple[np.ndarray, np.ndarray]:
        """Medians of the second and of the last quarter of the rows."""
        table = np.array(self.rows)[:, 1:]
        n = len(table)
        return np.median(table[n // 4 : n // 2], axis=0), np.median(table[3 * n // 4 :], axis=0)

    def grew(self) -> bool:
        """Whether anything is larger at the end, beyond what an allocator keeps for itself."""
        if len(self.rows) < 8:
            return False
        before, after = self.quarters()
        memory = after[0] - before[0] > max(FLAT_MB, FLAT_PART * before[0])
        return bool(memory or np.any(after[1:] > before[1:]))

    def summary(self, counts: Mapping[str, int]) -> str:
        """What was done, and the two medians."""
        lines = [", ".join(f"{name} {n}" for name, n in sorted(counts.items()))]
        if len(self.rows) >= 8:
            lines += [
                f"{name}: {a:g} in the second quarter, {b:g} in the last"
                for name, a, b in zip(NAMES, *self.quarters(), strict=True)
            ]
        return "\n".join(lines)
