"""How far the numbers of a solve can be believed: requested and obtained errors.

    python benchmarks/numerical_trust.py [--backend torch] [--only tolerances,…] [--quick]

`--neuron PYTHON` adds runs of NEURON. Writes results/numerical_trust.md (or
numerical_trust_julia.md) and docs/numerical_trust.png.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "tools"))

from trust import gradients, known, limits, long, tolerances  # noqa: E402

PARTS: dict[str, Callable[..., list[str]]] = {
    "tolerances": tolerances.tolerances,
    "references": tolerances.references,
    "float32": tolerances.single_precision,
    "orders": known.orders,
    "known": known.answers,
    "gradients": gradients.gradients,
    "limits": limits.limits,
    "long": long.long_runs,
}


def main() -> None:
    own = argparse.ArgumentParser(description="Requested and obtained errors")
    own.add_argument("--backend", default="torch", choices=("torch", "julia"))
    own.add_argument("--only", default=",".join(PARTS))
    own.add_argument("--quick", action="store_true", help="fewer neurons and tolerances")
    own.add_argument("--neuron", default="", metavar="PYTHON", help="one that has NEURON, for long")
    own.add_argument("--out", type=Path)
    asked = own.parse_args()
    name = "numerical_trust" + ("_julia" if asked.backend == "julia" else "") + ".md"
    target = asked.out or HERE / "results" / name
    lines = [f"# Requested and obtained errors: the {asked.backend} engine", ""]
    more = "" if asked.only == ",".join(PARTS) else f" --only {asked.only}"
    more += " --quick" if asked.quick else ""
    lines += [f"`python benchmarks/numerical_trust.py --backend {asked.backend}{more}`", ""]
    for part in asked.only.split(","):
        began, worked = time.monotonic(), time.process_time()
        given = (asked.neuron,) if part == "long" else ()
        lines += [*PARTS[part](asked.backend, asked.quick, *given), ""]
        wall, cpu = time.monotonic() - began, time.process_time() - worked
        print(f"{part}: {wall:.0f} s, {cpu:.0f} s of the processor", flush=True)
        target.write_text("\n".join(lines).rstrip() + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
