"""Record what the package computes, and compare it with a record made before a change.

    python tools/frozen_behaviour.py --backend torch --out before.npz
    ... change the code ...
    python tools/frozen_behaviour.py --backend torch --compare before.npz

Solves, fits, default schedules, the other verbs and documents, all short. On one machine and with
the same versions two records are equal bit for bit. ``--compare`` ends with 1 where anything
differs by more than 1e-12 (relative), or is missing. Text that differs in words but in no number
is listed as "words" and is no failure: names change. What the package calls things is said in
``tools/frozen/api.py`` alone.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

# Sums must not depend on how many threads there are; set before numpy, torch and Julia start.
for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS",
              "PYTHON_JULIACALL_THREADS", "NUMBA_NUM_THREADS"):  # fmt: skip
    os.environ[_name] = "1"
os.environ.setdefault("MPLBACKEND", "Agg")
sys.path.insert(0, str(Path(__file__).resolve().parent))


def arguments(given: list[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--backend", choices=("torch", "julia"), default="torch")
    add("--only", metavar="PATTERN", help="cases with this in the name, or matching *; a|b for or")
    add("--out", metavar="FILE", help="write the record (.npz)")
    add("--compare", metavar="FILE", help="compare with the record in FILE")
    add("--read", metavar="FILE", help="compare the record in this file, and run nothing")
    add("--fields", action="store_true", help="a line for each field, not for each case")
    add("--brief", action="store_true", help="only lines of what is not equal")
    add("--list", action="store_true", help="print the names of the cases")
    add("--times", type=int, metavar="N", default=0, help="print the N slowest cases")
    add("--quiet", action="store_true", help="no line for each case as it ends")
    return parser.parse_args(given)


def all_cases(engine: str) -> dict:
    """The cases of an engine by name."""
    if engine == "julia":
        import juliacall  # noqa: F401  (before torch)
    import torch

    torch.set_num_threads(1)
    torch.manual_seed(0)
    from frozen import fits, solves, verbs

    return {**verbs.cases(engine), **fits.cases(engine), **solves.cases(engine)}


def main(given: list[str] | None = None) -> int:
    """Record and compare as the command line says; the exit code."""
    from frozen import compare, record

    args = arguments(given)
    old = None if args.compare is None else record.load(args.compare)
    if args.read is not None:
        new = record.load(args.read)
        names = str(new[record.META + "cases"]).split("\n")
    else:
        cases = all_cases(args.backend)
        names = record.chosen(list(cases), args.only)
        if args.list:
            print("\n".join(names))
            return 0
        new = recorded({name: cases[name] for name in names}, args)
    if args.out is not None:
        record.save(args.out, new)
    if old is None:
        return 0
    known = str(old[record.META + "cases"]).split("\n")
    names = record.chosen(list(dict.fromkeys([*names, *known])), args.only)
    rows = compare.compare(new, old, names, fields=args.fields)
    print(compare.table(rows, brief=args.brief))
    for key in sorted(k for k in {*new, *old} if k.startswith(record.META + "version")):
        was, now = (str(r.get(key, "none")) for r in (old, new))
        if was != now:
            print(f"{key.rsplit('/', 1)[-1]}: {now}, was {was}")
    return int(compare.failed(rows))


def recorded(cases: dict, args: argparse.Namespace) -> dict:
    """Run the cases; the record with what it was made with."""
    import numpy as np
    from frozen import api, record

    new, spent = record.run(cases, args.backend, (lambda _: None) if args.quiet else log)
    errors = sum(key.endswith("/error") for key in new)
    log(f"{len(cases)} cases, {errors} with an exception, {sum(spent.values()):.0f} s of processor")
    for name in sorted(spent, key=spent.__getitem__, reverse=True)[: args.times]:
        log(f"{spent[name]:8.2f} s  {name}")
    new[record.META + "cases"] = np.array("\n".join(cases))
    for name, text in api.versions(args.backend).items():
        new[f"{record.META}version/{name}"] = np.array(text)
    return new


def log(text: str) -> None:
    """One line to the error output at once."""
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
