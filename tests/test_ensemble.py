"""Ensembles: what the starts of a fit agree on."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from fit_stub import neural, recording, run

import pyhodgkin as ph
from pyhodgkin.errors import InputError, UnknownNameError
from pyhodgkin.results.ensemble import Band


@pytest.fixture(scope="module")
def result():
    return run(neural(), recording(), seeds=4, heldout=recording(1, "other"))


def test_a_band_is_of_its_members():
    rng = np.random.default_rng(0)
    values, equal = rng.standard_normal((2001, 3)), np.full(2001, 1 / 2001)
    band = Band(values, equal)
    np.testing.assert_allclose(band.mean, values.mean(axis=0))
    np.testing.assert_allclose(band.sd, values.std(axis=0))
    for q in (0.0, 0.1, 0.5, 1.0):
        np.testing.assert_allclose(band.quantile(q), np.quantile(values, q, axis=0), atol=0.02)
    twice = Band(values[:2], np.array([0.75, 0.25]))
    np.testing.assert_allclose(twice.mean, 0.75 * values[0] + 0.25 * values[1])


def test_members_without_a_value_do_not_count():
    band = Band(np.array([[1.0, np.nan], [3.0, np.nan]]), np.array([0.5, 0.5]))
    assert band.mean[0] == 2.0 and np.isnan(band.quantile(0.5)[1])


def test_spread_of_curves_and_predictions(result):
    found = result.ensemble()
    assert len(found) == 4 and found.gates == ("n",)
    assert found.members[0] == result.best
    curve = found.curve("n", [-60.0, -20.0])
    assert curve["x_inf"].values.shape == (4, 2) and np.all(curve["tau"].sd > 0)
    predicted = result.predictions[0].predicted
    np.testing.assert_allclose(found.prediction("trace").mean, predicted.mean(axis=0))
    np.testing.assert_allclose(found.prediction(1).sd, result.predictions[1].predicted.std(axis=0))
    text = str(found)
    assert "n: tau" in text and "other (held out)" in text and "4 members" in text


def test_only_the_good_ones(result):
    scores = np.array([1.0, 1.5, 10.0, np.inf])
    mixed = replace(result, scores=scores, best=0)
    assert list(mixed.ensemble().members) == [0, 1, 2]
    assert list(mixed.ensemble(within=2.0).members) == [0, 1]
    weighed = mixed.ensemble(weights=[1.0, 3.0, 0.0, 5.0])
    np.testing.assert_allclose(weighed.weights, [0.25, 0.75, 0.0])


def test_bad_arguments(result):
    with pytest.raises(InputError, match="within"):
        result.ensemble(within=0.5)
    with pytest.raises(InputError, match="weights"):
        result.ensemble(weights=[1.0])
    with pytest.raises(UnknownNameError, match="recording"):
        result.ensemble().prediction("nowhere")
    with pytest.raises(InputError, match="no start"):
        replace(result, scores=np.full(4, np.inf)).ensemble()


def test_figures_with_bands(result, tmp_path):
    found = result.ensemble()
    curves = found.plot(published=ph.library.get("squid_axon"))
    assert len(curves.axes) == 2 and len(curves.axes[0].collections) >= 2
    ph.plot.save(curves, tmp_path / "curves.png")
    traces = found.plot_predictions()
    assert len(traces.axes) == 2
    ph.plot.save(traces, tmp_path / "traces.png")
