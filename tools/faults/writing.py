"""Faults while writing: afterwards the old or the new is there, whole, and the next run goes on.

    python tools/faults/writing.py kill --job fit --times 200
    python tools/faults/writing.py full-disk --job population --times 20     (as root)
    python tools/faults/writing.py --list

Each trial runs a job in a forked process, lets the fault happen, reads what is left in a process
of its own, runs the job again, and compares the result with that of an unbroken run, bit for bit.
Prints a row of docs/reliability.md. Ends with 1 where anything was lost.
"""

from __future__ import annotations

import argparse
import builtins
import os
import random
import shutil
import sys
import tempfile
import time
import warnings
from collections import Counter
from pathlib import Path

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ[_name] = "1"
HERE = Path(__file__).resolve()
sys.path[:0] = [str(HERE.parent), str(HERE.parents[2])]
from processes import Forked, Kept, in_child  # noqa: E402


class Trials:
    """Counts what happened, and what was lost."""

    def __init__(self, job, work: Path, seed: int) -> None:
        self.job, self.work, self.random = job, work, random.Random(seed)
        self.counts: Counter[str] = Counter()
        self.lost: list[str] = []
        self.calls: dict[bool, int] = {}  # of an unbroken run, by whether it replaces one
        self.size = 0  # of what a run writes, in bytes
        self.old, self.runs = "", self._first()
        begin = time.monotonic()
        code, text = self.runs.run(self.fresh(False), False)
        assert not code, text
        self.seconds = time.monotonic() - begin
        job.new = job.state(work / "trial")
        shutil.rmtree(self.fresh(True))
        self.old = job.old

    def _first(self) -> Forked:
        """What runs the job; a first run also loads and compiles all there is."""
        if self.job.engine != "julia":
            self.job.run(self.fresh(False))
            return Forked(self.job)
        runs = Kept(self.job, self.work / "first")
        runs.run(self.fresh(False), False)
        assert not runs.ask("prepare", self.fresh(False), True)[0]
        return runs

    def fresh(self, replaces: bool, place: Path | None = None) -> Path:
        """A new folder, as it is before the job."""
        folder = (place or self.work) / "trial"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        self.job.prepare(folder, replaces)
        return folder

    def judge(self, folder: Path, replaces: bool, ended: tuple = (0, "")) -> None:
        """What is left, and whether the next run goes on to the right end."""
        if ended[0] > 0 and not self.clear(ended[1]):
            self.lost.append(f"no clear error: {ended}")
        code, state = in_child(self.job.state, folder)
        allowed = {"", "partial"} if not replaces else {self.old, "partial"}
        if self.job.name == "document":
            allowed = set(self.job.known)
        if code or state not in allowed | {self.job.new}:
            self.lost.append(f"left: {state or 'nothing'}; {ended}")
            self._keep(folder)
            return
        known = {
            "": "nothing yet",
            "partial": "a part",
            self.old: "the old",
            self.job.new: "the new",
        }
        self.counts[known.get(state, "another whole one")] += 1
        done = state == self.job.new
        code, text = self.runs.run(folder, replaces and not (done and self.job.name == "fit"))
        if code:
            self.lost.append(f"the next run: {text}; {ended}")
            self._keep(folder)
            return
        code, state = in_child(self.job.state, folder)
        if code or state != self.job.new:
            self.lost.append(f"after the next run: {state}; {ended}")
            self._keep(folder)

    def clear(self, error: str) -> bool:
        """Whether it is an error of the package, or one of the system that names the path."""
        from pyhodgkin import errors

        kind = error.split(":")[0]
        system = getattr(builtins, kind, None)
        if isinstance(system, type) and issubclass(system, OSError):
            return str(self.work) in error
        return hasattr(errors, kind)

    def _keep(self, folder: Path) -> None:
        shutil.copytree(folder, self.work / f"lost-{len(self.lost)}", dirs_exist_ok=True)


def main() -> int:
    """The command line."""
    from kinds import FAULTS, calls_of_run

    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("fault", nargs="?", choices=FAULTS)
    parser.add_argument("--job", choices=("fit", "population", "document"), default="fit")
    parser.add_argument("--engine", default="torch")
    parser.add_argument("--times", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--work", type=Path, help="a folder for the trials; by default a new one")
    parser.add_argument("--list", action="store_true")
    asked = parser.parse_args()
    if asked.list or asked.fault is None:
        for name, fault in FAULTS.items():
            print(f"{name:18} {(fault.__doc__ or '').splitlines()[0]}")
        return 0
    warnings.simplefilter("ignore")
    if asked.job == "fit":  # short steps: the time goes into writing
        os.environ.setdefault("PYHODGKIN_COMPILED", "0")
    from jobs import JOBS

    if asked.engine == "torch":
        import torch

        torch.set_num_threads(1)
    work = asked.work or Path(tempfile.mkdtemp(prefix="faults-"))
    os.chmod(work, 0o755)
    trials = Trials(JOBS[asked.job](asked.engine), work, asked.seed)
    begin = time.monotonic()
    times = asked.times or 2 * max(calls_of_run(trials, replaces) for replaces in (False, True))
    for k in range(times):
        FAULTS[asked.fault](trials, k, times)
    trials.runs.close()
    told = ", ".join(f"{what} {n}" for what, n in trials.counts.most_common())
    print(
        f"| {asked.fault} | {asked.job} | {asked.engine if asked.job != 'document' else '-'} | "
        f"{times} | {len(trials.lost)} | {told} | ({time.monotonic() - begin:.0f} s)"
    )
    for text in trials.lost[:10]:
        print(f"  lost: {text[:600]}")
    if asked.work is None and not trials.lost:
        shutil.rmtree(work, ignore_errors=True)
    return 1 if trials.lost else 0


if __name__ == "__main__":
    raise SystemExit(main())
