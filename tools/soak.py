"""Mixed work for a long time on one engine: do memory, open files and threads stay flat?

    python tools/soak.py --backend torch --seconds 3600 [--every 20] [--seed 0]
    python tools/soak.py --backend julia --starts 100

The first form draws one task after another from `soaking.work` (simulations, fits, files, mistakes,
threads, processes by fork and spawn), and now and then writes a row: cycles, resident memory,
open files, threads, children. It ends with the change from the second quarter to the last one,
and with status 1 where that grows. ``--starts N`` starts and ends a process with the engine N
times instead, importing torch before and after it in turn.
"""

from __future__ import annotations

import argparse
import sys

from soaking.measure import Watch
from soaking.starts import starts
from soaking.work import Work


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--backend", choices=("torch", "julia"), default="torch")
    parser.add_argument("--seconds", type=float, default=3600.0)
    parser.add_argument("--every", type=float, default=20.0, help="seconds between rows")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--starts", type=int, default=0)
    args = parser.parse_args()
    if args.starts:
        return starts(args.backend, args.starts)
    watch = Watch(args.seconds, args.every)
    with Work(args.backend, args.seed) as work:
        while watch.goes_on():
            work.next()
            watch.look(work.counts)
    print(watch.summary(work.counts))
    return int(watch.grew())


if __name__ == "__main__":
    sys.exit(main())
