"""Resolves what a user would get from juliapkg.json and julia/Project.toml, and compares.

``python tools/resolve_julia.py REGISTRY [--julia PROGRAM] [--tests] [--write]``

REGISTRY is a folder with a copy of Julia's General registry (the one with Registry.toml in it).
Julia's own package manager works out the newest versions that our bounds admit, without a package
server and without a download; they are compared with julia/tested_versions.toml, the exact versions
that the tests ran on. Exit code 0: they are the same. 1: they differ, or nothing satisfies the
bounds; then run the tests on the new set and write it down with --write, or tighten the bounds.
2: wrong arguments.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import tomllib

ROOT = Path(__file__).resolve().parent.parent
TESTED = ROOT / "julia" / "tested_versions.toml"
PYTHONCALL = "6099a3de-0909-46bc-b1f4-468b9a2dfc0d"


def project(tests: bool, pythoncall: str = "") -> dict[str, dict[str, str]]:
    """`deps` and `compat` of a project with our package's dependencies and PythonCall."""
    own = tomllib.loads((ROOT / "julia" / "Project.toml").read_text("utf-8"))
    deps, compat = dict(own["deps"]), dict(own["compat"])
    if tests:
        deps |= {name: uuid for name, uuid in own["extras"].items()}
    deps["PythonCall"] = PYTHONCALL
    # juliacall asks for the PythonCall of its own version, and juliapkg.json for a series of Julia.
    compat["PythonCall"] = f"={pythoncall or importlib.metadata.version('juliacall')}"
    compat["julia"] = json.loads((ROOT / "juliapkg.json").read_text("utf-8"))["julia"]
    return {"deps": deps, "compat": {k: v for k, v in compat.items() if k in deps or k == "julia"}}


def toml(tables: dict[str, dict[str, str]]) -> str:
    """The tables as TOML text."""
    lines: list[str] = []
    for name, entries in tables.items():
        lines += [f"[{name}]", *(f'{k} = "{v}"' for k, v in sorted(entries.items())), ""]
    return "\n".join(lines)


def resolved(registry: Path, julia: str, tests: bool, pythoncall: str = "") -> dict[str, str]:
    """Name to version of everything that would be installed, Julia included."""
    with tempfile.TemporaryDirectory() as folder:
        depot, file = Path(folder, "depot"), Path(folder, "project", "Project.toml")
        (depot / "registries").mkdir(parents=True)
        (depot / "registries" / "General").symlink_to(registry.resolve())
        file.parent.mkdir()
        file.write_text(toml(project(tests, pythoncall)), "utf-8")
        environment = {
            **os.environ,
            "JULIA_DEPOT_PATH": str(depot),
            "JULIA_LOAD_PATH": "@stdlib",
            "JULIA_PKG_SERVER": "",
            "JULIA_PKG_OFFLINE": "false",  # offline, only packages that are installed would count
        }
        command = [julia, "--startup-file=no", str(ROOT / "tools" / "resolve.jl"), str(file)]
        done = subprocess.run(command, env=environment, capture_output=True, text=True)
    if done.returncode:
        print(done.stderr.strip(), file=sys.stderr)
        sys.exit("nothing in the registry satisfies juliapkg.json and julia/Project.toml (above)")
    return dict(line.split() for line in done.stdout.splitlines())


def compared(found: dict[str, str], tested: dict[str, str]) -> list[str]:
    """A line for each package whose version is not the one that was tested."""
    return [
        f"{name}: tested {tested.get(name, 'not at all')}, newest admitted {version}"
        for name, version in sorted(found.items())
        if tested.get(name) != version
    ]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("registry", type=Path, help="folder with a copy of the General registry")
    parser.add_argument("--julia", default="julia", help="the Julia program")
    parser.add_argument("--tests", action="store_true", help="with the packages of the Julia tests")
    parser.add_argument("--write", action="store_true", help="write julia/tested_versions.toml")
    parser.add_argument(
        "--pythoncall", default="", help="its version, for a registry older than juliacall"
    )
    options = parser.parse_args()
    if not (options.registry / "Registry.toml").is_file():
        parser.error(f"{options.registry} holds no Registry.toml: give the registry's folder")
    if shutil.which(options.julia) is None:
        parser.error(f"--julia {options.julia}: no such program")
    found = resolved(options.registry, options.julia, options.tests, options.pythoncall)
    if options.write:
        header = "# Written by tools/resolve_julia.py: the versions that the tests ran on.\n"
        TESTED.write_text(header + toml({"versions": found}), "utf-8")
        return 0
    differences = compared(found, tomllib.loads(TESTED.read_text("utf-8"))["versions"])
    for line in differences:
        print(line)
    print(f"{len(found)} packages, {len(differences)} of them not the tested version")
    return 1 if differences else 0


if __name__ == "__main__":
    sys.exit(main())
