"""Shared fixtures: where the reference data lies, and what this machine can run."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

# Small tensors on two cores: more threads only wait for each other.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("MPLBACKEND", "Agg")

# Which engine "auto" takes is said on standard error, where tests look for other things.
os.environ.setdefault("PYHODGKIN_QUIET", "1")

ROOT = Path(__file__).resolve().parent.parent


def julia_is_installed() -> bool:
    """Whether the Julia engine can start here, without a download."""
    return not _against_julia()


def _against_julia() -> str:
    from pyhodgkin.backends.julia import discover

    return discover.look().reason


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip the tests marked ``julia`` where that engine cannot start."""
    reason = _against_julia()
    if not reason:
        return
    skip = pytest.mark.skip(reason=f"no Julia engine: {reason}")
    for item in items:
        if item.get_closest_marker("julia"):
            item.add_marker(skip)


@pytest.fixture(scope="session")
def reference_data(tmp_path_factory) -> Path:
    """Folder of the reference data: beside the repository, else stand-ins made for the tests."""
    folder = ROOT.parent / "shared" / "data"
    if folder.is_dir():
        return folder
    from reference_files import make

    return make(tmp_path_factory.mktemp("reference"))


@pytest.fixture(scope="session")
def client():
    """A Dask cluster of two worker processes; a test that has killed one waits for the next."""
    distributed = pytest.importorskip("distributed")
    local = distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None
    )
    with local, distributed.Client(local) as found:
        yield found


@pytest.fixture(scope="session")
def trial():
    """A running Julia with the small package of the tests, `BridgeTrial`."""
    import julia_trial

    return julia_trial.session()


@pytest.fixture(scope="session", params=["quick", "plain"])
def either(request, trial):
    """The same by both ways into Julia, also by what juliacall alone offers."""
    import julia_trial

    return trial if request.param == "quick" else julia_trial.plain_session()


JULIACALL = ("EXE", "PROJECT", "BINDIR", "HANDLE_SIGNALS", "THREADS", "AUTOLOAD_IPYTHON_EXTENSION")
JULIA = ("JULIA_LOAD_PATH", "JULIA_NUM_THREADS", "CONDA_PREFIX")


@pytest.fixture
def bare(monkeypatch, tmp_path):
    """An environment in which nobody has heard of Julia."""
    from pyhodgkin.backends.julia import discover, start

    names = [f"PYTHON_JULIACALL_{name}" for name in JULIACALL]
    names += [f"PYTHON_JULIAPKG_{name}" for name in ("EXE", "PROJECT", "OFFLINE")]
    for name in (*names, *JULIA):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.delitem(sys.modules, "juliacall", raising=False)
    for name, value in (
        ("_sessions", {}),
        ("_failed", {}),
        ("_started_in", None),
        ("_connection", None),
    ):
        monkeypatch.setattr(start, name, value)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("JULIA_DEPOT_PATH", str(tmp_path / "depot"))
    monkeypatch.setenv("PYTHON_JULIAPKG_PROJECT", str(tmp_path / "resolved"))
    discover.forget()
    yield monkeypatch
    discover.forget()
