"""Ctrl-C at random moments of a simulation, a batch, a fit and a network, and at the start."""

from __future__ import annotations

import os
import queue
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from .outcome import Row

HERE = Path(__file__).resolve().parent
WORKS = ("simulate", "batch", "fit", "fit_default", "spiking_network")
LONGEST = 1.5  # s until the interrupt, at most
PATIENCE = 200.0  # s until a process that does not answer is given up
SECONDS = 10.0  # in which it must have stopped


def heard() -> None:
    """A process that is started in the background of a shell would ignore the signal."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


class Process:
    """`work.py` in a process of its own."""

    def __init__(self, engine: str) -> None:
        environment = os.environ | {"PYHODGKIN_QUIET": "1", "PYTHONPATH": str(HERE.parents[1])}
        self.child = subprocess.Popen(
            [sys.executable, str(HERE / "work.py"), engine],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=environment,
            preexec_fn=heard,
        )
        self._lines: queue.Queue[str] = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self.child.stdout is not None
        for line in self.child.stdout:
            self._lines.put(line.strip())
        self._lines.put("FAILED: the process has ended")

    def line(self, patience: float = PATIENCE) -> str:
        """The next line that it writes."""
        try:
            return self._lines.get(timeout=patience)
        except queue.Empty:
            return "FAILED: no answer"

    def interrupted(self, work: str, after: float) -> tuple[str, float]:
        """How `work` ended, interrupted `after` seconds, and in how many seconds."""
        assert self.child.stdin is not None
        self.child.stdin.write(work + "\n")
        self.child.stdin.flush()
        if (found := self.line()) != "begin":
            return f"FAILED: {found}", 0.0
        time.sleep(after)
        began = time.monotonic()
        self.child.send_signal(signal.SIGINT)
        found, seconds = self.line(), time.monotonic() - began
        if found == "finished":
            return "FAILED: it ended before the interrupt, or the interrupt was lost", seconds
        if (left := self.line()) != "same":
            return f"FAILED: {found}, then {left}", seconds
        if seconds > SECONDS:
            return f"FAILED: stopped after {seconds:.1f} s", seconds
        return found, seconds

    def close(self) -> None:
        """End it."""
        self.child.kill()
        self.child.wait()


def rows(engine: str, every: int = 1) -> Iterator[Row]:
    """A row for each kind of work, 20 interrupts each, so 100 in all; 5 each for a sample."""
    chance = random.Random(0)
    for work in WORKS:
        row, seconds = Row(f"Ctrl-C in a script: {work}", engine), []
        process = Process(engine)
        process.line()
        for _ in range(20 if every == 1 else 5):
            found, spent = process.interrupted(work, LONGEST * chance.random())
            row.add(work, found)
            seconds.append(spent)
            if found.startswith("FAILED"):  # it may be in any state: a new one
                process.close()
                process = Process(engine)
                process.line()
        process.close()
        seconds.sort()
        row.fault += f" (median {seconds[len(seconds) // 2]:.2f} s, longest {seconds[-1]:.2f} s)"
        yield row
    yield at_start(engine, 20 if every == 1 else 3, chance)


def at_start(engine: str, times: int, chance: random.Random) -> Row:
    """While the package is imported and its integrators are read: the process ends."""
    row = Row("Ctrl-C while a script starts", engine)
    for _ in range(times):
        process = Process(engine)
        time.sleep(0.3 + 3.0 * chance.random())
        process.child.send_signal(signal.SIGINT)
        assert process.child.stdin is not None
        process.child.stdin.close()
        try:
            code = process.child.wait(timeout=PATIENCE)
            row.add("start", "ended" if code else "ended after its work")
        except subprocess.TimeoutExpired:
            row.add("start", "FAILED: still there")
        process.close()
    return row
