"""One pass of clamped training, value and gradient, over the 8 s hERG recording of cell 1.

Prints the median of several passes for the published rates and for networks in both gates.
    python benchmarks/clamped_pass.py [torch or julia] [path of the recording]
Without a path the recording is that in ../shared/data beside this repository.
"""

from __future__ import annotations

import statistics
import sys
import time
from pathlib import Path

import pyhodgkin as ph
from pyhodgkin.backends import get
from pyhodgkin.backends.base import SolveOptions
from pyhodgkin.backends.loss import Loss

DEFAULT = Path(__file__).resolve().parents[2] / "shared" / "data" / "herg_cell1.npz"


def main() -> None:
    backend = sys.argv[1] if len(sys.argv) > 1 else "torch"
    path = sys.argv[2] if len(sys.argv) > 2 else str(DEFAULT)
    data = ph.read(path, clamp="voltage", voltage="V_sine_mV", current="I_sine_nA", dt="dt_ms")[
        0
    ].masked_after_steps(5.0)
    rates = ph.library.get("herg_beattie")
    networks = rates
    for name in ("a", "r"):
        kinetics = ph.NeuralKinetics(
            "residual", ph.Network.create((1, 32, 32, 2), seed=0), prior=rates.gate(name).kinetics
        )
        networks = networks.replace_gate(name, kinetics)
    engine, loss, options = get(backend), Loss("huber", delta=0.03), SolveOptions()
    for label, neuron in (("rate laws", rates), ("two 1-32-32-2 networks", networks)):
        seconds = []
        for _ in range(13):
            before = time.perf_counter()
            engine.value_and_grad(
                neuron, [data], neuron.theta, loss, mode="clamped", y0=None, options=options
            )
            seconds.append(time.perf_counter() - before)
        steady = statistics.median(seconds[3:])
        times = f"median {1e3 * steady:.1f} ms, first {seconds[0]:.3f} s"
        print(f"{label:<24} {len(data)} samples: {times}")


if __name__ == "__main__":
    main()
