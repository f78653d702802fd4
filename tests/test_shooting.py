"""Training in windows: pieces, gradients, nodes that are kept, minibatches."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from engines import JULIA, TORCH
from fit_stub import StubBackend, neural, recording
from fit_stub import run as run_stub

import pyhodgkin as ph
from pyhodgkin import Stage, fit
from pyhodgkin.backends.base import SolveOptions
from pyhodgkin.errors import InputError
from pyhodgkin.fitting.minibatches import pick
from pyhodgkin.fitting.modes.shooting_windows import Windows
from pyhodgkin.fitting.objective import Objective
from pyhodgkin.fitting.plan import Plan
from pyhodgkin.fitting.problem import Problem
from pyhodgkin.fitting.schedules.growing_windows import growing_windows

BOTH = [pytest.param(JULIA, marks=pytest.mark.julia, id="julia"), pytest.param(TORCH, id="torch")]
SQUID = ph.library.get("squid_axon")
CLAMP = ph.CurrentClamp.step(10.0, start=1.0, stop=8.0, t_end=10.0)
TIGHT = SolveOptions(rtol=1e-9, atol=1e-11)


def measured(noise: float = 0.0, t_end: float = 10.0) -> ph.Recording:
    clamp = ph.CurrentClamp.step(10.0, start=1.0, stop=0.8 * t_end, t_end=t_end)
    trace = ph.simulate(SQUID, clamp, saveat=0.1, backend="torch")
    return ph.Recording.from_solution(trace, noise=noise)


TRACE = measured()
WINDOWS = Stage("multiple_shooting", window=3.0, continuity=0.5, optimizer="lbfgs", steps=30)


# -- pieces ---------------------------------------------------------------------------------


@pytest.mark.parametrize("length", [0.1, 0.35, 2.0, 3.0, 30.0])
def test_pieces_hold_every_sample_once(length):
    keep = np.ones(len(TRACE), bool)
    keep[20:60] = False
    trace = TRACE.masked(keep)
    windows = Windows([trace, TRACE], [trace, TRACE], length)
    used = np.concatenate([p.v[p.mask] for p in windows.pieces])
    np.testing.assert_array_equal(used, np.concatenate([trace.v[trace.mask], TRACE.v]))
    assert all(p.n_used > 0 for p in windows.pieces)
    for piece, node in zip(windows.pieces, windows.node, strict=True):
        if node < 0:
            assert piece.t[0] == 0.0
            continue
        r, sample = windows.keys[node]
        whole = windows.recordings[r]
        assert whole.v[sample] == piece.v[0]
        at = whole.t[sample] + piece.t
        np.testing.assert_allclose(piece.command[1:-1], whole.protocol(at)[1:-1], atol=1e-9)
    after = windows.following
    assert (after < 0).sum() == 2
    np.testing.assert_array_equal(after[after >= 0], np.arange(len(windows.keys)))
    np.testing.assert_array_equal(windows.node[windows.node >= 0], np.arange(len(windows.keys)))


def test_a_recording_that_begins_late_still_starts_at_zero():
    late = replace(TRACE, t=TRACE.t[5:], v=TRACE.v[5:], mask=TRACE.mask[5:])
    windows = Windows([late], [late], 3.0)
    assert windows.pieces[0].t[0] == late.t[0]
    assert windows.pieces[1].t[0] == 0.0


# -- the objective --------------------------------------------------------------------------


def objective(engine, stage=WINDOWS, traces=(TRACE,), noise=(), seeds=(None,), **more):
    cell = neural("steady_state")
    problem = Problem(engine, cell, traces, more.pop("heldout", ()), options=TIGHT, noise=noise)
    places = cell.layout.select(["networks", "k.g"])
    plan = Plan(problem, [stage], places, seeds, {}, more.pop("fit_initial", False))
    unknowns = plan.unknowns(stage, plan.theta, plan.y0)
    return Objective(problem, stage, unknowns), unknowns


@pytest.mark.parametrize("engine", BOTH)
@pytest.mark.parametrize("fit_initial", [False, True])
@pytest.mark.parametrize("noise", [(), (0.5,)])
def test_gradient(engine, fit_initial, noise):
    if engine is TORCH and bool(noise) != fit_initial:
        pytest.skip("the same code as on Julia")
    function, unknowns = objective(engine, noise=noise, fit_initial=fit_initial)
    phi = unknowns.start()
    nodes = 3 if fit_initial else 2
    assert phi.shape[1] == len(unknowns.indices) + nodes * (4 if noise else 3)
    phi += 0.05 * np.random.default_rng(0).standard_normal(phi.shape)
    rows = np.ones(1, bool)
    found = function(phi, rows)
    assert not found.status.any()
    rng = np.random.default_rng(1)
    last = len(unknowns.indices)
    for part in (slice(0, last), slice(last, None)):
        direction = np.zeros_like(phi)
        direction[:, part] = rng.standard_normal(direction[:, part].shape)
        ahead, behind = (function(phi + s * direction, rows).value[0] for s in (1e-5, -1e-5))
        slope = float(np.sum(found.gradient * direction))
        np.testing.assert_allclose((ahead - behind) / 2e-5, slope, rtol=2e-4)


@pytest.mark.julia
def test_both_engines_agree():
    found = []
    for engine in (JULIA, TORCH):
        function, unknowns = objective(engine, seeds=(1, 2), heldout=(measured(t_end=7.0),))
        phi, rows = unknowns.start(), np.ones(2, bool)
        found.append((phi, function(phi, rows), function.heldout(phi, rows)))
    (phi, ours, held), (phi_torch, theirs, held_torch) = found
    # The nodes come from a loose solve.
    np.testing.assert_allclose(phi, phi_torch, atol=2e-2)
    np.testing.assert_allclose(ours.value, theirs.value, rtol=1e-2)
    np.testing.assert_allclose(held, held_torch, rtol=1e-2)


def test_knots_begin_where_the_measured_voltage_drives_the_gates():
    problem = Problem(TORCH, SQUID, [TRACE], options=TIGHT)
    plan = Plan(problem, [WINDOWS], SQUID.layout.select("k.g"), (None,), {}, False)
    unknowns = plan.unknowns(WINDOWS, plan.theta, None)
    _, nodes = unknowns.unpack(unknowns.start())
    full = ph.simulate(SQUID, TRACE.protocol, saveat=0.1, backend="torch").y
    at = [sample for _, sample in unknowns.states.shooting.windows.keys]
    np.testing.assert_allclose(nodes[0], full[at], atol=5e-3)
    function = Objective(problem, WINDOWS, unknowns)
    assert function(unknowns.start(), np.ones(1, bool)).value[0] < 1e-3


def test_batches_are_parts_of_the_whole():
    stage = replace(WINDOWS, optimizer="adamw", window=2.5, batch=2)
    function, unknowns = objective(TORCH, stage)
    phi, rows = unknowns.start(), np.ones(1, bool)
    whole = function(phi, rows)
    parts = [function(phi, rows, step) for step in (0, 1)]
    np.testing.assert_allclose(np.mean([p.value for p in parts]), whole.value[0], rtol=1e-9)
    np.testing.assert_allclose(np.mean([p.gradient for p in parts], axis=0), whole.gradient)
    assert parts[0].value != parts[1].value


def test_every_batch_is_dealt_before_one_comes_again():
    for count, size in ((10, 3), (7, 7), (4, 9), (5, 1)):
        rounds = -(-count // size)
        for turn in range(3):
            seen = [pick(count, size, turn * rounds + i) for i in range(rounds)]
            assert all(len(x) <= size for x in seen)
            np.testing.assert_array_equal(np.sort(np.concatenate(seen)), np.arange(count))


# -- fits -----------------------------------------------------------------------------------


def test_a_conductance_is_found_and_the_log_says_how_continuous_it_is():
    start = SQUID.with_parameters(k__g=20.0)
    result = fit(start, TRACE, trainable="k.g", schedule=WINDOWS, backend="torch", progress=False)
    assert abs(result.neuron.channel("k").g - 36.0) < 0.05
    assert any("largest jump between windows" in line for line in result.log)
    assert result.initial_states is None


def test_longer_windows_begin_at_the_knots_of_the_shorter_ones():
    seen = []

    class Spy(type(TORCH)):
        def value_and_grad(self, *args, **kwargs):
            seen.append(kwargs["y0"])
            return super().value_and_grad(*args, **kwargs)

    short = replace(WINDOWS, window=2.5, steps=12, continuity=0.1)
    stages = (short, replace(short, window=5.0, steps=1))
    start = SQUID.with_parameters(k__g=20.0)
    fit(start, TRACE, trainable="k.g", schedule=stages, backend=Spy(), progress=False)
    given = [y for y in seen if y is not None]
    assert given[0].shape == (1, 3, 4) and given[-1].shape == (1, 1, 4)
    middle = [y[0, 1] for y in given if y.shape == (1, 3, 4)]
    moved = [np.abs(y - middle[0]).max() for y in middle]
    assert max(moved) > 1e-4
    assert min(np.abs(given[-1][0, 0] - y).max() for y in middle) < 1e-9
    assert np.abs(given[-1][0, 0] - middle[0]).max() > 1e-4


def test_initial_states_are_the_first_knots():
    result = fit(
        SQUID, TRACE, trainable="k.g", schedule=replace(WINDOWS, steps=5), backend="torch",
        progress=False, fit_initial=True,
    )  # fmt: skip
    assert result.initial_states.shape == (1, 1, 4)
    np.testing.assert_allclose(result.initial_states[0, 0], SQUID.initial_state(), atol=0.02)


def test_cells_in_windows():
    traces = []
    for name, g in (("a", 34.0), ("b", 38.0)):
        cell = SQUID.with_parameters(k__g=g)
        trace = ph.simulate(cell, CLAMP, saveat=0.1, backend="torch")
        traces.append(ph.Recording.from_solution(trace, cell=name))
    result = fit(
        SQUID, traces, trainable="k.g", per_cell="k.g", schedule=WINDOWS, backend="torch",
        progress=False,
    )  # fmt: skip
    found = result.population.values(result.best)[:, 0]
    np.testing.assert_allclose(found, [34.0, 38.0], atol=0.1)


def test_minibatches_of_recordings_go_on_where_they_stopped(tmp_path):
    traces = [recording(i, f"trace {i}") for i in range(5)]
    stage = Stage("clamped", "adamw", 23, lr=0.05, batch=2)
    engine = StubBackend()
    whole = run_stub(recordings=traces, schedule=stage, backend=engine)
    assert whole.history["loss"][0] != whole.history["loss"][1]

    class Stop(Exception):
        pass

    def stop(n):
        if n == 12:
            raise Stop

    folder = {"out": tmp_path, "checkpoint_every": 0.0}
    with pytest.raises(Stop):
        run_stub(recordings=traces, schedule=stage, backend=StubBackend(on_call=stop), **folder)
    again = run_stub(recordings=traces, schedule=stage, resume=True, **folder)
    np.testing.assert_array_equal(again.theta, whole.theta)
    np.testing.assert_array_equal(again.scores, whole.scores)


def test_windows_go_on_where_they_stopped(tmp_path):
    class Stop(Exception):
        pass

    def stop(info):
        if info.stage == 1 and info.step == 2:
            raise Stop

    first = replace(WINDOWS, steps=4, optimizer="adamw", batch=2, window=2.5)
    common = dict(
        trainable="k.g", schedule=(first, replace(WINDOWS, steps=4, window=5.0)),
        backend="torch", progress=False,
    )  # fmt: skip
    start = SQUID.with_parameters(k__g=20.0)
    whole = fit(start, TRACE, **common)
    folder = {"out": tmp_path, "checkpoint_every": 0.0}
    with pytest.raises(Stop):
        fit(start, TRACE, **common, **folder, callback=stop)
    again = fit(start, TRACE, **common, **folder, resume=True)
    np.testing.assert_array_equal(again.theta, whole.theta)


def test_what_cannot_be_asked():
    with pytest.raises(InputError, match="window"):
        Stage("multiple_shooting")
    with pytest.raises(InputError, match="window"):
        Stage("simulation", window=5.0)
    with pytest.raises(InputError, match="positive"):
        Stage("multiple_shooting", window=-1.0)
    with pytest.raises(InputError, match="continuity"):
        Stage("multiple_shooting", window=1.0, continuity=-1.0)
    with pytest.raises(InputError, match="lbfgs"):
        Stage("multiple_shooting", "levenberg", window=1.0)
    with pytest.raises(InputError, match="adamw"):
        Stage("simulation", "lbfgs", batch=2)
    with pytest.raises(InputError, match="batch"):
        Stage(batch=0)
    clamp = recording(clamp="voltage")
    with pytest.raises(InputError, match="clamped"):
        fit(neural(), clamp, schedule=WINDOWS, backend="torch")


def test_the_schedule_of_windows():
    result = fit(
        SQUID.with_parameters(k__g=30.0), TRACE, trainable="k.g", schedule="multiple_shooting",
        backend="torch", progress=False, callback=lambda info: info.step > 2,
    )  # fmt: skip
    assert "windows of 0.5, 2 ms" in result.log[0]
    stages = growing_windows([measured(t_end=50.0)], 0.01)
    assert [getattr(s.mode, "window", None) for s in stages] == [0.5, 0.5, 2.0, 10.0, None]
    assert all(s.penalty.curvature == 0.01 for s in stages)


@pytest.mark.slow
@pytest.mark.julia
@pytest.mark.parametrize("noise", [0.0, 2.0])
def test_a_gate_is_found_from_one_trace_of_v(noise):
    clamp = ph.CurrentClamp.step(10.0, start=5.0, stop=None, t_end=50.0)
    truth = ph.simulate(SQUID, clamp, saveat=0.1, backend="julia")
    trace = ph.Recording.from_solution(truth, noise=noise)
    network = ph.Network.create((1, 32, 32, 2), seed=1)
    cell = SQUID.replace_gate("n", ph.NeuralKinetics("steady_state", network))
    result = fit(cell, trace, schedule="multiple_shooting", backend="julia", progress=False)
    found = ph.simulate(result.neuron, clamp, saveat=0.1, backend="julia")
    assert np.sqrt(np.mean((found.v - truth.v) ** 2)) < (2.0 if noise else 0.2)
    if not noise:
        last = [line for line in result.log if "largest jump" in line][-1]
        assert float(last.split("between windows ")[1].split(" mV")[0]) < 0.1
