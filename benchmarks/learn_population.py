"""Point 7: a gate shared by 100 virtual cells whose conductances differ, and a new cell.

The squid axon, its conductances up to 20 % up or down in each cell, one 50 ms sweep of v for each.
Unknown: the n gate (a network, one for all cells) and the conductances of each cell. The gate is
first learned from eight of the cells, then from all. Then, for new cells with the network held,
the conductances from one 50 ms sweep.

    python benchmarks/learn_population.py [--backend julia] [--cells 100] [--seeds 1] [--write]
"""

from __future__ import annotations

import sys
import time
from dataclasses import replace

import numpy as np
from learning import Report, Row, each_seed, parser, prepare, settled

import pyhodgkin as ph
from pyhodgkin.fit import FitResult, Stage
from pyhodgkin.training.losses import Loss
from pyhodgkin.training.penalties import CurvePenalty

AXON = ph.library.get("squid_axon")
OWN = AXON.layout.select("conductances")
SPREAD = 0.2
NEW = 20  # cells
SOME = 8  # cells that the gate is learned from before all of them
LOOSE = {"rtol": 1e-5, "atol": 1e-7}


def drawn(seed: int, count: int) -> list[ph.Neuron]:
    """So many cells: each conductance within 20 % of the squid axon's, uniformly."""
    rng = np.random.default_rng(seed)
    out = []
    for _ in range(count):
        theta = AXON.theta.copy()
        theta[OWN] *= 1.0 + SPREAD * rng.uniform(-1.0, 1.0, len(OWN))
        out.append(AXON.with_theta(theta))
    return out


def sweeps(cells: list[ph.Neuron], seed: int, backend: str) -> list[ph.Recording]:
    """One for each cell: 50 ms of v under a step of 8 to 20 µA/cm²."""
    rng, out = np.random.default_rng(seed + 1_000), []
    t = np.arange(0.0, 50.0 + 1e-9, 0.05)
    for i, cell in enumerate(cells):
        clamp = ph.CurrentClamp.step(rng.uniform(8.0, 20.0), start=5.0, stop=None, t_end=50.0)
        solution = ph.simulate(cell, clamp, saveat=t, rtol=1e-9, atol=1e-11, backend=backend)
        out.append(ph.Recording.from_solution(solution, name=f"sweep {i}", cell=f"cell {i}"))
    return out


def first_stages() -> list[Stage]:
    """For some of the cells: gates driven by v, then observers, then simulation alone."""
    observed = Stage("observer", "lbfgs", 100, lr=0.01, gain=10.0, patience=30, options=LOOSE)
    begin = Stage("clamped", "lbfgs", 200, trainable="networks", loss=Loss("huber", delta=0.01))
    return [
        # Conductances would make up for a network that is not trained yet, and a network that may
        # bend as it likes can end in a gate that follows v at once.
        replace(begin, penalty=CurvePenalty(1e-4, 1e-4)),
        replace(begin, penalty=CurvePenalty(1e-5, 1e-4), steps=150),
        Stage("clamped", "lbfgs", 300),
        observed,
        replace(observed, gain=1.0),
        Stage("simulation", "lbfgs", 200, lr=0.01, patience=60, options=LOOSE),
    ]


def last_stages() -> list[Stage]:
    """For all cells, from there: each one's conductances, as in `adapt`, then everything."""
    own = Stage("simulation", "levenberg", 10, trainable="conductances", pull=1.0, options=LOOSE)
    return [
        *(replace(own, horizon=50.0 * part) for part in (0.2, 0.35, 0.55, 0.75)),
        replace(own, steps=12, pull=0.0),
        Stage("simulation", "lbfgs", 50, lr=0.01, options=LOOSE),
    ]


def curves(result: FitResult) -> tuple[float, float]:
    """Largest error of x_inf, and of tau as a part of it, over the voltages visited."""
    v = np.linspace(*result.voltage_range, 300)
    learned, true = result.neuron.gate("n").kinetics, AXON.gate("n").kinetics
    x = np.max(np.abs(learned.x_inf(v) - true.x_inf(v)))
    return float(x), float(np.max(np.abs(learned.tau(v) / true.tau(v) - 1.0)))


def population(seed: int, count: int, backend: str) -> tuple[FitResult, Row]:
    """The fit of one population, and how far off it is."""
    cells = drawn(seed, count)
    recordings = sweeps(cells, seed, backend)
    network = ph.Network.create((1, 32, 32, 2), seed=seed)
    unknown = AXON.replace_gate("n", ph.NeuralKinetics("steady_state", network))
    common = {"per_cell": "conductances", "fit_initial": False, "backend": backend}
    some = ph.fit(unknown, recordings[:SOME], schedule=first_stages(), progress=False, **common)
    print("\n    ".join(some.log), file=sys.stderr)
    result = ph.fit(some.neuron, recordings, schedule=last_stages(), progress=False, **common)
    x, tau = curves(result)
    names = [AXON.layout.names[i] for i in OWN]
    places = unknown.layout.select("conductances")
    found = np.array([result.cells[f"cell {i}"].theta[places] for i in range(count)])
    true = np.array([cell.theta[OWN] for cell in cells])
    off = np.abs(found / true - 1.0)
    row: Row = {
        "x_inf error": x,
        "tau error (%)": 100 * tau,
        "RMSE, mean (mV)": float(np.mean(result.train_error.rmse)),
        "RMSE, worst (mV)": float(np.max(result.train_error.rmse)),
        **{f"{n} error, worst (%)": 100 * float(w) for n, w in zip(names, off.max(0), strict=True)},
        f"fit of {min(SOME, count)} (s)": some.seconds,
        "fit of all (s)": result.seconds,
    }
    return result, row


def new_cells(result: FitResult, seed: int, count: int, backend: str) -> list[Row]:
    """`adapt` on cells of the same kind that took no part."""
    cells = drawn(seed + 5_000, count)
    places = result.neuron.layout.select("conductances")
    rows = []
    for cell, sweep in zip(cells, sweeps(cells, seed + 5_000, backend), strict=True):
        began = time.perf_counter()
        found = ph.adapt(result, sweep, backend=backend)
        seconds = time.perf_counter() - began
        off = found.neuron.theta[places] / cell.theta[OWN] - 1.0
        errors = {
            f"{AXON.layout.names[i]} error (%)": 100 * float(x)
            for i, x in zip(OWN, off, strict=True)
        }
        rmse = float(found.train_error.rmse[0, 0])
        rows.append({"cell": sweep.cell, **errors, "RMSE (mV)": rmse, "seconds": seconds})
    return rows


def main() -> int:
    arguments = parser(__doc__, seeds=1)
    arguments.add_argument("--cells", type=int, default=100)
    args = settled(arguments.parse_args())
    if args.quick:
        args.cells, args.seeds = min(args.cells, 5), 1
    report = Report("learn_population", f"A gate shared by {args.cells} cells", args)
    prepare(args)
    results: dict[int, FitResult] = {}

    def one(seed: int) -> Row:
        results[seed], row = population(seed, args.cells, args.backend)
        for line in results[seed].log:
            print("    " + line, file=sys.stderr)
        return row

    rows = each_seed(args, one)
    report.table("populations", rows)
    report.bar("x_inf within 0.03 over the voltages visited",
               [float(row["x_inf error"]) <= 0.03 for row in rows])  # fmt: skip
    report.bar("tau within 15 % there", [float(row["tau error (%)"]) <= 15 for row in rows])  # type: ignore[arg-type]
    for seed, result in results.items():
        own = new_cells(result, seed, NEW, args.backend)
        report.table(f"new cells, population {seed}", own)
        worst = [max(abs(float(x)) for k, x in row.items() if k.endswith("(%)")) for row in own]
        report.bar("conductances within 2 %", [w <= 2.0 for w in worst])
        report.bar("under 5 s", [float(row["seconds"]) < 5.0 for row in own])  # type: ignore[arg-type]
    report.text(
        "A gate and its conductance are only seen as a product, so the mean conductance of the "
        "population is taken as known: that of the squid axon. The drawn cells' own mean is off it "
        "by about 1 %, and so is then each k.g."
    )
    return report.finish()


if __name__ == "__main__":
    sys.exit(main())
