"""Kinetics as tables: the error is below the limit, and what is reported is what there is."""

from __future__ import annotations

import numpy as np
import pytest

import pyhodgkin as ph
from pyhodgkin.errors import InputError, UnknownNameError
from pyhodgkin.neuron import neural_forms

SQUID = ph.library.get("squid_axon")


def neural(form="steady_state", seed=1, **options) -> ph.NeuralKinetics:
    return ph.NeuralKinetics(form, ph.Network.create((1, 32, 32, 2), seed=seed), **options)


def learned() -> ph.Neuron:
    cell = SQUID.replace_gate("n", neural()).replace_gate("m", neural("rates", 2))
    return cell.replace_gate("h", neural("residual", 3, prior=SQUID.gates[2].kinetics))


@pytest.mark.parametrize("error", [1e-2, 1e-4, 1e-7])
def test_errors_are_below_the_limit_wherever_they_are_measured(error):
    cell = learned()
    found = ph.tabulate(cell, error=error)
    v = np.random.default_rng(0).uniform(-120.0, 80.0, 20_000)
    assert [g.name for g in found.gates] == ["n", "m", "h"]
    for report, gate, table in zip(found.gates, cell.gates, found.neuron.gates, strict=True):
        off = np.abs(table.kinetics.x_inf(v) - gate.kinetics.x_inf(v))
        late = np.abs(table.kinetics.tau(v) / gate.kinetics.tau(v) - 1.0)
        assert off.max() <= 1.05 * error and late.max() <= 1.05 * error
        assert report.x_inf_error == pytest.approx(off.max(), rel=0.3)
        assert report.tau_error == pytest.approx(late.max(), rel=0.3)
        assert report.effect <= error and -120.0 <= report.tau_at <= 80.0
        x = table.kinetics.x_inf(np.linspace(-300.0, 300.0, 9001))
        assert x.min() >= 0.0 and x.max() <= 1.0
        assert (table.power, table.q10, table.t_ref) == (gate.power, gate.q10, gate.t_ref)
    assert "x_inf error" in str(found) and f"{found.gates[0].knots}" in str(found)


def test_a_smaller_limit_takes_more_knots():
    knots = [ph.tabulate(SQUID, gates="all", error=e).gates[1].knots for e in (1e-2, 1e-4, 1e-6)]
    assert knots[0] < knots[1] < knots[2]


def test_traces_differ_by_as_little_as_was_asked():
    cell, clamp = SQUID, ph.CurrentClamp.step(10.0, start=2.0, stop=28.0, t_end=30.0)
    exact = ph.simulate(cell, clamp, saveat=0.05, backend="torch", rtol=1e-8, atol=1e-10)
    before = np.inf
    for error in (1e-3, 1e-5, 1e-7):
        table = ph.tabulate(cell, gates="all", error=error).neuron
        found = ph.simulate(table, clamp, saveat=0.05, backend="torch", rtol=1e-8, atol=1e-10)
        shift = np.abs(np.array(found.spike_times()) - np.array(exact.spike_times())).max()
        assert shift < min(before, 100.0 * error)
        before = max(shift, 1e-6)


def test_only_the_gates_that_were_asked_for_change():
    cell = learned()
    found = ph.tabulate(cell, gates=["n"]).neuron
    assert found.gates[0].kinetics.kind == "steady_state"
    assert found.gates[1] == cell.gates[1] and found.gates[2] == cell.gates[2]
    instant = ph.Gate("m", ph.InstantaneousKinetics(ph.rates.Sigmoid(1, -40, 7)), power=3)
    na = ph.Channel("na", 120.0, 50.0, (instant,))
    fast = ph.tabulate(ph.Neuron("fast", (na, ph.leak(0.3, -54.4))), gates="all")
    assert fast.neuron.gates[0].kinetics.kind == "instantaneous"
    assert fast.gates[0].tau_error == 0.0


def test_a_form_that_is_a_python_function_becomes_data():
    neural_forms.register("test_tabulated", lambda n1, n2, numbers, f: (f.exp(n1), f.exp(n2)))
    try:
        cell = SQUID.replace_gate("n", neural("test_tabulated"))
        with pytest.raises(InputError, match="registered as a Python function"):
            _ = cell.tables
        assert len(ph.tabulate(cell).neuron.tables.table_grid) == 2
    finally:
        neural_forms.unregister("test_tabulated")


def test_a_table_is_saved_and_loaded(tmp_path):
    found = ph.tabulate(learned()).neuron
    ph.document.save(found, tmp_path / "model.json")
    assert ph.document.load(tmp_path / "model.json") == found


def test_what_cannot_be_tabulated_is_refused():
    free = ph.NeuralKinetics("free", ph.Network.create((2, 4, 1), seed=1))
    with pytest.raises(InputError, match='gate "n" is of the form "free"'):
        ph.tabulate(SQUID.replace_gate("n", free), gates=["n"])
    with pytest.raises(InputError, match='only of the form "free"'):
        ph.tabulate(SQUID.replace_gate("n", free))
    both = SQUID.replace_gate("n", free).replace_gate("m", neural())
    assert ph.tabulate(both).left_out == ("n",)
    with pytest.raises(InputError, match="no neural gate; name others"):
        ph.tabulate(SQUID)
    with pytest.raises(UnknownNameError, match='"x"'):
        ph.tabulate(SQUID, gates=["x"])
    with pytest.raises(InputError, match="gates is empty"):
        ph.tabulate(SQUID, gates=[])
    for error in (0.0, -1.0, np.nan, 1.0):
        with pytest.raises(InputError, match="error = "):
            ph.tabulate(SQUID, gates="all", error=error)
    for v_range in ((80.0, -120.0), (0.0, np.nan), (0.0,), (-5000.0, 0.0)):
        with pytest.raises(InputError, match="v_range"):
            ph.tabulate(SQUID, gates="all", v_range=v_range)
    jump = ph.SteadyStateKinetics(
        ph.rates.Sigmoid(1, -40, 5), ph.rates.formula("1 if v < -41.3 else 9")
    )
    with pytest.raises(InputError, match=r'gate "n": with \d+ knots .* is not reached'):
        ph.tabulate(SQUID.replace_gate("n", jump), gates=["n"])
