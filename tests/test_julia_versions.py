"""The versions of Julia packages that users get are those that the tests ran on."""

from __future__ import annotations

import os
import re
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

tomllib = pytest.importorskip("tomllib", reason="Python 3.11 or later reads TOML")

ROOT = Path(__file__).resolve().parent.parent
SCRIPT = ROOT / "tools" / "resolve_julia.py"
REGISTRY, JULIA = (os.environ.get(f"PYHODGKIN_{x}") for x in ("JULIA_REGISTRY", "RESOLVE_JULIA"))


@pytest.fixture(scope="module")
def tool():
    return runpy.run_path(str(SCRIPT), run_name="tool")


@pytest.fixture(scope="module")
def tested() -> dict[str, str]:
    return tomllib.loads((ROOT / "julia" / "tested_versions.toml").read_text("utf-8"))["versions"]


def test_every_dependency_has_a_tested_version(tool, tested):
    standard = {"LinearAlgebra", "SHA", "Random", "Test"}
    wanted = set(tool["project"](tests=True)["deps"]) - standard
    assert wanted <= set(tested)
    assert tested["julia"] == "1.10"


def test_the_bounds_of_juliapkg_and_juliacall_are_those_of_the_project(tool):
    compat = tool["project"](tests=False)["compat"]
    assert compat["julia"] == "~1.10.3" and re.fullmatch(r"=\d+\.\d+\.\d+", compat["PythonCall"])


def test_differences_are_named(tool):
    lines = tool["compared"]({"A": "1.0.0", "B": "2.0.0", "C": "1"}, {"A": "1.0.0", "B": "1.9.0"})
    assert lines == [
        "B: tested 1.9.0, newest admitted 2.0.0",
        "C: tested not at all, newest admitted 1",
    ]


def test_wrong_arguments_are_refused(tmp_path):
    command = [sys.executable, str(SCRIPT), str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 2 and "holds no Registry.toml" in done.stderr


@pytest.mark.skipif(
    not (REGISTRY and JULIA),
    reason="PYHODGKIN_JULIA_REGISTRY (a General registry) and PYHODGKIN_RESOLVE_JULIA are not set",
)
@pytest.mark.parametrize("more", [[], ["--tests"]])
def test_the_newest_admitted_versions_are_the_tested_ones(more):
    command = [sys.executable, str(SCRIPT), str(REGISTRY), "--julia", str(JULIA), *more]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
