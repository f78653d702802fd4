"""Processes that start an engine, solve, and end."""

from __future__ import annotations

import subprocess
import sys
import time

CODE = """
{first}
import pyhodgkin as ph
clamp = ph.CurrentClamp.step(10.0, start=1.0, stop=5.0, t_end=6.0)
s = ph.simulate(ph.library.get("squid_axon"), clamp, saveat=0.1, backend="{backend}")
{then}
print(round(float(s.v[-1]), 3))
"""


def starts(backend: str, times: int) -> int:
    """Start and end `times` processes; 1 where one of them fails, hangs or gives another number."""
    found: dict[str, int] = {}
    longest = 0.0
    for k in range(times):
        first, then = ("import torch", "") if k % 2 else ("", "import torch")
        code = CODE.format(first=first, then=then, backend=backend)
        began = time.monotonic()
        try:
            run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True,
                                 timeout=600, check=False)  # fmt: skip
            what = run.stdout.strip() if run.returncode == 0 else f"status {run.returncode}"
            if run.returncode:
                print(run.stderr[-2000:])
        except subprocess.TimeoutExpired:
            what = "did not end within 600 s"
        longest = max(longest, time.monotonic() - began)
        found[what] = found.get(what, 0) + 1
        print(f"start {k + 1}: {what}", flush=True)
    print(f"{times} starts of {backend}, longest {longest:.1f} s: {found}")
    return int(len(found) != 1 or any("s" in what for what in found))
