"""How closely a 32x2 network is set to published-like gates by `distill`.

    python benchmarks/distill.py [--gates 60] [--steps 300] [--pairs FILE.npz] [--write]

Without a file the gates are drawn: x_inf a Boltzmann function, tau one of the forms in common use
(two exponentials, a bell, a sigmoid, a constant), from 0.01 ms to seconds. A file has arrays `v`
(n,) in mV and `x`, `tau` (gates, n).
"""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
from learning import Report, Row, parser, settled

import pyhodgkin as ph

PERCENTILES = (50, 90, 100)


def main() -> int:
    own = parser(__doc__, seeds=1)
    own.add_argument("--gates", type=int, default=60)
    own.add_argument("--steps", type=int, default=300)
    own.add_argument("--pairs", type=Path, help="curves from a file")
    args = settled(own.parse_args())
    args.gates = 10 if args.quick else args.gates
    name = "distill" if args.pairs is None else "distill_public"
    report = Report(name, "A 32x2 network set to curves of gates", args)
    v, x, tau = drawn(args.gates) if args.pairs is None else read(args.pairs, args.gates)
    outside = np.mean((tau.min(axis=1) < 0.02) | (tau.max(axis=1) > 500.0))
    report.text(f"{len(x)} gates; {100 * outside:.0f} % of them have a tau outside 0.02 to 500 ms.")
    rows, began = [], time.process_time()
    for one, other in zip(x, tau, strict=True):
        found = ph.distill(ph.Network.create((1, 32, 32, 2)), (one, other), v=v, steps=args.steps)
        rows.append(found.errors)
    each = (time.process_time() - began) / len(rows)
    table: list[Row] = []
    for p in PERCENTILES:
        label = {50: "median", 90: "90th percentile", 100: "worst"}[p]
        numbers = {k: float(np.percentile([r[k] for r in rows], p)) for k in rows[0]}
        table.append({"": label, **{k: f"{n:.2g}" for k, n in numbers.items()}})
    report.table(f"{args.steps} steps, {each:.1f} s of CPU a gate", table)
    for key, wanted in (("x_inf_mse", (1.7e-10, 5e-9)), ("tau_nrmse", (9e-4, 0.015))):
        for p, limit in zip(PERCENTILES, wanted, strict=False):
            value = float(np.percentile([r[key] for r in rows], p))
            report.below(f"{key}, percentile {p}", value, limit)
    return report.finish()


def drawn(gates: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng, v = np.random.default_rng(0), np.linspace(-120.0, 60.0, 181)
    x, tau = [], []
    for i in range(gates):
        half, slope = rng.uniform(-80.0, 10.0), rng.choice([-1, 1]) * rng.uniform(3.0, 18.0)
        x.append(1.0 / (1.0 + np.exp(-(v - half) / slope)))
        u, size = (
            v - half - rng.uniform(-15.0, 15.0),
            np.exp(rng.uniform(np.log(0.05), np.log(2e3))),
        )
        a, b, floor = rng.uniform(8.0, 30.0), rng.uniform(8.0, 30.0), rng.uniform(0.02, 0.3)
        bells = (
            floor + 2.0 / (np.exp(u / a) + np.exp(-u / b)),
            floor + np.exp(-((u / (2.0 * a)) ** 2)),
            floor + 1.0 / (1.0 + np.exp(u / a)),
            np.ones_like(v),
        )
        tau.append(size * bells[i % 4])
    return v, np.array(x), np.array(tau)


def read(path: Path, gates: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    with np.load(path) as file:
        v, x, tau = file["v"], file["x"], file["tau"]
    some = np.sort(np.random.default_rng(0).permutation(len(x))[:gates])
    return v, x[some], tau[some]


if __name__ == "__main__":
    raise SystemExit(main())
