"""Populations on a Dask cluster: the same bits, dead workers, and what is refused."""

from __future__ import annotations

import os
import signal

import pytest
from test_population_run import FAST, STEP, cells, equal

import pyhodgkin as ph
from pyhodgkin import cluster as general
from pyhodgkin.errors import BackendUnavailableError, InputError
from pyhodgkin.population import cluster as clusters

distributed = pytest.importorskip("distributed")
OPTIONS = {"record": ("spikes", "rate", "v"), "saveat": [20.0, 60.0], **FAST}


def test_workers_give_the_same_bits(client):
    population = cells(9000)
    whole = population.simulate(STEP, **OPTIONS)
    assert equal(population.simulate(STEP, cluster=client, chunk_size=1, **OPTIONS), whole)


def test_dead_workers_are_made_good(client, tmp_path):
    pytest.importorskip("zarr", minversion="3")
    population = cells(9000)
    whole = population.simulate(STEP, **OPTIONS)
    killed = []
    right = clusters.divided

    def divided(client, function, pieces):
        for item in right(client, function, pieces):
            if not killed:
                pids = client.run(os.getpid)
                killed.append(next(iter(pids.values())))
                os.kill(killed[0], signal.SIGKILL)
            yield item

    clusters.divided = divided
    try:
        found = population.simulate(
            STEP, cluster=client, out=tmp_path / "a.zarr", chunk_size=1, **OPTIONS
        )
    finally:
        clusters.divided = right
    assert killed and equal(found, whole)


def test_a_worker_without_the_engine_is_refused_with_the_reason(client):
    client.wait_for_workers(2, timeout=60)  # one of them may have been killed by a test before
    client.run(_switch, "0")
    try:
        with pytest.raises(BackendUnavailableError, match="eager integrators, and this run comp"):
            cells(20).simulate(STEP, cluster=client, **OPTIONS)
    finally:
        client.run(_switch, None)


def _switch(value):
    if value is None:
        os.environ.pop("PYHODGKIN_COMPILED", None)
    else:
        os.environ["PYHODGKIN_COMPILED"] = value


def test_a_worker_without_julia_is_refused(monkeypatch):
    from pyhodgkin.population import request

    plan = request.made(cells(20), STEP, "rate", False, None, 0.0, ph.SolveOptions(), "julia", None)

    def none(name):
        raise BackendUnavailableError("no Julia was found")

    monkeypatch.setattr(clusters.backends, "get", none)
    with pytest.raises(BackendUnavailableError, match='"julia", and results of two engines'):
        clusters.solve_part(plan)


def test_clusters_that_are_none_are_refused():
    with pytest.raises(InputError, match="no scheduler answers"):
        general.TIMEOUT, before = 0.5, general.TIMEOUT
        try:
            cells(3).simulate(STEP, cluster="tcp://127.0.0.1:9", **FAST)
        finally:
            general.TIMEOUT = before
    with pytest.raises(InputError, match="cluster is a int"):
        cells(3).simulate(STEP, cluster=3, **FAST)
    with pytest.raises(InputError, match="give one"):
        cells(3).simulate(STEP, cluster="tcp://127.0.0.1:9", workers=2, **FAST)


def test_without_dask_it_says_what_to_install(monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(BackendUnavailableError, match=r"pyhodgkin\[cluster\]"):
        cells(3).simulate(STEP, workers=1, **FAST)
