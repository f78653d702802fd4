"""Populations: a million cells, a run that is killed, workers, and the numbers of 1,000 new cells.

    python benchmarks/population.py million [--cells 1000000]
    python benchmarks/population.py killed [--cells 100000]     # two workers, killed on the way
    python benchmarks/population.py workers [--cells 50000]     # threads, one worker, two
    python benchmarks/population.py adapt [--cells 1000] [--noise 0.2]

Each prints its figures, with the load of the machine; results/population.md holds those of one run.
"""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import numpy as np

import pyhodgkin as ph

AXON = ph.library.get("squid_axon")
VARY = {name: ph.Uniform(spread=0.2) for name in ("na.g", "k.g", "l.g")}
STEP = ph.CurrentClamp.step(10.0, start=10.0, stop=90.0, t_end=100.0)
RECORD = ("spikes", "rate", "first_spike_latency", "adaptation")
HOW = {"record": RECORD, "solver": "tsit5", "rtol": 1e-4, "backend": "torch", "progress": False}


def cells(n: int) -> ph.Population:
    """±20 % on three conductances."""
    return ph.Population(AXON, n, VARY, seed=1)


def load() -> str:
    """That of the machine, over one minute."""
    return f"{os.getloadavg()[0]:.1f}"


def memory() -> float:
    """Of this process now, GiB."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**30


def million(n: int, folder: Path) -> None:
    """Time, and memory over time."""
    seen: list[float] = []
    ended = threading.Event()

    def watch() -> None:
        while not ended.wait(2.0):
            seen.append(memory())

    threading.Thread(target=watch, daemon=True).start()
    began = time.perf_counter()
    result = cells(n).simulate(STEP, out=folder / "run.zarr", **HOW)
    seconds = time.perf_counter() - began
    ended.set()
    tenths = [f"{max(part):.2f}" for part in np.array_split(seen, 10) if len(part)]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    size = sum(f.stat().st_size for f in (folder / "run.zarr").rglob("*") if f.is_file()) / 2**20
    print(f"{result!r}")
    print(f"{seconds:.0f} s, {n * STEP.t_end / seconds:.3g} cell·ms/s, load {load()}")
    print(f"peak {peak:.2f} GiB; most in each tenth of the run: {' '.join(tenths)} GiB")
    print(f"store {size:.0f} MiB; rate {result['rate'].mean():.2f} ± {result['rate'].std():.2f} Hz")
    for name in result.population.varied:
        x, true = result.population[name], AXON.theta[AXON.layout[name].start]
        error = (x.mean() / true - 1.0) / (0.2 / np.sqrt(3.0 * n))
        print(f"{name}: mean {x.mean():.5g} ({error:+.1f} standard errors), sd {x.std():.4g}")


def killed(n: int, folder: Path) -> None:
    """An undisturbed run, and one whose workers and main process are killed: the same bits?"""
    began = time.perf_counter()
    whole = cells(n).simulate(STEP, out=folder / "whole.zarr", chunk_size=4096, **HOW)
    print(f"undisturbed, in this process: {time.perf_counter() - began:.0f} s")
    out = folder / "killed.zarr"
    command = [sys.executable, __file__, "part", "--cells", str(n), "--folder", str(folder)]
    for workers_killed, stop_at in ((2, 0.45), (0, 1.0)):
        process = subprocess.Popen(command, start_new_session=True)
        chunks = -(-n // 4096)
        gone = 0
        while process.poll() is None:
            done = len(list((out / "complete").glob("c/*")))
            if gone < workers_killed and done >= (gone + 1) * 0.15 * chunks:
                gone += kill_a_worker(process.pid)
                print(f"  a worker was killed after {done} of {chunks} chunks")
            if stop_at < 1.0 and done >= stop_at * chunks:
                os.killpg(process.pid, signal.SIGKILL)
                print(f"  the main process was killed after {done} of {chunks} chunks")
                break
            time.sleep(0.05)
        process.wait()
    found = ph.PopulationResult.load(out)
    same = all(np.array_equal(whole[k], found[k], equal_nan=True) for k in whole)
    spikes = all(np.array_equal(a, b) for a, b in zip(whole.spikes(), found.spikes(), strict=True))
    import zarr

    complete = zarr.open_group(str(out), mode="r")["complete"][:]
    once = len(found.spikes()[0]) == int(found.n_spikes.sum())
    print(
        f"features bit-equal: {same}; spikes bit-equal: {spikes}; chunks complete: "
        f"{int(complete.sum())} of {len(complete)}; each spike once: {once}"
    )


def kill_a_worker(main: int) -> int:
    """Kill one worker of a local cluster; how many were found to kill."""
    listed = subprocess.run(["ps", "-eo", "pid,ppid,args"], capture_output=True, text=True).stdout
    rows = [line.split(None, 2) for line in listed.splitlines()[1:]]
    workers = [int(r[0]) for r in rows if r[1] == str(main) and "spawn_main" in r[2]]
    if not workers:
        return 0
    os.kill(workers[0], signal.SIGKILL)
    return 1


def part(n: int, folder: Path) -> None:
    """The run that is killed."""
    out = folder / "killed.zarr"
    cells(n).simulate(STEP, out=out, chunk_size=4096, workers=2, **HOW)


def workers(n: int, folder: Path) -> None:
    """The same run by threads, by one worker and by two, in turn; starts included."""
    cells(5000).simulate(STEP, **HOW)
    for name, how in (("threads", {}), ("1 worker", {"workers": 1}), ("2 workers", {"workers": 2})):
        began = time.perf_counter()
        cells(n).simulate(STEP, chunk_size=4096, **HOW, **how)
        print(f"{name}: {time.perf_counter() - began:.1f} s, load {load()}")


def adapt(n: int, folder: Path, noise: float = 0.2) -> None:
    """Three conductances of each of many new cells, from one 50 ms sweep each; noise in mV."""
    clamp = ph.CurrentClamp.step(12.0, start=5.0, stop=None, t_end=50.0)
    true = ph.Population(AXON, n, VARY, seed=5)
    traces = true.simulate(
        clamp, record="v", saveat=0.05, rtol=1e-8, atol=1e-10, backend="torch", progress=False
    )
    rng = np.random.default_rng(0)
    sweeps = [
        ph.Recording(
            traces.t,
            clamp,
            v + rng.normal(0.0, noise, len(v)),
            cell=f"cell {i}",
            name=f"sweep {i}",
        )
        for i, v in enumerate(traces["v"])
    ]
    began, used = time.perf_counter(), time.process_time()
    found = ph.adapt_cells(AXON, sweeps, noise=noise, backend="torch", progress=False)
    seconds, processor = time.perf_counter() - began, time.process_time() - used
    print(f"{found!r}: {seconds:.0f} s, {seconds / n:.3f} s a cell, load {load()}")
    print(f"processor time {processor:.0f} s, {processor / n:.3f} s a cell")
    good = [int(name.split()[1]) for name in found.population.names]
    for name in true.varied:
        error = np.abs(found.population[name] / true[name][good] - 1.0)
        print(
            f"{name}: off by {100 * np.median(error):.2g} % (median), "
            f"{100 * np.quantile(error, 0.99):.2g} % (99 % of cells)"
        )


PARTS = {f.__name__: f for f in (million, killed, workers, adapt, part)}
SIZES = {"million": 1_000_000, "killed": 100_000, "workers": 50_000, "adapt": 1000}

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("what", choices=list(PARTS))
    parser.add_argument("--cells", type=int)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--noise", type=float, default=0.2)
    given = parser.parse_args()
    here = given.folder or Path(tempfile.mkdtemp(prefix="population-"))
    try:
        more = {"noise": given.noise} if given.what == "adapt" else {}
        PARTS[given.what](given.cells or SIZES[given.what], here, **more)
    finally:
        if given.folder is None:
            shutil.rmtree(here, ignore_errors=True)
