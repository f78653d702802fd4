"""Import time and install size of a checkout, and of another one before it.

    python benchmarks/footprint.py [CHECKOUT ...] [--repeats 7]

Import: fresh processes in turn, by the clock and by ``-X importtime``; what `import pyhodgkin`
itself takes, and with the first use of the library of neurons. Size: the package as it is
installed, and what its dependencies (with theirs) take in this environment.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import os
import re
import statistics
import subprocess
import sys
from pathlib import Path

CODE = {
    "import pyhodgkin": "import pyhodgkin",
    "and a neuron of the library": "import pyhodgkin; pyhodgkin.library.get('squid_axon')",
    "python alone": "pass",
}


def environment(checkout: Path) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(checkout), "PYTHONDONTWRITEBYTECODE": "1"}


def wall(checkout: Path, code: str) -> float:
    """Seconds of a fresh process."""
    program = f"import time; a = time.perf_counter()\n{code}\nprint(time.perf_counter() - a)"
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=environment(checkout), cwd="/", capture_output=True, text=True, check=True,
    )  # fmt: skip
    return float(done.stdout.splitlines()[-1])


def imported(checkout: Path, code: str) -> tuple[float, int]:
    """Milliseconds that ``-X importtime`` sums up for all modules of `code`, and how many."""
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-c", code],
        env=environment(checkout), cwd="/", capture_output=True, text=True, check=True,
    )  # fmt: skip
    own = re.findall(r"import time:\s+(\d+) \|\s+\d+ \| (.*)", done.stderr)
    return sum(int(us) for us, _ in own) / 1e3, len(own)


def requirements(checkout: Path) -> dict[str, list[str]]:
    """The names of the dependencies, and of those of each extra, in pyproject.toml."""
    try:
        import tomllib
    except ImportError:
        import tomli as tomllib
    project = tomllib.loads((checkout / "pyproject.toml").read_text())["project"]
    return {"dependencies": project["dependencies"], **project.get("optional-dependencies", {})}


def closure(wanted: list[str]) -> set[str]:
    """What is installed for these requirements, with what it needs itself."""
    from packaging.requirements import Requirement

    found: set[str] = set()
    todo = [Requirement(text) for text in wanted]
    while todo:
        one = todo.pop()
        name = one.name.lower().replace("_", "-")
        if name in found or (one.marker and not one.marker.evaluate({"extra": ""})):
            continue
        try:
            needs = importlib.metadata.requires(one.name) or []
        except importlib.metadata.PackageNotFoundError:
            continue
        found.add(name)
        todo += [Requirement(text) for text in needs]
    return found - {"pyhodgkin"}


def megabytes(names: set[str]) -> dict[str, float]:
    """What packages take on the disk here, without compiled Python."""
    sizes = {}
    for name in sorted(names):
        files = importlib.metadata.files(name) or []
        paths = [Path(str(file.locate())) for file in files if not str(file).endswith(".pyc")]
        sizes[name] = sum(path.stat().st_size for path in paths if path.is_file()) / 2**20
    return sizes


def package(checkout: Path) -> tuple[float, int, int]:
    """Megabytes, files and lines of Python of the package."""
    files = [
        path for path in (checkout / "pyhodgkin").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    ]  # fmt: skip
    lines = sum(len(path.read_text().splitlines()) for path in files if path.suffix == ".py")
    return sum(path.stat().st_size for path in files) / 2**20, len(files), lines


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    here = Path(__file__).resolve().parent.parent
    parser.add_argument("checkouts", nargs="*", type=Path, default=[here])
    parser.add_argument("--repeats", type=int, default=7)
    options = parser.parse_args()
    every = [path.resolve() for path in options.checkouts]
    print(f"Python {sys.version.split()[0]}, load {os.getloadavg()[0]:.1f}\n")
    print("| a fresh process | " + " | ".join(path.name for path in every) + " |")
    print("|---|" + "---|" * len(every))
    for label, code in CODE.items():
        times = {path: [] for path in every}
        for _ in range(options.repeats):
            for path in every:
                times[path].append(wall(path, code))
        cells = [f"{1e3 * statistics.median(t):.0f} ms ({1e3 * min(t):.0f} to {1e3 * max(t):.0f})"
                 for t in times.values()]  # fmt: skip
        print(f"| {label} | " + " | ".join(cells) + " |")
    for label, code in list(CODE.items())[:2]:
        sums = [imported(path, code) for path in every]
        cells = [f"{ms:.0f} ms, {count} modules" for ms, count in sums]
        print(f"| {label}, -X importtime | " + " | ".join(cells) + " |")
    sizes = [package(path) for path in every]
    cells = [f"{mb:.1f} MB, {count} files, {lines:,} lines" for mb, count, lines in sizes]
    print("| the package | " + " | ".join(cells) + " |")
    for extra in ("dependencies", "readers"):
        cells = []
        for path in every:
            own = megabytes(closure(requirements(path).get(extra, [])))
            large = [f"{name} {mb:.0f}" for name, mb in own.items() if mb >= 5]
            cells.append(f"{sum(own.values()):.0f} MB ({', '.join(large)})" if own else "")
        if any(cells):
            print(f"| {extra} | " + " | ".join(cells) + " |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
