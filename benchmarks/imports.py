"""Channels of public NMODL files: how many are read, refused and wrong against NEURON.

    python benchmarks/imports.py FOLDER --neuron /path/of/python/with/neuron [--every N] [--limit N]

FOLDER holds .mod files (any depth); equal ones are counted once. Each file that is read is clamped
in NEURON: held near -80 or -20 mV for 100 s, stepped to voltages from -100 to 50 mV, its current
taken 1 and 5 ms later, and compared with ours; reversal potentials and concentrations that a
file takes from the cell are given to both. The files are not part of the project.
"""

from __future__ import annotations

import argparse
import collections
import hashlib
import json
import os
import re
import subprocess
import sys
import tempfile
from itertools import pairwise
from pathlib import Path

import numpy as np

import pyhodgkin as ph
from pyhodgkin.imports.included import mechanism_source
from pyhodgkin.imports.parser import parse

CELSIUS = 25.0
REVERSALS = {"ena": 50.0, "ek": -77.0, "eca": 130.0}
CONCENTRATIONS = {"nai": 10.0, "nao": 140.0, "ki": 54.4, "ko": 2.5, "cai": 5e-5, "cao": 2.0}
# No round numbers: there some files have a jump, which either side of is right.
HOLDS, TIMES = (-80.37, -20.37), (1.0, 5.0)
STEPS = tuple(v + 0.37 for v in range(-100, 50, 15))
BATCH = 30

IN_NEURON = Path(__file__).with_name("imports_neuron.py")


def files_in(folder: Path, every: int) -> list[Path]:
    found: dict[str, Path] = {}
    for path in sorted(folder.rglob("*.mod")):
        text = "".join(path.read_text(errors="replace").split())
        found.setdefault(hashlib.sha256(text.encode()).hexdigest(), path)
    return list(found.values())[::every]


def read(path: Path) -> tuple[tuple[ph.Channel, ...], dict[str, float]]:
    """The channels of a file, and what was given of the cell: potentials and concentrations."""
    ions = parse(mechanism_source(path)).ions
    e = {x: REVERSALS.get(x, 0.0) for ion in ions for x in ion.reads if x == f"e{ion.name}"}
    known = {x: CONCENTRATIONS[x] for ion in ions for x in ion.reads if x in CONCENTRATIONS}
    given: dict = {"celsius": CELSIUS, "parameters": known}
    try:
        return ph.read_channels(path, e=e, **given), e | known
    except ph.errors.InputError as error:
        asked = re.search(r"uses (e\w*), which (?:the file never sets|has no value)", str(error))
        if asked is None:
            raise
        e[asked[1]] = -30.0
        return ph.read_channels(path, e=e, **given), e | known


def reason(error: Exception) -> str:
    """The kind of a refusal: without the place and the names."""
    text = re.sub(r'^.*?, line \d+: ".*" ', "", str(error))
    text = re.sub(r"-?\d[\d.e+-]*", "#", text)
    kinds = {
        "is a kinetic scheme": "KINETIC scheme",
        "on the voltage alone": "depends on a concentration",
        "sets ": "sets a concentration or the voltage",
        "includes a": "INCLUDE of a file that is not there",
        "in a sum or function": "a sum of states as the conductance",
        "has no value in the file": "a PARAMETER without a value",
        "never sets": "a variable that is never set",
        "run time": "FUNCTION_TABLE",
        "array": "an array",
        "holds C": "VERBATIM",
        "divides by": "not finite between -200 and 200 mV",
        "must be finite": "not finite between -200 and 200 mV",
        "no conductance times": "no conductance times (v - e), GHK among them",
        "no current": "no current",
        "no density": "POINT_PROCESS",
        "POINTER": "POINTER",
        "exponential step": "an update that is no exponential step",
        "not linear in": "not linear in the state",
        "as well": "states that depend on each other",
        "which is neither": "a function that is not in the file",
        "depends on the time": "depends on the time",
        "has the unit": "a unit that contradicts NEURON's",
        "without the factor": "a unit that contradicts the equation",
        "INITIAL": "a variable that only INITIAL sets, from v",
        "every step": "a variable that changes at every step",
    }
    return next((kind for part, kind in kinds.items() if part in text), "other")


def current(channels: tuple[ph.Channel, ...]) -> np.ndarray:
    """What a clamp records, mA/cm², in the order of NEURON's rows."""
    rows = []
    for hold in HOLDS:
        for step in STEPS:
            v = float(step)
            for t in TIMES:
                total = 0.0
                for c in channels:
                    open_now = 1.0
                    for gate in c.gates:
                        end = float(gate.kinetics.x_inf(v))
                        if gate.has_state:
                            tau = float(gate.kinetics.tau(v)) / gate.rate_factor(CELSIUS)
                            start = float(gate.kinetics.x_inf(hold))
                            slow = float(gate.kinetics.tau(hold)) / gate.rate_factor(CELSIUS)
                            assert slow > 0.0
                            end += (start - end) * np.exp(-t / tau)
                        open_now *= end**gate.power
                    total += 1e-3 * c.g * open_now * (v - c.e)
                rows.append(total)
    return np.array(rows)


def mechanism(path: Path, name: str) -> tuple[str, list]:
    """The file with another SUFFIX, and its currents."""
    source = mechanism_source(path)
    text, found = source.text, parse(source)
    currents = [(w, True) for ion in found.ions for w in ion.writes]
    currents += [(w, False) for w in found.nonspecific]
    extra = "".join(
        f"\n RANGE {w}"
        for w, ion in currents
        if not ion and not re.search(rf"RANGE[^\n]*\b{w}\b", text)
    )
    # The equation is what is compared: cnexp solves it exactly, the other methods do not.
    text = re.sub(r"METHOD\s+(derivimplicit|euler|runge)\b", "METHOD cnexp", text)
    return re.sub(r"\bSUFFIX\s+\w+", f"SUFFIX {name}{extra}\n", text, count=1), currents


def in_neuron(jobs: list[dict], texts: dict[str, str], python: str) -> dict:
    """NEURON's rows by name, or why there are none."""
    left, failed = dict(texts), {}
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        (root / "mods").mkdir()
        for name, text in left.items():
            (root / "mods" / f"{name}.mod").write_text(text)
        for _ in range(8):
            made = subprocess.run(
                [str(Path(python).parent / "nrnivmodl"), "mods"],
                cwd=root, capture_output=True, text=True,
                env={**os.environ, "MAKEFLAGS": "-k"},
            )  # fmt: skip
            if made.returncode == 0:
                break
            bad = set(
                re.findall(r"\b(m\d{4})\b(?=[^\n]*(?:[Ee]rror|\*\*\*))", made.stdout + made.stderr)
            )
            bad |= set(
                re.findall(r"(?:[Ee]rror|\*\*\*)[^\n]*\b(m\d{4})\b", made.stdout + made.stderr)
            )
            bad &= set(left)
            if not bad:
                return dict.fromkeys(texts, "the batch is not compiled")
            for name in bad:
                failed[name] = "NEURON does not compile it"
                (root / "mods" / f"{name}.mod").unlink()
                del left[name]
        (root / "run.py").write_text(IN_NEURON.read_text())
        (root / "jobs.json").write_text(json.dumps([j for j in jobs if j["name"] in left]))
        subprocess.run(
            [python, "run.py", "jobs.json", "out.json"], cwd=root, capture_output=True, timeout=300
        )
        out = root / "out.json"
        return {**failed, **(json.loads(out.read_text()) if out.exists() else {})}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--neuron")
    parser.add_argument("--every", type=int, default=1)
    parser.add_argument("--limit", type=int, default=10_000)
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    done: dict[str, tuple[tuple[ph.Channel, ...], dict, Path]] = {}
    refused: dict[str, list[str]] = collections.defaultdict(list)
    files = files_in(given.folder, given.every)
    for path in files:
        try:
            channels, e = read(path)
            done[f"m{len(done):04d}"] = channels, e, path
        except ph.errors.InputError as error:
            refused[reason(error)].append(str(error))
    print(
        f"{len(files)} files: {len(done)} read, {sum(map(len, refused.values()))} refused",
        flush=True,
    )
    off: dict[str, float | str] = {}
    names = [n for n, (channels, _, _) in done.items() if any(c.g > 0 for c in channels)]
    zero = len(done) - len(names)
    names = names[: given.limit] if given.neuron else []
    for at in range(0, len(names), BATCH):
        jobs, texts = [], {}
        for name in names[at : at + BATCH]:
            ions = [i.name for i in parse(mechanism_source(done[name][2])).ions]
            texts[name], currents = mechanism(done[name][2], name)
            clamp = {"holds": HOLDS, "steps": STEPS, "times": TIMES, "celsius": CELSIUS}
            jobs.append(
                {"name": name, "e": done[name][1], "ions": ions, "currents": currents, **clamp}
            )
        rows = in_neuron(jobs, texts, given.neuron)
        for name in texts:
            row = rows.get(name, "NEURON stopped")
            if isinstance(row, str):
                off[name] = row
                continue
            ours = current(done[name][0])
            size = float(np.max(np.abs(row)))
            off[name] = (
                float(np.max(np.abs(ours - row))) / size if size else float(np.max(np.abs(ours)))
            )
            if off[name] > 1e-3:  # type: ignore[operator]
                print(f"  {done[name][2].name}: {off[name]:.2g}", flush=True)
        print(f"compared {min(at + BATCH, len(names))} of {len(names)}", flush=True)
    text = table(files, done, refused, off, zero)
    if given.neuron:
        code = "import neuron; print(neuron.__version__)"
        version = subprocess.check_output([given.neuron, "-c", code], text=True).split()[-1]
        text = text.replace("against NEURON:", f"against NEURON {version}:")
    print(text)
    if given.out:
        given.out.write_text(text)


def table(files: list, done: dict, refused: dict, off: dict, zero: int) -> str:
    numbers = {n: x for n, x in off.items() if not isinstance(x, str)}
    why = collections.Counter(x for x in off.values() if isinstance(x, str))
    total = sum(map(len, refused.values()))
    lines = [
        "# Channels read from public NMODL files", "",
        f"{len(files)} different files. {len(done)} are read "
        f"({100 * len(done) / len(files):.0f} %), "
        f"{total} are refused. Reversal potentials and concentrations that a file takes from the "
        "cell are given, constant.", "",
        "| against NEURON: largest difference of the current | files |", "|---|---|",
    ]  # fmt: skip
    edges = [0.0, 1e-9, 1e-6, 1e-4, 1e-3, 1e-2, np.inf]
    for low, high in pairwise(edges):
        count = sum(low <= x < high for x in numbers.values())
        lines.append(f"| {low:g} to {high:g} of the largest current | {count} |")
    lines += [f"| not compared: {x[:70]} | {n} |" for x, n in why.most_common()]
    lines += [f"| not compared: the conductance is 0 in the file | {zero} |", ""]
    lines += ["| refused because of | files |", "|---|---|"]
    lines += [f"| {x} | {len(n)} |" for x, n in sorted(refused.items(), key=lambda x: -len(x[1]))]
    worst = sorted((x, n) for n, x in numbers.items() if x > 1e-3)
    if worst:
        lines += ["", "| differs by more than 1e-3 | by |", "|---|---|"]
        lines += [f"| {done[n][2].name} | {x:.2g} |" for x, n in reversed(worst)]
    return "\n".join([*lines, ""])


if __name__ == "__main__":
    sys.exit(main())
