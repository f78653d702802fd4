"""A detailed layer-5 pyramidal cell as one compartment with a learned axial current.

    python benchmarks/reduced_cell.py --model FOLDER --neuron-python P [--backend torch julia]
        [--train 11] [--traces FOLDER]

FOLDER holds the cell of Hay et al. 2011 (ModelDB 139653: ``models/``, ``morphologies/``,
``mod/``) with its mechanisms compiled there by nrnivmodl; P is a Python with NEURON. Currents are
Ornstein-Uhlenbeck noise at the soma (mean 0.2 nA, standard deviation 0.4 nA, 5 ms), 2 s each;
NEURON integrates in steps of 0.0125 ms at second order after 500 ms of rest, and v is sampled every
0.025 ms. The reduced cell has the voltage-gated channels of the soma, read from the mechanisms, and
`with_axial_current`; it is fitted by `fit` as it is, and judged by noise of other seeds. Times are
those of the detailed cell at steps of 0.025 ms and of `simulate`, in turn. Traces are kept.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

import pyhodgkin as ph

SAMPLE, LENGTH, SETTLE, STEP = 0.025, 2000.0, 500.0, 0.0125  # ms
NOISE = {"mean": 0.2, "sd": 0.4, "tau": 5.0, "dt": 0.25}  # nA, ms
TESTED = (101, 102)  # seeds of noise
# S/cm² of the soma: L5PCbiophys3.hoc. SK depends on calcium: it is left to the learned current.
CONDUCTANCES = {
    "Ca_LVAst": 0.00343, "Ca_HVA": 0.000992, "SKv3_1": 0.693, "K_Tst": 0.0812, "K_Pst": 0.00223,
    "Nap_Et2": 0.00172, "NaTa_t": 2.04, "Ih": 0.0002,
}  # fmt: skip
REVERSALS = {"k": -85.0, "na": 50.0, "ca": 131.0}  # mV; that of calcium at rest
IONS = {"Ca_LVAst": "ca", "Ca_HVA": "ca", "NaTa_t": "na", "Nap_Et2": "na", "Ih": ""}


def soma(mechanisms: Path) -> ph.Neuron:
    """The soma alone: its channels from the mechanisms of the detailed cell."""
    channels = [ph.leak(0.0338, -90.0)]
    for name, g in CONDUCTANCES.items():
        ion = IONS.get(name, "k")
        channel = ph.read_channel(
            mechanisms / f"{name}.mod",
            e=REVERSALS[ion] if ion else None,
            celsius=34.0,
            parameters={f"g{name}bar": g},
        )
        gates = (ph.Gate(f"{name}_{x.name}", x.kinetics, x.power) for x in channel.gates)
        channels.append(channel.with_gates(tuple(gates)))
    return ph.Neuron("layer_5_soma", tuple(channels), c_m=1.0, v_rest=-77.2)


def currents(seeds: list[int]) -> np.ndarray:
    """(R, T), nA."""
    t = np.arange(0.0, LENGTH + SAMPLE / 2, SAMPLE)
    return np.array([ph.OrnsteinUhlenbeck(**NOISE, t_end=LENGTH, seed=s)(t) for s in seeds])


def detailed(args: argparse.Namespace, name: str, given: np.ndarray, dt: float, order: int) -> dict:
    """What NEURON finds; kept in a file."""
    folder = Path(args.traces)
    folder.mkdir(parents=True, exist_ok=True)
    jobs, out = folder / f"{name}_jobs.npz", folder / f"{name}.npz"
    if not out.exists():
        np.savez(jobs, currents=given, sample=SAMPLE, dt=dt, order=order, settle=SETTLE)
        script = Path(__file__).with_name("reduced_cell_neuron.py")
        environment = {**os.environ, "PYTHONPATH": "", "OMP_NUM_THREADS": "1"}
        command = [args.neuron_python, script, args.model, jobs, out]
        subprocess.run([str(x) for x in command], check=True, env=environment)
    with np.load(out) as found:
        return {key: found[key] for key in found.files}


def recordings(found: dict, given: np.ndarray, seeds: list[int]) -> list[ph.Recording]:
    """v, and the current per area of the soma."""
    t = np.arange(given.shape[1]) * SAMPLE
    every = round(NOISE["dt"] / SAMPLE)
    density = given * 1e-3 / (float(found["area"]) * 1e-8)  # nA to µA/cm²
    out = []
    for v, i, seed in zip(found["v"], density, seeds, strict=True):
        clamp = ph.CurrentClamp(ph.Sampled(t[::every], i[::every]), t_end=float(t[-1]))
        out.append(ph.Recording(t, clamp, v=v, name=f"seed {seed}"))
    return out


def main() -> int:
    """Traces, a fit, scores and times; a table in results/reduced_cell.md."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", required=True)
    parser.add_argument("--neuron-python", required=True)
    parser.add_argument("--backend", nargs="+", default=["torch"])
    parser.add_argument("--train", type=int, default=11)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--traces", default="traces_reduced_cell")
    args = parser.parse_args()
    seeds = list(range(1, args.train + 1))
    train, test = (
        recordings(detailed(args, n, currents(s), STEP, 2), currents(s), s)
        for n, s in ((f"train{args.train}", seeds), ("test", list(TESTED)))
    )
    start = ph.with_axial_current(soma(Path(args.model) / "mod"))
    began = time.perf_counter()
    result = ph.fit(start, train, fit_initial=False, backend=args.backend[0])
    lines = [
        "# A layer-5 pyramidal cell as one compartment", "",
        f"Fitted to {len(train)} traces of 2 s in {time.perf_counter() - began:.0f} s: "
        + "; ".join(result.log), "",
        "| engine | seed of noise | RMSE (mV) | Γ (2 ms) | spikes |", "|---|---|---|---|---|",
    ]  # fmt: skip
    for backend in args.backend:
        scores = ph.evaluate(result.neuron, [], heldout=test, backend=backend).scores
        lines += [
            f"| {backend} | {seed} | {s.rmse:.2f} | {s.gamma:.2f} | "
            f"{s.spikes_predicted}/{s.spikes_measured} |"
            for seed, s in zip(TESTED, scores, strict=True)
        ]
    lines += ["", *times(args, result.neuron, test)]
    path = Path(__file__).parent / "results" / "reduced_cell.md"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    print("\n".join(lines))
    return 0


def times(args: argparse.Namespace, neuron: ph.Neuron, test: list[ph.Recording]) -> list[str]:
    """Seconds for the 2 s of one trace: NEURON and ours by turns."""
    rows = ["| repeat | NEURON, 642 compartments (s) | "
            + " | ".join(f"{b} (s) | times faster" for b in args.backend) + " |",
            "|---|---|" + "---|---|" * len(args.backend)]  # fmt: skip
    for backend in args.backend:
        ph.simulate(neuron, test[0].protocol, saveat=1.0, backend=backend, rtol=1e-5, atol=1e-6)
    for k in range(args.repeats):
        name = f"time{k}"
        (Path(args.traces) / f"{name}.npz").unlink(missing_ok=True)
        theirs = float(detailed(args, name, currents([TESTED[0]]), 0.025, 0)["seconds"][0])
        cells = [f"{theirs:.2f}"]
        for backend in args.backend:
            began = time.perf_counter()
            ph.simulate(
                neuron, test[0].protocol, saveat=SAMPLE, backend=backend, rtol=1e-5, atol=1e-6
            )
            ours = time.perf_counter() - began
            cells += [f"{ours:.3f}", f"{theirs / ours:.0f}"]
        rows.append(f"| {k + 1} | " + " | ".join(cells) + " |")
    return rows


if __name__ == "__main__":
    sys.exit(main())
