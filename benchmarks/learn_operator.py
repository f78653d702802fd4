"""Stimulus to voltage as an operator: one rectangular pulse in, 100 ms of voltage out.

A squid-type neuron at rest at -75 mV (the squid axon, all voltages 10 mV lower); pulses with
random beginning, end and amplitude in [0, 10] µA/cm², 100 ms. All three gates are unknown (2x32
tanh networks) and trained on 50 traces of v: on 12 of them at 2,000 points, from which the ionic
current can be had, then on all at 500 points, simulated. Judged by the mean relative L2 error on
400 pulses never seen, at 500 points. A Fourier neural operator reached 1.4 % after 1,600 traces.

Traces of 500 points, a sample each 0.2 ms, do alone on some seeds only (see the page): between the
samples of a spike a cubic is off by up to 5 mV, so the ionic current leads to wrong gates.
"""

from __future__ import annotations

import sys
from dataclasses import replace

import numpy as np
from learn_three_gates import GATES, unknown
from learning import Report, Row, arguments, each_seed, prepare

import pyhodgkin as ph
from pyhodgkin.fit import Stage
from pyhodgkin.neuron.rates import Exponential, Linoid, Sigmoid

SHIFT, T_END, POINTS = -10.0, 100.0, 500  # mV, ms
# Some are seen more closely: a voltage every 0.2 ms hardly shows the fastest gate.
TRAIN, CLOSELY, FINE, UNSEEN = 50, 12, 2_000, 400


def neuron() -> ph.Neuron:
    """The squid axon with every voltage 10 mV lower: it rests at -75 mV."""
    cell = ph.library.get("squid_axon")
    for gate in GATES:
        kinetics = cell.gate(gate).kinetics
        moved = {}
        for role, curve in kinetics.curves().items():
            assert isinstance(curve, (Exponential, Linoid, Sigmoid))
            moved[role] = replace(curve, v0=curve.v0 + SHIFT)
        cell = cell.replace_gate(gate, kinetics.with_curves(moved))
    for name in ("k", "na", "l"):
        cell = cell.replace_channel(
            name, replace(cell.channel(name), e=cell.channel(name).e + SHIFT)
        )
    return replace(cell, name="squid_at_75", v_rest=-75.0)


def pulses(count: int, seed: int) -> list[ph.CurrentClamp]:
    """Beginning and end are two uniform times, sorted; at least 1 ms apart."""
    rng, out = np.random.default_rng(seed), []
    while len(out) < count:
        start, stop = np.sort(rng.uniform(0.0, T_END, 2))
        amplitude = rng.uniform(0.0, 10.0)
        if stop - start >= 1.0:
            out.append(ph.CurrentClamp.step(amplitude, start=start, stop=stop, t_end=T_END))
    return out


def measured(
    cell: ph.Neuron, clamps: list[ph.CurrentClamp], backend: str, points: int = POINTS
) -> list[ph.Recording]:
    """v at so many points."""
    t = np.linspace(0.0, T_END, points)
    found = ph.simulate(cell, clamps, saveat=t, backend=backend, rtol=1e-8, atol=1e-10)
    return [ph.Recording(t, c, v=s.v, name=str(i))
            for i, (c, s) in enumerate(zip(clamps, found, strict=True))]  # fmt: skip


def errors(cell: ph.Neuron, recordings: list[ph.Recording], backend: str) -> np.ndarray:
    """Relative L2 error of each trace."""
    clamps = [r.protocol for r in recordings]
    found = ph.simulate(cell, clamps, saveat=recordings[0].t, backend=backend)
    return np.array(
        [
            np.linalg.norm(s.v - r.data) / np.linalg.norm(r.data)
            for s, r in zip(found, recordings, strict=True)
        ]
    )


LOOSE = {"rtol": 1e-5, "atol": 1e-7}
# Another search is made where the traces trained on are not met within so much: of good ones 0.1 %
# and less is left. What is unseen has no say in it.
ENOUGH, SEARCHES = 0.25, 3  # %


def first() -> list[Stage]:
    """Simple gates searched, refined on the ionic current, then simulated, at first held."""
    return [
        Stage("clamped", "lbfgs", 100, lr=0.1, loss=ph.Loss("huber", delta=0.02), search=512),
        Stage("clamped", "levenberg", 15),
        Stage("observer", "levenberg", 10, gain=0.3, options=LOOSE),
        Stage("simulation", "levenberg", 10, options=LOOSE),
    ]


def then() -> list[Stage]:
    """Simulated: what hardly reaches the threshold, or hardly does not, tells where that is."""
    return [Stage("simulation", "levenberg", 60, target=2e-6, options=LOOSE)]


def main() -> int:
    args = arguments(__doc__, seeds=5)
    report = Report("learn_operator", "Stimulus to voltage as an operator", args)
    prepare(args)
    true = neuron()
    unseen = measured(true, pulses(UNSEEN, seed=1_000), args.backend)
    logs = []

    def run(seed: int) -> Row:
        clamps = pulses(TRAIN, seed)
        few = measured(true, clamps[:CLOSELY], args.backend, FINE)
        train = measured(true, clamps, args.backend)
        # All of them rest at the start, also those whose pulse begins within the first sample.
        options = {"backend": args.backend, "progress": False, "fit_initial": False}
        for turn in range(SEARCHES):
            start = [seed + 1_000 * turn]
            begun = ph.fit(unknown(true), few, seeds=start, schedule=first(), **options)
            fitted = ph.fit(begun.neuron, train, schedule=then(), **options)
            inside = 100.0 * errors(fitted.neuron, train, args.backend)
            if inside.mean() < ENOUGH:
                break
        logs.append([*begun.log, *fitted.log])
        off = 100.0 * errors(fitted.neuron, unseen, args.backend)
        return {
            "searches": turn + 1,
            "in sample (%)": float(inside.mean()),
            "worst of these (%)": float(inside.max()),
            "unseen, mean (%)": float(off.mean()),
            "median (%)": float(np.median(off)),
            "worst (%)": float(off.max()),
            "above 1 %": int(np.sum(off > 1.0)),
            "finite": bool(np.all(np.isfinite(fitted.theta)) and np.all(np.isfinite(off))),
        }

    rows = each_seed(args, run)
    report.text(
        f"The squid axon with every voltage {-SHIFT:g} mV lower, rest at -75 mV. Unknown are all "
        f"three gates; trained on {TRAIN} traces of {POINTS} points (other pulses for each seed), "
        f"and before on {CLOSELY} of them at {FINE} points; judged on {UNSEEN} pulses never seen, "
        f"at {POINTS} points: norm of the error of v over the norm of v, averaged over the "
        "traces."
    )
    report.table("", rows)
    report.bar("mean relative L2 error on unseen pulses below 0.5 %",
               [row["unseen, mean (%)"] < 0.5 for row in rows])  # fmt: skip
    report.bar("no NaN", [row["finite"] for row in rows])
    report.text("What the first fit said: " + "; ".join(logs[0]))
    return report.finish()


if __name__ == "__main__":
    sys.exit(main())
