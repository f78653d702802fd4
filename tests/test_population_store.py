"""Stores of populations: killed and continued, read back, opened by others, and what is refused."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from test_population_run import FAST, STEP, VARY, cells, equal

import pyhodgkin as ph
from pyhodgkin.errors import InputError
from pyhodgkin.population import plan as plans
from pyhodgkin.population import store as stores

zarr = pytest.importorskip("zarr", minversion="3")
RECORD = ("spikes", "rate", "v")
OPTIONS = {"record": RECORD, "saveat": 1.0, **FAST}


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch):
    monkeypatch.setitem(plans.CELLS, "cpu", 16)


def run(out, n=100, protocol=STEP, **options):
    return cells(n).simulate(protocol, out=out, **{**OPTIONS, "chunk_size": 16, **options})


def test_a_store_holds_what_memory_holds(tmp_path):
    whole = cells(100).simulate(STEP, **OPTIONS)
    assert equal(run(tmp_path / "a.zarr"), whole)
    again = ph.PopulationResult.load(tmp_path / "a.zarr")
    assert equal(again, whole)
    assert np.array_equal(again.population["na.g"], whole.population["na.g"])
    assert again.neuron == whole.neuron and again.protocols == whole.protocols
    assert again.spike_times(57).tolist() == whole.spike_times(57).tolist()
    assert again.select("v", 20, 50).shape == (30, 81)


def test_a_family_and_rheobase_in_a_store(tmp_path):
    family = ph.CurrentClamp.family([5.0, 12.0], start=10.0, stop=50.0, t_end=60.0)
    record = ("rate", "v", ph.Rheobase(20.0, 10.0, 0.05))
    memory = cells(40).simulate(family, **{**OPTIONS, "record": record})
    found = run(tmp_path / "a.zarr", 40, family, record=record)
    assert equal(found, memory)
    assert found["rheobase"].shape == (40,)


def test_it_opens_in_xarray_with_units_coordinates_and_the_model(tmp_path):
    xarray = pytest.importorskip("xarray")
    family = ph.CurrentClamp.family([5.0, 12.0], start=10.0, stop=50.0, t_end=60.0)
    result = run(tmp_path / "a.zarr", 40, family)
    plain = xarray.open_dataset(tmp_path / "a.zarr", engine="zarr", consolidated=False)
    assert plain["rate"].attrs["units"] == "Hz" and plain["v"].attrs["units"] == "mV"
    assert plain["na.g"].dims == ("cell",) and plain["na.g"].attrs["units"] == "mS/cm²"
    assert json.loads(plain.attrs["pyhodgkin"])["neuron"]["name"] == "squid_axon"
    for found in (result.to_xarray(), cells(40).simulate(family, **OPTIONS).to_xarray()):
        assert found["rate"].dims == ("protocol", "cell")
        assert found["amplitude"].values.tolist() == [5.0, 12.0]
        assert set(found.coords) >= {"cell", "time", "na.g", "k.g", "protocol"}
        np.testing.assert_array_equal(found["v"], result["v"])
        counts = found["spike_time"].notnull().sum("spike")
        np.testing.assert_array_equal(counts, result.n_spikes)
    # What is selected by a parameter, as xarray users do.
    strong = found.where(found["na.g"] > 120.0, drop=True)
    assert 0 < strong.sizes["cell"] < 40


def test_names_of_cells_are_kept(tmp_path):
    axon = ph.library.get("squid_axon")
    table = {"cell": ["a", "b", "c"], "na.g": [110.0, 120.0, 130.0]}
    population = ph.Population.from_table(axon, table)
    population.simulate(STEP, record="rate", out=tmp_path / "a.zarr", **FAST)
    again = ph.PopulationResult.load(tmp_path / "a.zarr")
    assert again.population.names == ("a", "b", "c")
    assert again.to_pandas().loc["b", "na.g"] == 120.0
    assert again.to_xarray()["rate"].sel(cell="c") == again["rate"][2]


def test_a_complete_store_of_the_same_run_is_taken_as_it_is(tmp_path, monkeypatch):
    first = run(tmp_path / "a.zarr")
    monkeypatch.setattr("pyhodgkin.population.run.compute", None)
    assert equal(run(tmp_path / "a.zarr", chunk_size=None), first)


def test_an_interrupted_run_goes_on_where_it_was(tmp_path, monkeypatch):
    from pyhodgkin.population import run as runs

    computed, right = [], runs.compute

    def counted(plan, engine, chunk):
        if len(computed) == 3:
            computed.append(None)
            raise KeyboardInterrupt
        computed.append(chunk)
        return right(plan, engine, chunk)

    monkeypatch.setattr(runs, "compute", counted)
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "a.zarr")
    with pytest.raises(InputError, match="has not ended: 4 of 7"):
        ph.PopulationResult.load(tmp_path / "a.zarr")["rate"]
    assert len(ph.PopulationResult.load(tmp_path / "a.zarr").select("rate", 0, 48)) == 48
    found = run(tmp_path / "a.zarr")
    assert [c for c in computed if c is not None] == list(range(7))
    assert equal(found, cells(100).simulate(STEP, **OPTIONS))
    assert not list(tmp_path.glob(".*"))


KILLED = """
import sys
import pyhodgkin as ph
from pyhodgkin.population import plan as plans
from pyhodgkin.population import request
plans.CELLS["cpu"] = 16
from test_population_store import run
run(sys.argv[1], 400)
"""


def test_a_killed_run_goes_on_with_nothing_lost_or_doubled(tmp_path):
    out = tmp_path / "a.zarr"
    path = os.pathsep.join([str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")])
    for kill_at in (3, 11):
        process = subprocess.Popen(
            [sys.executable, "-c", KILLED, str(out)], env={**os.environ, "PYTHONPATH": path}
        )
        deadline = time.monotonic() + 120.0
        while time.monotonic() < deadline and process.poll() is None:
            if len(list((out / "complete").glob("c/*"))) >= kill_at:
                break
            time.sleep(0.002)
        process.send_signal(signal.SIGKILL)
        process.wait()
        done = zarr.open_group(str(out), mode="r")["complete"][:]
        assert done.sum() >= min(kill_at, 25)
    found = run(out, 400)
    assert equal(found, cells(400).simulate(STEP, **OPTIONS))
    assert (zarr.open_group(str(out), mode="r")["complete"][:] == 1).all()


DIFFERENT = [
    ({"protocol": ph.CurrentClamp.step(9.0, start=10.0, stop=50.0, t_end=60.0)}, "protocols"),
    ({"n": 101}, "population"),
    ({"rtol": 1e-5}, "options"),
    ({"saveat": 2.0}, "saveat"),
    ({"record": ("rate", "v")}, "record"),
    ({"threshold": -10.0}, "threshold"),
    ({"chunk_size": 32}, "chunk_size"),
]


@pytest.mark.parametrize(("change", "text"), DIFFERENT)
def test_a_store_of_another_run_is_refused_and_left_alone(tmp_path, change, text):
    first = run(tmp_path / "a.zarr", 40)
    with pytest.raises(InputError, match=f"another run: .*{text}.*overwrite=True"):
        run(tmp_path / "a.zarr", **{"n": 40, **change})
    assert equal(ph.PopulationResult.load(tmp_path / "a.zarr"), first)


def test_another_model_is_refused(tmp_path):
    run(tmp_path / "a.zarr", 40)
    other = ph.Population(ph.library.get("squid_axon").with_parameters(l__g=0.4), 40, VARY, seed=1)
    with pytest.raises(InputError, match="neuron"):
        other.simulate(STEP, out=tmp_path / "a.zarr", chunk_size=16, **OPTIONS)


def test_overwriting_keeps_the_old_run_until_the_new_one_is_complete(tmp_path, monkeypatch):
    run(tmp_path / "a.zarr", 40)
    first = cells(40).simulate(STEP, **OPTIONS)
    right = stores.Store.write

    def broken(self, chunk, found):
        if chunk == 1:
            raise KeyboardInterrupt
        right(self, chunk, found)

    monkeypatch.setattr(stores.Store, "write", broken)
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "a.zarr", 40, rtol=1e-3, overwrite=True)
    (old,) = tmp_path.glob("a.zarr.replaced-*")
    assert equal(ph.PopulationResult.load(old), first)
    monkeypatch.setattr(stores.Store, "write", right)
    run(tmp_path / "a.zarr", 40, rtol=1e-3, overwrite=True)
    assert [p.name for p in tmp_path.iterdir()] == ["a.zarr"]
    run(tmp_path / "a.zarr", 40, rtol=1e-2, overwrite=True)
    assert [p.name for p in tmp_path.iterdir()] == ["a.zarr"]


def test_a_full_disk_is_told_and_loses_nothing(tmp_path, monkeypatch):
    right = stores.Store._write_spikes
    written = []

    def full(self, own, found):
        if len(written) == 2:
            raise OSError(errno.ENOSPC, "No space left on device")
        written.append(own)
        right(self, own, found)

    monkeypatch.setattr(stores.Store, "_write_spikes", full)
    with pytest.raises(OSError, match="No space left on device: 2 of 7 chunks are kept"):
        run(tmp_path / "a.zarr")
    monkeypatch.setattr(stores.Store, "_write_spikes", right)
    assert equal(run(tmp_path / "a.zarr"), cells(100).simulate(STEP, **OPTIONS))


def test_what_is_no_store_is_never_written_over(tmp_path):
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "a.txt").write_text("mine")
    (tmp_path / "file").write_text("mine")
    for name in ("notes", "file"):
        for overwrite in (False, True):
            with pytest.raises(InputError, match="something else"):
                run(tmp_path / name, 16, overwrite=overwrite)
    zarr.create_group(str(tmp_path / "other.zarr"))
    with pytest.raises(InputError, match="something else"):
        run(tmp_path / "other.zarr", 16, overwrite=True)
    with pytest.raises(InputError, match="no run of a population"):
        ph.PopulationResult.load(tmp_path / "other.zarr")
    with pytest.raises(InputError, match="no such folder"):
        ph.PopulationResult.load(tmp_path / "none.zarr")


def test_a_store_of_another_version_is_told(tmp_path):
    run(tmp_path / "a.zarr", 16)
    group = zarr.open_group(str(tmp_path / "a.zarr"), mode="r+")
    head = json.loads(group.attrs["pyhodgkin"])
    group.attrs["pyhodgkin"] = json.dumps({**head, "version": "0.0.9"})
    with pytest.raises(InputError, match="version"):
        run(tmp_path / "a.zarr", 16)
    group.attrs["pyhodgkin"] = json.dumps({**head, "format": "pyhodgkin population 9"})
    with pytest.raises(InputError, match="population 9"):
        ph.PopulationResult.load(tmp_path / "a.zarr")
    group.attrs["pyhodgkin"] = json.dumps({k: x for k, x in head.items() if k != "options"})
    with pytest.raises(InputError, match="damaged"):
        ph.PopulationResult.load(tmp_path / "a.zarr")


def test_counts_of_spikes_are_read_without_the_spikes(tmp_path, monkeypatch):
    counts = run(tmp_path / "a.zarr", 40).n_spikes
    monkeypatch.setattr(stores.Store, "spikes", None)
    assert np.array_equal(ph.PopulationResult.load(tmp_path / "a.zarr").n_spikes, counts)


def test_no_permission_is_told(tmp_path):
    tmp_path.chmod(0o500)
    try:
        if os.access(tmp_path, os.W_OK):
            pytest.skip("this user (root) may write where it is forbidden: run as an ordinary one")
        with pytest.raises(OSError, match="ermission"):
            run(tmp_path / "a.zarr", 16)
        assert list(tmp_path.iterdir()) == []
    finally:
        tmp_path.chmod(0o700)


def test_a_store_that_may_only_be_read_is_read(tmp_path):
    whole = run(tmp_path / "a.zarr", 16)
    tmp_path.chmod(0o500)
    (tmp_path / "a.zarr").chmod(0o500)
    try:
        if os.access(tmp_path, os.W_OK):
            pytest.skip("this user (root) may write where it is forbidden: run as an ordinary one")
        assert equal(ph.PopulationResult.load(tmp_path / "a.zarr"), whole)
        with pytest.raises(OSError, match="ermission"):
            run(tmp_path / "a.zarr", 16, overwrite=True)
        assert equal(ph.PopulationResult.load(tmp_path / "a.zarr"), whole)
    finally:
        (tmp_path / "a.zarr").chmod(0o700)
        tmp_path.chmod(0o700)


def test_without_zarr_it_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "zarr", None)
    with pytest.raises(ph.errors.BackendUnavailableError, match=r"pyhodgkin\[population\]"):
        run(tmp_path / "a.zarr", 16)


def test_a_cell_with_many_spikes_widens_the_store(tmp_path):
    population = ph.Population(ph.library.get("squid_axon"), 32, {"c_m": np.r_[np.ones(31), 0.3]})
    step = ph.CurrentClamp.step(20.0, start=5.0, stop=595.0, t_end=600.0)
    found = population.simulate(step, out=tmp_path / "a.zarr", chunk_size=16, **FAST)
    memory = population.simulate(step, **FAST)
    assert max(found.n_spikes) > 32
    assert equal(found, memory)
