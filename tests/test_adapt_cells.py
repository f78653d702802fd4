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
