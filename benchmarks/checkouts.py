"""Two checkouts of pyhodgkin in turn, row by row: is one slower than the other?

    python benchmarks/checkouts.py BEFORE AFTER [--backend torch] [--rounds 5]

BEFORE and AFTER are folders, or ``folder:julia-project`` where the Julia engine is to be that of
the folder. Each round runs both in fresh processes, one after the other; of each row the best of
its repeats counts, and the ratio of the two is given as median and range over the rounds.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time


def rows(backend: str) -> dict[str, float]:
    """Seconds of each row in this process, the best of several repeats."""
    import numpy as np

    import pyhodgkin as ph
    from pyhodgkin.backends import get
    from pyhodgkin.backends.base import SolveOptions

    try:
        from pyhodgkin.backends.loss import Loss
    except ImportError:
        from pyhodgkin.backends.base import Loss

    engine, cell = get(backend), ph.library.get("squid_axon")
    clamp = ph.CurrentClamp.step(10.0, start=5.0, stop=45.0, t_end=50.0)
    gate = ph.NeuralKinetics("steady_state", ph.Network.create((1, 16, 16, 2), seed=1))
    learned = cell.replace_gate("n", gate)
    saveat = np.arange(0.0, 50.0, 0.1)
    data = ph.Recording.from_solution(ph.simulate(cell, clamp, backend=engine, saveat=saveat))
    spread = np.random.default_rng(0).uniform(0.9, 1.1, (100, cell.layout.size))
    many, loss = cell.theta * spread, Loss()
    loose = SolveOptions(solver="tsit5", rtol=1e-6)

    def gradient(neuron, mode, options):
        rest = {"mode": mode, "y0": None, "options": options}
        return lambda: engine.value_and_grad(neuron, [data], neuron.theta, loss, **rest)

    stage = stage_of(mode="clamped", optimizer="levenberg", steps=5)
    calls = {
        "one cell, rodas5p": lambda: ph.simulate(cell, clamp, backend=engine, solver="rodas5p"),
        "one cell, tsit5": lambda: ph.simulate(cell, clamp, backend=engine, solver="tsit5"),
        "a network, rodas5p": lambda: ph.simulate(learned, clamp, backend=engine, solver="rodas5p"),
        "100 cells, tsit5": lambda: engine.solve(cell, [clamp], many, None, saveat, loose),
        "gradient, numbers": gradient(cell, "simulation", loose),
        "gradient, network": gradient(learned, "simulation", loose),
        "clamped gradient": gradient(learned, "clamped", loose),
        "5 steps of Levenberg-Marquardt": lambda: ph.fit(
            learned, data, backend=engine, schedule=[stage], progress=False
        ),
    }
    return {name: best(call) for name, call in calls.items()}


def stage_of(**settings):
    """A stage, in checkouts old and new."""
    import pyhodgkin as ph

    try:
        return ph.Stage(**settings)
    except AttributeError:
        from pyhodgkin.training.stages import Stage

        return Stage(**settings)


def best(call, budget: float = 3.0) -> float:
    call()
    times, began = [], time.perf_counter()
    while len(times) < 2 or (time.perf_counter() - began < budget and len(times) < 30):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return min(times)


def measured(where: str, backend: str) -> dict[str, float]:
    """The rows of one checkout, in a process of its own."""
    folder, _, project = where.partition(":")
    environment = os.environ | {"PYTHONPATH": folder}
    if project:
        environment |= {"PYTHON_JULIACALL_PROJECT": project, "JULIA_PROJECT": project}
    command = [sys.executable, os.path.abspath(__file__), "--rows", "--backend", backend]
    done = subprocess.run(
        command, env=environment, capture_output=True, text=True, check=True, cwd=folder
    )
    return json.loads(done.stdout.splitlines()[-1])


def main() -> int:
    """Run the rounds and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("checkouts", nargs="*", metavar="BEFORE AFTER")
    parser.add_argument("--backend", default="torch", choices=("torch", "julia"))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--rows", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.rows:
        print(json.dumps(rows(options.backend)))
        return 0
    before, after = options.checkouts
    pairs = []
    for _ in range(options.rounds):
        pairs.append([measured(where, options.backend) for where in (before, after)])
    print(f"| {options.backend} | before (ms) | after (ms) | after/before, median (range) |")
    print("|---|---|---|---|")
    for name in pairs[0][0]:
        one, other = ([pair[i][name] for pair in pairs] for i in (0, 1))
        ratios = sorted(b / a for a, b in zip(one, other, strict=True))
        middle = statistics.median(ratios)
        print(
            f"| {name} | {1e3 * statistics.median(one):.3g} | {1e3 * statistics.median(other):.3g} "
            f"| {middle:.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f}) |"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
