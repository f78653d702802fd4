"""Bands of learned curves, the voltages that determine them, and the prior beyond these."""

from __future__ import annotations

import numpy as np
import pytest

import pyhodgkin as ph
from pyhodgkin.errors import InputError, UnknownNameError
from pyhodgkin.fitting.curve_information import independent
from pyhodgkin.fitting.function_space import knots_for, widened
from pyhodgkin.results.learned_curves import LearnedCurves

NOISE = 1.5


def x_inf(v):
    return 1.0 / (1.0 + np.exp(-(v + 30.0) / 9.0))


def tau(v):
    return 2.0 + 12.0 / (np.exp((v + 40.0) / 22.0) + np.exp(-(v + 40.0) / 26.0))


def cell(kinetics):
    channel = ph.Channel("c", g=1.0, e=-95.0, gates=(ph.Gate("x", kinetics),))
    return ph.Neuron("virtual", c_m=1.0, channels=(channel,), current_unit="uA/cm2")


@pytest.fixture(scope="module")
def recordings():
    """Steps between -90 and 0 mV: nothing is known above."""
    true = ph.distill(ph.Network.create((1, 16, 2)), (x_inf, tau), v=(-130.0, 70.0), steps=120)
    steps = [ph.VoltageClamp.step(v, 5.0, 60.0, 80.0, holding=-90.0) for v in range(-80, 1, 16)]
    traces = ph.simulate(cell(true.kinetics), steps, saveat=0.5, backend="torch")
    return [ph.Recording.from_solution(s, noise=NOISE, seed=i) for i, s in enumerate(traces)]


@pytest.fixture(scope="module")
def unknown():
    net = ph.Network.create((1, 12, 2), seed=1)
    return cell(ph.NeuralKinetics("steady_state", net, tau_min=0.2, tau_max=100.0))


SHORT = (ph.Stage("clamped", "adamw", 150, lr=0.02), ph.Stage("clamped", "lbfgs", 200))


@pytest.fixture(scope="module")
def fitted(unknown, recordings):
    return ph.fit(unknown, recordings, schedule=SHORT, backend="torch", progress=False)


def test_the_curves_are_determined_where_there_are_data(fitted):
    support = fitted.voltage_support
    assert set(support) == {"c.x.x_inf", "c.x.tau"}
    curve = fitted.curve_bands()["x.tau"]
    where = dict(zip(curve.v.tolist(), curve.determined.tolist(), strict=True))
    assert where[-15.0] and where[0.0] and not where[40.0] and not where[60.0]
    assert max(high for _, high in support["c.x.tau"]) < 35.0
    low, high = fitted.curve_bands()["c.x.x_inf"].band(0.9)[2:]
    assert np.all((low >= 0.0) & (high <= 1.0))


def test_bands_hold_the_truth_where_it_is_determined(fitted):
    for kind, truth in (("x_inf", x_inf), ("tau", tau)):
        curve = fitted.curve_bands()[f"x.{kind}"]
        band, at = curve.band(0.99), curve.determined & (curve.v > -85.0)
        inside = (band.low - 0.005 <= truth(band.v)) & (truth(band.v) <= band.high + 0.005)
        assert at.sum() >= 8 and inside[at].mean() > 0.85
        wide, narrow = curve.band(0.95), curve.band(0.5)
        assert np.all(wide.high - wide.low >= narrow.high - narrow.low)
        assert np.allclose(band.value, getattr(fitted.neuron.gate("x").kinetics, kind)(band.v))


def test_beyond_the_data_a_band_is_wide(fitted):
    curve = fitted.curve_bands()["x.tau"]
    assert curve.sd[curve.v == 60.0] > 4.0 * curve.sd[curve.v == -30.0]
    assert curve.left[curve.v == 60.0] > 0.8 and curve.left[curve.v == -30.0] < 0.5


def test_the_report_says_what_is_not_determined(fitted):
    text = str(fitted)
    assert "determined by the recordings at" in text and "c.x.tau" in text
    assert any("prior=" in line for line in fitted.log)


def test_the_prior_can_be_left_out_by_name(unknown, recordings, fitted):
    without = ph.fit(
        unknown, recordings, schedule=SHORT, prior="none", backend="torch", progress=False
    )
    assert not any("mode of their posterior" in line for line in without.log)
    v = np.arange(-60.0, 41.0, 5.0)
    off = [np.log(r.neuron.gate("x").kinetics.tau(v) / tau(v)) for r in (fitted, without)]
    assert np.std(off[0]) < 0.5 * np.std(off[1])  # between the steps and beyond them
    train = [float(r.train_error.rmse.mean()) for r in (fitted, without)]
    assert train[0] < 1.02 * train[1] and train[0] < 1.05 * NOISE
    with pytest.raises(UnknownNameError, match="prior"):
        ph.fit(unknown, recordings, prior="flat")


def test_an_explicit_trainable_keeps_the_prior(unknown, recordings, fitted):
    given = ph.fit(
        unknown,
        recordings,
        trainable=["networks"],
        schedule=SHORT,
        backend="torch",
        progress=False,
    )
    assert np.allclose(given.neuron.theta, fitted.neuron.theta)


def test_a_folder_keeps_the_bands(fitted, tmp_path):
    fitted.save(tmp_path / "run")
    again = ph.FitResult.load(tmp_path / "run")
    assert again.voltage_support == fitted.voltage_support
    one, other = (r.curve_bands()["x.tau"].band() for r in (fitted, again))
    assert all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))
    assert LearnedCurves.from_dict(fitted.curve_bands().to_dict()).support == again.voltage_support


def test_the_verb_finds_the_same(fitted, recordings):
    found = ph.curve_bands(fitted, recordings, backend="torch")
    own = fitted.curve_bands()
    assert [c.name for c in found] == [c.name for c in own]
    assert np.allclose(found["x.tau"].centre, own["x.tau"].centre)
    assert np.allclose(found["x.tau"].sd, own["x.tau"].sd, rtol=0.3)
    with pytest.raises(InputError, match="no network"):
        ph.curve_bands(ph.library.get("squid_axon"), recordings[0], trainable="k.g")
    with pytest.raises(UnknownNameError):
        _ = found["y.tau"]


@pytest.mark.julia
def test_both_engines_find_the_same(fitted, recordings):
    """The noise of the residuals is the same, so that bands agree as predictions do."""
    one, other = (ph.curve_bands(fitted, recordings, backend=b) for b in ("torch", "julia"))
    assert one.support == other.support
    for a, b in zip(one, other, strict=True):
        assert np.allclose(a.centre, b.centre) and np.allclose(a.sd, b.sd, rtol=1e-3)


def test_a_result_without_networks_has_no_curves(recordings, unknown):
    result = ph.fit(unknown, recordings[:2], trainable="c.g", backend="torch", progress=False)
    assert result.voltage_support == {}
    with pytest.raises(InputError, match="no curves"):
        result.curve_bands()


def test_plots_have_bands_and_hatching(fitted):
    figure = ph.plot.kinetics(fitted.neuron, bands=fitted.curve_bands())
    shades = [c for c in figure.axes[1].collections if c.get_hatch()]
    assert shades
    with pytest.raises(InputError, match="level"):
        fitted.curve_bands()["x.tau"].band(1.0)


def test_a_report_lists_the_voltages(fitted, tmp_path):
    text = fitted.report(tmp_path / "report.html").read_text("utf-8")
    (row,) = [x for x in fitted.curves.rows() if x["curve"] == "c.x.tau"]
    assert row["determined at"] in text and "hatched" in text


@pytest.mark.parametrize("activation", ["tanh", "softplus", "silu"])
@pytest.mark.parametrize("layers", [(1, 6, 2), (1, 5, 4, 2)])
def test_a_widened_network_is_the_same_and_moves_one_function_at_a_time(activation, layers):
    net = ph.Network.create(layers, activation, seed=2)
    neuron = cell(ph.NeuralKinetics("steady_state", net))
    v = np.linspace(-100.0, 40.0, 29)
    wide, (added,) = widened(neuron, ["c.x"], knots_for(-100.0, 40.0), v)
    before = np.stack(neuron.gate("x").kinetics.outputs(v), axis=-1)
    assert np.allclose(np.stack(wide.gate("x").kinetics.outputs(v), axis=-1), before)
    for j in (0, 7, len(added.places) - 1):
        theta = wide.theta.copy()
        theta[added.places[j]] += 0.3
        after = np.stack(wide.with_theta(theta).gate("x").kinetics.outputs(v), axis=-1)
        assert np.allclose(after - before, 0.3 * added.functions[:, :, j])


def test_correlated_residuals_count_as_fewer():
    rng = np.random.default_rng(3)
    white = rng.normal(size=8000)
    slow = np.convolve(rng.normal(size=8100), np.ones(50) / 50.0, mode="valid")[:8000]
    assert independent(white) < 1.3 and independent(slow + 0.01 * white) > 15.0


def test_a_learned_current_has_a_band():
    net = ph.NeuralCurrent("leak_like", ph.Network.create((1, 6, 1)), scale=5.0)
    line = ph.distill(net, lambda v: 0.3 * (v + 60.0), v=(-130.0, 70.0), steps=60).result
    assert isinstance(line, ph.NeuralCurrent)
    neuron = ph.Neuron("passive", c_m=1.0, channels=(line,), current_unit="uA/cm2")
    steps = [ph.VoltageClamp.step(v, 1.0, 5.0, 6.0, holding=-60.0) for v in (-80.0, -40.0, -20.0)]
    traces = ph.simulate(neuron, steps, saveat=0.1, backend="torch")
    noisy = [ph.Recording.from_solution(s, noise=0.5, seed=i) for i, s in enumerate(traces)]
    curve = ph.curve_bands(neuron, noisy, backend="torch")["leak_like.i"]
    assert curve.kind == "current" and curve.determined[curve.v == -60.0]
    assert curve.sd[curve.v == -60.0] < curve.sd[curve.v == 60.0]
