"""A fit that does not explain its recordings says so."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from fit_stub import neural, recording, run

import pyhodgkin as ph
from pyhodgkin import Stage
from pyhodgkin.cli.app import main
from pyhodgkin.errors import InputError
from pyhodgkin.fitting.advice import advice
from pyhodgkin.fitting.initialize.random_networks import check_none_left_random
from pyhodgkin.results.goodness_of_fit import GoodnessOfFit, residual_of, resolution

AXON = ph.library.get("squid_axon")
SHORT = Stage("simulation", "levenberg", 8, patience=4)
STEP = ph.CurrentClamp.step(10.0, start=2.0, stop=20.0, t_end=25.0)


def traces(noise=0.2, amplitude=10.0):
    step = ph.CurrentClamp.step(amplitude, start=2.0, stop=10.0, t_end=12.0)
    solved = ph.simulate(AXON, step, saveat=0.05, backend="torch")
    return ph.Recording.from_solution(solved, noise=noise, seed=1, name="trace")


def test_a_good_fit_is_finished_and_nothing_else():
    start = AXON.with_parameters(k__g=33.0)
    result = ph.fit(start, traces(), trainable="k.g", schedule=SHORT, backend="torch")
    assert result.message == "finished" and result.goodness.explains
    (row,) = result.goodness.residuals
    assert 0.8 < row.ratio < 1.5 and row.noise == pytest.approx(0.2, rel=0.2)
    assert any("times the noise (0." in line for line in result.log)


def test_a_fit_that_is_no_good_says_so_and_what_to_free():
    wrong = AXON.with_parameters(k__g=20.0, l__g=0.6)
    result = ph.fit(wrong, traces(), trainable="na.g", schedule=SHORT, backend="torch")
    assert result.goodness.residuals[0].above_noise
    for text in (result.message, str(result), "\n".join(result.log)):
        assert "times the noise in trace" in text
        assert "--train na.g k.g l.g" in text and 'trainable=["na.g", "k.g", "l.g"]' in text


def test_a_model_without_a_spike_where_the_cell_spiked_is_no_good():
    trace = traces(noise=0.1)
    silent = np.clip(trace.data, None, -40.0)
    row = residual_of(trace, silent, None)
    assert (row.spikes, row.predicted_spikes, row.silent) == (1, 0, True)
    assert "spikes: 0 predicted, 1 measured" in str(row)
    # However small the rest of the residual is.
    found = GoodnessOfFit((replace(row, rms=1e-6),))
    assert "no spike in trace (1 measured)" in found.summary()
    assert not found.explains and GoodnessOfFit.from_dict(found.to_dict()) == found
    good = residual_of(trace, trace.data, None)
    assert not good.silent and GoodnessOfFit((good,)).explains
    hidden = trace.masked(trace.t < 1.0)
    assert not residual_of(hidden, silent, None).silent


def test_a_stated_noise_is_what_residuals_are_judged_by():
    start = AXON.with_parameters(k__g=33.0)
    result = ph.fit(start, traces(), trainable="k.g", noise=0.01, schedule=SHORT, backend="torch")
    (row,) = result.goodness.residuals
    assert row.stated and row.noise == 0.01 and row.ratio > 10


@pytest.mark.parametrize("clamp", ["current", "voltage"])
def test_a_flat_trace_has_nothing_to_learn_from(clamp):
    t = np.arange(0.0, 20.0, 0.1)
    noisy = np.random.default_rng(0).normal(0.0, 0.5, len(t))
    if clamp == "current":
        flat = ph.Recording(t, ph.CurrentClamp.constant(0.0, 20.0), v=-65.0 + noisy, name="flat")
    else:
        protocol = ph.VoltageClamp.step(0.0, 2.0, 15.0, 20.0)
        flat = ph.Recording(t, protocol, current=noisy, current_unit="uA/cm2", name="flat")
    result = run(recordings=flat)
    assert "nothing to learn from in flat" in result.message and not result.goodness.explains
    constant = ph.Recording(t, ph.CurrentClamp.constant(0.0, 20.0), v=np.full(len(t), -65.0))
    assert not run(recordings=constant).goodness.explains


def test_a_potential_that_hardly_moves_is_told():
    t = np.arange(0.0, 20.0, 0.1)
    small = ph.Recording(t, STEP, v=-65.0 + 1.5 * np.sin(t), name="small")
    assert "mV only" in run(recordings=small).message


def test_no_better_than_a_constant_is_told():
    row = residual_of(recording(), np.full(80, 3.0), None)
    assert row.constant and row.poor and "a constant has" in str(row)
    good = residual_of(recording(), recording().data + 0.01, None)
    assert not good.above_noise


def test_rounded_values_are_judged_by_their_step():
    solved = ph.simulate(AXON, STEP, saveat=0.05, backend="torch")
    for step in (0.1, 0.3, 1.0):
        rounded = ph.Recording(solved.t, STEP, v=np.round(solved.v / step) * step)
        assert resolution(rounded.data) == pytest.approx(step)
        row = residual_of(rounded, np.asarray(solved.v), None)
        assert row.noise >= step / np.sqrt(12) * 0.999 and row.ratio < 1.2
    assert resolution(solved.v) == 0.0


def test_what_the_held_out_choice_costs_in_training_is_told():
    train = recording(0)
    other = ph.Recording(train.t, train.protocol, v=-3.0 * train.data + 5.0, name="other")
    stage = Stage("clamped", "adamw", 200, lr=0.1)
    result = run(recordings=train, heldout=other, schedule=stage)
    assert "chosen by the held-out recordings" in result.message
    same = run(recordings=train, heldout=recording(0, "held", samples=81), schedule=stage)
    assert "chosen by the held-out" not in same.message


def test_advice_names_what_is_held():
    cell = neural()
    words = " ".join(advice(cell, cell.layout.select("networks"), 1))
    assert 'trainable=["networks", "k.g"]' in words and "--train networks k.g" in words
    assert "--seeds 5" in words
    freed = advice(cell, cell.layout.select(["networks", "k.g"]), 5)
    assert "na.g" in freed[0]


def test_capacitive_currents_after_steps_are_named():
    step = ph.VoltageClamp.step(20.0, start=5.0, stop=25.0, t_end=30.0)
    sweep = ph.Recording.from_solution(
        ph.simulate(AXON, step, saveat=0.05, backend="torch"), noise=1.0, current_unit="uA/cm2"
    )
    after = np.where(sweep.t >= 5.0, np.exp(-np.clip(sweep.t - 5.0, 0.0, None) / 0.2), 0.0)
    charged = replace(sweep, current=sweep.data + 2000.0 * after, name="charged")
    said = {}
    for trace in (charged, charged.masked_after_steps(1.5)):
        said[trace.n_used] = ph.fit(
            AXON, trace, trainable="k.g", schedule=Stage("clamped", "lbfgs", 20), backend="torch"
        ).message
    with_them, without = said[len(sweep)], said[min(said)]
    assert "leave out the 1 ms after each step" in with_them and "--mask-steps 1" in with_them
    assert "leave out" not in without


def test_a_network_left_at_its_random_start_is_refused():
    cell = neural()
    with pytest.raises(InputError, match="--train networks k"):
        check_none_left_random(cell, cell.layout.select("k.g"), ["k.g"], "--train")
    check_none_left_random(cell, cell.layout.select(["networks", "k.g"]), ["k.g"], "--train")
    zero = neural("residual")
    check_none_left_random(zero, zero.layout.select("k.g"), ["k.g"], "--train")


def test_a_network_left_at_its_random_start_is_told():
    left = run(trainable="k.g", schedule=Stage("clamped", "lbfgs", 3))
    assert "network of k.n is at its random start" in left.message
    trained = run(trainable=["networks", "k.g"], schedule=Stage("clamped", "lbfgs", 3))
    assert "random start" not in trained.message


@pytest.fixture
def table(tmp_path):
    solved = ph.simulate(AXON, STEP, saveat=0.1, backend="torch")
    rows = zip(solved.t, solved.v, STEP(solved.t), strict=True)
    lines = "\n".join(f"{t:.4f},{v:.6f},{i:.3f}" for t, v, i in rows)
    path = tmp_path / "cell.csv"
    path.write_text(f"t (ms),v (mV),i (uA/cm2)\n{lines}\n", encoding="utf-8")
    return path


def command(table, out, *more):
    first = ["fit", str(table), "--clamp", "current", "--model", "squid_axon"]
    return main([*first, "--backend", "torch", "--out", str(out), *more])


def test_the_command_line_refuses_a_network_left_random(table, tmp_path, capsys):
    out = tmp_path / "run"
    assert command(table, out, "--gate", "n", "--train", "k.g") == 2
    assert "--train networks k.g" in capsys.readouterr().err and not out.exists()


def test_exit_status_of_a_fit(table, tmp_path, capsys, monkeypatch):
    assert command(table, tmp_path / "good", "--train", "k.g") == 0
    assert main(["show", str(tmp_path / "good")]) == 0
    monkeypatch.setattr("pyhodgkin.results.goodness_of_fit.POOR", -1.0)
    monkeypatch.setattr("pyhodgkin.results.goodness_of_fit.ABOVE", -1.0)
    monkeypatch.setattr("pyhodgkin.results.goodness_of_fit.SMALL", -1.0)
    assert command(table, tmp_path / "poor", "--train", "k.g") == 3
    summary = json.loads((tmp_path / "poor" / "summary.json").read_text("utf-8"))
    assert summary["goodness"]["explains"] is False
    assert "times the noise" in capsys.readouterr().out
