"""A current that the neuron was not told of, found from the voltage alone.

A cortical cell with an M current (slow), and the neuron of Connor and Stevens with its A current
(transient). The neuron that is fitted has neither; a `NeuralCurrent` with one gate of its own (M)
or two (A), all of them networks, stands for what is missing. Steps and noise are trained on,
other steps and noise of another seed held out.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass

import numpy as np
from learning import Report, Row, each_seed, parser, prepare, settled

import pyhodgkin as ph
from pyhodgkin import Stage
from pyhodgkin.neuron.channels import NeuralCurrent
from pyhodgkin.neuron.gates import Gate

DT = 0.05  # ms between samples


@dataclass(frozen=True)
class Case:
    """A neuron, its current that nobody is told of, and what is injected (µA/cm²)."""

    title: str
    neuron: str
    missing: str
    gates: int
    steps: tuple[float, ...]
    others: tuple[float, ...]
    length: float  # ms
    noise: tuple[float, float]  # mean and standard deviation


CASES = {
    "M": Case("M current", "pospischil_rs", "km", 1, (1.0, 2.0, 4.0, 6.0), (1.5, 3.0, 5.0), 300.0,
              (2.0, 2.5)),
    "A": Case("A current", "connor_stevens", "a", 2, (4.0, 10.0, 15.0, 25.0), (8.5, 12.0, 20.0),
              100.0, (10.0, 8.0)),
}  # fmt: skip


def protocols(case: Case) -> tuple[list[ph.CurrentClamp], list[ph.CurrentClamp]]:
    """Trained on, and held out (twice as long)."""
    sets = []
    for seed, amplitudes, length in ((1, case.steps, 1.0), (2, case.others, 2.0)):
        end = length * case.length
        clamps = [
            ph.CurrentClamp.step(a, start=20.0, stop=end - 30.0, t_end=end) for a in amplitudes
        ]
        mean, sd = case.noise
        wave = ph.OrnsteinUhlenbeck(mean, sd, tau=5.0, dt=0.25, t_end=end, seed=seed)
        sets.append([*clamps, ph.CurrentClamp(wave, t_end=end)])
    return sets[0], sets[1]


def measured(cell: ph.Neuron, clamps: list[ph.CurrentClamp], backend: str) -> list[ph.Recording]:
    """What the true neuron shows: v alone."""
    found = [
        ph.simulate(cell, c, saveat=DT, backend=backend, rtol=1e-8, atol=1e-10) for c in clamps
    ]
    return [ph.Recording.from_solution(s, name=str(i)) for i, s in enumerate(found)]


def without(cell: ph.Neuron, case: Case) -> ph.Neuron:
    """The neuron that is fitted: a network current with its own gates for the one left out."""
    kinetics = [
        ph.NeuralKinetics("steady_state", ph.Network.create((1, 16, 16, 2), seed=i))
        for i in range(case.gates)
    ]
    gates = tuple(Gate(f"x{i + 1}", k) for i, k in enumerate(kinetics))
    current = ph.Network.create((1 + case.gates, 16, 16, 1), seed=9)
    unknown = NeuralCurrent("unknown", current, gates, scale=5.0)
    return cell.without_channel(case.missing).with_channel(unknown)


def schedule() -> list[Stage]:
    """A simple current searched, networks refined on the balance of currents, then simulated.

    Between spikes the current is small beside those of a spike, hence the absolute error. That
    stage ends about where the true neuron is, whose error is that of v between its samples; what
    a slow current has to do with late spikes only a simulation tells.
    """
    small, loose = ph.Loss("huber", delta=0.003), {"rtol": 1e-5, "atol": 1e-7}
    return [
        Stage("clamped", "levenberg", 30, loss=small, multistart=128),
        Stage("simulation", "levenberg", 40, patience=10, options=loose),
    ]


def main() -> int:
    arguments = parser(__doc__, seeds=5)
    arguments.add_argument("--case", choices=(*CASES, "all"), default="all")
    args = settled(arguments.parse_args())
    report = Report("learn_missing_current", "A current that the neuron was not told of", args)
    prepare(args)
    for case in CASES.values() if args.case == "all" else [CASES[args.case]]:
        one(case, report, args)
    report.text(
        "The schedule was chosen on seeds 100 and 101, by the recordings trained on and by other "
        "steps and noise than those held out."
    )
    return report.finish()


def one(case: Case, report: Report, args) -> None:
    """One missing current: a table and its bars."""
    true = ph.library.get(case.neuron)
    train, held = (measured(true, clamps, args.backend) for clamps in protocols(case))
    start, logs = without(true, case), []
    blind = ph.evaluate(
        true.without_channel(case.missing), [], heldout=held, backend=args.backend
    ).scores

    def run(seed: int) -> Row:
        fitted = ph.fit(
            start, train, seeds=[seed], schedule=schedule(), backend=args.backend, progress=False
        )
        logs.append(fitted.log)
        scores = ph.evaluate(fitted.neuron, [], heldout=held, backend=args.backend).scores
        return {
            "in sample (mV)": float(np.mean(fitted.train_error.rmse)),
            "spikes": " ".join(f"{s.spikes_predicted}/{s.spikes_measured}" for s in scores),
            "count right": all(s.spikes_predicted == s.spikes_measured for s in scores),
            "lowest Γ": min(s.gamma for s in scores),
            "RMSE (mV)": float(np.mean([s.rmse for s in scores])),
            "finite": bool(np.all(np.isfinite(fitted.theta))),
        }

    rows = each_seed(args, run)
    report.table(case.title, rows)
    report.text(
        f"`{case.neuron}` without its current `{case.missing}`; trained on steps of "
        f"{', '.join(f'{a:g}' for a in case.steps)} µA/cm² and noise, {case.length:g} ms each, v "
        f"every {DT} ms; held out are steps of {', '.join(f'{a:g}' for a in case.others)} µA/cm² "
        f"and noise of another seed, {2 * case.length:g} ms each. Spikes are predicted/measured on "
        "each; the neuron without the current predicts "
        + " ".join(f"{s.spikes_predicted}/{s.spikes_measured}" for s in blind)
        + f" there, RMSE {np.mean([s.rmse for s in blind]):.1f} mV."
    )
    report.bar(f"{case.title}: held-out spike counts right", [row["count right"] for row in rows])
    report.bar(f"{case.title}: no NaN", [row["finite"] for row in rows])
    report.text("What the first fit said: " + "; ".join(logs[0]))


if __name__ == "__main__":
    sys.exit(main())
