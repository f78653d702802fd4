"""Each element of a batch ends at its own end; spikes are those of the solver's steps."""

from __future__ import annotations

import csv
import json
import pickle
from dataclasses import replace

import numpy as np
import pytest
from neurons import ENGINES, SQUID

import pyhodgkin as ph
from pyhodgkin.cli.app import main
from pyhodgkin.solution import voltage_steps
from pyhodgkin.solution.voltage_steps import Collector, VoltageSteps

SHORT = ph.CurrentClamp.step(10.0, start=2.0, stop=None, t_end=12.0)
LONG = ph.CurrentClamp.step(10.0, start=2.0, stop=None, t_end=30.0)


def simulate(*args, **options):
    return ph.simulate(*args, **{"backend": "torch", "saveat": 0.1, **options})


# -- the ends of a batch ------------------------------------------------------------------


@pytest.mark.parametrize("backend", ENGINES)
def test_an_element_is_what_its_protocol_alone_gives(backend):
    alone = simulate(SQUID, SHORT, backend=backend)
    both = simulate(SQUID, [SHORT, LONG], backend=backend)
    assert both.t[-1] == pytest.approx(30.0) and both.success.all()
    after = both.t > 12.0 + 1e-9
    for array in (both.v[0], both.stimulus[0], both.currents["k"][0], both.gates["n"][0]):
        assert np.isnan(array[after]).all() and np.isfinite(array[~after]).all()
    assert np.isfinite(both.y[1]).all()
    np.testing.assert_allclose(both[0].t, alone.t)
    np.testing.assert_allclose(both[0].y, alone.y, atol=1e-9)
    np.testing.assert_allclose(both[0].stimulus, alone.stimulus)
    np.testing.assert_allclose(both[0].currents["na"], alone.currents["na"], atol=1e-6)
    np.testing.assert_allclose(both.spike_times()[0], alone.spike_times(), atol=1e-9)
    np.testing.assert_allclose(both[0].spike_times(), alone.spike_times(), atol=1e-9)
    assert both.stats["n_steps"][0] == alone.stats["n_steps"] < both.stats["n_steps"][1]


def test_by_individual_parameters_and_groups_of_temperatures():
    cells = [SQUID, replace(SQUID, temperature=16.3), SQUID]
    clamps = [SHORT, LONG, SHORT]
    found = simulate(cells, clamps)
    for i, (cell, clamp) in enumerate(zip(cells, clamps, strict=True)):
        one = simulate(cell, clamp)
        np.testing.assert_allclose(found[i].y, one.y, atol=1e-8)
        np.testing.assert_allclose(found[i].spike_times(), one.spike_times(), atol=1e-8)


def test_figures_end_with_each_run():
    figure = simulate(SQUID, [SHORT, LONG]).plot()
    for axes in figure.axes:
        ends = sorted(line.get_xdata()[np.isfinite(line.get_ydata())][-1] for line in axes.lines)
        assert ends == pytest.approx([12.0, 30.0])


@pytest.mark.parametrize("backend", ENGINES)
def test_a_clamped_element_ends_with_its_command(backend):
    clamps = [ph.VoltageClamp.step(0.0, 1.0, None, t_end) for t_end in (2.0, 4.0)]
    found = simulate(SQUID, clamps, backend=backend)
    assert np.isnan(found.y[0, found.t > 2.0 + 1e-9]).all()
    assert np.isfinite(found.y[0, found.t <= 2.0]).all() and np.isfinite(found.y[1]).all()
    assert found[0].currents["k"].shape == found[0].t.shape == (21,)


def test_the_last_sample_is_there_whatever_its_rounding():
    """0.1 · 3 is more than 0.3 by one bit."""
    ends = [0.3, 0.6, 0.7, 1.1]
    found = simulate(SQUID, [ph.CurrentClamp.constant(0.0, end) for end in ends])
    assert np.isfinite(found.v).sum(axis=1).tolist() == [4, 7, 8, 12]
    assert [len(one.t) for one in found] == [4, 7, 8, 12]


def test_recordings_of_unequal_length_from_one_batch():
    records = [ph.Recording.from_solution(one) for one in simulate(SQUID, [SHORT, LONG])]
    assert [r.t[-1] for r in records] == pytest.approx([12.0, 30.0])


def test_the_command_line_ends_each_run(tmp_path, capsys):
    path = tmp_path / "p.json"
    path.write_text(json.dumps([SHORT.to_dict(), LONG.to_dict()]))
    out = tmp_path / "run"
    options = ["--protocol", str(path), "--backend", "torch", "--out", str(out)]
    assert main(["simulate", "squid_axon", *options]) == 0
    rows = list(csv.DictReader((out / "summary.csv").open()))
    assert int(rows[0]["spikes"]) == len(simulate(SQUID, SHORT).spike_times())
    trace = np.genfromtxt(out / "trace_1.csv", delimiter=",", names=True)
    assert trace["t_ms"][-1] == pytest.approx(12.0) and np.isfinite(trace["v_mV"]).all()


# -- spikes ---------------------------------------------------------------------------------


@pytest.mark.parametrize("backend", ENGINES)
@pytest.mark.parametrize("threshold", [0.0, -40.0])
def test_spikes_do_not_depend_on_samples(backend, threshold):
    fine = simulate(SQUID, LONG, saveat=0.005, backend=backend)
    by_samples = replace(fine, steps=None).spike_times(threshold)
    assert len(by_samples) == 2
    for saveat in (0.005, 0.1, 7.0, 30.0, [1.0, 2.0], [0.0]):
        found = simulate(SQUID, LONG, saveat=saveat, backend=backend).spike_times(threshold)
        np.testing.assert_allclose(found, by_samples, atol=2e-3)
        np.testing.assert_array_equal(found, fine.spike_times(threshold))


@pytest.mark.parametrize("backend", ENGINES)
def test_spikes_do_not_depend_on_the_length_of_the_run(backend):
    cell = ph.library.get("wang_buzsaki")
    counts, first = [], []
    for t_end in (70.0, 100.0, 30_000.0):
        clamp = ph.CurrentClamp.step(2.0, start=10.0, stop=60.0, t_end=t_end)
        found = ph.simulate(cell, clamp, backend=backend)
        counts.append(len(found.spike_times()))
        first.append(found.spike_times()[:5])
    assert counts[0] > 3 and counts == [counts[0]] * 3
    np.testing.assert_allclose(first, [first[0]] * 3, atol=1e-6)


@pytest.mark.parametrize("solver", ["rodas5p", "rodas4p", "tsit5", "exponential"])
def test_spikes_of_every_solver(solver):
    fine = simulate(SQUID, LONG, rtol=1e-9, atol=1e-11, saveat=0.005)
    right = replace(fine, steps=None).spike_times()
    found = simulate(SQUID, LONG, solver=solver, saveat=30.0).spike_times()
    np.testing.assert_allclose(found, right, atol=0.02 if solver == "exponential" else 3e-3)


def test_steps_of_a_polynomial():
    # (θ - 1/4)(θ - 3/4) rises once through 0; a step that only falls, and one that begins at 0.
    steps = VoltageSteps(
        3,
        [0, 2, 2],
        [10.0, 5.0, 6.0],
        [4.0, 1.0, 2.0],
        [[3 / 16, -1.0, 1.0], [-1.0, 1.0, 0.0], [0.0, 1.0, 0.0]],
    )
    found = steps.crossings(0.0)
    np.testing.assert_allclose(found[0], [13.0])
    assert len(found[1]) == 0
    np.testing.assert_allclose(found[2], [6.0])  # once, though two steps meet there
    np.testing.assert_allclose(steps.of(2).crossings(1.0)[0], [8.0])
    assert len(steps.only(0.0)) == 2 and not steps.only(0.0).knows(-1.0)


def test_memory_for_steps_is_bounded(monkeypatch):
    monkeypatch.setattr(voltage_steps, "MOST_STEPS", 20)
    clamps = [SHORT, LONG]
    found = simulate(SQUID, clamps, saveat=0.05)
    assert found.steps.threshold == 0.0 and len(found.steps) < 20
    monkeypatch.undo()
    full = simulate(SQUID, clamps, saveat=0.05)
    for a, b in zip(found.spike_times(), full.spike_times(), strict=True):
        np.testing.assert_array_equal(a, b)
    # Another threshold is then sought in the samples.
    for a, b in zip(found.spike_times(-30.0), full.spike_times(-30.0), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-3)


@pytest.mark.parametrize("solver", ["tsit5", "rodas5p"])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("cells", [1, 40])
def test_steps_that_a_kernel_leaves_out_have_no_crossing(solver, dtype, cells, monkeypatch):
    kernels = pytest.importorskip("pyhodgkin.backends.compiled.solve")
    g = 120.0 * np.linspace(0.8, 1.2, cells)
    call = {"parameters": {"na.g": g}, "saveat": 30.0, "rtol": 1e-5, "dtype": dtype}
    full = simulate(SQUID, LONG, solver=solver, **call)
    monkeypatch.setattr(voltage_steps, "MOST_STEPS", 20)
    monkeypatch.setattr(kernels, "ROWS", 64)  # so that the kernel is called again and again
    few = simulate(SQUID, LONG, solver=solver, **call)
    assert len(few.steps) < len(full.steps) / 5 and few.steps.threshold == 0.0
    for a, b in zip(few.spike_times(), full.spike_times(), strict=True):
        assert len(a) and np.array_equal(a, b)


def test_steps_are_put_in_order_when_they_are_asked_for():
    collector = Collector(2)
    for element in ([0, 1], [1, 0], [0, 0]):
        collector.add(element, [10.0, 11.0], [1.0, 1.0], [[-1.0, 2.0], [-1.0, 1.5]])
    steps = collector.result()
    again = pickle.loads(pickle.dumps(steps))
    assert "element" not in steps.__dict__ and len(steps) == 6
    assert steps.element.tolist() == again.element.tolist() == [0, 0, 0, 0, 1, 1]
    assert [len(x) for x in again.only(0.0).crossings()] == [4, 2]
    with pytest.raises(AttributeError):
        steps.nothing  # noqa: B018


def test_an_empty_collection():
    assert [len(x) for x in Collector(2).result().crossings()] == [0, 0]


# -- long runs --------------------------------------------------------------------------------


@pytest.mark.parametrize("backend", ENGINES)
def test_what_is_only_long_is_not_refused(backend):
    rest = ph.CurrentClamp.constant(0.0, 3500.0)
    options = {"dt_max": 10.0, "saveat": 100.0, "backend": backend}
    found = simulate(SQUID, rest, max_steps=200, **options)
    assert found.success and found.stats["n_steps"] > 350 and np.isfinite(found.y).all()
    with pytest.raises(ph.errors.SolveError, match="max_steps"):
        simulate(SQUID, rest, max_steps=50, **options)


@pytest.mark.parametrize("backend", ENGINES)
def test_many_breakpoints_are_not_refused(backend):
    t = 0.01 * np.arange(400)
    noise = np.random.default_rng(0).standard_normal(len(t))
    clamp = ph.VoltageClamp.sampled(t, -60.0 + noise)
    found = simulate(SQUID, clamp, max_steps=150, backend=backend)
    assert found.success and found.stats["n_steps"] >= 399
