"""Read mutated files: no crash, no hang, no other error than the package's own, no memory.

    python tools/fuzz.py nwb --seconds 600 --seed 1
    python tools/fuzz.py --list
    python tools/fuzz.py nwb --again build/fuzz/nwb/error-KeyError-0

Each input is a valid file with one to four mutations. It is read in a process with a limit of 10 s
of the processor, and of address space: what the process has after a first read, 256 MiB, and ten
times the input. Inputs that fail are kept in a folder, one subfolder each. Ends with 1 where there
is one.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ[_name] = "1"
sys.path[:0] = [str(Path(__file__).resolve().parent), str(Path(__file__).resolve().parents[1])]


def main(given: list[str] | None = None) -> int:
    """The command line."""
    from fuzzing.run import again, run
    from fuzzing.targets import TARGETS

    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("reader", nargs="?", choices=TARGETS)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--inputs", type=int, default=None, help="at most so many")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path("build/fuzz"), help="of failing inputs")
    parser.add_argument("--again", type=Path, help="read an input that was kept once more")
    parser.add_argument("--list", action="store_true", help="name the readers")
    asked = parser.parse_args(given)
    if asked.list or asked.reader is None:
        print("\n".join(TARGETS))
        return 0
    if asked.again is not None:
        return again(TARGETS[asked.reader], asked.again)
    start = time.monotonic()
    found = run(TARGETS[asked.reader], asked.seconds, asked.seed, asked.out, asked.inputs)
    print(found.table(time.monotonic() - start))
    return 1 if found.faults else 0


if __name__ == "__main__":
    raise SystemExit(main())
