"""Networks beside nine parameters in hERG cells: trained on the sine wave, the AP predicted.

    python benchmarks/herg_cells.py --data FOLDER [--cells 2 4 6 7 8 9] [--backend julia] [--write]

FOLDER holds sine_wave_*.mat and ap_*.mat of github.com/mirams/sine-wave (Beattie et al. 2018, doi
10.1113/JP275733), which are not part of this repository. Both models are fitted by `fit` with its
defaults; the action potential clamp is not seen in training, and nothing of it is masked.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from learning import Report, Row, parser, settled
from scipy.io import loadmat

import pyhodgkin as ph

NAMES = {1: "16713003", 2: "16715049", 3: "16708016", 4: "16708060", 5: "16713110",
         6: "16708118", 7: "16704007", 8: "16704047", 9: "16707014"}  # fmt: skip
BAR = 0.036  # nA, mean over the cells


def main() -> int:
    own = parser(__doc__, seeds=1)
    own.add_argument("--data", type=Path, required=True)
    own.add_argument("--cells", type=int, nargs="+", default=[2, 4, 6, 7, 8, 9])
    args = settled(own.parse_args())
    report = Report("herg_cells", "hERG cells: an action potential never seen", args)
    rows: list[Row] = []
    for cell in args.cells:
        for seed in range(args.seeds):
            rows.append(one(args, cell, seed))
            print(rows[-1], file=sys.stderr, flush=True)
    report.table("Mean absolute error (nA)", rows)
    nine, networks = (
        np.array([row[f"AP, {name}"] for row in rows], float)
        for name in ("nine parameters", "networks")
    )
    report.bar("networks better than nine parameters", (networks < nine).tolist())
    mean = float(networks.mean())
    report.bar(f"mean over the cells at most {BAR} ({mean:.4f})", [mean <= BAR])
    return report.finish()


def one(args, cell: int, seed: int) -> Row:
    sine, ap = (recorded(args.data, kind, cell) for kind in ("sine_wave", "ap"))
    train, published = sine.masked_after_steps(5.0), ph.library.get("herg_beattie")
    hybrid = published
    for gate in ("a", "r"):
        network = ph.Network.create((1, 16, 16, 2), zero_last=True)
        prior = published.gate(gate).kinetics
        hybrid = hybrid.replace_gate(gate, ph.NeuralKinetics("residual", network, prior=prior))
    engine = args.backend
    nine = ph.fit(
        published, train, trainable=["rates", "kr.g"], backend=engine, progress=False
    ).neuron
    networks = ph.fit(hybrid, train, seeds=[seed], backend=engine, progress=False).neuron
    row: Row = {"cell": cell, "seed": seed}
    for name, neuron in (("nine parameters", nine), ("networks", networks)):
        found = ph.evaluate(neuron, sine, heldout=[ap], backend=engine)
        row[f"sine wave, {name}"] = found.mean("training")["mae"]
        row[f"AP, {name}"] = found.mean("held out")["mae"]
    return row


def recorded(folder: Path, kind: str, cell: int) -> ph.Recording:
    name = f"{kind}_{NAMES[cell]}_dofetilide_subtracted_leak_subtracted.mat"
    v, current = (loadmat(folder / x)["T"][:, 0] for x in (f"{kind}_protocol.mat", name))
    n = min(len(v), len(current))
    t = np.arange(n) / 10.0
    command = ph.VoltageClamp.sampled(t, v[:n])
    return ph.Recording(
        t, command, current=current[:n], current_unit="nA", name=f"{kind}, cell {cell}"
    )


if __name__ == "__main__":
    raise SystemExit(main())
