"""How near the population kernels are to what the processor can do.

    python benchmarks/limit.py [--cells 20000] [--model squid_axon] [--julia-python PYTHON]

Counted from the tables of the neuron: the exponentials, divisions and other operations of a cell
and step of Tsit5. Measured in the same run: how many of each the processor does in a second on one
core, over arrays that lie in its cache, with the package's own `exponential`; how long the kernel
of each engine takes for a cell and step, on all cores; and the parts of a step of the torch one.
The ratios are of times a cell and step on one core.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable

import numpy as np

CLOCK = time.perf_counter
SIZE = 64  # vectors of an array that stays in the first cache


def counted(tables, stages: int = 7, powers: int = 4) -> dict[str, float]:
    """Operations of one element in one step of Tsit5; a sum with a product counts as one."""
    leaves, s = tables.leaf_form, len(tables.states)
    exps = int((leaves < 3).sum())  # exponential, sigmoid, linoid
    divisions = int(((leaves == 1) | (leaves == 2)).sum()) + int((tables.gate_kind == 1).sum())
    other = 2 * exps + sum(np.diff(tables.node_bounds))  # the argument, the factor; composed ones
    other += int((tables.gate_kind < 3).sum()) * 5  # a, s, dx/dt
    for first, last in itertools.pairwise(tables.channel_bounds):
        other += 2 + sum(max(1, int(tables.factors[j, 1]) - 1) for j in range(first, last))
    for i in range(len(tables.network_place)):
        sizes = tables.layers[tables.network_bounds[i] : tables.network_bounds[i + 1]]
        weights = sum(int(a * b) for a, b in itertools.pairwise(sizes))
        hidden = int(sum(sizes[1:-1]))
        exps, divisions, other = exps + hidden + 2, divisions + hidden + 2, other + weights
    other += 2  # the stimulus, dv/dt
    rest = s * sum(i + 1 for i in range(1, stages))  # the state of each stage
    rest += s * (stages + 6) + 4 * s + 20  # the error, the new state, the size of the step
    return {
        "exponentials": exps * (stages - 1) + 2,  # and the two powers of the step's size
        "divisions": (divisions * (stages - 1)) + s + 2,
        "other": other * (stages - 1) + rest,
    }


def rates() -> dict[str, dict[str, float]]:
    """Operations a second on one core: exponentials, divisions, sums with a product."""
    from numba import njit

    from pyhodgkin.backends.compiled.kernels.elementary import exponential
    from pyhodgkin.backends.compiled.kernels.vectors import (
        WIDE,
        WIDEST,
        fill,
        fma,
        load,
        pointer,
        store,
        wide_float32,
        wide_float64,
    )

    found = {}
    for name, zero, width in (("float64", wide_float64, WIDE), ("float32", wide_float32, WIDEST)):
        compiled = njit(fastmath={"contract"}, nogil=True, error_model="numpy", _nrt=False)

        @compiled
        def exponentials(x, repeats):
            like, a = zero(), pointer(x)
            for _ in range(repeats):
                for i in range(SIZE):
                    store(a, i + SIZE, exponential(load(like, a, i)))

        @compiled
        def divisions(x, repeats):
            like, a = zero(), pointer(x)
            for _ in range(repeats):
                for i in range(SIZE):
                    store(a, i + SIZE, 1.0 / load(like, a, i))

        @compiled
        def other(x, repeats):
            like, a = zero(), pointer(x)
            scale = fill(like, 0.999)
            for _ in range(repeats):
                for i in range(0, SIZE, 8):  # eight that do not wait for each other
                    b, c = load(like, a, i), load(like, a, i + 1)
                    d, e = load(like, a, i + 2), load(like, a, i + 3)
                    f, g = load(like, a, i + 4), load(like, a, i + 5)
                    h, k = load(like, a, i + 6), load(like, a, i + 7)
                    for _ in range(16):
                        b, c = fma(b, scale, scale), fma(c, scale, scale)
                        d, e = fma(d, scale, scale), fma(e, scale, scale)
                        f, g = fma(f, scale, scale), fma(g, scale, scale)
                        h, k = fma(h, scale, scale), fma(k, scale, scale)
                    store(a, i + SIZE, b + c + d + e + f + g + h + k)

        x = np.random.default_rng(0).uniform(-5, -1, 2 * SIZE * width).astype(name)
        found[name] = {
            "exponentials": rate(exponentials, x, SIZE * width),
            "divisions": rate(divisions, x, SIZE * width),
            "other": rate(other, x, 16 * SIZE * width),
        }
    return found


def rate(kernel: Callable, x: np.ndarray, each: int, repeats: int = 20_000) -> float:
    """Operations a second of the processor's time, the best of five."""
    kernel(x, 1)
    times = []
    for _ in range(5):
        start = time.thread_time()
        kernel(x, repeats)
        times.append(time.thread_time() - start)
    return each * repeats / min(times)


def population(model: str, cells: int, engine: str, dtype: str) -> dict[str, float]:
    """Nanoseconds of a core for a cell and step, in a whole call of `simulate`."""
    import pyhodgkin as ph

    neuron, clamp = ph.library.get(model), ph.CurrentClamp.constant(10.0, t_end=50.0)
    spread = np.random.default_rng(0).uniform(0.9, 1.1, (cells, neuron.layout.size))
    how = {"theta": neuron.theta * spread, "saveat": [50.0], "dtype": dtype, "throw": False}
    how |= {"solver": "tsit5", "rtol": 1e-4, "atol": 1e-6, "backend": engine}
    ph.simulate(neuron, clamp, **{**how, "theta": how["theta"][:256]})
    times, processor = [], []
    for _ in range(3):
        start, used = CLOCK(), time.process_time()
        found = ph.simulate(neuron, clamp, **how)
        times.append(CLOCK() - start)
        processor.append(time.process_time() - used)
    steps = int((found.stats["n_steps"] + found.stats["n_rejected"]).sum())
    return {
        "ns": 1e9 * min(processor) / steps,
        "cell_ms_per_s": cells * 50.0 / min(times),
        "steps": steps / cells,
        "cores": processor[int(np.argmin(times))] / min(times),
    }


def parts(model: str) -> dict[str, float]:
    """Nanoseconds of a cell and step: the kernel as a whole, and its parts on their own."""
    from limit_parts import measured

    return measured(model)


def elsewhere(python: str, options: argparse.Namespace, dtype: str) -> dict[str, float] | str:
    """`population` of the Julia engine, in a process without numba."""
    command = [python, os.path.abspath(__file__), "--one", dtype, "--model", options.model]
    command += ["--cells", str(options.cells)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        return (done.stderr.strip().splitlines() or ["it failed"])[-1]
    return json.loads(done.stdout.splitlines()[-1])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cells", type=int, default=20_000)
    parser.add_argument("--model", default="squid_axon")
    parser.add_argument("--julia-python", default=sys.executable, help="a Python with juliacall")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        print(json.dumps(population(options.model, options.cells, "julia", options.one)))
        return 0
    import pyhodgkin as ph

    counts, speed = counted(ph.library.get(options.model).tables), rates()
    print(f"{options.model}, Tsit5, a cell and step: " + ", ".join(
        f"{count:.0f} {name}" for name, count in counts.items()))  # fmt: skip
    print(f"load {os.getloadavg()[0]:.1f}, {os.cpu_count()} cores\n")
    print("| one core, in cache | " + " | ".join(f"{n}, 10⁹/s" for n in counts) + " |")
    print("|---|" + "---|" * len(counts))
    for dtype, own in speed.items():
        print(f"| {dtype} | " + " | ".join(f"{own[n] / 1e9:.2f}" for n in counts) + " |")
    print("\n| engine | ns of a core | exponentials alone | all operations | cell·ms/s | cores |")
    print("|---|---|---|---|---|---|")
    for engine in ("torch", "julia"):
        for dtype, own in speed.items():
            if engine == "torch":
                found = population(options.model, options.cells, engine, dtype)
            else:
                found = elsewhere(options.julia_python, options, dtype)
            if isinstance(found, str):
                print(f"| {engine} {dtype} | {found[:90]} | | | | |")
                continue
            exps = 1e9 * counts["exponentials"] / own["exponentials"]
            whole = 1e9 * sum(counts[n] / own[n] for n in counts)
            ns = found["ns"]
            print(
                f"| {engine} {dtype} | {ns:.1f} | {exps:.1f} (times {ns / exps:.2f}) | {whole:.1f} "
                f"(times {ns / whole:.2f}) | {found['cell_ms_per_s']:.3g} | {found['cores']:.2f} |"
            )
    print("\n| part of a step, torch float64, 16 cells at once | ns a cell and step |\n|---|---|")
    for name, ns in parts(options.model).items():
        print(f"| {name} | {ns:.1f} |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
