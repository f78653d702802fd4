"""What the learn_*.py scripts share: arguments, a loop over seeds, tables, a page of results.

A script builds a `Report`, adds tables and bars to it, and ends with ``report.finish()``::

    report = Report("learn_x", "What is learned", arguments("…", seeds=20))
    rows = each_seed(report.args, run)          # run(seed) -> dict of numbers
    report.table("clean", rows)
    report.bar("in-sample RMSE < 0.5 mV", [row["RMSE (mV)"] < 0.5 for row in rows])
    report.finish()

Nothing is caught: an exception ends the script, and the benchmark has failed.
"""

from __future__ import annotations

import argparse
import datetime
import platform
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

import pyhodgkin as ph
from pyhodgkin import Stage

RESULTS = Path(__file__).parent / "results"
Row = dict[str, object]


def parser(description: str | None, seeds: int) -> argparse.ArgumentParser:
    """The arguments that every script takes; a script may add its own."""
    out = argparse.ArgumentParser(description=description)
    out.add_argument("--backend", default="julia", choices=("julia", "torch", "auto"))
    out.add_argument("--seeds", type=int, default=seeds, help="how many (default: %(default)s)")
    out.add_argument("--first", type=int, default=0, help="the first seed")
    out.add_argument("--quick", action="store_true", help="three seeds, and the smaller cases")
    out.add_argument("--write", action="store_true", help="write benchmarks/results/NAME.md")
    return out


def arguments(description: str | None, seeds: int) -> argparse.Namespace:
    """The arguments of this call; ``--quick`` means three seeds at most."""
    return settled(parser(description, seeds).parse_args())


def settled(args: argparse.Namespace) -> argparse.Namespace:
    """The same arguments, with what ``--quick`` implies."""
    if args.quick:
        args.seeds = min(args.seeds, 3)
    return args


def each_seed(args: argparse.Namespace, run: Callable[[int], Row]) -> list[Row]:
    """``run(seed)`` for every seed, with its seconds; a line for each on the error stream."""
    rows = []
    for seed in range(args.first, args.first + args.seeds):
        began, worked = time.perf_counter(), time.process_time()
        row = {"seed": seed, **run(seed), "seconds": time.perf_counter() - began}
        # Others share the machine; these are the seconds that this process computed.
        row["of CPU"] = time.process_time() - worked
        print("  " + ", ".join(f"{k} {_cell(x)}" for k, x in row.items()), file=sys.stderr)
        rows.append(row)
    return rows


def prepare(args: argparse.Namespace) -> None:
    """Start the engine and compile what it compiles, so that no seed pays for it."""
    cell = ph.library.get("squid_axon")
    clamp = ph.CurrentClamp.step(10.0, start=1.0, stop=None, t_end=5.0)
    recording = ph.Recording.from_solution(
        ph.simulate(cell, clamp, saveat=0.05, backend=args.backend)
    )
    unknown = cell.replace_gate("n", ph.NeuralKinetics("steady_state", ph.Network.create()))
    stages = [Stage("clamped", steps=2), Stage("simulation", "lbfgs", steps=2)]
    ph.fit(unknown, recording, schedule=stages, backend=args.backend, progress=False)


class Report:
    """What a script found: printed as it comes, and written where ``--write`` asks for it.

    Parameters
    ----------
    name : str
        Of the script and of its page of results.
    title : str
    args : argparse.Namespace
        From `arguments`.
    """

    def __init__(self, name: str, title: str, args: argparse.Namespace) -> None:
        self.name = f"{name}_torch" if args.backend == "torch" else name
        self.args = args
        self.failed: list[str] = []
        self._lines: list[str] = []
        self._began = time.perf_counter()
        self.text(f"# {title}")
        self.text(f"{machine(args)} {args.seeds} seeds.")

    def text(self, text: str) -> None:
        """A paragraph."""
        print(text + "\n", flush=True)
        self._lines += [text, ""]
        if self.args.write:
            # What has been found so far is kept, should a long run be stopped.
            RESULTS.mkdir(exist_ok=True)
            page = RESULTS / f"{self.name}.md"
            page.write_text("\n".join(self._lines).rstrip() + "\n", encoding="utf-8")

    def table(self, title: str, rows: Sequence[Row]) -> None:
        """One line for each row, and a last one with the medians of what are numbers."""
        names = list(dict.fromkeys(name for row in rows for name in row))
        lines = ["| " + " | ".join(names) + " |", "|" + "---|" * len(names)]
        lines += ["| " + " | ".join(_cell(r.get(n)) for n in names) + " |" for r in rows]
        if len(rows) > 2:
            middle = ["median", *(_median([r.get(n) for r in rows]) for n in names[1:])]
            lines.append("| " + " | ".join(middle) + " |")
        if title:
            self.text(f"## {title}")
        self.text("\n".join(lines))

    def bar(self, text: str, passed: Sequence[bool], wanted: int | None = None) -> bool:
        """Whether so many (all, unless `wanted` says how many) have passed what `text` says."""
        wanted, count = len(passed) if wanted is None else wanted, int(np.sum(passed))
        reached = count >= wanted
        self._bar(text, f"{count} of {len(passed)} (wanted: {wanted})", reached)
        return reached

    def below(self, text: str, value: float, limit: float, unit: str = "") -> bool:
        """Whether a number is not above its limit."""
        reached = bool(value <= limit)
        self._bar(text, f"{value:.3g} {unit} (wanted: at most {limit:g})", reached)
        return reached

    def _bar(self, text: str, found: str, reached: bool) -> None:
        if not reached:
            self.failed.append(text)
        self.text(f"- {'reached' if reached else '**missed**'}: {text}: {found}")

    def finish(self) -> int:
        """The machine, the date, how it ended; 0 when every bar was reached, else 1."""
        minutes = (time.perf_counter() - self._began) / 60
        bars = "every bar reached" if not self.failed else f"{len(self.failed)} bars missed"
        self.text(f"{bars}; {minutes:.1f} minutes.")
        command = " ".join([f"benchmarks/{Path(sys.argv[0]).name}", *sys.argv[1:]])
        self.text(f"`python {command}`, no run ended in an exception.")
        return int(bool(self.failed))


def machine(args: argparse.Namespace) -> str:
    """Date, engine, versions and machine in words."""
    from pyhodgkin.backends import get

    engine = get(args.backend).name
    parts = [f"pyhodgkin {ph.__version__}", f"Python {platform.python_version()}"]
    if engine == "torch":
        import torch

        parts += [f"torch {torch.__version__}, {torch.get_num_threads()} thread(s)"]
    else:
        from juliacall import Main  # type: ignore[import-not-found]

        version, threads = Main.seval("string(VERSION)"), Main.seval("Threads.nthreads()")
        parts += [f"Julia {version}, {threads} thread(s)"]
    today = datetime.date.today().isoformat()
    return f"{today}, engine {engine}; {', '.join(parts)}; 2 shared CPU cores."


def _median(values: Sequence[object]) -> str:
    numbers = [float(x) for x in values if isinstance(x, (int, float, np.number))]
    plain = len(numbers) == len(values) and not any(isinstance(x, (bool, np.bool_)) for x in values)
    return _cell(statistics.median(numbers)) if plain and numbers else ""


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, (bool, np.bool_)):
        return "yes" if value else "no"
    if isinstance(value, (float, np.floating)):
        return f"{value:.3g}" if abs(value) < 1000 else f"{value:.0f}"
    return str(value)
