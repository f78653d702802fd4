"""Networks against conductances on real recordings: hERG cell 1 and a current-clamped neuron.

    python benchmarks/learn_recordings.py herg [--backend julia] [--seeds 5] [--quick] [--write]
    python benchmarks/learn_recordings.py cell [the same] [--starts 6]

The recordings are looked for in ../shared/data beside this repository; ``--data`` says where else.

hERG cell 1 (Beattie et al. 2018, doi 10.1113/JP275733): the sine wave is trained on by `fit` with
its defaults, the seven sweeps of Pr3 are predicted, nothing masked.

Cell A (pyABF's example recordings): 17 sweeps of 3 s, each with two steps of -100 to 300 pA.
Every second sweep is trained on, the others are predicted. Conductance-based neurons are fitted
first, from several starts; to the one that describes the training sweeps best a current is then
added that a network learns. Both go through the same stages (see recordings_cell.py).
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import recordings_cell as cells
import recordings_cell_sweeps as sweeps_of_cell
from learning import Report, Row, each_seed, parser, settled

import pyhodgkin as ph

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
FURTHER = 2  # of the neurons with conductances only
SINE, PR3 = 0.0120, 0.0300  # nA


def main() -> int:
    own = parser(__doc__, seeds=5)
    own.add_argument("part", choices=("herg", "cell"))
    own.add_argument("--data", type=Path, default=DATA)
    own.add_argument("--starts", type=int, default=6, help="of the conductances (cell)")
    own.add_argument("--keep", type=Path, help="a folder for what is fitted, not to fit it again")
    args = settled(own.parse_args())
    if args.quick:
        args.starts = 2
    return herg(args) if args.part == "herg" else cell(args)


def herg(args) -> int:
    report = Report("learn_recordings_herg", "hERG cell 1: a protocol never seen", args)
    with np.load(args.data / "herg_cell1.npz") as file:
        data = {name: np.atleast_2d(file[name]).astype(float) for name in file if "_" in name}
    (sine,) = clamped(data["V_sine_mV"], data["I_sine_nA"], "sine wave")
    pr3 = clamped(data["V_pr3_mV"], data["I_pr3_nA"], "Pr3")
    published = ph.library.get("herg_beattie")
    hybrid = published
    for gate in ("a", "r"):
        network = ph.Network.create((1, 16, 16, 2), zero_last=True)
        prior = published.gate(gate).kinetics
        hybrid = hybrid.replace_gate(gate, ph.NeuralKinetics("residual", network, prior=prior))

    def judged(neuron: ph.Neuron) -> Row:
        found = ph.evaluate(neuron, sine, heldout=pr3, backend=args.backend)
        sweeps = [score.mae for score in found.select("held out")]
        return {
            "sine wave, MAE (nA)": found.mean("training")["mae"],
            "Pr3, MAE (nA)": float(np.mean(sweeps)),
            "worst sweep of Pr3 (nA)": max(sweeps),
        }

    def run(seed: int) -> Row:
        fitted = ph.fit(
            hybrid, sine.masked_after_steps(5.0), seeds=[seed], backend=args.backend, progress=False
        )
        return judged(fitted.neuron)

    trained = ["rates", "kr.g"]
    rates = ph.fit(
        published,
        sine.masked_after_steps(5.0),
        trainable=trained,
        backend=args.backend,
        progress=False,
    )
    known: list[Row] = [{"model": "nine parameters by `fit`", **judged(rates.neuron)}]
    report.table("Hodgkin and Huxley's a·r, without networks", known)
    report.text("Published for this cell: 0.0159 nA on the sine wave, 0.0332 nA on Pr3.")
    rows = each_seed(args, run)
    report.table("Networks in both gates, `fit` with its defaults", rows)
    report.text(
        "No run sees Pr3. The strength of the smoothness penalty was chosen by holding out 200 ms "
        "blocks of the sine wave; its form was compared on Pr3 when it was designed. The worst "
        "sweep is the step to 0 mV, which Hodgkin-Huxley predicts better."
    )
    for column, bar in (("sine wave, MAE (nA)", SINE), ("Pr3, MAE (nA)", PR3)):
        report.bar(f"{column} at most {bar:.4f}", [float(row[column]) <= bar for row in rows])
    return report.finish()


def clamped(v, current, name: str) -> list[ph.Recording]:
    """One recording for each row, at 10 kHz."""
    t = 0.1 * np.arange(v.shape[1])
    return [
        ph.Recording(
            t,
            ph.VoltageClamp.sampled(t, row),
            current=seen,
            current_unit="nA",
            name=f"{name} {i}" if len(v) > 1 else name,
        )
        for i, (row, seen) in enumerate(zip(v, current, strict=True))
    ]


def cell(args) -> int:
    report = Report("learn_recordings_cell", "Cell A: half of the sweeps, the other half", args)
    train, held, resistance = sweeps_of_cell.sweeps(args.data / "pyabf_cellA_ic_steps.npz")
    report.text(
        f"Trained on {', '.join(r.name for r in train)}; held out "
        f"{', '.join(r.name for r in held)}. "
        f"The electrode's {1e3 * resistance:.2f} MΩ, from the jumps of v at the steps of the "
        "training sweeps, is taken out of v. Γ and matches within 4 ms, averaged over the sweeps "
        "with spikes; sub-threshold RMSE from 2 ms before to 5 ms after a spike left out."
    )

    def judged(neuron: ph.Neuron) -> Row:
        found = ph.evaluate(neuron, train, heldout=held, gamma_window=4.0, backend=args.backend)
        out: Row = {}
        for role, short in (("training", "train"), ("held out", "held out")):
            mean = found.mean(role)
            out[f"Γ, {short}"] = mean["gamma"]
            out[f"count error, {short}"] = mean["spike_count_error"]
            out[f"sub-threshold RMSE (mV), {short}"] = mean["subthreshold_rmse"]
        return out

    def fitted(name: str, neuron: ph.Neuron, fit: Callable) -> tuple[Row, ph.Neuron, float]:
        neuron, seconds = kept(args.keep, name, neuron, lambda x: fit(x, train, args.backend))
        loss = cells.loss_of(neuron, train, args.backend)
        print("  ", name, f"loss {loss:.3g}, {seconds:.0f} s", file=sys.stderr, flush=True)
        return {"loss": loss, **judged(neuron), "fit (s)": seconds}, neuron, loss

    searched, found = [], []
    for name, start, neuron in cells.starts(args.starts):
        row, neuron, loss = fitted(f"driven_{name}_{start}", neuron, cells.driven)
        searched.append({"structure": name, "start": start, **row})
        found.append((loss, len(found), f"{name}_{start}", neuron))
    report.table("Conductances only, driven by the measured v", searched)
    earlier = cells.before()
    best = [(cells.loss_of(earlier, train, args.backend), -1, earlier)]
    named: Row = {"structure": earlier.name, "start": "an earlier fit", "loss": best[0][0]}
    further: list[Row] = [{**named, **judged(earlier)}]
    for _, i, name, neuron in sorted(found)[:FURTHER]:
        row, neuron, loss = fitted(f"simulated_{name}", neuron, cells.simulated)
        named = {x: searched[i][x] for x in ("structure", "start")}
        further.append({**named, **row})
        best.append((loss, i, neuron))
    *_, best = min(best)
    # A network is added to the best of these, which is then trained as long as without it.
    row, without, _ = fitted("further", best, cells.simulated)
    further.append({"structure": best.name, "start": "the best of these, further", **row})
    report.table("The best of these, simulated", further)

    def run(seed: int) -> Row:
        return fitted(f"network_{seed}", cells.hybrid(best, seed), cells.simulated)[0]

    rows = each_seed(args, run)
    report.table("With a current that a network learns, added to the best of these", rows)
    alone = judged(without)
    report.table("The best conductance-based neuron, by its loss on the training sweeps", [alone])
    for column, sign in (
        ("Γ, held out", 1),
        ("count error, held out", -1),
        ("sub-threshold RMSE (mV), held out", -1),
    ):
        ahead = [sign * (float(row[column]) - float(alone[column])) for row in rows]
        report.bar(f"{column}: better than without networks", [x > 0 for x in ahead])
        report.bar(f"{column}: not worse than without networks", [x >= 0 for x in ahead])
        report.bar(f"{column}: better in the mean of the seeds", [float(np.mean(ahead)) > 0])
    chosen = min(rows, key=lambda row: float(row["loss"]))
    report.text(f"The seed with the least loss on the training sweeps is {chosen['seed']}.")
    return report.finish()


def kept(
    folder: Path | None, name: str, neuron: ph.Neuron, fit: Callable[[ph.Neuron], ph.Neuron]
) -> tuple[ph.Neuron, float]:
    """What `fit` makes of a neuron, and the seconds; from a file where there is one."""
    path = None if folder is None else folder / f"{name}.npz"
    if path is not None and path.exists():
        with np.load(path) as file:
            return neuron.with_theta(file["theta"]), float(file["seconds"])
    began = time.perf_counter()
    neuron = fit(neuron)
    seconds = time.perf_counter() - began
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        np.savez(path, theta=neuron.theta, seconds=seconds)
    return neuron, seconds


if __name__ == "__main__":
    raise SystemExit(main())
