"""pyhodgkin beside its peers in one run, in one table.

    python benchmarks/peers.py [A B C D E F P] [--bench DIR] [--julia-python PYTHON] [--out FILE]

Rows: A one cell of 50 and 500 ms, work against precision; F the first solve of a process; B
populations at equal accuracy; P the prototype in C; C value and gradient of 8 parameters; D of a
network of 338 weights, alone and for 32 cells; E random networks.

The peers' scripts are no part of this repository: `--bench` or PEERS_BENCH says where they lie
(default ../shared/bench beside it), PEERS_ROOT where their environment is made (2 GB and some
minutes the first time, default ~/.cache/hh-peers). Every side runs in a process of its own, one
after the other; the sides of a row follow each other. `--table` only prints what is there.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
# What runs for each task: the script, its arguments, and whether it is a peer's.
SIDES = {
    "B": [
        ("peer_population.py", "torch B"),
        ("peer_population.py", "julia B"),
        ("peer_others_population.py", "jaxley:float32"),
        ("peer_others_population.py", "jaxley:float64"),
        ("peer_others_population.py", "diffrax"),
        ("peer_others_population.py", "brian2"),
        ("peer_others_population.py", "neuron"),
        ("peer_others_population.py", "arbor"),
    ],
    "P": [("peer_population.py", "torch P"), ("peer_population.py", "julia P")],
    "C": [
        ("peer_pyhodgkin.py", "torch C"),
        ("peer_pyhodgkin.py", "julia C"),
        ("peer_others.py", "diffrax C"),
        ("peer_others.py", "jaxley C"),
    ],
    "D": [
        ("peer_pyhodgkin.py", "torch D"),
        ("peer_pyhodgkin.py", "julia D"),
        ("peer_others.py", "diffrax D"),
        ("peer_others.py", "jaxley D"),
    ],
    "A": [
        ("peer_pyhodgkin.py", "torch A"),
        ("peer_pyhodgkin.py", "julia A"),
        ("peer_others.py", "diffrax A"),
        ("peer_others.py", "neuron A"),
        ("peer_others.py", "scipy A"),
    ],
    "F": [("peer_pyhodgkin.py", "torch F"), ("peer_pyhodgkin.py", "julia F")],
    "E": [("peer_pyhodgkin.py", "torch E"), ("peer_pyhodgkin.py", "julia E")],
}


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("tasks", nargs="*", help=" ".join(SIDES))
    beside = HERE.parent.parent / "shared" / "bench"
    parser.add_argument("--bench", type=Path, default=Path(os.environ.get("PEERS_BENCH", beside)))
    parser.add_argument("--julia-python", default=sys.executable, help="a Python with juliacall")
    parser.add_argument("--limit", type=float, default=300.0, help="seconds for each side")
    parser.add_argument("--only", default="", help="sides with one of these words in them, by |")
    parser.add_argument("--out", type=Path, help="write the table to this file too")
    parser.add_argument("--table", action="store_true", help="run nothing")
    return parser.parse_args()


def environment(options: argparse.Namespace) -> dict[str, str]:
    """Where everything is, for the processes of both sides."""
    root = os.environ.get("PEERS_ROOT", os.path.expanduser("~/.cache/hh-peers"))
    found = {**os.environ, "PEERS_ROOT": root, "PEERS_BENCH": str(options.bench)}
    found.setdefault("PEERS_RESULTS", os.path.join(root, "pyhodgkin"))
    found.pop("OMP_NUM_THREADS", None)  # both sides as they come
    return found


def prepare(options: argparse.Namespace, known: dict[str, str]) -> str:
    """The peers' environment and their references; why not, where there is something in the way."""
    if not (options.bench / "common.py").exists():
        return (
            f"skipped: no peers' scripts in {options.bench}; they are no part of this repository: "
            "give --bench DIR, or set PEERS_BENCH"
        )
    python = peers_python(known)
    if not python.exists():
        print(f"making the peers' environment in {known['PEERS_ROOT']} (some minutes)", flush=True)
        if subprocess.run(["bash", str(options.bench / "setup.sh")], env=known).returncode:
            return "skipped: the peers' environment could not be made (see above)"
    path = {**known, "PYTHONPATH": f"{options.bench}:{HERE}"}
    for script in (options.bench / "make_refs.py", HERE / "peer_measure.py"):
        subprocess.run([python, "-W", "ignore", script], env=path, check=True, cwd=options.bench)
    return ""


def peers_python(known: dict[str, str]) -> Path:
    return Path(known["PEERS_ROOT"]) / "venv" / "bin" / "python"


def run(options: argparse.Namespace, known: dict[str, str]) -> None:
    """All sides, one after the other; what fails or takes too long is said and left out."""
    Path(known["PEERS_RESULTS"]).mkdir(parents=True, exist_ok=True)
    log = open(Path(known["PEERS_RESULTS"]) / "run.log", "a")
    for task in options.tasks or SIDES:
        for script, words in SIDES[task.upper()]:
            name = f"{script} {words}"
            if options.only and not any(word in name for word in options.only.split("|")):
                continue
            ours = not script.startswith("peer_others")
            path = f"{options.bench}:{HERE}" + (f":{HERE.parent}" if ours else "")
            python = str(peers_python(known))
            if ours:
                python = options.julia_python if words.startswith("julia") else sys.executable
            command = [python, "-W", "ignore", str(HERE / script), *words.split()]
            start, how = time.monotonic(), {**known, "PYTHONPATH": path}
            try:
                done = subprocess.run(
                    command, env=how, stdout=log, stderr=log, timeout=options.limit, check=False
                )
                said = "" if done.returncode == 0 else f", ended with {done.returncode}"
            except subprocess.TimeoutExpired:
                said = ", stopped at the limit"
            print(f"{name}: {time.monotonic() - start:.0f} s{said}", flush=True)
    log.close()


def main() -> int:
    options = arguments()
    known = environment(options)
    if not options.table:
        reason = prepare(options, known)
        if reason:
            print(reason)
            return 0
        run(options, known)
    from peers_table import table

    text = table(Path(known["PEERS_RESULTS"]), peers_python(known))
    print(text)
    if options.out:
        options.out.write_text(text + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
