"""Cells with a learned gate, and the same cells with that gate as a table, in one run.

    python benchmarks/tabulated.py [--cells 10000] [--engines torch julia]

The potassium gate of the squid axon is distilled into a network of 32 x 2 units; its tables are
made for several limits. Printed are the errors that `ph.tabulate` reports, those of the trace and
of the spikes of one cell, and the time of a population with three conductances drawn anew, network
and table in turn (results/tabulated.md holds the figures of one run).
"""

from __future__ import annotations

import argparse
import os
import time
from dataclasses import replace

import numpy as np

import pyhodgkin as ph
from pyhodgkin.fitting.initialize.distill import distill_gate

AXON = ph.library.get("squid_axon")
CLAMP = ph.CurrentClamp.step(10.0, start=5.0, stop=45.0, t_end=50.0)
LIMITS = (1e-3, 1e-4, 1e-5, 1e-6)


def learned() -> ph.Neuron:
    """The axon with a network in the place of its gate n."""
    published = next(gate.kinetics for gate in AXON.gates if gate.name == "n")
    kinetics = ph.NeuralKinetics("steady_state", ph.Network.create((1, 32, 32, 2)))
    v = np.linspace(-110.0, 70.0, 181)
    network = distill_gate(kinetics, published, v, seed=0)
    return AXON.replace_gate("n", replace(kinetics, network=network))


def accuracy(cell: ph.Neuron) -> None:
    """What tables of several limits do to a trace."""
    how = {"saveat": 0.01, "backend": "torch", "rtol": 1e-9, "atol": 1e-11}
    exact = ph.simulate(cell, CLAMP, **how)
    print("| limit | knots | x_inf error | tau error | trace, largest (mV) | spikes (ms) |")
    print("|---|---|---|---|---|---|")
    for limit in LIMITS:
        found = ph.tabulate(cell, error=limit)
        trace = ph.simulate(found.neuron, CLAMP, **how)
        off = np.abs(trace.v - exact.v).max()
        shift = np.abs(np.array(trace.spike_times()) - np.array(exact.spike_times())).max()
        gate = found.gates[0]
        print(
            f"| {limit:g} | {gate.knots} | {gate.x_inf_error:.1e} | {gate.tau_error:.1e} | "
            f"{off:.1e} | {shift:.1e} |",
            flush=True,
        )


def speed(cell: ph.Neuron, n: int, engines: list[str], repeats: int) -> None:
    """Times of populations, in turn."""
    rng = np.random.default_rng(1)
    own = {name: AXON.parameter(name) * rng.uniform(0.8, 1.2, n) for name in ("na.g", "k.g", "l.g")}
    table = ph.tabulate(cell, error=1e-4).neuron
    kinds = {"network": cell, "table": table, "published": AXON}
    print("| engine | cells | gate n | times (s) | cell·ms/s | spikes off by, largest (ms) |")
    print("|---|---|---|---|---|---|")
    for engine in engines:
        for solver in ("tsit5",):
            how = {"saveat": [50.0], "backend": engine, "solver": solver, "rtol": 1e-4}
            times: dict[str, list[float]] = {kind: [] for kind in kinds}
            spikes = {}
            for kind, neuron in kinds.items():
                few = {name: x[:64] for name, x in own.items()}
                ph.simulate(neuron, CLAMP, parameters=few, **how)  # compiles
                exact = how | {"rtol": 1e-8, "atol": 1e-10}
                spikes[kind] = ph.simulate(neuron, CLAMP, parameters=few, **exact).spike_times()
            for _ in range(repeats):
                for kind, neuron in kinds.items():
                    began = time.perf_counter()
                    ph.simulate(neuron, CLAMP, parameters=own, **how)
                    times[kind].append(time.perf_counter() - began)
            for kind, found in times.items():
                pairs = list(zip(spikes[kind], spikes["network"], strict=True))
                same = [p for p in pairs if len(p[0]) == len(p[1])]
                off = max((float(np.abs(a - b).max(initial=0.0)) for a, b in same), default=np.nan)
                off_text = f"{off:.1e} ({len(same)} of {len(pairs)} cells with as many)"
                print(
                    f"| {engine} | {n} | {kind} | {', '.join(f'{x:.2f}' for x in found)} | "
                    f"{n * CLAMP.t_end / min(found):.2g} | "
                    f"{'' if kind == 'published' else off_text} |",
                    flush=True,
                )


def main() -> None:
    """See the top of the file."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cells", type=int, default=10_000)
    parser.add_argument("--engines", nargs="+", default=["torch"])
    parser.add_argument("--repeats", type=int, default=3)
    given = parser.parse_args()
    cell = learned()
    print(f"load {os.getloadavg()[0]:.1f}\n")
    accuracy(cell)
    print()
    speed(cell, given.cells, given.engines, given.repeats)
    print(f"\nload {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()
