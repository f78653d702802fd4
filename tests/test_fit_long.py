"""Long recordings, long steps, and networks on the time scale of recordings."""

from __future__ import annotations

import logging
import os
import signal
import threading
import time
from dataclasses import replace

import numpy as np
import pytest
from fit_stub import StubBackend, neural, recording, run

import pyhodgkin as ph
from pyhodgkin import Stage
from pyhodgkin.fitting.prepared_recordings import thinned
from pyhodgkin.fitting.schedules.choose import choose
from pyhodgkin.fitting.schedules.long_recordings import coarse_to_fine
from pyhodgkin.fitting.time_scale import at_time_scale, default_range
from pyhodgkin.status import Status

AXON = ph.library.get("squid_axon")


def spikes(t_end, first=50.0, dt=0.05, period=15.0, noise=0.0):
    """Made up spikes of 1 ms from `first` on."""
    t = np.arange(0.0, t_end, dt)
    train = 100.0 * np.exp(-((((t - first) % period) - 2.0) ** 2) / 0.3) * (t >= first)
    v = -65.0 + train + noise * np.random.default_rng(0).standard_normal(len(t))
    clamp = ph.CurrentClamp.step(10.0, start=first, stop=None, t_end=t_end)
    return ph.Recording(t, clamp, v=v, name="long")


def network(form="steady_state", **more):
    kinetics = ph.NeuralKinetics(form, ph.Network.create((1, 8, 2), seed=0), **more)
    return AXON.replace_gate("n", kinetics)


@pytest.mark.parametrize("noise", [0.0, 0.2])
def test_the_first_stages_see_a_part_of_a_long_recording(noise):
    cell, trace = network(), spikes(500.0, noise=noise)
    indices = cell.layout.select("networks")
    stages, reason = choose(None, cell, [trace], indices, (), (noise,))
    assert "long recordings" in reason and "500 ms" in reason
    simulated = [s for s in stages if s.mode.name != "clamped"]
    assert simulated[0].horizon is not None and 60.0 < simulated[0].horizon < 150.0
    lengths = [s.horizon for s in simulated if s.mode.name == "simulation"]
    assert lengths[-1] is None and lengths[:-1] == sorted(x for x in lengths if x is not None)
    assert all(s.horizon is not None for s in stages if s.mode.name == "clamped")


def test_a_short_recording_is_seen_whole():
    cell, trace = network(), spikes(100.0)
    stages, reason = choose(None, cell, [trace], cell.layout.select("networks"), (), (0.0,))
    assert "long" not in reason and all(s.horizon is None for s in stages)


def test_the_first_part_holds_what_happens_late():
    trace = spikes(3000.0, first=2000.0)
    stage = Stage("simulation", "levenberg", 40)
    (first, *_), told = coarse_to_fine([stage], [trace])
    assert first.horizon is not None and first.horizon > 2010.0 and "first" in told


def test_long_commands_are_thinned_first():
    t = np.arange(0.0, 4000.0, 0.05)
    clamp = ph.VoltageClamp.step(0.0, 500.0, 3000.0, 4000.0)
    sweep = ph.Recording(t, clamp, current=np.sin(t), current_unit="nA", name="long")
    cell = network()
    stages, reason = choose(None, cell, [sweep], cell.layout.select("networks"))
    assert "of 80000 samples first" in reason
    assert [s.every for s in stages][-1] == 1 and all(s.every > 1 for s in stages[:-1])
    few = thinned(sweep, 40)
    assert 2000 < len(few) < 2100
    # What follows a step at once is kept whole.
    assert np.sum((few.t >= 500.0) & (few.t < 501.0)) == 20


def test_errors_are_of_all_samples():
    stage = Stage("clamped", "lbfgs", 3, every=4)
    result = run(recordings=recording(samples=200), schedule=stage)
    assert len(result.predictions[0].t) == 200


def test_lines_of_the_log_come_before_the_first_step(caplog):
    seen = []

    def first(n):
        seen.append(len(caplog.records))

    with caplog.at_level(logging.INFO, logger="pyhodgkin.fit"):
        run(backend=StubBackend(on_call=first))
    assert seen[0] >= 1 and len(caplog.records) > seen[0]


def test_the_best_neuron_so_far_is_on_disk(tmp_path):
    there = []

    def look(info):
        there.append((tmp_path / "model.json").exists() if info.stage else None)

    run(out=tmp_path, callback=look, checkpoint_every=0.0)
    assert there[-1] is True
    assert ph.document.load(tmp_path / "model.json").name == neural().name


def test_it_is_on_disk_within_the_first_stage(tmp_path):
    there = []
    stage = Stage("clamped", "adamw", 4, lr=0.01)

    def look(_):
        there.append((tmp_path / "model.json").exists())

    run(out=tmp_path, schedule=stage, callback=look, checkpoint_every=0.0)
    assert there[1] is True


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="no timers of signals")
@pytest.mark.parametrize("where", ["step", "search"])
def test_a_long_step_is_left_within_seconds(tmp_path, where, monkeypatch):
    def slow(*_, **__):
        for _ in range(600):
            time.sleep(0.1)

    timer = threading.Timer(1.0, os.kill, (os.getpid(), signal.SIGINT))
    stages = (Stage("clamped", "adamw", 20, lr=0.05), Stage("simulation", "lbfgs", 30))
    if where == "search":
        monkeypatch.setattr("pyhodgkin.fitting.plan.search.search", slow)
        stages = (replace(stages[0], multistart=8), stages[1])
        engine = StubBackend()
    else:
        engine = StubBackend(on_call=lambda n: slow() if n == 5 else None)
    began = time.monotonic()
    timer.start()
    before = signal.getsignal(signal.SIGALRM)
    result = run(backend=engine, schedule=stages, out=tmp_path)
    assert result.status == Status.INTERRUPTED and time.monotonic() - began < 30.0
    assert signal.getsignal(signal.SIGALRM) is before
    assert len(result.history["step"]) == (0 if where == "search" else 4)
    if where == "step":
        resumed = run(schedule=stages, out=tmp_path, resume=True)
        np.testing.assert_array_equal(resumed.theta, run(schedule=stages).theta)


# -- the range of tau ----------------------------------------------------------------------


def slow_trace(dt=1.0, t_end=5000.0):
    t = np.arange(0.0, t_end, dt)
    clamp = ph.CurrentClamp.step(5.0, 0.1 * t_end, 0.9 * t_end, t_end)
    return ph.Recording(t, clamp, v=-65.0 + np.sin(0.01 * t), name="slow")


def test_the_range_of_tau_follows_the_recordings():
    cell = network()
    found, told = at_time_scale(cell, cell.layout.select("networks"), [slow_trace()], False)
    kinetics = found.gate("n").kinetics
    assert (kinetics.tau_min, kinetics.tau_max) == (0.2, 8000.0)
    assert "k.n: 0.2 to 8000 ms" in told and "tau_max=" in told
    np.testing.assert_array_equal(found.theta, cell.theta)


def test_a_range_that_is_given_or_learned_in_stays():
    given = network(tau_max=400.0)
    networks = given.layout.select("networks")
    assert at_time_scale(given, networks, [slow_trace()], False) == (given, "")
    cell = network()
    learned = cell.with_theta(cell.theta + 0.01)
    found, told = at_time_scale(learned, networks, [slow_trace()], False)
    assert found.gate("n").kinetics.tau_max == 500.0 and told == ""
    # Networks that are drawn anew have learned nothing.
    assert at_time_scale(learned, networks, [slow_trace()], True)[1]
    # What is not trained stays.
    assert at_time_scale(cell, cell.layout.select("k.g"), [slow_trace()], False)[1] == ""


def test_ordinary_recordings_keep_the_default_range():
    cell = network()
    found, told = at_time_scale(cell, cell.layout.select("networks"), [spikes(100.0)], False)
    kinetics = found.gate("n").kinetics
    assert (kinetics.tau_min, kinetics.tau_max) == default_range() and "0.02 to 500 ms" in told


def test_fit_tells_the_range_of_tau():
    result = run(neural("steady_state"), recording())
    assert any("range of tau of k.n" in line for line in result.log)
