"""Stimulus to voltage as an operator: one rectangular pulse in, 100 ms of voltage out.

A squid-type neuron at rest at -75 mV (the squid axon, all voltages 10 mV lower); pulses with
random beginning, end and amplitude in [0, 10] µA/cm², 100 ms, v at 500 points. All three gates are
unknown (2x32 tanh networks) and trained on 50 traces of v. Judged by the mean relative L2 error on
400 pulses never seen. A Fourier neural operator reached 1.4 % after 1,600 traces.

Samples are 0.2 ms apart: what polynomials make of a spike between them is off by up to 5 mV, so
the ionic current leads to gates that are somewhat wrong. These are held by an observer, let go, and
then say themselves what v does between the samples, to 0.5 mV; from that gates are learned anew.
"""

from __future__ import annotations

import sys
from dataclasses import replace

import numpy as np
from learn_three_gates import GATES, unknown
from learning import Report, Row, arguments, each_seed, prepare

import pyhodgkin as ph
from pyhodgkin import Stage, upsample_with_model
from pyhodgkin.neuron.rates import Exponential, Linoid, Sigmoid

SHIFT, T_END, POINTS = -10.0, 100.0, 500  # mV, ms
TRAIN, FIRST, UNSEEN = 50, 12, 400


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


def measured(cell: ph.Neuron, clamps: list[ph.CurrentClamp], backend: str) -> list[ph.Recording]:
    """v at 500 points."""
    t = np.linspace(0.0, T_END, POINTS)
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
# A trace that is so far off has a spike too many or too few. Nothing else is learned while the
# steps are made small enough for it, so at first it is left out.
FAR = 3.0  # %
# Another search is made where the traces trained on are not met within so much: of good ones 0.1 %
# and less is left. What is unseen has no say in it.
ENOUGH, SEARCHES = 0.25, 3  # %


def rough() -> list[Stage]:
    """Simple gates searched, refined on the ionic current, held ever less, let go."""
    robust = ph.Loss("huber", delta=0.02)
    held = Stage("observer", "levenberg", 12, gain=3.0, options=LOOSE)
    return [
        Stage("clamped", "lbfgs", 100, lr=0.1, loss=robust, multistart=512),
        Stage("clamped", "levenberg", 15, loss=robust),
        *(replace(held, gain=gain) for gain in (3.0, 1.0, 0.3)),
        Stage("simulation", "levenberg", 30, options=LOOSE),
    ]


def anew() -> list[Stage]:
    """The same where v between the samples is known better."""
    robust = ph.Loss("huber", delta=0.02)
    return [
        Stage("clamped", "lbfgs", 100, lr=0.1, loss=robust, multistart=512),
        Stage("clamped", "levenberg", 15),
        Stage("observer", "levenberg", 10, gain=0.3, options=LOOSE),
        Stage("simulation", "levenberg", 10, options=LOOSE),
    ]


def then(steps: int) -> list[Stage]:
    """Simulated: what hardly reaches the threshold, or hardly does not, tells where that is."""
    return [Stage("simulation", "levenberg", steps, target=1e-6, options=LOOSE)]


def main() -> int:
    args = arguments(__doc__, seeds=5)
    report = Report("learn_operator", "Stimulus to voltage as an operator", args)
    prepare(args)
    true = neuron()
    unseen = measured(true, pulses(UNSEEN, seed=1_000), args.backend)
    logs = []

    def run(seed: int) -> Row:
        clamps = pulses(TRAIN, seed)
        train = measured(true, clamps, args.backend)
        # All of them rest at the start, also those whose pulse begins within the first sample.
        options = {"backend": args.backend, "progress": False, "fit_initial": False}

        def near(cell: ph.Neuron, recordings: list[ph.Recording]) -> list[ph.Recording]:
            off = 100.0 * errors(cell, recordings, args.backend)
            return [r for r, x in zip(recordings, off, strict=True) if x < FAR] or recordings

        best, least, said = unknown(true), np.inf, ()
        for turn in range(SEARCHES):
            start = {"seeds": [seed + 1_000 * turn], **options}
            first = ph.fit(unknown(true), train[:FIRST], schedule=rough(), **start)
            seen = near(first.neuron, train[:FIRST])
            finer = upsample_with_model(first.neuron, seen, backend=args.backend)
            again = ph.fit(unknown(true), finer, schedule=anew(), **start)
            part = near(again.neuron, train)
            fitted = ph.fit(again.neuron, part, schedule=then(15), **options)
            fitted = ph.fit(fitted.neuron, train, schedule=then(40), **options)
            off = 100.0 * errors(fitted.neuron, train, args.backend)
            if off.mean() < least:
                best, inside, least = fitted.neuron, off, float(off.mean())
                said = (*first.log, *again.log, *fitted.log)
            if least < ENOUGH:
                break
        logs.append(said)
        off = 100.0 * errors(best, unseen, args.backend)
        return {
            "searches": turn + 1,
            "in sample (%)": float(inside.mean()),
            "worst of these (%)": float(inside.max()),
            "unseen, mean (%)": float(off.mean()),
            "median (%)": float(np.median(off)),
            "worst (%)": float(off.max()),
            "above 1 %": int(np.sum(off > 1.0)),
            "finite": bool(np.all(np.isfinite(best.theta)) and np.all(np.isfinite(off))),
        }

    rows = each_seed(args, run)
    report.text(
        f"The squid axon with every voltage {-SHIFT:g} mV lower, rest at -75 mV. Unknown are all "
        f"three gates; trained on {TRAIN} traces of {POINTS} points (other pulses for each seed), "
        f"first on {FIRST} of them; judged on {UNSEEN} pulses never seen: norm of the error of v "
        "over the norm of v, averaged over the traces."
    )
    report.table("", rows)
    report.bar("mean relative L2 error on unseen pulses below 0.5 %",
               [row["unseen, mean (%)"] < 0.5 for row in rows])  # fmt: skip
    report.bar("no NaN", [row["finite"] for row in rows])
    report.text("What the first fit said: " + "; ".join(logs[0]))
    return report.finish()


if __name__ == "__main__":
    sys.exit(main())
