"""Two processes and one store of a population."""

from __future__ import annotations

import sys

import pytest
from test_population_run import STEP, cells
from test_population_store import RECORD, run

import pyhodgkin as ph
from pyhodgkin.errors import InputError
from pyhodgkin.population import request
from pyhodgkin.population import store as stores
from pyhodgkin.storage.locks import Lock

pytest.importorskip("zarr", minversion="3")


@pytest.mark.skipif(sys.platform == "win32", reason="locks are those of POSIX")
def test_two_processes_do_not_write_to_one_store(tmp_path):
    plan = request.made(
        cells(40), STEP, RECORD, False, 1.0, 0.0,
        ph.SolveOptions(rtol=1e-4), "torch", 16,
    )  # fmt: skip
    store = stores.open_store(plan, tmp_path / "a.zarr", False)
    with pytest.raises(InputError, match="another process"):
        stores.open_store(plan, tmp_path / "a.zarr", False)
    store.close()
    stores.open_store(plan, tmp_path / "a.zarr", False).close()


@pytest.mark.skipif(sys.platform == "win32", reason="locks are those of POSIX")
def test_a_store_that_is_being_written_is_not_replaced(tmp_path):
    plan = request.made(
        cells(40), STEP, RECORD, False, 1.0, 0.0,
        ph.SolveOptions(rtol=1e-4), "torch", 16,
    )  # fmt: skip
    store = stores.open_store(plan, tmp_path / "a.zarr", False)
    with pytest.raises(InputError, match="another process"):
        run(tmp_path / "a.zarr", 40, rtol=1e-2, overwrite=True)
    store.close()
    assert [p.name for p in tmp_path.iterdir()] == ["a.zarr"]
    run(tmp_path / "a.zarr", 40, rtol=1e-2, overwrite=True)


def test_a_lock_on_a_file_that_has_been_removed_meanwhile_is_none(tmp_path, monkeypatch):
    """Who has opened the file before it was given up could lock it beside one on a new file."""
    fcntl = pytest.importorskip("fcntl")
    right = fcntl.flock

    def late(file, flags):
        right(file, flags)
        (tmp_path / ".a.zarr.lock").unlink()

    monkeypatch.setattr(fcntl, "flock", late)
    with pytest.raises(InputError, match="another process"):
        Lock(tmp_path / "a.zarr")
