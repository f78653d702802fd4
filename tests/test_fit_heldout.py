"""Held-out recordings choose among the parameters of a fit; they never keep it where it began."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from fit_stub import neural, recording, run, squid

import pyhodgkin as ph
from pyhodgkin import Stage
from pyhodgkin.errors import InputError
from pyhodgkin.fitting.run.early_stopping import EarlyStopping, interval
from pyhodgkin.fitting.schedules.choose import choose
from pyhodgkin.fitting.schedules.growing_windows import growing_windows
from pyhodgkin.fitting.schedules.per_cell import shared_networks


def missing():
    """The squid axon with one more current, which is a network."""
    gate = ph.Gate("x", ph.NeuralKinetics("rates", ph.Network.create((1, 4, 2), seed=1)))
    current = ph.NeuralCurrent("extra", ph.Network.create((2, 4, 1), seed=2), (gate,))
    return replace(squid(), channels=(*squid().channels, current))


def free():
    network = ph.Network.create((2, 4, 1), seed=3)
    return squid().replace_gate("n", ph.NeuralKinetics("free", network))


def two():
    network = ph.Network.create((1, 4, 2), seed=4)
    return neural().replace_gate("h", ph.NeuralKinetics("rates", network))


NUMBERS = dict(trainable=["k.g", "na.g"])
DEFAULTS = {
    "simulated": (free(), "current", {}),
    "voltage clamp, networks": (neural(), "voltage", {}),
    "voltage clamp, residual": (neural("residual"), "voltage", {}),
    "voltage clamp, numbers": (squid(), "voltage", NUMBERS),
    "numbers": (squid(), "current", {**NUMBERS, "noise": 0.0}),
    "numbers, noisy": (squid(), "current", {**NUMBERS, "noise": 0.05}),
    "numbers, capacitance": (squid(), "current", {"trainable": ["k.g", "c_m"], "noise": 0.0}),
    "one gate": (neural(), "current", {"noise": 0.0}),
    "one gate, noisy": (neural(), "current", {"noise": 0.05}),
    "gate and number": (neural(), "current", {"trainable": ["networks", "k.g"], "noise": 0.0}),
    "two gates": (two(), "current", {"noise": 0.0}),
    "a current": (missing(), "current", {"noise": 0.0}),
}


def shortened(*args):
    """The stages that are chosen, with fewer steps each."""
    stages, reason = choose(*args)
    return tuple(replace(stage, steps=min(stage.steps, 12)) for stage in stages), reason


@pytest.mark.parametrize("case", DEFAULTS)
def test_a_held_out_fit_moves_with_every_default_schedule(case, monkeypatch):
    # The search for simple gates moves networks too: what moves here is the training itself.
    monkeypatch.setattr("pyhodgkin.fitting.plan.search.learnable_gates", lambda *_: ())
    monkeypatch.setattr("pyhodgkin.fitting.planned.choose", shortened)
    neuron, clamp, more = DEFAULTS[case]
    train, held = recording(0, clamp=clamp), recording(3, "held", clamp=clamp)
    result = run(neuron, train, heldout=held, schedule=None, fit_initial=False, **more)
    layout = neuron.layout
    moving = layout.select(more.get("trainable", "networks"))
    assert np.abs(result.neuron.theta - neuron.theta)[moving].max() > 1e-3
    # The very parameters that are returned had the best held-out loss of the last stage.
    last = result.history["stage"] == result.history["stage"][-1]
    assert result.scores[0] == np.nanmin(result.history["heldout"][last, 0])


def test_numbers_are_found_with_and_without_held_out_recordings():
    cell = ph.library.get("squid_axon")
    steps = ph.CurrentClamp.family([10.0, 8.0], start=2.0, stop=20.0, t_end=25.0)
    solved = ph.simulate(cell, steps, saveat=0.1, backend="torch")
    train, held = (ph.Recording.from_solution(x, name=str(i)) for i, x in enumerate(solved))
    start = cell.with_parameters(k__g=30.0)
    fitted = ph.fit(start, train, heldout=held, trainable="k.g", backend="torch")
    assert fitted.neuron.channel("k").g == pytest.approx(36.0, abs=0.01)


@pytest.mark.parametrize("patience", [1, 4, 8, 30, None])
@pytest.mark.parametrize("optimizer", ["adamw", "lbfgs", "levenberg"])
def test_the_held_out_loss_is_taken_within_the_patience(optimizer, patience):
    stage = Stage("clamped", optimizer, 30, lr=0.05, patience=patience)
    result = run(recordings=recording(0), heldout=recording(0, "held", samples=81), schedule=stage)
    taken = np.flatnonzero(np.isfinite(result.history["heldout"][:, 0]))
    assert np.diff(taken).max() <= (10 if patience is None else max(1, patience))
    assert taken[-1] == len(result.history["step"]) - 1  # the last step is among them
    assert interval(stage) <= 10


def test_minibatches_with_patience_move():
    stage = Stage("clamped", "adamw", 60, lr=0.05, batch=1, patience=4)
    sweeps = [recording(i, str(i)) for i in range(3)]
    result = run(recordings=sweeps, schedule=stage)
    assert len(result.history["step"]) > 10
    assert np.abs(result.neuron.theta - neural().theta).max() > 1e-3


def test_a_stopped_run_compares_its_last_step_too():
    def stop(info):
        return info.step == 7

    stage = Stage("clamped", "adamw", 100, lr=0.05)
    same = recording(0, samples=81)
    result = run(recordings=recording(0), heldout=same, schedule=stage, callback=stop)
    assert np.isfinite(result.history["heldout"][:, 0]).sum() == 1
    assert np.abs(result.neuron.theta - neural().theta).max() > 1e-3


def test_the_schedules_of_windows_and_of_cells_judge_within_their_patience():
    stages = (
        *growing_windows([recording()]),
        *shared_networks([recording()], ["k.n.network.*"], ["k.g"], 48),
    )
    assert all(interval(stage) <= (stage.patience or 10) for stage in stages)


def judged(optimizer, heldout, trained, patience=2):
    """At which step a stage stops that sees these losses, or None."""
    stopping = EarlyStopping(np.zeros((1, 1)), Stage("clamped", optimizer, 30, patience=patience))
    on = np.ones(1, bool)
    for step, (h, t) in enumerate(zip(heldout, trained, strict=True)):
        if stopping.update(np.full((1, 1), step), np.array([h]), on, on, np.array([t]))[0]:
            return step
    return None


def test_levenberg_goes_on_while_the_training_loss_goes_down():
    rising, falling, flat = [1.0, 2.0, 3.0, 4.0], [8.0, 4.0, 2.0, 1.0], [8.0, 8.0, 8.0, 8.0]
    assert judged("levenberg", rising, falling) is None
    assert judged("levenberg", rising, flat) == 2
    assert judged("adamw", rising, falling) == 2


def test_levenberg_stops_where_the_training_loss_has_met_its_target():
    stage = Stage("clamped", "levenberg", 30, patience=9, target=1e-3)
    stopping, on = EarlyStopping(np.zeros((1, 1)), stage), np.ones(1, bool)
    stops = [
        bool(stopping.update(np.zeros((1, 1)), np.array([1.0]), on, on, np.array([x]))[0])
        for x in (1.0, 1e-2, 1e-4)
    ]
    assert stops == [False, False, True]


def test_an_improvement_below_the_least_one_does_not_count():
    stage = Stage("clamped", "levenberg", 30, patience=2, min_improvement=0.1)
    stopping, on = EarlyStopping(np.zeros((1, 1)), stage), np.ones(1, bool)
    stops = [
        bool(stopping.update(np.zeros((1, 1)), np.array([x]), on, on)[0])
        for x in (1.0, 0.8, 0.79, 0.78)
    ]
    assert stops == [False, False, False, True] and stopping.best[0] == 0.78
    with pytest.raises(InputError, match="min_improvement = 1"):
        Stage(min_improvement=1.0)


def test_an_observer_is_not_judged_by_the_held_out_recordings():
    stages = (Stage("observer", "levenberg", 2, gain=1.0), Stage("simulation", "levenberg", 2))
    result = run(recordings=recording(0), heldout=recording(3, "held"), schedule=stages)
    of = result.history["stage"]
    seen = np.isfinite(result.history["heldout"][:, 0])
    assert not seen[of == "observer levenberg"].any() and seen[of == "simulation levenberg"].any()
