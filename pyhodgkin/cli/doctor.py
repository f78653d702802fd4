"""`pyhodgkin doctor`: which engines can start here, and what to do about the others."""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import os
import platform
import sys
import time
from dataclasses import asdict
from typing import Any

from ..errors import PyHodgkinError
from .output import say, show_table

NAME = "doctor"
HELP = "start the engines, and say what is missing for the others"
DESCRIPTION = """\
Start each engine that is installed and solve a small problem on it, with times; for the others say
why they cannot start and what to do. Only an engine that solved counts as ready. Nothing is
downloaded unless --install asks for it. The exit code is 0 when an engine is ready (with --require:
that one), else 1."""
EXAMPLES = """\
  pyhodgkin doctor
  pyhodgkin doctor --no-start           read files only: quicker, but proves nothing
  pyhodgkin doctor --install            let juliapkg download Julia and its packages
  pyhodgkin doctor --require julia --json"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--install", action="store_true", help="download Julia and its packages if missing"
    )
    parser.add_argument(
        "--start",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="start the engines that are installed, and solve on each (the default)",
    )
    parser.add_argument(
        "--require", choices=("julia", "torch"), help="fail unless this engine is ready"
    )
    parser.add_argument("--json", action="store_true", help="print JSON in place of the tables")


def run(options: argparse.Namespace) -> int:
    if options.install:
        from ..backends.julia_setup import install_julia

        install_julia()
    report = examine()
    if options.start:
        for engine in report["engines"]:
            if engine["ready"]:
                engine.update(tried(engine["name"]))
    if options.json:
        print(json.dumps(report, indent=2))
    else:
        show(report)
    ready = [engine["name"] for engine in report["engines"] if engine["ready"]]
    return 0 if (options.require in ready if options.require else ready) else 1


def examine() -> dict[str, Any]:
    """Everything that doctor knows without starting anything."""
    from ..backends import available, gpu
    from ..backends.compiled import why_not
    from ..backends.julia_setup import julia_setup

    found, threads = julia_setup()
    return {
        "engines": [asdict(engine) for engine in available()],
        "versions": {
            "python": platform.python_version(),
            **{name: version_of(name) for name in ("pyhodgkin", "torch", "juliacall", "juliapkg")},
            **{name: version_of(name) for name in ("numba", "triton")},
            "julia": found.version,
        },
        "compiled integrators": why_not() or "used by the torch engine",
        "GPU kernels": gpu.why_not() or gpu.device_missing() or 'used by device="cuda"',
        "julia": {
            "executable": found.executable,
            "project": found.project,
            "found by": found.source,
            "threads": threads,
        },
        "platform": f"{platform.platform()}, {os.cpu_count()} CPUs",
    }


def version_of(name: str) -> str:
    """The version that is installed, or nothing."""
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return ""


def tried(name: str) -> dict[str, Any]:
    """Start an engine and solve on it: times in seconds, or why it failed."""
    import pyhodgkin as ph
    from pyhodgkin import backends

    squid = ph.library.get("squid_axon")
    clamp = ph.CurrentClamp.step(10.0, start=1.0, stop=9.0, t_end=10.0)
    seconds = {}
    try:
        began = time.perf_counter()
        engine = backends.get(name)
        seconds["start"] = time.perf_counter() - began
        for label in ("first solve", "second solve"):
            began = time.perf_counter()
            solution = ph.simulate(squid, clamp, backend=engine)
            seconds[label] = time.perf_counter() - began
        if len(solution.spike_times()) != 1:
            return {"ready": False, "reason": "its solve is wrong: not one spike", "fix": ""}
    except PyHodgkinError as error:
        return {"ready": False, "reason": " ".join(str(error).split()), "fix": ""}
    return {"seconds": {label: round(value, 4) for label, value in seconds.items()}}


def show(report: dict[str, Any]) -> None:
    """The tables, and a line for each engine that is not ready."""
    rows = []
    for engine in report["engines"]:
        seconds = engine.get("seconds", {})
        row = {
            "engine": engine["name"],
            "ready": "yes" if engine["ready"] else "no",
            "version": engine["version"],
        }
        if any("seconds" in other for other in report["engines"]):
            labels = ("start", "first solve", "second solve")
            row |= {f"{label} (s)": seconds.get(label) for label in labels}
        rows.append(row)
    show_table(rows)
    facts = {**report["versions"], **report["julia"], "platform": report["platform"]}
    facts["julia"] = report["versions"]["julia"]
    facts["compiled"] = report["compiled integrators"]
    facts["GPU"] = report["GPU kernels"]
    for name, value in facts.items():
        say(f"  {name:<10}  {value or 'not found'}")
    for engine in report["engines"]:
        if not engine["ready"]:
            parts = [part for part in (engine["reason"], engine["fix"]) if part]
            say(f"\n{engine['name']} engine: {'; '.join(parts)}")
    sys.stdout.flush()
