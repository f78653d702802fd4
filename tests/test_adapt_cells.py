"""Many cells fitted each by itself."""

from __future__ import annotations

import numpy as np
import pytest

import pyhodgkin as ph
from pyhodgkin.errors import InputError, RecordingError, UnknownNameError

AXON = ph.library.get("squid_axon")
CLAMP = ph.CurrentClamp.step(12.0, start=2.0, stop=None, t_end=20.0)
CELLS = ph.Population(
    AXON, 5, {"na.g": ph.Uniform(spread=0.15), "k.g": ph.Uniform(spread=0.15)}, seed=2
)


def sweeps(count=5):
    out = []
    for i in range(count):
        trace = ph.simulate(CELLS.cell(i), CLAMP, saveat=0.05, backend="torch", rtol=1e-9)
        out.append(ph.Recording.from_solution(trace, name=f"sweep {i}", cell=f"cell {i}"))
    return out


def test_each_cell_has_its_own_numbers():
    found = ph.adapt_cells(AXON, sweeps(), trainable=["na.g", "k.g"], backend="torch")
    assert list(found) == [f"cell {i}" for i in range(5)] and not found.failed
    for name in ("na.g", "k.g"):
        np.testing.assert_allclose(found.population[name], CELLS[name], rtol=2e-3)
    assert found.population.names == tuple(found)
    assert found["cell 2"].neuron.channel("na").g == found.population["na.g"][2]
    assert (found.scores < 1e-4).all() and "5 cells" in repr(found)
    again = found.population.simulate(CLAMP, backend="torch")
    for i, cell in enumerate(CELLS):
        true = ph.simulate(cell, CLAMP, backend="torch").spike_times()
        assert abs(again.spike_times(i)[0] - true[0]) < 0.02


def test_the_result_of_a_cell_does_not_depend_on_the_others():
    two = ph.adapt_cells(AXON, sweeps()[3:], trainable=["na.g", "k.g"], backend="torch")
    one = ph.adapt(AXON, sweeps()[3], trainable=["na.g", "k.g"], backend="torch")
    assert np.array_equal(two["cell 3"].theta, one.theta)


def test_workers_give_the_same_fits():
    pytest.importorskip("distributed")
    arguments = {"trainable": ["na.g", "k.g"], "backend": "torch"}
    here = ph.adapt_cells(AXON, sweeps(3), **arguments)
    there = ph.adapt_cells(AXON, sweeps(3), workers=1, **arguments)
    for cell in here:
        np.testing.assert_allclose(there[cell].theta, here[cell].theta, rtol=1e-9)


def test_what_cannot_be_is_refused_before_the_first_fit():
    unnamed = ph.Recording.from_solution(ph.simulate(AXON, CLAMP, saveat=0.5, backend="torch"))
    with pytest.raises(RecordingError, match="which cell"):
        ph.adapt_cells(AXON, [unnamed])
    with pytest.raises(UnknownNameError, match=r"na\.gg"):
        ph.adapt_cells(AXON, sweeps(1), trainable="na.gg")
    with pytest.raises(InputError, match="out"):
        ph.adapt_cells(AXON, sweeps(1), out="folder")
    with pytest.raises(InputError, match="workers"):
        ph.adapt_cells(AXON, sweeps(1), workers=-1)


def test_a_batch_gives_what_the_cells_give_alone():
    """Also where some cannot be solved at first, and with a start that is noisy."""
    rng = np.random.default_rng(0)
    noisy = []
    for r in sweeps():
        v = r.v + rng.normal(0.0, 0.2, len(r))
        noisy.append(ph.Recording(r.t, r.protocol, v=v, name=r.name, cell=r.cell))
    names = ["na.g", "k.g", "l.g"]
    found = ph.adapt_cells(AXON, noisy, trainable=names, backend="torch")
    for cell in ("cell 0", "cell 4"):
        alone = ph.adapt(AXON, noisy[int(cell[-1])], trainable=names, backend="torch")
        assert np.array_equal(found[cell].theta, alone.theta)
        np.testing.assert_array_equal(found[cell].history["loss"], alone.history["loss"])
        assert found[cell].log == alone.log
    assert found["cell 1"].history["loss"].shape == (len(found["cell 1"].history["step"]), 1)


def test_several_recordings_of_a_cell_and_other_losses():
    recordings = []
    for i in range(3):
        for amplitude in (8.0, 14.0):
            clamp = ph.CurrentClamp.step(amplitude, start=2.0, stop=None, t_end=20.0)
            trace = ph.simulate(CELLS.cell(i), clamp, saveat=0.05, backend="torch")
            recordings.append(ph.Recording.from_solution(trace, cell=f"cell {i}"))
    for loss in ("mse", "huber"):
        arguments = {"trainable": ["na.g", "k.g"], "loss": loss, "backend": "torch"}
        found = ph.adapt_cells(AXON, recordings, **arguments)
        assert not found.failed
        for name in ("na.g", "k.g"):
            np.testing.assert_allclose(found.population[name], CELLS[name][:3], rtol=2e-3)


def test_a_noisy_start_does_not_pass_for_a_leak():
    """The first v is fitted too: without that the leak is some percent off."""
    rng, clamp = np.random.default_rng(3), ph.CurrentClamp.step(12.0, 5.0, None, 50.0)
    cells = ph.Population(AXON, 4, {"k.g": ph.Uniform(spread=0.15), "l.g": ph.Uniform(spread=0.15)})
    recordings = []
    for i, cell in enumerate(cells):
        trace = ph.simulate(cell, clamp, saveat=0.05, backend="torch", rtol=1e-9)
        v = trace.v + rng.normal(0.0, 0.2, len(trace.t))
        recordings.append(ph.Recording(trace.t, clamp, v=v, cell=f"cell {i}"))
    found = ph.adapt_cells(AXON, recordings, trainable="conductances", backend="torch")
    off = np.abs(found.population["l.g"] / cells["l.g"] - 1.0)
    assert off.max() < 0.02, off  # the Cramér-Rao bound is about 0.004
    assert any("first v of noisy recordings" in line for r in found.values() for line in r.log)
    for result in found.values():
        assert len(result.history["loss"]) == len(result.history["stage"])
