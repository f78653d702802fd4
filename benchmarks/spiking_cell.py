"""The default route for a real spiking cell: propose, fit, evaluate, as a user would call them.

    python benchmarks/spiking_cell.py [--abf FILE] [--window 4] [--backend torch] [--heldout]
                                      [--seeds 1] [--quick]

Without ``--abf`` the cell is cell A of ../shared/data (``--data`` says where else). v is taken as
recorded, nothing taken out for the electrode. Sweeps with even numbers are trained on; the others
are predicted only with ``--heldout``, which is for the last run. ``--seeds`` are those of the
weights of the learned current; the search draws the same numbers in every run. ``--quick`` stops
after the proposal.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np

import pyhodgkin as ph

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
CELL_A = "pyabf_cellA_ic_steps.npz"
SCORES = ("gamma", "spike_count_error", "subthreshold_rmse")


def main() -> int:
    own = argparse.ArgumentParser(description="The default route for a real cell")
    own.add_argument("--abf", type=Path, help="a file of another cell, in current clamp")
    own.add_argument("--data", type=Path, default=DATA)
    own.add_argument("--window", type=float, default=4.0, help="of Γ, ms")
    own.add_argument("--backend", default="torch")
    own.add_argument("--heldout", action="store_true")
    own.add_argument("--seeds", type=int, default=0, help="of the learned current; 0: as proposed")
    own.add_argument("--quick", action="store_true")
    args = own.parse_args()
    sweeps = list(ph.read(args.abf)) if args.abf else cell_a(args.data / CELL_A)
    train, held = sweeps[0::2], sweeps[1::2] if args.heldout else []

    def told(line: str) -> None:
        print(line, flush=True)

    began, worked = time.monotonic(), time.process_time()
    proposal = ph.propose(train, backend=args.backend, say=told)
    took(began, worked, "proposed")
    if args.quick:
        drift = ph.drift_of(train)
        clean = [ph.without_drift(r, drift) for r in train] if drift else train
        judged = ph.evaluate(proposal.neuron, clean, gamma_window=args.window, backend=args.backend)
        row("proposal, training", judged, "recordings")
        return 0
    for seed in range(args.seeds) if args.seeds else (None,):
        result = ph.fit(
            proposal.neuron,
            proposal.recordings,
            trainable=proposal.trainable,
            seeds=None if seed is None else [seed],
            backend=args.backend,
            progress=False,
        )
        print(*result.log, sep="\n")
        took(began, worked, "fitted")
        judged = ph.evaluate(
            result, train, heldout=held, gamma_window=args.window, backend=args.backend
        )
        print(judged)
        name = "as proposed" if seed is None else f"seed {seed}"
        row(f"{name}, training", judged, "training")
        if held:
            row(f"{name}, held out", judged, "held out")
    return 0


def row(name: str, judged: ph.Evaluation, role: str) -> None:
    """One row of the table of results."""
    mean = judged.mean(role)
    print("|", name, "|", " | ".join(f"{mean[score]:.3g}" for score in SCORES), "|", flush=True)


def took(began: float, worked: float, what: str) -> None:
    wall, cpu = time.monotonic() - began, time.process_time() - worked
    print(f"{what} after {wall:.0f} s, {cpu:.0f} s of processor time", flush=True)


def cell_a(path: Path) -> list[ph.Recording]:
    """All sweeps at 20 kHz, called by the current of their steps."""
    with np.load(path) as file:
        v, i = file["V_q"] * float(file["scale"]), file["I_cmd_pA"].astype(float)
        dt = 1000.0 / float(file["fs_Hz"])
    found = []
    for trace, command in zip(v, i, strict=True):
        t = dt * np.arange(len(trace), dtype=np.float64)
        at = np.flatnonzero(np.diff(command)) + 1
        clamp = ph.CurrentClamp.steps(
            [0.0, *t[at]], [command[0], *command[at]], float(t[-1]) + dt, unit="pA"
        )
        name = f"{command[np.searchsorted(t, 400.0)]:.0f} pA"
        found.append(ph.Recording(t, clamp, v=trace, name=name))
    return found


if __name__ == "__main__":
    raise SystemExit(main())
