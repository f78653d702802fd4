"""Fits whose starts or recordings are divided over the workers of a cluster."""

from __future__ import annotations

import os
import signal

import numpy as np
import pytest
from fit_stub import neural, squid
from test_cells import sweeps

import pyhodgkin as ph
from pyhodgkin import Stage
from pyhodgkin import cluster as general
from pyhodgkin.errors import BackendUnavailableError, InputError
from pyhodgkin.fitting import over_recordings, over_seeds

SHORT = {"backend": "torch", "progress": False, "fit_initial": False}
SEEDS = [Stage("clamped", "lbfgs", 4, lr=0.1), Stage("simulation", "levenberg", 2)]
CELLS = [
    Stage("clamped", "levenberg", 3, trainable=["k.g", "na.g"]),
    Stage("simulation", "levenberg", 3),
    Stage("simulation", "lbfgs", 2),
]


class Here:
    """A cluster that is this process."""

    def submit(self, function, *arguments, pure, retries):
        return function(*arguments)

    def gather(self, tasks):
        return tasks


def here(monkeypatch):
    """Let `fit` take this process for a cluster, and pieces of two recordings."""
    from contextlib import contextmanager

    from pyhodgkin import _fit

    @contextmanager
    def client_of(workers, cluster):
        yield Here()

    monkeypatch.setattr(_fit, "client_of", client_of)
    monkeypatch.setattr(_fit, "check_workers", lambda workers, cluster: None)
    monkeypatch.setattr(over_recordings, "FEWEST", 2)


def cells(**more):
    arguments = {"per_cell": ["k.g", "na.g"], "schedule": CELLS, **SHORT, **more}
    return ph.fit(neural(), sweeps("abc", 6.0), trainable="networks", **arguments)


@pytest.fixture(scope="module")
def there(client):
    """A fit of three cells on a cluster."""
    client.wait_for_workers(2, timeout=60)
    return cells(cluster=client)


def test_pieces_of_recordings_add_up(monkeypatch):
    alone = cells()
    here(monkeypatch)
    divided = cells(workers=1)
    assert len(over_recordings.DividedBackend.pieces(3)) == 2
    np.testing.assert_allclose(divided.history["loss"], alone.history["loss"], rtol=1e-4)
    np.testing.assert_allclose(divided.population.theta, alone.population.theta, rtol=1e-3)
    assert divided.settings == alone.settings


@pytest.mark.parametrize("mode", ["simulation", "observer"])
def test_every_part_of_a_fit_is_divided(monkeypatch, mode):
    """Also initial states, held-out recordings, and fits of a few numbers."""
    stage = Stage(mode, "levenberg", 3, gain=2.0 if mode == "observer" else None)
    arguments = {**SHORT, "fit_initial": True, "schedule": stage, "trainable": "k.g"}
    alone = ph.fit(squid(), sweeps("abc", 6.0), heldout="c", **arguments)
    here(monkeypatch)
    divided = ph.fit(squid(), sweeps("abc", 6.0), heldout="c", workers=1, **arguments)
    np.testing.assert_allclose(divided.theta, alone.theta, rtol=1e-6)
    np.testing.assert_allclose(divided.initial_states, alone.initial_states, rtol=1e-4)
    np.testing.assert_allclose(divided.scores, alone.scores, rtol=1e-4)


def test_a_cluster_gives_the_bits_of_one_process_with_the_same_pieces(there, monkeypatch):
    here(monkeypatch)
    monkeypatch.setattr(over_recordings, "FEWEST", 4)
    np.testing.assert_array_equal(cells(workers=1).population.theta, there.population.theta)


def test_seeds_on_workers_are_those_of_one_process(client):
    arguments = {"trainable": "networks", "schedule": SEEDS, **SHORT}
    there = ph.fit(neural(), sweeps("a", 6.0), seeds=[3, 4], cluster=client, **arguments)
    assert there.theta.shape[0] == 2 and there.seeds == (3, 4)
    assert any(line.startswith("seed 4: clamped lbfgs") for line in there.log)
    for k, seed in enumerate((3, 4)):
        alone = ph.fit(neural(), sweeps("a", 6.0), seeds=[seed], **arguments)
        np.testing.assert_array_equal(there.theta[k], alone.theta[0])
        assert there.scores[k] == alone.scores[0]
        loss = there.history["loss"][:, k]
        np.testing.assert_array_equal(loss[np.isfinite(loss)], alone.history["loss"][:, 0])
    assert there.best == int(np.argmin(there.scores)) and len(there.ensemble().members) > 0


def test_a_worker_that_dies_is_made_good(client, there):
    client.wait_for_workers(2, timeout=60)
    killed = []

    def kill(info):
        if info.step == 2 and not killed:
            killed.append(next(iter(client.run(os.getpid).values())))
            os.kill(killed[0], signal.SIGKILL)

    again = cells(cluster=client, callback=kill)
    assert killed
    np.testing.assert_array_equal(again.population.theta, there.population.theta)


def test_what_a_cluster_cannot_be_is_one_message(monkeypatch):
    pytest.importorskip("distributed")
    monkeypatch.setattr(general, "TIMEOUT", 0.5)
    arguments = {"trainable": "k.g", **SHORT}
    with pytest.raises(InputError, match="no scheduler answers"):
        ph.fit(squid(), sweeps("a", 4.0), cluster="tcp://127.0.0.1:9", **arguments)
    with pytest.raises(InputError, match="give one"):
        ph.fit(squid(), sweeps("a", 4.0), cluster="tcp://127.0.0.1:9", workers=2, **arguments)
    with pytest.raises(InputError, match="no checkpoints and no callback"):
        ph.fit(neural(), sweeps("a", 4.0), seeds=2, workers=2, callback=print, **SHORT)

    def none(name):
        raise BackendUnavailableError("no Julia was found")

    monkeypatch.setattr(over_seeds.backends, "get", none)
    with pytest.raises(BackendUnavailableError, match='"julia", and results of two engines'):
        over_seeds.engine_on_worker("julia")
