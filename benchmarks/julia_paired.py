"""The Julia engine and diffrax in turn, repeat by repeat, so that a shared machine's noise cancels.

Two processes, each waiting while the other one computes; the ratio is taken of every pair of
neighbours. Each side runs at the loosest tolerance at which it, and all tighter ones, are accurate
enough, and with the method that is fastest there.

    python julia_paired.py --peers-python P [--bench DIR] [--repeats N] [case ...]

`P` runs diffrax; DIR holds the peers' `common.py` and `hh_jax.py`, PEERS_ROOT their references.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections import namedtuple
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve()
BENCH = HERE.parents[2] / "shared" / "bench"
LADDER = (1e-3, 3e-4, 1e-4, 3e-5, 1e-5, 3e-6, 1e-6, 3e-7, 1e-7, 3e-8, 1e-8, 3e-9)
SECONDS, FEWEST = 0.4, 3

# `least`: how accurate; `bar`: how many times faster ours is to be.
Case = namedtuple("Case", "what unit least bar theirs")
CASES = {
    "solve": Case("solve, C = 1", "spikes, ms", 1e-3, 3, ("Tsit5",)),
    "stiff": Case("solve, C = 0.1", "spikes, ms", 1e-3, 3, ("Tsit5",)),
    "physical": Case("gradient, 8 physical", "relative", 1e-4, 10, ("back", "forward")),
    "gate": Case("gradient, 1 network", "relative", 1e-4, 10, ("back",)),
    "batch": Case("gradient, 32 cells", "relative", 1e-4, 1, ("back",)),
}
OURS = ("tsit5", "rodas5p", "auto")


def serve(side: str) -> None:
    """Answer questions on standard input: the error of a case, or the best time of some calls."""
    import julia_sides

    # Julia makes the pipe that it finds as standard input one that does not wait.
    questions, answers = os.fdopen(os.dup(0)), os.fdopen(os.dup(1), "w")
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(2, 1)
    make, made = getattr(julia_sides, side), {}
    for line in questions:
        ask = json.loads(line)
        key = (ask["case"], ask["method"])
        if key not in made:
            made[key] = make(*key)
        run, error = made[key]
        if ask["do"] == "error":
            found = float(error(ask["rtol"]))
        else:
            found = timed(lambda run=run, rtol=ask["rtol"]: run(rtol))
        print(json.dumps(found), file=answers, flush=True)


def timed(run) -> tuple[float, float]:
    """Seconds of a call by the clock, the mean of some, and by the processor, the least of them."""
    run()
    processor, begin, calls = float("inf"), time.perf_counter(), 0
    while calls < FEWEST or time.perf_counter() - begin < SECONDS:
        before = time.process_time()
        run()
        processor = min(processor, time.process_time() - before)
        calls += 1
    return (time.perf_counter() - begin) / calls, processor


class Side:
    """A child process, asked one thing at a time."""

    def __init__(self, side: str, python: str, bench: Path) -> None:
        paths = [str(HERE.parent), str(HERE.parents[1]), str(bench)]
        env = {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
        command = [python, "-W", "ignore", str(HERE), "--serve", side]
        pipe = subprocess.PIPE
        self.child = subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, env=env)

    def ask(self, do: str, case: str, method: str, rtol: float) -> Any:
        asked = {"do": do, "case": case, "method": method, "rtol": rtol}
        assert self.child.stdin and self.child.stdout
        print(json.dumps(asked), file=self.child.stdin, flush=True)
        answer = self.child.stdout.readline()
        if not answer:
            raise SystemExit(f"a side ended with {self.child.wait()} at {asked}")
        return json.loads(answer)

    def end(self) -> None:
        assert self.child.stdin
        self.child.stdin.close()
        self.child.wait()


def accurate(side: Side, case: str, method: str) -> tuple[float, float] | None:
    """The loosest tolerance from which on all errors are small enough, and the error there."""
    found = None
    for rtol in reversed(LADDER):
        error = side.ask("error", case, method, rtol)
        if not error <= CASES[case].least:
            break
        found = rtol, error
    return found


def fastest(side: Side, case: str, methods) -> tuple[str, float, float]:
    """Method, tolerance and error of what is fastest at the accuracy wanted."""
    found = []
    for method in methods:
        setting = accurate(side, case, method)
        if setting is not None:
            found.append((side.ask("time", case, method, setting[0])[1], method, *setting))
    if not found:
        raise SystemExit(f"{case}: none of {methods} is accurate enough")
    return min(found)[1:]


def in_turn(first, second, repeats: int) -> list[list[list[float]]]:
    """Of each of the two, the times by the clock and by the processor."""
    pairs = [(first(), second()) for _ in range(repeats)]
    return [[[pair[i][j] for pair in pairs] for j in range(2)] for i in range(2)]


def ratios(a: list[list[float]], b: list[list[float]], digits: int) -> list[str]:
    """Pair by pair how many times longer `b` took, by the clock and by the processor."""
    return [
        spread([y / x for x, y in zip(less, more, strict=True)], digits)
        for less, more in zip(a, b, strict=True)
    ]


def spread(values, digits: int) -> str:
    middle = statistics.median(values)
    return f"{middle:.{digits}f} ({min(values):.{digits}f} to {max(values):.{digits}f})"


def milliseconds(times: list[list[float]]) -> str:
    """The median by the clock and the least by the processor."""
    return f"{1e3 * statistics.median(times[0]):.2f}, {1e3 * min(times[1]):.2f}"


def row(*cells: str) -> None:
    print("| " + " | ".join(cells) + " |", flush=True)


def compare(case: str, ours: Side, theirs: Side, repeats: int) -> None:
    about = CASES[case]
    mine, other = fastest(ours, case, OURS), fastest(theirs, case, about.theirs)
    a, b = in_turn(
        lambda: ours.ask("time", case, *mine[:2]),
        lambda: theirs.ask("time", case, *other[:2]),
        repeats,
    )
    settings = [f"{s[0]} {s[1]:g} ({s[2]:.0e})" for s in (mine, other)]
    row(about.what, settings[0], milliseconds(a), settings[1], milliseconds(b),
        *ratios(a, b, 1), str(about.bar))  # fmt: skip


def among_ours(side: Side, less: str, more: str, bar: int, repeats: int) -> None:
    """How many times longer `more` takes than `less`, both at the same settings."""
    case = less if less in CASES else "gate"
    method, rtol, _ = fastest(side, case, OURS)
    a, b = in_turn(
        lambda: side.ask("time", less, method, rtol),
        lambda: side.ask("time", more, method, rtol),
        repeats,
    )
    settings = f"{method} {rtol:g}"
    row(f"{more} / {less}", settings, milliseconds(a), milliseconds(b), *ratios(a, b, 2),
        f"under {bar}")  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("cases", nargs="*", default=list(CASES))
    parser.add_argument("--peers-python", default=sys.executable)
    parser.add_argument("--bench", type=Path, default=Path(os.environ.get("PEERS_BENCH", BENCH)))
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--serve", choices=("ours", "theirs"))
    given = parser.parse_args()
    if given.serve:
        serve(given.serve)
        return
    ours = Side("ours", sys.executable, given.bench)
    theirs = Side("theirs", given.peers_python, given.bench)
    print(f"Load at the start {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores.")
    print("Settings: method, rtol (error). ms: by the clock, median; by the processor, least.\n")
    row("case", "pyhodgkin, Julia", "ms", "diffrax Tsit5", "ms", "faster by the clock",
        "by the processor", "bar")  # fmt: skip
    row(*["---"] * 8)
    for case in given.cases:
        compare(case, ours, theirs, given.repeats)
    print("\nWithin the Julia engine, how many times longer the larger takes:\n")
    row("", "settings", "ms", "ms", "by the clock", "by the processor", "bar")
    row(*["---"] * 7)
    among_ours(ours, "one", "three", 3, given.repeats)
    among_ours(ours, "gate", "batch", 20, given.repeats)
    for side in (ours, theirs):
        side.end()
    print(f"\nLoad at the end {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()
