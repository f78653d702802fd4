"""Out of memory: a limit of the address space of a process (ulimit -v), and large work in it.

The limit is set after the engine has started (with less than it needs to load its integrators, LLVM
or the C library end the process, and no Python can prevent that), and lifted before the process
ends.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from .outcome import Row

ROOT = Path(__file__).resolve().parents[2]
CALLS = {
    "samples": "ph.simulate(cell, clamp, parameters={'na.g': np.full(200_000, 120.0)}, "
    "saveat=0.05, backend=engine)",
    "cells": "ph.simulate(cell, clamp, parameters={'na.g': np.full(3_000_000, 120.0)}, "
    "saveat=[50.0], backend=engine)",
    "times": "ph.simulate(cell, ph.CurrentClamp.constant(0.0, 1e6), saveat=0.001, backend=engine)",
    "long cells": "ph.simulate([cell] * 40, ph.CurrentClamp.constant(10.0, 1e5), saveat=0.01, "
    "backend=engine)",
    "gradient": "ph.fit(cell, [ph.Recording(t, long, v=np.sin(t))] * 40, trainable='na.g', "
    "schedule=ph.Stage('simulation', 'adamw', steps=2), backend=engine, progress=False)",
}
SCRIPT = """
import resource, sys, warnings
engine, extra, call = sys.argv[1], int(sys.argv[2]), sys.argv[3]
import numpy as np, pyhodgkin as ph
warnings.simplefilter("ignore")
cell = ph.library.get("squid_axon")
clamp = ph.CurrentClamp.step(10.0, 5.0, 45.0, 50.0)
t = np.arange(0.0, 20_000.0, 0.5)
long = ph.CurrentClamp.constant(10.0, 20_000.0)
def small():
    found = ph.simulate([cell] * 5, clamp, saveat=0.5, backend=engine)
    stage = ph.Stage("simulation", "adamw", steps=2)
    data = [ph.Recording.from_solution(found[0])] * 2
    return ph.fit(cell, data, trainable="na.g", schedule=stage, backend=engine, progress=False)
before = small().history["loss"]  # what has to be loaded is loaded
used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
soft, hard = resource.getrlimit(resource.RLIMIT_AS)
resource.setrlimit(resource.RLIMIT_AS, (used + extra, hard))
try:
    eval(call)
    print("finished")
except (ph.errors.PyHodgkinError, MemoryError) as error:
    print("error", " ".join(f"{type(error).__name__}: {error}".split()))
except BaseException as error:
    print("FAILED", type(error).__name__, " ".join(str(error).split())[:300])
print("same" if np.array_equal(small().history["loss"], before) else "different")
resource.setrlimit(resource.RLIMIT_AS, (soft, hard))  # Julia has work to do at the exit
"""


def rows(engine: str, every: int = 1) -> Iterator[Row]:
    """Each call with 50, 100, 200 and 400 MB more than the process has at its start."""
    for name, call in CALLS.items():
        row = Row(f"out of memory: {name}", engine)
        for megabytes in (50, 100, 200, 400) if every == 1 else (100,):
            row.add(f"{megabytes} MB", limited(engine, call, megabytes))
        yield row


def limited(engine: str, call: str, megabytes: int, patience: float = 300.0) -> str:
    """How `call` ends in a process that can have so much more memory."""
    environment = os.environ | {"PYTHONPATH": str(ROOT), "PYHODGKIN_QUIET": "1"}
    try:
        run = subprocess.run(
            [sys.executable, "-c", SCRIPT, engine, str(megabytes * 2**20), call],
            capture_output=True, text=True, env=environment, timeout=patience, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return f"FAILED: no end in {patience:.0f} s"
    lines = run.stdout.splitlines()
    if run.returncode or len(lines) != 2:
        return f"FAILED: exit code {run.returncode}: {run.stdout[-200:]} {run.stderr[-300:]}"
    if lines[1] != "same":
        return f"FAILED: then {lines[1]}"
    if lines[0].startswith("error"):
        return "error" if "memory" in lines[0] else f"FAILED: {lines[0]}"
    return lines[0] if lines[0] == "finished" else f"FAILED: {lines[0]}"
