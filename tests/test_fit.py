"""The verb `fit`, judged with an engine whose answers are known."""

from __future__ import annotations

import numpy as np
import pytest
from fit_stub import StubBackend, neural, recording, run, squid

import pyhodgkin as ph
from pyhodgkin import CurvePenalty, Stage
from pyhodgkin.errors import SolveError
from pyhodgkin.status import Status

# -- what it returns -----------------------------------------------------------------------


def test_the_loss_goes_down_and_the_best_is_kept():
    result = run()
    loss = result.history["loss"][:, 0]
    assert result.status == Status.SUCCESS and result.success
    assert result.scores[0] == np.nanmin(loss[result.history["stage"] == "simulation lbfgs"])
    assert result.scores[0] < 0.9 * loss[0]
    networks = result.neuron.layout.select("networks")
    fixed = np.setdiff1d(np.arange(result.neuron.layout.size), networks)
    np.testing.assert_array_equal(result.neuron.theta[fixed], neural().theta[fixed])
    assert np.any(result.neuron.theta[networks] != neural().theta[networks])


def test_history_has_a_row_for_each_step():
    result = run(seeds=2)
    n = len(result.history["step"])
    assert result.history["step"].tolist() == list(range(n)) and n <= 50
    assert set(result.history["stage"]) == {"clamped adamw", "simulation lbfgs"}
    for name in ("loss", "heldout", "lr", "gradient_norm", "rejected"):
        assert result.history[name].shape == (n, 2)
    assert np.all(np.diff(result.history["seconds"]) >= 0)
    ph.plot.loss_history(result.history)


def test_each_seed_is_the_same_alone_and_among_others():
    together = run(seeds=[3, 5, 8])
    assert together.theta.shape == (3, neural().layout.size)
    assert len(together.neurons) == 3 and together.seeds == (3, 5, 8)
    for k, seed in enumerate(together.seeds):
        alone = run(seeds=[seed])
        np.testing.assert_allclose(alone.theta[0], together.theta[k], rtol=1e-12, atol=1e-14)
    assert together.best == int(np.argmin(together.scores))
    np.testing.assert_array_equal(together.neuron.theta, together.theta[together.best])


def test_a_number_of_seeds_counts_from_zero():
    assert run(seeds=3).seeds == (0, 1, 2)


def test_the_same_call_gives_the_same_result():
    a, b = run(seeds=[1]), run(seeds=[1])
    np.testing.assert_array_equal(a.theta, b.theta)


def test_a_start_that_fails_spoils_no_other():
    networks = neural().layout.select("networks")
    from pyhodgkin.fitting.parameterization import draw

    second = draw(neural(), [5], networks)[0]

    def fails(theta):
        return np.linalg.norm((theta - second)[networks]) < 0.5

    result = run(seeds=[3, 5, 8], backend=StubBackend(fails=fails))
    assert np.isfinite(result.scores).tolist() == [True, False, True]
    assert result.statuses.tolist() == [0, Status.MAX_STEPS, 0]
    assert result.success and "1 of 3 starts failed" in result.message
    for k, seed in ((0, 3), (2, 8)):
        np.testing.assert_allclose(run(seeds=[seed]).theta[0], result.theta[k], rtol=1e-12)
    assert any("max_steps" in line for line in result.log)


def test_when_every_start_fails():
    engine = StubBackend(fails=lambda theta: True)
    result = run(backend=engine)
    assert result.status == Status.MAX_STEPS and not result.success
    np.testing.assert_array_equal(result.neuron.theta, neural().theta)
    with pytest.raises(SolveError, match="no start has a finite loss"):
        run(backend=engine, throw=True)


def test_a_failed_step_is_rejected_and_told():
    start = neural().theta
    networks = neural().layout.select("networks")

    def fails(theta):
        return np.linalg.norm((theta - start)[networks]) > 0.3

    result = run(backend=StubBackend(fails=fails), schedule=Stage("clamped", "adamw", 40, lr=0.1))
    assert result.history["rejected"].any()
    first = int(np.argmax(result.history["rejected"][:, 0]))
    assert result.history["lr"][first, 0] <= 0.5 * result.history["lr"][first - 1, 0]
    assert any("rejected (max_steps)" in line for line in result.log)
    assert np.all(np.isfinite(result.theta)) and not fails(result.neuron.theta)


def test_held_out_recordings_decide():
    train, held = recording(0), recording(3, "held")
    result = run(recordings=train, heldout=held, schedule=Stage("clamped", "adamw", 200, lr=0.1))
    seen = result.history["heldout"][:, 0]
    assert np.isfinite(seen).sum() == 21 and result.scores[0] == np.nanmin(seen)
    assert result.heldout_error is not None and result.heldout_error.names == ("held",)
    assert [p.heldout for p in result.predictions] == [False, True]


@pytest.mark.parametrize("heldout", [0.34, "c", ["c"]])
def test_ways_to_hold_out(heldout):
    sweeps = [recording(i, name) for i, name in enumerate("abc")]
    result = run(recordings=sweeps, heldout=heldout)
    assert result.train_error.names == ("a", "b")
    assert result.heldout_error is not None and result.heldout_error.names == ("c",)


def test_early_stopping_of_each_start():
    stage = Stage("clamped", "adamw", 400, lr=0.05, schedule="constant", patience=30)
    smaller = ph.Recording(recording().t, recording().protocol, v=0.5 * recording().data)
    result = run(schedule=stage, seeds=[0, 1, 2], heldout=smaller)
    steps = np.isfinite(result.history["loss"]).sum(axis=0)
    assert np.all(steps < 400) and len(set(steps)) > 1
    done = run(schedule=Stage("clamped", "adamw", 400, lr=0.05, target=0.9))
    assert done.scores[0] < 0.9 and len(done.history["step"]) < 400


def test_errors_are_in_the_unit_of_the_data():
    result = run()
    (row,) = result.train_error.rows()
    (shown,) = result.predictions
    off = shown.predicted[0] - recording().data
    assert row["unit"] == "mV" and row["name"] == "trace"
    assert row["mae"] == pytest.approx(np.mean(np.abs(off)))
    assert row["rmse"] == pytest.approx(np.sqrt(np.mean(off**2)))
    assert result.voltage_range == (recording().data.min(), recording().data.max())
    assert "trace" in str(result) and "mV" in str(result)


def test_the_mask_counts_in_training_and_both_ways_in_errors():
    masked = recording().masked(recording().t > 5.0)
    result = run(recordings=masked)
    off = np.abs(result.predictions[0].predicted[0] - masked.data)
    assert result.train_error.mae[0, 0] == pytest.approx(off[masked.mask].mean())
    assert result.train_error.mae_all[0, 0] == pytest.approx(off.mean())


def test_a_stage_trains_what_it_says():
    stages = (
        Stage("clamped", "lbfgs", 10, trainable="conductances"),
        Stage("clamped", "adamw", 10, lr=0.05),
    )
    result = run(schedule=stages)
    assert np.all(
        result.neuron.theta[neural().layout.select("conductances")]
        != neural().theta[neural().layout.select("conductances")]
    )


def test_penalties_pull():
    free = run(schedule=Stage("clamped", "lbfgs", 60))
    held = run(schedule=Stage("clamped", "lbfgs", 60), penalty=CurvePenalty(size=100.0))
    v = np.linspace(-100, 50, 50)

    def size(result):
        return np.max(np.abs(result.neuron.gate("n").kinetics.outputs(v)))

    assert size(held) < 0.1 * size(free)


def test_bounds_hold():
    result = run(squid(), trainable="conductances", bounds={"*.g": (0.1, 150.0)})
    g = result.neuron.theta[squid().layout.select("conductances")]
    assert np.all((g >= 0.1) & (g <= 150.0))


def test_initial_states_are_fitted():
    result = run(fit_initial=True)
    assert result.initial_states is not None and result.initial_states.shape == (1, 1, 4)
    assert np.all((result.initial_states[..., 1:] > 0) & (result.initial_states[..., 1:] < 1))
    assert result.scores[0] < 0.5 * result.history["loss"][0, 0]
    start = result.neuron.initial_state(recording().data[0])
    assert np.all(result.initial_states[0, 0] != start)


def test_a_callback_watches_and_stops():
    seen = []

    def watch(info):
        seen.append(info)
        return len(seen) == 7

    result = run(callback=watch)
    assert len(seen) == 7 and seen[-1].step == 7 and seen[0].label == "clamped adamw"
    assert len(result.history["step"]) == 7 and result.success


def test_weight_decay_is_for_weights_only():
    stage = Stage("clamped", "adamw", 1, lr=1e-9, weight_decay=1e8, schedule="constant")
    moved = run(schedule=(stage, Stage("clamped", "adamw", 1)), trainable="all").history
    assert moved["loss"].shape[0] == 2
    layout = neural().layout
    result = run(schedule=Stage("clamped", "adamw", 2, lr=1e-9, weight_decay=1e8), trainable="all")
    assert result.theta.shape == (1, layout.size)


# -- what it chooses -----------------------------------------------------------------------


def modes(result):
    return list(dict.fromkeys(result.history["stage"]))


def quick(stage):
    from dataclasses import replace

    return replace(stage, steps=min(stage.steps, 3))


@pytest.fixture
def few_steps(monkeypatch):
    from pyhodgkin.fitting.schedules import choose as schedules

    original = schedules.automatic

    def shortened(*args):
        stages, reason = original(*args)
        return tuple(map(quick, stages)), reason

    monkeypatch.setattr(schedules, "automatic", shortened)


@pytest.mark.usefixtures("few_steps")
def test_the_schedule_follows_the_data():
    clamp = run(recordings=recording(clamp="voltage"), schedule=None)
    assert modes(clamp) == ["clamped adamw", "clamped lbfgs"]
    physical = run(squid(), recording(clamp="voltage"), schedule=None)
    assert modes(physical) == ["clamped lbfgs"]
    assert clamp.log[0].startswith("voltage clamp:")
    noiseless = run(schedule="auto", noise=0.0)
    assert modes(noiseless) == ["clamped lbfgs", "clamped levenberg", "simulation levenberg"]
    assert noiseless.log[0].startswith("current clamp, noise of v below 0.02 mV")
    noisy = run(schedule=None, noise=2.0)
    assert modes(noisy) == ["clamped lbfgs", "observer levenberg", "simulation levenberg"]
    assert "noise of v 2 mV" in noisy.log[0]
    assert "gain 3)" in noisy.log[0] and "gain 0.3)" in noisy.log[0]
    unknown = run(schedule=None, trainable=["networks", "c_m"], noise=0.0)
    assert "numbers unknown" in unknown.log[0]
    numbers = run(squid(), schedule=None, noise=0.0, trainable="conductances")
    assert modes(numbers) == ["clamped lbfgs", "simulation levenberg"]
    capacitance = run(squid(), schedule=None, noise=0.0)
    assert modes(capacitance) == ["observer levenberg", "simulation levenberg"]
    free = squid().replace_gate("n", ph.NeuralKinetics("free", ph.Network.create((2, 4, 1))))
    assert all(name.startswith("simulation") for name in modes(run(free, schedule=None)))


@pytest.mark.usefixtures("few_steps")
def test_networks_on_published_rates_come_second():
    cell = neural("residual")
    result = run(cell, recording(clamp="voltage"), schedule=None)
    assert "first these rates" in result.log[0]
    moved = {
        entry.name
        for entry in cell.layout
        if np.any(result.neuron.theta[entry.slice] != cell.theta[entry.slice])
    }
    assert "k.g" in moved and "k.n.prior.alpha.a" in moved and "k.n.network.weight1" in moved
    assert not any(name.startswith(("na.", "l.", "k.e")) for name in moved)
    told = run(cell, recording(clamp="voltage"), schedule=None, trainable="networks")
    others = np.setdiff1d(np.arange(cell.theta.size), cell.layout.select("networks"))
    np.testing.assert_array_equal(told.neuron.theta[others], cell.theta[others])


def test_without_networks_the_physical_parameters_are_trained():
    result = run(squid())
    rates = squid().layout.select("rates")
    physical = squid().layout.select("physical")
    np.testing.assert_array_equal(result.neuron.theta[rates], squid().theta[rates])
    assert np.all(result.neuron.theta[physical] != squid().theta[physical])


def test_a_bar_on_request(capsys, monkeypatch):
    from pyhodgkin import progress

    monkeypatch.setattr(progress, "DELAY", 0.0)
    run(progress=True)
    assert "clamped adamw" in capsys.readouterr().err
    run(progress=None)
    assert capsys.readouterr().err == ""
