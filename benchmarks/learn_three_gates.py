"""All three gates of the squid axon at once, from the voltage alone.

Trained on six step currents and one noise current; held out are four other steps, noise of
another seed, and a chirp. Every gate is a 2x32 tanh network (form "steady_state"); conductances,
reversals and the capacitance are known, hidden gates are not.
"""

from __future__ import annotations

import sys

import numpy as np
from learning import Report, Row, arguments, each_seed, prepare

import pyhodgkin as ph
from pyhodgkin import Stage

DT = 0.05  # ms between samples
GATES = ("n", "m", "h")
STEPS = (3.0, 7.0, 12.0, 20.0, 30.0, 45.0)
OTHERS = (5.0, 10.0, 16.0, 37.0)


def protocols() -> tuple[list[ph.CurrentClamp], list[ph.CurrentClamp]]:
    """Trained on, and held out."""
    train = [ph.CurrentClamp.step(a, start=5.0, stop=45.0, t_end=50.0) for a in STEPS]
    held = [ph.CurrentClamp.step(a, start=5.0, stop=75.0, t_end=100.0) for a in OTHERS]
    chirp = ph.Chirp(10.0, f_start=5.0, f_stop=100.0, start=10.0, stop=200.0, baseline=3.0)
    held.append(ph.CurrentClamp(chirp, t_end=200.0))
    return [*train, noise(1)], [*held, noise(2)]


def noise(seed: int) -> ph.CurrentClamp:
    """Ornstein-Uhlenbeck noise, µA/cm²."""
    wave = ph.OrnsteinUhlenbeck(mean=8.0, sd=10.0, tau=3.0, dt=0.1, t_end=200.0, seed=seed)
    return ph.CurrentClamp(wave, t_end=200.0)


def measured(cell: ph.Neuron, clamps: list[ph.CurrentClamp], backend: str) -> list[ph.Recording]:
    """What the true neuron shows: v alone."""
    found = [
        ph.simulate(cell, c, saveat=DT, backend=backend, rtol=1e-8, atol=1e-10) for c in clamps
    ]
    return [ph.Recording.from_solution(s, name=str(i)) for i, s in enumerate(found)]


def unknown(cell: ph.Neuron, gates: tuple[str, ...] = GATES) -> ph.Neuron:
    """The neuron with a network in the place of each gate."""
    for i, gate in enumerate(gates):
        network = ph.Network.create((1, 32, 32, 2), seed=i)
        cell = cell.replace_gate(gate, ph.NeuralKinetics("steady_state", network))
    return cell


def schedule() -> list[Stage]:
    """Simple gates searched, networks refined on the ionic current, then simulated."""
    loose, robust = {"rtol": 1e-5, "atol": 1e-7}, ph.Loss("huber", delta=0.02)
    return [
        Stage("clamped", "lbfgs", 100, lr=0.1, loss=robust, multistart=512),
        Stage("clamped", "levenberg", 30, loss=robust),
        Stage("simulation", "levenberg", 20, target=1e-7, options=loose),
    ]


def visited(recordings: list[ph.Recording]) -> np.ndarray:
    """Voltages between the 1 % and the 99 % quantile of the samples trained on."""
    v = np.concatenate([r.data for r in recordings])
    return np.linspace(*np.quantile(v, [0.01, 0.99]), 200)


def curve_errors(found: ph.Neuron, true: ph.Neuron, v: np.ndarray) -> Row:
    """Largest absolute error of x_inf, largest relative error of tau, over `v`."""
    row: Row = {}
    for gate in GATES:
        a, b = found.gate(gate).kinetics, true.gate(gate).kinetics
        row[f"{gate}_inf"] = float(np.max(np.abs(a.x_inf(v) - b.x_inf(v))))
        row[f"tau_{gate} (%)"] = float(100.0 * np.max(np.abs(a.tau(v) / b.tau(v) - 1.0)))
    return row


def main() -> int:
    args = arguments(__doc__, seeds=10)
    report = Report("learn_three_gates", "Three gates at once, from the voltage alone", args)
    prepare(args)
    true = ph.library.get("squid_axon")
    train, held = (measured(true, clamps, args.backend) for clamps in protocols())
    v, start, logs = visited(train), unknown(true), []

    def run(seed: int) -> Row:
        fitted = ph.fit(
            start, train, seeds=[seed], schedule=schedule(), backend=args.backend, progress=False
        )
        logs.append(fitted.log)
        scores = ph.evaluate(fitted.neuron, [], heldout=held, backend=args.backend).scores
        return {
            "in sample (mV)": float(np.mean(fitted.train_error.rmse)),
            "lowest Γ": min(s.gamma for s in scores),
            "mean Γ": float(np.mean([s.gamma for s in scores])),
            "RMSE (mV)": float(np.mean([s.rmse for s in scores])),
            "worst RMSE (mV)": max(s.rmse for s in scores),
            **curve_errors(fitted.neuron, true, v),
            "finite": bool(np.all(np.isfinite(fitted.theta))),
        }

    rows = each_seed(args, run)
    report.text(
        f"Trained on steps of {', '.join(f'{a:g}' for a in STEPS)} µA/cm² (50 ms each) and 200 ms "
        f"of noise (Ornstein-Uhlenbeck, mean 8, sd 10 µA/cm², 3 ms), v every {DT} ms without "
        f"noise. Held out: steps of {', '.join(f'{a:g}' for a in OTHERS)} µA/cm² (100 ms), a chirp "
        "of 5 to 100 Hz and noise of another seed (200 ms). Γ within 2 ms; the mean and the worst "
        "of the held-out recordings. Curves: largest error over the voltages visited, from the "
        f"1 % to the 99 % quantile of the samples trained on ({v[0]:.1f} to {v[-1]:.1f} mV)."
    )
    report.table("", rows)
    report.bar("every Γ at least 0.95 held out", [row["lowest Γ"] >= 0.95 for row in rows])
    report.bar("RMSE below 3 mV on every held-out recording",
               [row["worst RMSE (mV)"] < 3.0 for row in rows])  # fmt: skip
    report.bar("x_inf of every gate within 0.03",
               [max(row[f"{g}_inf"] for g in GATES) <= 0.03 for row in rows])  # fmt: skip
    report.bar("tau of every gate within 15 %",
               [max(row[f"tau_{g} (%)"] for g in GATES) <= 15.0 for row in rows])  # fmt: skip
    report.bar("no NaN", [row["finite"] for row in rows])
    report.text("What the first fit said: " + "; ".join(logs[0]))
    return report.finish()


if __name__ == "__main__":
    sys.exit(main())
