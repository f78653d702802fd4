"""`distill`: networks set to published gates, callables, tables, currents."""

from __future__ import annotations

import numpy as np
import pytest

import pyhodgkin as ph
from pyhodgkin.errors import InputError
from pyhodgkin.neuron import neural_forms
from pyhodgkin.neuron.gates import Gate

V = np.linspace(-110.0, 50.0, 81)


def x_inf(v):
    return 1.0 / (1.0 + np.exp(-(v + 38.0) / 6.5))


def slow(v):
    """A time constant of seconds: outside of the default range."""
    return 300.0 + 2500.0 / (np.exp((v + 50.0) / 20.0) + np.exp(-(v + 50.0) / 25.0))


def fast(v):
    return 0.004 + 0.01 * np.exp(-(((v + 30.0) / 30.0) ** 2))


def kinetics(form="steady_state", **given):
    return ph.NeuralKinetics(form, ph.Network.create((1, 16, 2), seed=3), **given)


@pytest.mark.parametrize("tau", [slow, fast, lambda v: 2.0 + 0.0 * v])
def test_the_range_of_tau_is_that_of_the_curves(tau):
    found = ph.distill(kinetics(), (x_inf, tau), v=(-110.0, 50.0), steps=150)
    assert found.kinetics.tau_min < tau(V).min() and found.kinetics.tau_max > tau(V).max()
    assert np.allclose(found.kinetics.tau(V), tau(V), rtol=0.01)
    assert np.allclose(found.kinetics.x_inf(V), x_inf(V), atol=2e-4)
    assert found.errors["x_inf_mse"] < 1e-8 and found.errors["tau_nrmse"] < 0.01


def test_the_errors_are_those_of_the_curves_between_the_voltages_too():
    found = ph.distill(kinetics(), (x_inf, slow), v=np.linspace(-110.0, 50.0, 41), steps=60)
    assert len(found.v) == 121
    off = found.kinetics.x_inf(found.v) - x_inf(found.v)
    late = found.kinetics.tau(found.v) - slow(found.v)
    assert np.isclose(found.errors["x_inf_mse"], np.mean(off**2))
    assert np.isclose(found.errors["x_inf_max"], np.max(np.abs(off)))
    rms = np.sqrt(np.mean(late**2))
    assert np.isclose(found.errors["tau_nrmse"], rms / np.std(slow(found.v)))
    assert "x_inf_mse" in str(found)


def test_more_steps_come_closer_and_the_same_seed_gives_the_same():
    few, many = (ph.distill(kinetics(), (x_inf, slow), steps=n) for n in (20, 120))
    assert many.errors["x_inf_mse"] < few.errors["x_inf_mse"]
    assert many.errors["tau_nrmse"] < few.errors["tau_nrmse"]
    again = ph.distill(kinetics(), (x_inf, slow), steps=20)
    assert again.network == few.network
    assert ph.distill(kinetics(), (x_inf, slow), steps=20, seed=1).network != few.network


@pytest.mark.parametrize("form", ["rates", "residual", "steady_state"])
def test_every_form_is_set(form):
    cell = ph.library.get("squid_axon")
    given = {"prior": cell.gate("h").kinetics} if form == "residual" else {}
    gate = ph.distill(kinetics(form, **given), cell.gate("n"), v=(-100.0, 40.0), steps=150)
    assert gate.kinetics.form == form and gate.kinetics.prior is given.get("prior")
    n = cell.gate("n").kinetics
    v = np.linspace(-100.0, 40.0, 57)
    assert np.allclose(gate.kinetics.x_inf(v), n.x_inf(v), atol=2e-3)
    assert np.allclose(gate.kinetics.tau(v), n.tau(v), rtol=0.02)


def test_an_open_range_stays_open_when_it_is_asked_for():
    given = ph.distill(kinetics(tau_max=None), (x_inf, slow), tau_range=(100.0, None), steps=100)
    assert given.kinetics.tau_max is None and given.kinetics.tau_min == 100.0
    assert np.allclose(given.kinetics.tau(V), slow(V), rtol=0.02)


def test_a_form_from_outside_is_set():
    def law(n1, n2, numbers, f):
        x, tau = f.sigmoid(n1), numbers.tau_min + f.softplus(n2)
        return x / tau, (1.0 - x) / tau

    neural_forms.register("softplus_tau", law)
    try:
        found = ph.distill(kinetics("softplus_tau"), (x_inf, lambda v: 2.0 + x_inf(v)), steps=150)
        assert found.errors["x_inf_mse"] < 1e-6 and found.errors["tau_nrmse"] < 0.05
    finally:
        neural_forms.unregister("softplus_tau")


def test_tables_rates_gates_and_networks():
    net = ph.Network.create((1, 16, 2))
    table = ph.distill(net, {"x_inf": x_inf(V), "tau": slow(V)}, v=V, steps=150)
    assert np.array_equal(table.v, V) and table.errors["x_inf_mse"] < 1e-8
    n = ph.library.get("squid_axon").gate("n").kinetics
    rates = ph.distill(net, {"alpha": n.alpha, "beta": n.beta}, steps=80)
    tables = ph.distill(net, {"alpha": n.alpha(V), "beta": n.beta(V)}, v=V, steps=80)
    assert max(rates.errors["x_inf_mse"], tables.errors["x_inf_mse"]) < 1e-6
    gate = Gate("y", kinetics(), power=3)
    found = ph.distill(gate, (x_inf, 5.0), steps=80).result
    assert isinstance(found, Gate) and found.power == 3
    assert np.allclose(found.kinetics.tau(V), 5.0, rtol=1e-3)


def test_a_set_gate_simulates_as_the_published_one():
    cell = ph.library.get("squid_axon")
    found = ph.distill(ph.Network.create((1, 32, 32, 2)), cell.gate("n"), v=(-100, 60), steps=100)
    clamp = ph.CurrentClamp.step(10.0, start=1.0, stop=None, t_end=20.0)
    one, other = (
        ph.simulate(c, clamp, saveat=0.1, backend="torch")
        for c in (cell, cell.replace_gate("n", found.kinetics))
    )
    assert np.max(np.abs(one.v - other.v)) < 1.0


def test_a_current_is_set():
    unknown = ph.NeuralCurrent("x", ph.Network.create((1, 12, 1)), scale=4.0)
    found = ph.distill(unknown, lambda v: 2.0 * np.tanh((v + 30.0) / 20.0) + 0.1 * v, steps=150)
    assert found.errors["rmse"] < 0.01 and isinstance(found.result, ph.NeuralCurrent)
    assert found.result.name == "x" and found.network is found.result.network
    line = ph.distill(unknown, ph.leak(g=0.3, e=-54.0), v=(-90.0, 30.0), steps=60)
    assert line.errors["max"] < 0.05
    with pytest.raises(InputError, match="no kinetics"):
        _ = found.kinetics


@pytest.mark.parametrize(
    ("given", "match"),
    [
        ({"network": ph.library.get("squid_axon").gate("n")}, "NeuralKinetics"),
        ({"network": ph.NeuralKinetics("free", ph.Network.create((2, 4, 1)))}, "free"),
        ({"curves": (x_inf(V), 2.0)}, "need v="),
        ({"curves": (x_inf(V), 2.0), "v": V[:-1]}, "one number for each of 80"),
        ({"curves": (lambda v: 2.0 * x_inf(v), 2.0)}, r"not in \[0, 1\]"),
        ({"curves": (x_inf, lambda v: v + 50.0)}, "not positive"),
        ({"curves": (x_inf, lambda v: np.full_like(v, np.nan))}, "not finite at v = -120 mV"),
        ({"curves": {"x_inf": x_inf}}, "x_inf and tau"),
        ({"curves": x_inf}, "pair"),
        ({"v": (40.0, -40.0)}, "ascending"),
        ({"steps": 0}, "steps = 0"),
        ({"network": kinetics("rates"), "tau_range": (1.0, 2.0)}, "no range"),
        ({"tau_range": (3.0, 2.0)}, "tau_min"),
    ],
)
def test_what_cannot_be_used_is_refused(given, match):
    with pytest.raises(InputError, match=match):
        ph.distill(**{"network": kinetics(), "curves": (x_inf, 2.0), "steps": 5, **given})
