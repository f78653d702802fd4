"""Runs inputs through a worker, counts, keeps those that fail."""

from __future__ import annotations

import json
import re
import shutil
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from .mutate_hdf5 import CANARY
from .targets import OPTIONS, Case, Cases, Target
from .worker import Outcome, Worker

KEPT = 5  # inputs of each fault
SLOW = 3.0  # s; inputs that take so long are kept too, as no fault


@dataclass
class Found:
    """Counts of a run; `faults` by what they are and where."""

    name: str
    seed: int
    counts: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    slowest: float = 0.0
    slow: int = 0

    def table(self, seconds: float) -> str:
        """The counts as text."""
        total = sum(self.counts.values())
        head = f"{self.name}: {total} inputs in {seconds:.0f} s (seed {self.seed})"
        parts = ", ".join(f"{n} {kind}" for kind, n in sorted(self.counts.items()))
        lines = [
            f"{head}: {parts}; {sum(self.faults.values())} faults; slowest {self.slowest:.2f} s"
        ]
        lines += [f"  {n:5d}  {what}" for what, n in self.faults.most_common()]
        return "\n".join(lines)


def run(target: Target, seconds: float, seed: int, out: Path, most: int | None = None) -> Found:
    """Fuzz one reader for some seconds."""
    found, kept = Found(target.name, seed), out / target.name
    with tempfile.TemporaryDirectory(prefix="fuzz-") as work:
        cases = Cases(target, Path(work), seed)
        _canary(Path(work) / CANARY)
        whole = {}
        worker = Worker(target.name, cases._bases / cases.names[0], target.options[0])
        for name in cases.names:
            for options in target.options:
                outcome = worker.read(cases.base(name, options))
                if outcome.kind not in ("read", "refused"):
                    _fault(found, kept, cases.base(name, options), outcome)
                whole[name, json.dumps(options)] = outcome.text
        end = time.monotonic() + seconds
        while time.monotonic() < end and (most is None or sum(found.counts.values()) < most):
            case = cases.next()
            outcome = worker.read(case)
            same = whole[case.base, json.dumps(case.options)]
            if target.whole and case.made == "truncate" and outcome.kind == "read":
                if outcome.text != same:
                    outcome = Outcome("half", "cut short, and read as something else")
            found.slowest = max(found.slowest, outcome.seconds)
            ok = outcome.kind in ("read", "refused")
            if ok and outcome.seconds > SLOW:
                _keep(kept / f"slow-{found.slow}", case, outcome)
                found.slow += 1
            found.counts[outcome.kind if ok else "failed"] += 1
            if not ok:
                _fault(found, kept, case, outcome)
        worker.stop()
    return found


def again(target: Target, folder: Path) -> int:
    """Read an input that was kept, and say what happens."""
    kept = json.loads((folder / OPTIONS).read_text())
    path = folder / "case" / kept["path"]
    worker = Worker(target.name, path, kept["options"])
    outcome = worker.read(Case(folder / "case", path, kept["options"], kept["made"], ""))
    worker.stop()
    print(f"{outcome.kind} in {outcome.seconds:.2f} s\n{outcome.text}")
    return 0 if outcome.kind in ("read", "refused") else 1


def _fault(found: Found, kept: Path, case: Case, outcome: Outcome) -> None:
    places = re.findall(r'File "([^"]+)", line (\d+)', outcome.text)
    own = [f"{Path(f).name}:{line}" for f, line in places if "/pyhodgkin/" in f]
    what = f"{outcome.kind} {' '.join(own[-2:])}"
    if outcome.kind.startswith(("audit", "half", "crash", "hang")):
        what = f"{outcome.kind} ({case.made.split()[0]})"
    found.faults[what] += 1
    if found.faults[what] > KEPT:
        return
    short = re.sub(r"[^\w.]+", "-", f"{what}-{found.faults[what]}")
    _keep(kept / short, case, outcome)


def _keep(place: Path, case: Case, outcome: Outcome) -> None:
    shutil.rmtree(place, ignore_errors=True)
    shutil.copytree(case.folder, place / "case", symlinks=True)
    data = {"path": case.path.name, "options": case.options, "made": case.made}
    (place / OPTIONS).write_text(json.dumps(data))
    (place / "what.txt").write_text(f"{outcome.kind}\n{outcome.text}\n")


def _canary(path: Path) -> None:
    try:
        import h5py
    except ImportError:
        return
    with h5py.File(path, "w") as file:
        file["data"] = [-0.0123456789] * 100
