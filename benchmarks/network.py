"""Networks beside Brian2 and NEURON: COBA-HH (speed, rates, irregularity), and pairs of cells.

    python benchmarks/network.py --peers-python P [--duration 1000] [--dt 0.05] [--part coba|pairs]

P is a Python with brian2, neuron and a C++ compiler. The table goes to results/network.md.
COBA-HH: 4,000 cells, Brette et al. 2007 (10.1007/s10827-007-0038-6); every simulator has the same
connections, potentials and conductances at the start. Times are of the time loop alone, least of
the repeats, the simulators in turn.
"""

from __future__ import annotations

import argparse
import os
import platform
import re
import subprocess
import tempfile
import time
from pathlib import Path

import numpy as np

import pyhodgkin as ph

HERE = Path(__file__).parent
AREA = 20_000e-8  # cm²; nS over it is mS/cm² times 1e-6
N, N_E, P = 4000, 3200, 0.02
WEIGHT_E, WEIGHT_I = 6e-6 / AREA, 67e-6 / AREA
SKIP = 200.0  # ms, of the beginning, not counted in rates
NEAR = 0.05  # ms
PAIRS = {
    "exponential": ph.ExponentialSynapse(e=0.0, tau=3.0),
    "double": ph.DoubleExponentialSynapse(e=0.0, tau_rise=0.5, tau_decay=4.0),
    "alpha": ph.AlphaSynapse(e=-10.0, tau=1.5),
    "gap": None,
}


def make_case(path: Path, seed: int) -> dict[str, np.ndarray]:
    """Connections, weights, potentials and conductances as the published script draws them."""
    rng = np.random.default_rng(seed)
    i, j = np.nonzero(rng.random((N, N)) < P)
    case = {
        "i": i, "j": j, "n_e": np.array(N_E),
        "weight_e": np.array(WEIGHT_E), "weight_i": np.array(WEIGHT_I),
        "v0": -60.0 + rng.standard_normal(N) * 5.0 - 5.0,
        "g_e": np.maximum((rng.standard_normal(N) * 1.5 + 4.0) * 10e-6 / AREA, 0.0),
        "g_i": np.maximum((rng.standard_normal(N) * 12.0 + 20.0) * 10e-6 / AREA, 0.0),
    }  # fmt: skip
    np.savez(path, **case)
    return case


def network_of(case: dict[str, np.ndarray], refractory: float) -> ph.SpikingNetwork:
    cell = ph.library.get("brette_coba_hh")
    group = ph.NeuronGroup(cell, N, v0=case["v0"], threshold=-20.0, refractory=refractory)
    excitatory = case["i"] < N_E
    kinds = {
        "e": (ph.ExponentialSynapse(e=0.0, tau=5.0), excitatory),
        "i": (ph.ExponentialSynapse(e=-80.0, tau=10.0), ~excitatory),
    }
    return ph.SpikingNetwork(
        {"cells": group},
        [
            ph.Synapses(
                "cells", "cells", kinetics, float(case[f"weight_{name}"]),
                i=case["i"][used], j=case["j"][used], initial=case[f"g_{name}"],
            )
            for name, (kinetics, used) in kinds.items()
        ],
    )  # fmt: skip


def own_run(network: ph.SpikingNetwork, duration: float, dt: float, threads: int):
    """A run, and the time of its loop: that of the whole less that of a single step."""
    began = time.perf_counter()
    network.simulate(dt, dt=dt, threads=threads)
    once = time.perf_counter() - began
    began = time.perf_counter()
    found = network.simulate(duration, dt=dt, threads=threads)
    whole = time.perf_counter() - began
    return found, whole - once, whole


def statistics(times: np.ndarray, cells: np.ndarray, duration: float) -> list[float]:
    """Rate (Hz) and mean CV of the intervals, of excitatory and inhibitory cells."""
    out = []
    for low, high in ((0, N_E), (N_E, N)):
        used = (times >= SKIP) & (cells >= low) & (cells < high)
        trains = ph.network.solution.SpikeTrains(N, times[used], cells[used])
        gaps, which = trains.intervals()
        cv = [
            np.std(own) / np.mean(own)
            for own in np.split(gaps, np.flatnonzero(np.diff(which)) + 1)
            if len(own) >= 2
        ]
        rate = used.sum() / (high - low) / (1e-3 * (duration - SKIP))
        out += [float(rate), float(np.mean(cv))]
    return out


def peer(python: str, script: str, *arguments) -> str:
    """What a peer's script prints."""
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    done = subprocess.run(
        [python, HERE / script, *map(str, arguments)], capture_output=True, text=True,
        # Waiting threads of OpenMP give their processor away, which helps on a shared machine.
        env=environment
        | {"PATH": f"{Path(python).parent}:{os.environ['PATH']}", "OMP_WAIT_POLICY": "passive"},
    )  # fmt: skip
    if done.returncode:
        raise SystemExit(f"{script}: {done.stderr[-2000:]}")
    return done.stdout


def least(text: str) -> float:
    return min(float(x) for x in re.findall(r"run ([\d.]+)", text))


def coba(python: str, duration: float, dt: float, neuron_duration: float, repeats: int) -> str:
    folder = Path(tempfile.mkdtemp())
    case = make_case(folder / "case.npz", seed=1)
    network_of(case, 0.0).simulate(dt, dt=dt)  # compiled before anything is timed
    rows = [
        row
        for threads, refractory in ((1, 0.0), (2, 0.0), (1, 3.0))
        for row in beside_brian2(python, folder, case, duration, dt, threads, refractory, repeats)
    ]
    lines = [
        f"4,000 cells, {duration:g} ms, dt = {dt:g} ms, {len(case['i']):,} synapses, no delay "
        "beyond the step. A spike is an upward crossing of -20 mV; in the rows of 3 ms none is "
        "counted so long after another one (Brian2 counts one where v is still above it then).",
        "",
        "| simulator | refractory | threads | loop (s) | ratio | e (Hz) | i (Hz) | CV e | CV i |",
        "|---|---|---|---|---|---|---|---|---|", *rows,
    ]  # fmt: skip
    return "\n".join([*lines, "", neuron_part(python, folder, case, neuron_duration, dt)])


def beside_brian2(
    python: str,
    folder: Path,
    case: dict,
    duration: float,
    dt: float,
    threads: int,
    refractory: float,
    repeats: int,
) -> list[str]:
    """Two rows: half of our runs before Brian2's, half after them."""
    network, row = network_of(case, refractory), "| {} | {:g} ms | {} | {:.2f} | {:.1f} | "
    runs = [own_run(network, duration, dt, threads) for _ in range(repeats // 2)]
    given = folder / "case.npz", duration, dt, threads, repeats, refractory
    other = least(peer(python, "network_brian2.py", *given))
    runs += [own_run(network, duration, dt, threads) for _ in range(repeats - repeats // 2)]
    loop, own = min(x[1] for x in runs), runs[0][0].spikes["cells"]
    brian = np.load(folder / f"case_brian2_{threads}.npz")
    rows = []
    for name, time_, times, cells in (
        ("pyhodgkin", loop, own.times, own.indices),
        ("Brian2 2.9, C++ standalone", other, brian["times"], brian["cells"]),
    ):
        e, cv_e, i, cv_i = statistics(times, cells, duration)
        more = f"{e:.1f} | {i:.1f} | {cv_e:.2f} | {cv_i:.2f} |"
        rows.append(row.format(name, refractory, threads, time_, time_ / loop) + more)
    print(*rows, sep="\n", flush=True)
    return rows


def neuron_part(python: str, folder: Path, case: dict, duration: float, dt: float) -> str:
    """NEURON has no refractory period of a NetCon: both without one; a shorter run."""
    text = peer(python, "network_neuron.py", "coba", duration, dt, folder / "case.npz")
    theirs, network = least(text), network_of(case, refractory=0.0)
    found, loop, _ = own_run(network, duration, dt, 1)
    spikes = np.load(folder / "case_neuron.npz")
    lines = [
        f"Beside NEURON 9.0.2, {duration:g} ms, one thread, no refractory period (tables of rates "
        "in NEURON, cnexp; its delay is dt):", "",
        "| simulator | time loop (s) | times pyhodgkin's | spikes |", "|---|---|---|---|",
        f"| pyhodgkin | {loop:.2f} | 1 | {len(found.spikes['cells'].times):,} |",
        f"| NEURON | {theirs:.2f} | {theirs / loop:.1f} | {len(spikes['times']):,} |",
    ]  # fmt: skip
    print(*lines, sep="\n", flush=True)
    return "\n".join(lines)


def pairs(python: str) -> str:
    """Two squid axons, 60 ms, beside NEURON's variable-step solver at atol 1e-8."""
    path, axon = Path(tempfile.mkdtemp()) / "pairs.npz", ph.library.get("squid_axon")
    peer(python, "network_neuron.py", "pairs", path)
    theirs, rows = np.load(path), []
    for name, kinetics in PAIRS.items():
        synapses = [ph.Synapses("a", "b", kinetics, 0.25, 1.7, i=[0], j=[0])] if kinetics else []
        gaps = [] if kinetics else [ph.GapJunctions("a", "b", 0.1, i=[0], j=[0])]
        groups = {"a": ph.NeuronGroup(axon, 1, current=10.0), "b": (axon, 1)}
        network = ph.SpikingNetwork(groups, synapses, gaps)
        for dt in (0.025, 0.01, 0.0025):
            found = network.simulate(60.0, dt=dt, record={"a": [0], "b": [0]})
            late, off, quiet, within = [], [], [], []
            for side in "ab":
                spikes, own = theirs[f"{name}_{side}_spikes"], found.spike_times(side, 0)
                assert len(spikes) == len(own)
                v = np.interp(found.t, theirs[f"{name}_t"], theirs[f"{name}_{side}"])
                after, error = found.t[:, None] - spikes, np.abs(found.v[side][0] - v)
                near = ((after > -1.0) & (after < 3.0)).any(axis=1)
                late.append(np.abs(spikes - own).max())
                off.append(error.max())
                quiet.append(error[~near].max())
                within.append(beside(found.t, found.v[side][0], theirs, name, side))
            rows.append(
                f"| {name} | {dt:g} | {max(late):.4f} | {max(within):.3f} | {max(quiet):.3f} "
                f"| {max(off):.3f} |"
            )
            print(rows[-1], flush=True)
    head = [
        "Two squid axons for 60 ms: a current of 10 µA/cm² into the first; the second by a synapse "
        "of 0.25 mS/cm² after 1.7 ms, or both by a gap junction of 0.1 mS/cm². NEURON's "
        "variable-step solver at atol 1e-8, its exact rates. v is compared at equal times, and "
        f"with the nearest value of NEURON within {NEAR:g} ms.", "",
        f"| coupling | dt (ms) | spikes differ (ms) | v differs, times within {NEAR:g} ms (mV) "
        "| at equal times, outside of spikes | anywhere |",
        "|---|---|---|---|---|---|",
    ]  # fmt: skip
    return "\n".join([*head, *rows])


def beside(
    t: np.ndarray, v: np.ndarray, theirs: dict[str, np.ndarray], name: str, side: str
) -> float:
    """The largest distance of v(t) from the range of NEURON's v within `NEAR` ms of t, mV."""
    shifts = np.linspace(-NEAR, NEAR, 101)[:, None]
    moved = np.interp(t + shifts, theirs[f"{name}_t"], theirs[f"{name}_{side}"])
    return float(np.maximum(moved.min(axis=0) - v, v - moved.max(axis=0)).max())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--peers-python", required=True)
    parser.add_argument("--duration", type=float, default=1000.0)
    parser.add_argument("--neuron-duration", type=float, default=300.0)
    parser.add_argument("--dt", type=float, default=0.05)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--part", choices=["all", "coba", "pairs"], default="all")
    options = parser.parse_args()
    parts = ["# Networks beside Brian2 and NEURON", ""]
    load = f"load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    parts += [f"{platform.machine()}, {os.cpu_count()} cores, {load} at the start.", ""]
    if options.part in ("all", "pairs"):
        parts += ["## Pairs of cells", "", pairs(options.peers_python), ""]
    if options.part in ("all", "coba"):
        more = options.duration, options.dt, options.neuron_duration, options.repeats
        parts += ["## COBA-HH", "", coba(options.peers_python, *more), ""]
    if load:
        parts.append(f"Load {os.getloadavg()[0]:.1f} at the end: other jobs share the cores.\n")
    if options.part == "all":
        (HERE / "results" / "network.md").write_text("\n".join(parts), "utf-8")
    print("\n".join(parts))


if __name__ == "__main__":
    main()
