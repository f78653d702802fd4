"""pyhodgkin's side of `peers.py`: rows B (populations) and P (the prototype in C, in turn).

    python peer_population.py ENGINE TASK ...

B: cells with g_na, g_k, g_l and c_m of their own, 50 ms, only the end and the spikes kept, at the
loosest tolerance at which the spikes of 64 of them are within 0.05 ms of the truth.
"""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from common import emit
from peer_measure import CELLS, X0, cells_of, guard, loosest, timed
from peer_pyhodgkin import NAMES, SEED, clamp

import pyhodgkin as ph

TOLERANCES = (1e-2, 5e-3, 3e-3, 2e-3, 1e-3, 7e-4, 5e-4, 3e-4, 1e-4, 3e-5, 1e-5)
STEPS = (0.025, 0.0125, 0.01, 0.005, 0.0025)  # ms, of the method with a fixed step
ROWS = {
    "torch": [
        (solver, dtype)
        for solver in ("tsit5", "rodas5p", "rodas4p", "exponential")
        for dtype in ("float64", "float32")
    ],
    "julia": [
        (solver, dtype) for solver in ("tsit5", "rodas5p") for dtype in ("float64", "float32")
    ],
}
END = np.array([50.0])
RATES: dict[str, float] = {}
SLOW = 3e4  # cell·ms/s up to which larger populations are left out


def theta_of(n):
    cells, theta = cells_of(n), np.tile(SEED.theta, (n, 1))
    for j, name in enumerate(NAMES):
        theta[:, SEED.layout[name].start] = cells[:, j]
    return theta


def solver_of(n, **how):
    """A call that solves n cells at a tolerance, or with a step."""
    theta, protocol = theta_of(n), clamp(9.0, 50.0)
    fixed = how["solver"] == "exponential"

    def solve(x):
        accuracy = {"dt": x} if fixed else {"rtol": x, "atol": x / 100}
        return ph.simulate(SEED, protocol, theta=theta, saveat=END, **accuracy, **how)

    return solve


def row(task, peer, method, setting, N, value, error, how):
    solve = solver_of(N, **how)
    tm, s = timed(lambda: solve(value), budget=2.0, most=5, warm=True)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    more = {"err_spike": error, "rss_gb": peak, "n_fail": int(np.sum(s.status != 0))}
    emit(task, peer, method, setting, N=N, **tm, cellms_s=N * 50 / tm["med_s"], **more)
    RATES[method] = N * 50 / tm["med_s"]


def task_b(engine):
    chosen = {}

    def choose(task, peer, method, setting, how):
        few, fixed = solver_of(CELLS, **how), how["solver"] == "exponential"
        settings = STEPS if fixed else TOLERANCES
        value, error = loosest(settings, lambda x: few(x).spike_times())
        label = f"{'dt' if fixed else 'rtol'}={value:g}"
        chosen[method] = label, {"value": value, "error": error, "how": how}

    for solver, dtype in ROWS[engine]:
        how = {"backend": engine, "solver": solver, "dtype": dtype, "throw": False, "y0": X0}
        guard(choose)("B", "pyhodgkin", f"{engine} {solver} {dtype}", "", how=how)
    for n in (1000, 10_000):
        for method, (label, setting) in chosen.items():
            if n == 1000 or RATES.get(method, 0.0) > SLOW:
                guard(row)("B", "pyhodgkin", method, label, N=n, **setting)
    sizes = (100_000, 1_000_000) if os.environ.get("PEERS_MILLION") == "1" else (100_000,)
    for n in sizes:  # the quickest only
        method = max(RATES, key=RATES.__getitem__)
        label, setting = chosen[method]
        guard(row)("B", "pyhodgkin", method, label, N=n, **setting)


def task_p(engine):
    """The prototype's own cells (its parameters, start and error control), it and we in turn."""
    squid = ph.library.get("squid_axon")
    for n in (10_000, 100_000):
        k, theta = np.arange(n), np.tile(squid.theta, (n, 1))
        theta[:, squid.layout["na.g"].start] = 120 * (0.8 + 0.4 * ((k * 7919) % 1000) / 1000.0)
        theta[:, squid.layout["k.g"].start] = 36 * (0.8 + 0.4 * ((k * 104729) % 997) / 997.0)
        how = {"theta": theta, "saveat": END, "y0": [-65.0, 0.3177, 0.0529, 0.5961]}
        how |= {"backend": engine, "solver": "tsit5", "v_scale": 1.0, "throw": False}
        for dtype, rtol in (("float64", 1e-4), ("float64", 1e-6), ("float32", 1e-4)):

            def go(task, peer, method, setting, N, dtype=dtype, rtol=rtol, how=how):
                theirs = prototype(dtype, N, rtol)
                protocol = ph.CurrentClamp.constant(10.0, t_end=50.0)
                few = {**how, "theta": how["theta"][:512], "dtype": dtype}
                ph.simulate(squid, protocol, **few)  # reads the kernel from disk
                tm, s = timed(
                    lambda: ph.simulate(
                        squid, protocol, rtol=rtol, atol=rtol / 100, dtype=dtype, **how
                    ),
                    budget=1.0,
                    most=5,
                    warm=True,
                )
                theirs += prototype(dtype, N, rtol)
                more = {"cellms_s": N * 50 / tm["med_s"], "prototype": float(np.median(theirs))}
                more |= {"v0": float(s.y[0, -1, 0])}
                emit(task, peer, method, setting, N=N, **tm, **more)

            guard(go)("P", "pyhodgkin", f"{engine} tsit5 {dtype}", f"rtol={rtol:g}", N=n)


def prototype(dtype, n, rtol):
    """Cell·ms/s of three runs of the prototype, on all cores."""
    real, width = ("double", 8) if dtype == "float64" else ("float", 16)
    folder = Path(tempfile.gettempdir()) / f"hh-prototype-{os.getuid()}"
    folder.mkdir(exist_ok=True)
    program, compiler = folder / f"simd_{real}_{width}", shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        raise RuntimeError("the prototype: no C compiler here")
    if not program.exists():
        source = Path(os.environ["PEERS_BENCH"]) / "prototypes" / "simd_tsit5.c"
        flags = [
            "-O3",
            "-march=native",
            "-ffast-math",
            "-fopenmp",
            f"-DREAL={real}",
            f"-DW={width}",
        ]
        subprocess.run([compiler, *flags, str(source), "-lm", "-o", str(program)], check=True)
    done = subprocess.run([program, str(n), str(rtol)], capture_output=True, text=True, check=True)
    return [float(line.split("ms, ")[1].split()[0]) for line in done.stdout.splitlines()]


if __name__ == "__main__":
    for name in sys.argv[2:] or ["B", "P"]:
        globals()[f"task_{name.lower()}"](sys.argv[1])
