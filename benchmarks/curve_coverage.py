"""Whether 90 % bands of learned curves hold 90 % of the true curves, by voltage.

    python benchmarks/curve_coverage.py [--gates 20] [--mixtures] [--refits 0] [--write]

Each gate is drawn: x_inf a Boltzmann function, or with ``--mixtures`` for every second gate a
mixture of two, which the prior of the bands does not leave free; tau of one of the common forms.
Its current under a family of steps, with noise of 2 % of the largest, is fitted by `fit` with its
defaults, and the bands are compared with the true curves. ``--refits N`` simulates and fits the
first gate N more times, and compares the spread of the curves with the bands.
"""

from __future__ import annotations

import sys
from collections.abc import Callable

import numpy as np
from learning import Report, Row, parser, settled

import pyhodgkin as ph

V = np.arange(-110.0, 50.0, 5.0)
NOISE, LEVEL = 0.02, 0.9
Gate = dict[str, Callable[[np.ndarray], np.ndarray]]


def main() -> int:
    own = parser(__doc__, seeds=1)
    own.add_argument("--gates", type=int, default=20)
    own.add_argument("--mixtures", action="store_true")
    own.add_argument("--refits", type=int, default=0)
    args = settled(own.parse_args())
    args.gates = 4 if args.quick else args.gates
    report = Report("curve_coverage", "Bands of learned curves against the truth", args)
    rows, inside = [], {"x_inf": [], "tau": []}
    for i in range(args.gates):
        gate = drawn(i, args.mixtures)
        result, noise = fitted(gate, seed=i, backend=args.backend)
        row: Row = {"gate": i, "residual/noise": float(result.train_error.rmse.mean()) / noise}
        for kind in ("x_inf", "tau"):
            curve = result.curve_bands()[f"x.{kind}"]
            band, truth = curve.band(LEVEL), gate[kind](curve.v)
            within = (band.low <= truth) & (truth <= band.high)
            at = curve.determined
            inside[kind].append(np.stack([np.interp(V, curve.v, q) > 0.5 for q in (within, at)]))
            row[f"{kind}: covered in support (%)"] = 100 * float(within[at].mean())
            row[f"{kind}: support (% of voltages)"] = 100 * float(at.mean())
            row[f"{kind}: covered elsewhere (%)"] = 100 * float(within[~at].mean())
            off = np.log(band.value / truth) if kind == "tau" else band.value - truth
            row[f"{kind}: rms error in support"] = float(np.sqrt(np.mean(off[at] ** 2)))
        print(i, file=sys.stderr, flush=True)
        rows.append(row)
    report.table("Each gate", rows)
    for kind, found in inside.items():
        within, at = np.array(found).transpose(1, 0, 2)
        table: list[Row] = [
            {
                "v (mV)": f"{a:g} to {b:g}",
                "gates determined (mean)": float(at[:, p].sum() / p.sum()),
                "covered in support (%)": _share(within[:, p], at[:, p]),
                "covered elsewhere (%)": _share(within[:, p], ~at[:, p]),
            }
            for a, b in zip(V[::4], V[::4] + 20.0, strict=True)
            for p in [(V >= a) & (V < b)]
        ]
        report.table(f"{kind}, by voltage", table)
        total = _share(within, at)
        report.bar(f"{kind}: 85 to 95 % of the points in the support are covered ({total:.1f} %)",
                   [85.0 <= total <= 95.0])  # fmt: skip
    if args.refits:
        refits(report, args)
    return report.finish()


def refits(report: Report, args) -> None:
    """The spread of refits of resampled data against the bands."""
    gate, found = drawn(0, args.mixtures), []
    result, _ = fitted(gate, seed=0, backend=args.backend)
    for k in range(args.refits):
        found.append(fitted(gate, seed=1000 + k, backend=args.backend)[0].neuron.gate("x").kinetics)
    table: list[Row] = []
    for kind in ("x_inf", "tau"):
        curve = result.curve_bands()[f"x.{kind}"]
        for v in (-80.0, -60.0, -40.0, -20.0, 0.0, 20.0):
            values = np.array([float(getattr(k, kind)(v)) for k in found])
            band, j = curve.band(LEVEL), int(np.argmin(np.abs(curve.v - v)))
            table.append({
                "curve": kind, "v (mV)": v, "determined": str(bool(curve.determined[j])),
                "band": f"{band.low[j]:.3g} to {band.high[j]:.3g}",
                "5 to 95 % of refits": "{:.3g} to {:.3g}".format(*np.percentile(values, [5, 95])),
            })  # fmt: skip
    report.table(f"{args.refits} refits of resampled data, gate 0", table)


def drawn(i: int, mixtures: bool) -> Gate:
    rng = np.random.default_rng(100 + i)
    half, slope = rng.uniform(-60.0, 0.0), rng.choice([-1, 1]) * rng.uniform(5.0, 14.0)
    middle, size = half + rng.uniform(-12.0, 12.0), np.exp(rng.uniform(np.log(2.0), np.log(25.0)))
    a, b = rng.uniform(12.0, 30.0), rng.uniform(12.0, 30.0)

    def tau(v):
        u = v - middle
        bells = (
            0.1 + 2.0 / (np.exp(u / a) + np.exp(-u / b)),
            0.15 + np.exp(-((u / (2.0 * a)) ** 2)),
            0.2 + 1.0 / (1.0 + np.exp(u / a)),
        )
        return size * bells[i % 3]

    share, apart, times = rng.uniform(0.5, 0.8), rng.uniform(-18.0, 18.0), rng.uniform(0.6, 1.8)

    def x_inf(v):
        one, other = (
            1.0 / (1.0 + np.exp(-(v - h) / k))
            for h, k in ((half, slope), (half + apart, times * slope))
        )
        return share * one + (1.0 - share) * other if mixtures and i % 2 else one

    return {"x_inf": x_inf, "tau": tau}


def fitted(gate: Gate, seed: int, backend: str) -> tuple[ph.FitResult, float]:
    """A network fitted to the noisy currents of a gate, and the noise."""
    net = ph.Network.create((1, 32, 32, 2))
    true = ph.distill(net, (gate["x_inf"], gate["tau"]), v=(-130.0, 70.0)).kinetics
    unknown = ph.NeuralKinetics("steady_state", ph.Network.create((1, 16, 16, 2), seed=seed))

    def cell(kinetics: ph.NeuralKinetics) -> ph.Neuron:
        channel = ph.Channel("c", g=1.0, e=-95.0, gates=(ph.Gate("x", kinetics),))
        return ph.Neuron("virtual", c_m=1.0, channels=(channel,), current_unit="uA/cm2")

    protocols = [
        ph.VoltageClamp.sampled(*steps(v, hold))
        for hold in (-90.0, 20.0)
        for v in np.arange(-100.0, 41.0, 20.0)
    ]
    traces = ph.simulate(cell(true), protocols, saveat=0.5, backend=backend)
    clean = [ph.Recording.from_solution(s) for s in traces]
    noise = NOISE * max(float(np.abs(r.data).max()) for r in clean)
    noisy = [
        ph.Recording.from_solution(s, noise=noise, seed=1000 * seed + k, name=f"step {k}")
        for k, s in enumerate(traces)
    ]
    return ph.fit(cell(unknown), noisy, backend=backend, progress=False), noise


def steps(v: float, hold: float) -> tuple[np.ndarray, np.ndarray]:
    t = np.array([0.0, 10.0, 10.001, 110.0, 110.001, 160.0])
    return t, np.array([hold, hold, v, v, -60.0, -60.0])


def _share(within: np.ndarray, at: np.ndarray) -> float:
    return 100.0 * float(within[at].mean()) if at.any() else float("nan")


if __name__ == "__main__":
    raise SystemExit(main())
