"""Shared fixtures: where the reference data lies, and what this machine can run."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

# Small tensors on two cores: more threads only wait for each other.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("MPLBACKEND", "Agg")

ROOT = Path(__file__).resolve().parent.parent
JULIA_VARIABLES = ("PYTHON_JULIACALL_EXE", "PYTHON_JULIAPKG_EXE")


def julia_is_installed() -> bool:
    """Whether a Julia is named by the environment or found on the path."""
    named = any(os.environ.get(variable) for variable in JULIA_VARIABLES)
    return named or shutil.which("julia") is not None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip the tests marked ``julia`` on a machine without one."""
    if julia_is_installed():
        return
    skip = pytest.mark.skip(reason="no Julia on this machine (julia is not on the path)")
    for item in items:
        if item.get_closest_marker("julia"):
            item.add_marker(skip)


@pytest.fixture(scope="session")
def reference_data() -> Path:
    """Folder of the reference data, beside the repository; the test is skipped without it."""
    folder = ROOT.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("reference data not found: ../shared/data")
    return folder
