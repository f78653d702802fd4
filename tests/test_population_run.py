"""Runs of populations: the numbers, their independence of how they are divided, and features."""

from __future__ import annotations

import os

import numpy as np
import pytest

import pyhodgkin as ph
from pyhodgkin.errors import InputError, SolveError, UnknownNameError
from pyhodgkin.population import plan as plans
from pyhodgkin.population import request
from pyhodgkin.population.run import in_turn, simulate

AXON = ph.library.get("squid_axon")
STEP = ph.CurrentClamp.step(10.0, start=10.0, stop=70.0, t_end=80.0)
VARY = {"na.g": ph.LogNormal(cv=0.05), "k.g": ph.LogNormal(cv=0.05)}
FAST = {"backend": "torch", "rtol": 1e-4}


def cells(n=40, **options):
    return ph.Population(AXON, n, VARY, seed=1, **options)


def equal(one, other):
    """Whether two results are the same bits."""
    assert list(one) == list(other)
    for name in one:
        assert np.array_equal(one[name], other[name], equal_nan=one[name].dtype.kind == "f"), name
    assert one.has_spikes == other.has_spikes
    for k in range(
        one.has_spikes and max(1, len(one.protocols) if np.ndim(one["status"]) == 2 else 1)
    ):
        for a, b in zip(one.spikes(k), other.spikes(k), strict=True):
            assert np.array_equal(a, b)
    return True


def test_cells_are_those_that_simulate_gives_one_by_one():
    found = ph.simulate(
        cells(7), STEP, record=("spikes", "v", "n", "rate"), saveat=0.5, rtol=1e-8, backend="torch"
    )
    for i, cell in enumerate(cells(7)):
        alone = ph.simulate(cell, STEP, saveat=0.5, rtol=1e-8, backend="torch")
        np.testing.assert_allclose(found["v"][i], alone.v, atol=2e-4)
        np.testing.assert_allclose(found["n"][i], alone.gates["n"], atol=1e-5)
        np.testing.assert_allclose(found.spike_times(i), alone.spike_times(), atol=1e-5)
    assert found.success.all() and found.t[-1] == 80.0


def test_a_family_of_protocols_has_an_axis_of_its_own():
    family = ph.CurrentClamp.family([3.0, 8.0, 12.0], start=10.0, stop=50.0, t_end=60.0)
    found = cells(9).simulate(family, record=("spikes", "rate", "v"), saveat=[20.0, 40.0], **FAST)
    assert found["rate"].shape == (3, 9) and found["v"].shape == (3, 9, 2)
    one = cells(9).simulate(family[2], record=("spikes", "v"), saveat=[20.0, 40.0], **FAST)
    assert np.array_equal(found["v"][2], one["v"])
    assert np.array_equal(found.spikes(2)[0], one.spikes()[0])
    assert (found["rate"].mean(axis=1)[1:] > found["rate"].mean(axis=1)[:-1]).all()


def test_a_protocol_for_each_cell_with_its_own_end():
    protocols = [
        ph.CurrentClamp.step(4.0 + i, start=5.0 + i, stop=30.0 + i, t_end=40.0 + i)
        for i in range(6)
    ]
    record = ("spikes", "v", "first_spike_latency", "rate")
    found = cells(6).simulate(protocols, each=True, record=record, saveat=1.0, **FAST)
    for i, (cell, protocol) in enumerate(zip(cells(6), protocols, strict=True)):
        alone = ph.simulate(cell, protocol, saveat=1.0, **FAST)
        np.testing.assert_allclose(found.spike_times(i), alone.spike_times(), atol=0.02)
        assert np.isnan(found["v"][i][found.t > protocol.t_end]).all()
        inside = found.spike_times(i)
        inside = inside[(inside > 5.0 + i) & (inside <= 30.0 + i)]
        assert found["rate"][i] == pytest.approx(1000.0 * len(inside) / 25.0)
        assert found["first_spike_latency"][i] == pytest.approx(inside[0] - 5.0 - i)


def test_features_are_those_of_their_definitions():
    record = ("spikes", "rate", "spike_count", "first_spike_latency", "adaptation", "isi_cv")
    found = cells(30).simulate(STEP, record=(*record, "v_baseline", "v"), saveat=0.05, **FAST)
    for i in range(30):
        times = found.spike_times(i)
        times = times[(times > 10.0) & (times <= 70.0)]
        gaps = np.diff(times)
        assert found["spike_count"][i] == len(times)
        assert found["rate"][i] == pytest.approx(len(times) / 0.060)
        assert found["first_spike_latency"][i] == pytest.approx(times[0] - 10.0)
        assert found["isi_cv"][i] == pytest.approx(gaps.std() / gaps.mean(), nan_ok=True)
        change = np.diff(gaps) / (gaps[1:] + gaps[:-1])
        assert found["adaptation"][i] == pytest.approx(change.mean())
        before = found["v"][i][:201:20]  # every ms up to the onset
        assert found["v_baseline"][i] == pytest.approx(before.mean(), abs=1e-6)


def test_what_is_not_there_is_missing_not_zero():
    record = ("rate", "first_spike_latency", "adaptation", "isi_cv", "sag")
    quiet = ph.CurrentClamp.step(0.5, start=10.0, stop=50.0, t_end=60.0)
    found = cells(5).simulate(quiet, record=record, **FAST)
    assert (found["rate"] == 0).all()
    for name in record[1:]:
        assert np.isnan(found[name]).all(), name


def test_sag_of_a_hyperpolarization():
    down = ph.CurrentClamp.step(-5.0, start=20.0, stop=120.0, t_end=130.0)
    found = cells(5).simulate(down, record=("sag", "v", "v_baseline"), saveat=0.25, **FAST)
    for i in range(5):
        v = found["v"][i][(found.t > 20.0) & (found.t <= 120.0)]
        low, late = v.min(), v[-40:].mean()
        assert found["sag"][i] == pytest.approx(
            (low - late) / (low - found["v_baseline"][i]), abs=2e-3
        )
    assert (found["sag"] > 0.05).all()


def test_rheobase_of_each_cell_is_that_of_the_verb():
    found = cells(4).simulate(
        STEP, record=("rate", ph.Rheobase(duration=50.0, start=20.0, tolerance=1e-3)), **FAST
    )
    for i, cell in enumerate(cells(4)):
        alone = ph.rheobase(cell, duration=50.0, start=20.0, tolerance=1e-3, **FAST)
        assert found["rheobase"][i] == pytest.approx(float(alone), rel=2e-3)


def test_rheobase_of_cells_that_fire_alone_or_never():
    vary = {
        "na.g": np.array([120.0, 0.0, 120.0]),
        "k.g": np.array([36.0, 1e6, 36.0]),
        "l.e": np.array([-54.4, -54.4, 0.0]),
    }
    found = ph.Population(AXON, 3, vary).simulate(
        STEP, record=ph.Rheobase(duration=40.0, start=20.0), **FAST
    )["rheobase"]
    assert 1.0 < found[0] < 5.0 and found[1] == np.inf and np.isnan(found[2])


@pytest.mark.parametrize("solver", ["tsit5", "rodas5p"])
def test_chunks_order_and_threads_do_not_change_a_bit(solver, monkeypatch):
    monkeypatch.setitem(plans.CELLS, "cpu", 32)
    record, options = ("spikes", "rate", "v"), {**FAST, "solver": solver, "saveat": 1.0}
    population = cells(150)
    whole = population.simulate(STEP, record=record, **options)
    assert equal(whole, population.simulate(STEP, record=record, chunk_size=33, **options))
    monkeypatch.setattr(
        "pyhodgkin.population.run.in_turn",
        lambda plan, engine, chunks: in_turn(plan, engine, chunks[::-1]),
    )
    assert equal(whole, population.simulate(STEP, record=record, chunk_size=64, **options))
    before = os.environ.get("OMP_NUM_THREADS")
    monkeypatch.setenv("OMP_NUM_THREADS", "1" if before != "1" else "2")
    assert equal(whole, population.simulate(STEP, record=record, **options))


def test_memory_is_bounded_by_smaller_blocks_where_many_samples_are_recorded():
    few = request.made(cells(9), STEP, "spikes", False, None, 0.0, ph.SolveOptions(), "torch", None)
    many = request.made(cells(9), STEP, "v", False, 0.01, 0.0, ph.SolveOptions(), "torch", None)
    assert few.block == 4096 and many.block == 256
    assert many.chunk_size % many.block == 0


def test_results_that_do_not_fit_into_memory_are_refused_before_anything_is_computed(monkeypatch):
    monkeypatch.setattr("pyhodgkin.population.memory._free", lambda: 10_000)
    with pytest.raises(InputError, match="out="):
        cells(40).simulate(STEP, record="v", **FAST)


def test_another_threshold_is_right_however_many_steps_there_are(monkeypatch):
    from pyhodgkin.solution import voltage_steps

    wanted = cells(40).simulate(STEP, threshold=-20.0, **FAST)
    monkeypatch.setattr(voltage_steps, "MOST_STEPS", 600)
    found = cells(40).simulate(STEP, threshold=-20.0, **FAST)
    for i in range(40):
        np.testing.assert_allclose(found.spike_times(i), wanted.spike_times(i), atol=1e-3)


def test_a_cell_that_fails_spoils_no_other():
    vary = {"c_m": np.array([1.0, 1.0, 1e-3, 1.0])}
    population = ph.Population(AXON, 4, vary)
    found = population.simulate(STEP, record=("rate", "v"), max_steps=400, **FAST)
    assert found.success.tolist() == [True, True, False, True]
    assert np.isnan(found["rate"][2]) and np.isfinite(found["rate"][[0, 1, 3]]).all()
    assert "1 cells (2)" in found.message and "1 failed" in repr(found)
    with pytest.raises(SolveError, match="cells"):
        population.simulate(STEP, record="rate", max_steps=400, throw=True, **FAST)


def test_a_neuron_per_area_with_a_size_meets_a_current_in_pA():
    from dataclasses import replace

    cell = replace(AXON, area=1000.0)
    pico = ph.CurrentClamp(ph.Step(10.0, 70.0, 100.0), 80.0, "pA")
    found = ph.Population(cell, 5, VARY, seed=1).simulate(pico, record=("spikes", "v"), **FAST)
    same = cells(5).simulate(STEP, record=("spikes", "v"), **FAST)
    np.testing.assert_allclose(found["v"], same["v"], atol=1e-6)
    with pytest.raises(InputError, match="area"):
        cells(5).simulate(pico, **FAST)


def test_voltage_clamp_records_gates():
    clamp = ph.VoltageClamp.step(-20.0, start=1.0, stop=9.0, t_end=10.0)
    found = cells(4).simulate(clamp, record=("n", "v"), saveat=1.0, **FAST)
    assert found["v"][0, 5] == -20.0 and (np.diff(found["n"][:, 2:9], axis=1) > 0).all()
    with pytest.raises(InputError, match="free voltage"):
        cells(4).simulate(clamp, record="spikes", **FAST)


def test_a_feature_of_ones_own():
    class Widest(ph.Feature):
        name, unit, text = "longest_interval", "ms", "longest interval"

        def compute(self, response):
            times, cell = response.inside()
            out = np.full(response.size, np.nan)
            same = cell[1:] == cell[:-1]
            np.fmax.at(out, cell[1:][same], np.diff(times)[same])
            return out

    try:
        found = cells(4).simulate(STEP, record=("spikes", "longest_interval"), **FAST)
        gaps = np.diff(found.spike_times(0)[found.spike_times(0) <= 70.0])
        assert found["longest_interval"][0] == gaps.max()
    finally:
        ph.Feature.kinds.pop("longest_interval")


def test_networks_and_single_precision():
    network = ph.NeuralKinetics("steady_state", ph.Network.create((1, 6, 2), seed=1))
    learned = AXON.replace_gate("n", network)
    population = ph.Population(learned, 6, VARY, seed=1)
    found = population.simulate(STEP, record=("spikes", "v"), saveat=1.0, **FAST)
    alone = ph.simulate(population.cell(3), STEP, saveat=1.0, **FAST)
    np.testing.assert_allclose(found["v"][3], alone.v, atol=0.05)
    single = cells(6).simulate(STEP, record="v", saveat=1.0, dtype="float32", **FAST)
    assert single["v"].dtype == np.float32


WRONG = [
    ({"record": "spike"}, UnknownNameError, "spikes"),
    ({"record": ()}, InputError, "empty"),
    ({"saveat": 0.1}, InputError, "no variable"),
    ({"record": "v", "saveat": -1.0}, InputError, "saveat"),
    ({"record": "v", "saveat": [3.0, 2.0]}, InputError, "saveat"),
    ({"threshold": np.nan}, InputError, "threshold"),
    ({"chunk_size": 0}, InputError, "chunk_size"),
    ({"each": True}, InputError, "each=True"),
    ({"rtoll": 1e-3}, UnknownNameError, "rtol"),
    ({"workers": 0}, InputError, "workers"),
    ({"parameters": {"na.g": 1.0}}, InputError, "parameters"),
]


@pytest.mark.parametrize(("options", "kind", "text"), WRONG)
def test_arguments_that_cannot_be_used_are_refused(options, kind, text):
    with pytest.raises(kind, match=text):
        ph.simulate(cells(3), STEP, backend="torch", **options)


def test_what_is_no_population_or_protocol_is_refused():
    with pytest.raises(InputError, match="Population"):
        simulate(AXON, STEP)
    with pytest.raises(InputError, match="CurrentClamp"):
        cells(3).simulate(10.0 * np.ones(3))
    with pytest.raises(InputError, match="all current clamp"):
        cells(3).simulate([STEP, ph.VoltageClamp.constant(0.0, 5.0)])


def test_names_of_results_that_are_not_there():
    found = cells(3).simulate(STEP, record="rate", **FAST)
    with pytest.raises(UnknownNameError, match="rate"):
        found["rates"]
    with pytest.raises(IndexError):
        found.spike_times(5)
    assert np.array_equal(found.select("na.g", 1, 3), cells(3)["na.g"][1:3])


@pytest.mark.julia
@pytest.mark.parametrize("solver", ["auto", "rodas5p"])
def test_both_engines_agree(solver):
    record = ("rate", "v", "first_spike_latency")
    found = [
        cells(40).simulate(
            STEP, record=record, saveat=1.0, rtol=1e-9, atol=1e-11, backend=b, solver=solver
        )
        for b in ("torch", "julia")
    ]
    np.testing.assert_allclose(found[0]["v"], found[1]["v"], atol=1e-3)
    assert np.array_equal(found[0]["rate"], found[1]["rate"])
    latency = [f["first_spike_latency"] for f in found]
    np.testing.assert_allclose(*latency, atol=1e-5)


@pytest.mark.julia
def test_chunks_do_not_change_a_bit_on_julia(monkeypatch):
    monkeypatch.setitem(plans.CELLS, "cpu", 32)
    options = {"record": ("spikes", "v"), "saveat": 1.0, "rtol": 1e-4, "backend": "julia"}
    assert equal(
        cells(100).simulate(STEP, **options), cells(100).simulate(STEP, chunk_size=33, **options)
    )
