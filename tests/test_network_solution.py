"""Rates, intervals and figures of a simulated network, from spikes that are known."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pytest

import pyhodgkin as ph
from pyhodgkin.backends.network_plan import Spikes
from pyhodgkin.errors import InputError

CELL = ph.library.get("traub_miles")


@pytest.fixture
def found() -> ph.NetworkSolution:
    """Two groups; cell 0 fires every 10 ms, cell 1 irregularly, cell 2 never; b has two spikes."""
    network = ph.SpikingNetwork({"a": (CELL, 3), "b": (CELL, 1)})
    regular, irregular = np.arange(5.0, 100.0, 10.0), np.array([1.0, 2.0, 30.0, 34.0, 99.0])
    times = np.concatenate([regular, irregular, [50.0, 60.0]])
    cells = np.repeat([[0, 0], [0, 1], [1, 0]], [10, 5, 2], axis=0)
    order = np.argsort(times)
    spikes = [
        Spikes(cells[order][:8], times[order][:8]),
        Spikes(cells[order][8:], times[order][8:]),
    ]
    t, v = np.linspace(0.0, 100.0, 11), np.arange(33.0).reshape(3, 11)
    recorded = {"a": np.array([0, 2]), "b": np.array([0])}
    return ph.NetworkSolution.of(network, 100.0, 0.05, 1, spikes, t, v, recorded)


def test_spikes_and_voltages_go_to_their_groups(found):
    np.testing.assert_array_equal(found.spike_times("a", 1), [1.0, 2.0, 30.0, 34.0, 99.0])
    np.testing.assert_array_equal(found.spike_times("b", 0), [50.0, 60.0])
    assert found.v["a"].shape == (2, 11) and found.v["b"][0, 0] == 22.0
    assert (np.diff(found.spikes["a"].times) >= 0).all()
    assert repr(found) == "<NetworkSolution 100 ms: a 3 cells, 15 spikes; b 1 cells, 2 spikes>"


def test_rates(found):
    np.testing.assert_allclose(found.rates("a"), [100.0, 50.0, 0.0])
    np.testing.assert_allclose(found.rates("a", start=50.0), [100.0, 20.0, 0.0])
    t, rate = found.population_rate("a", bin=50.0)
    np.testing.assert_allclose(t, [25.0, 75.0])
    np.testing.assert_allclose(rate, [9 / 3 / 0.05, 6 / 3 / 0.05])


def test_regularity(found):
    cv = found.isi_cv("a")
    gaps = np.diff([1.0, 2.0, 30.0, 34.0, 99.0])
    assert cv[0] == pytest.approx(0.0, abs=1e-7) and np.isnan(cv[2])
    assert cv[1] == pytest.approx(gaps.std() / gaps.mean())
    assert np.isnan(found.isi_cv("b")[0]) and found.isi_cv("b", least=2)[0] == 0.0
    gaps, cells = found.spikes["a"].intervals(start=20.0)
    assert len(gaps) == 9 and (cells == 1).sum() == 2


def test_figures(found):
    figure = found.plot_raster(["b", "a"], start=0.0, stop=80.0)
    (ax,) = figure.axes
    assert [t.get_text() for t in ax.get_yticklabels()] == ["b (1)", "a (3)"]
    assert len(ax.collections[1].get_offsets()) == 8 + 4 and ax.get_xlim() == (0.0, 80.0)
    figure, ax = plt.subplots()
    assert found.plot_rates(bin=20.0, axes=ax) is figure
    assert [line.get_label() for line in ax.lines] == ["a", "b"]
    assert len(ax.lines[0].get_xdata()) == 5
    assert ph.plot.raster(found, most=2).axes[0].get_ylabel() == "group (cells)"
    with pytest.raises(InputError, match="start = 90 ms is not before stop = 80 ms"):
        found.plot_raster(start=90.0, stop=80.0)
    plt.close("all")
