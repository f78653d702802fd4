"""Which solver and precision for which neuron, size and accuracy: the table behind ``"auto"``.

    python benchmarks/solvers.py [--backend torch] [--sizes 1 1000] [--budget 1.0]

50 ms of the squid axon (C = 1 µF/cm²), of a stiffer one (C = 0.1) and of one with a network for the
n gate; conductances within 20 %. The error is the largest of the spike times of up to 32 cells,
against the same solve at rtol 1e-11. Only the spikes and the end are kept.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import sys
import time

import numpy as np

import pyhodgkin as ph
from pyhodgkin.errors import InputError

CLAMP = ph.CurrentClamp.constant(10.0, t_end=50.0)
CASES = [
    *((solver, "float64", rtol) for solver in ("tsit5", "rodas5p") for rtol in (1e-3, 1e-4, 1e-6)),
    *((solver, "float32", rtol) for solver in ("tsit5", "rodas5p") for rtol in (1e-3, 1e-4)),
    *(("exponential", dtype, dt) for dtype in ("float64", "float32") for dt in (0.025, 0.01)),
]
KNOWN = 32


def neurons() -> dict[str, ph.Neuron]:
    squid = ph.library.get("squid_axon")
    prior = squid.gate("n").kinetics
    gate = ph.NeuralKinetics("residual", ph.Network.create((1, 16, 16, 2), seed=1), prior=prior)
    learned = squid.replace_gate("n", gate)
    stiff = ph.library.get("hodgkinmodel_jl")
    return {"squid_axon": squid, "hodgkinmodel_jl": stiff, "a network for n": learned}


def thetas(neuron: ph.Neuron, n: int) -> np.ndarray:
    theta = np.tile(neuron.theta, (n, 1))
    spread = np.random.default_rng(0).uniform(0.8, 1.2, (10_000, 3))
    for j, name in enumerate(("na.g", "k.g", "l.g")):
        theta[:, neuron.layout[name].start] *= np.resize(spread[:, j], n)
    return theta


def solve(neuron: ph.Neuron, theta: np.ndarray, **how) -> ph.Solution:
    alone = len(theta) == 1
    own = {"theta": theta[0] if alone else theta, "saveat": [50.0], "throw": False}
    return ph.simulate(neuron, CLAMP, **own, **how)


def spikes(found: ph.Solution) -> list[np.ndarray]:
    times = found.spike_times()
    return list(times) if found.batched else [times]


def error(found: list[np.ndarray], right: list[np.ndarray]) -> float:
    pairs = list(zip(found, right, strict=False))
    if any(len(a) != len(b) for a, b in pairs):
        return float("inf")
    return max(float(np.abs(a - b).max(initial=0.0)) for a, b in pairs)


def quick_enough(backend: str) -> bool:
    """Whether the exponential scheme is there; in torch operations it takes too long for many."""
    if backend == "julia":
        return False
    from pyhodgkin.backends import compiled

    return importlib.util.find_spec(f"{compiled.__name__}.kernels") is not None


def least(call, budget: float) -> tuple[float, float]:
    """The least and the median of the seconds of some calls, after one."""
    call()
    times = []
    while not times or (sum(times) < budget and len(times) < 30):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return min(times), float(np.median(times))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--backend", default="torch", choices=("torch", "julia"))
    parser.add_argument("--sizes", type=int, nargs="+", default=[1, 1000])
    parser.add_argument("--budget", type=float, default=0.5)
    options = parser.parse_args()
    print(f"{options.backend}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}\n")
    head = "neuron | cells | solver | setting | spikes off by (ms) | steps | ms, median (least)"
    print(f"| {head} | cell·ms/s |")
    print("|---|---|---|---|---|---|---|---|")
    for name, neuron in neurons().items():
        engine = {"backend": options.backend}
        tight = {"solver": "tsit5", "rtol": 1e-11, "atol": 1e-13, **engine}
        right = spikes(solve(neuron, thetas(neuron, KNOWN), **tight))
        for n in options.sizes:
            theta = thetas(neuron, n)
            for solver, dtype, x in CASES:
                fixed = solver == "exponential"
                if fixed and not quick_enough(options.backend):
                    continue
                accuracy = {"dt": x} if fixed else {"rtol": x, "atol": x / 100}
                how = {"solver": solver, "dtype": dtype, **accuracy, **engine}
                label = f"{'dt' if fixed else 'rtol'} {x:g}"
                try:
                    found = solve(neuron, theta, **how)
                except InputError as wrong:
                    print(f"| {name} | {n:,} | {solver} {dtype} | {label} | {str(wrong)[:60]} |")
                    continue
                quick, middle = least(
                    lambda t=theta, h=how, c=neuron: solve(c, t, **h), options.budget
                )
                off = error(spikes(found)[:KNOWN], right)
                print(
                    f"| {name} | {n:,} | {solver} {dtype} | {label} | {off:.1e} | "
                    f"{np.mean(found.stats['n_steps']):.0f} | {1e3 * middle:.3g} "
                    f"({1e3 * quick:.3g}) | {50 * n / middle:.3g} |",
                    flush=True,
                )
    return 0


if __name__ == "__main__":
    sys.exit(main())
