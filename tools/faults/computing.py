"""Faults while computing, each tried many times on an engine: prints the rows of a table.

    python tools/faults/computing.py --backend torch
    python tools/faults/computing.py --backend julia --only values,interrupts

Ends with 1 where anything but a status, one clear error or a right result was found.
"""

from __future__ import annotations

import argparse
import importlib
import sys
import time
from pathlib import Path

import pyhodgkin as ph

sys.path[0] = str(Path(__file__).resolve().parents[1])
CLAMP = ph.CurrentClamp.step(10.0, 2.0, 8.0, 10.0)
KINDS = ("values", "singular", "batches", "memory", "interrupts", "notebooks")


def main(given: list[str] | None = None) -> int:
    """Try the faults of the command line; the exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--backend", choices=("torch", "julia"), default="torch")
    parser.add_argument("--only", default=",".join(KINDS), help=f"of {', '.join(KINDS)}")
    parser.add_argument("--every", type=int, default=1, metavar="N", help="each N-th case only")
    parser.add_argument("--list", type=int, default=20, metavar="N", help="failures printed a row")
    asked = parser.parse_args(given)
    if asked.backend == "julia":
        ph.simulate(ph.library.get("squid_axon"), CLAMP, backend="julia")  # before torch
    failed = False
    for kind in asked.only.split(","):
        began = time.monotonic()
        for row in importlib.import_module(f"faults.{kind}").rows(asked.backend, asked.every):
            print(row, flush=True)
            failed |= bool(row.failures)
            for line in row.failures[: asked.list]:
                print("    ", line, flush=True)
        print(f"# {kind}: {time.monotonic() - began:.0f} s", file=sys.stderr)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
