"""A form of kinetics from outside the package."""

from __future__ import annotations

import numpy as np
import pytest

import pyhodgkin as ph
from pyhodgkin import backends
from pyhodgkin.errors import InputError, UnknownNameError
from pyhodgkin.neuron import neural_forms

SQUID = ph.library.get("squid_axon")
STEP = ph.CurrentClamp.step(10.0, start=2.0, stop=18.0, t_end=20.0)


def cosh_tau(n1, n2, numbers, f):
    """x_inf a sigmoid of N1; tau a bell: tau_min + 8 ms / cosh²(N2)."""
    x = f.sigmoid(n1)
    bell = 1.0 - f.tanh(n2) ** 2
    tau = numbers.tau_min + 8.0 * bell
    return x / tau, (1.0 - x) / tau


@pytest.fixture
def form():
    neural_forms.register("cosh_tau", cosh_tau)
    yield ph.NeuralKinetics("cosh_tau", ph.Network.create((1, 6, 2), seed=1))
    neural_forms.unregister("cosh_tau")


def test_a_form_of_neural_kinetics(form, tmp_path):
    v = np.linspace(-100.0, 50.0, 31)
    n1, n2 = form.outputs(v)
    np.testing.assert_allclose(form.x_inf(v), 1.0 / (1.0 + np.exp(-n1)), rtol=1e-12)
    np.testing.assert_allclose(form.tau(v), form.tau_min + 8.0 / np.cosh(n2) ** 2, rtol=1e-12)
    cell = SQUID.replace_gate("n", form)
    assert "cosh_tau" in str(cell)
    ph.document.save(cell, tmp_path / "cell.json")
    assert ph.document.load(tmp_path / "cell.json") == cell
    found = ph.simulate(cell, STEP, saveat=0.01, backend="torch")
    n = found.gates["n"]
    slopes = np.gradient(n, found.t)[5:-5]
    wanted = (form.x_inf(found.v) - n) / form.tau(found.v)
    np.testing.assert_allclose(slopes, wanted[5:-5], atol=0.02 * np.abs(wanted).max())


def test_a_form_is_trained_by_both_kinds_of_derivative(form):
    clamps = ph.VoltageClamp.family([-40.0, -10.0, 20.0], start=2.0, stop=12.0, t_end=15.0)
    traces = [
        ph.Recording.from_solution(x)
        for x in ph.simulate(SQUID, clamps, saveat=0.1, backend="torch")
    ]
    cell = SQUID.replace_gate("n", form)
    for optimizer in ("lbfgs", "levenberg"):
        stage = ph.Stage("clamped", optimizer, 40)
        result = ph.fit(cell, traces, schedule=stage, backend="torch", progress=False)
        before, after = (
            np.mean([row["rmse"] for row in ph.evaluate(n, traces, backend="torch").rows()])
            for n in (cell, result.neuron)
        )
        assert after < 0.1 * before


def test_the_gradient_through_a_form_is_exact(form):
    cell = SQUID.replace_gate("n", form)
    trace = ph.Recording.from_solution(ph.simulate(SQUID, STEP, saveat=0.5, backend="torch"))
    engine, how = backends.get("torch"), ph.SolveOptions(rtol=1e-9, atol=1e-11)
    indices = cell.layout.select("networks")
    i = int(indices[2])

    def value(theta):
        return engine.value_and_grad(
            cell,
            [trace.window(0.0, 8.0)],
            theta,
            ph.Loss(),
            mode="simulation",
            y0=None,
            options=how,
        )

    theta, step = cell.theta, 1e-5
    moved = [value(theta + sign * step * (np.arange(len(theta)) == i)) for sign in (1, -1)]
    slope = (moved[0].value - moved[1].value) / (2 * step)
    np.testing.assert_allclose(value(theta).gradient[i], slope, rtol=1e-4)


def test_a_form_that_nobody_registered():
    with pytest.raises(UnknownNameError, match='unknown form of NeuralKinetics "cosh_tau"'):
        ph.NeuralKinetics("cosh_tau", ph.Network.create((1, 6, 2), seed=1))
    with pytest.raises(InputError, match='"rates" is one of the package'):
        neural_forms.register("rates", cosh_tau)


def test_closed_form_kinetics():
    """Kinetics in closed form are curves put together; a function is enough."""

    def gating_charge(v_half: float, slope: float, rate: float, delta: float = 0.5):
        """Rates of a transition over one barrier at a part `delta` of the field."""
        return ph.RateKinetics(
            alpha=ph.rates.Exponential(rate, v_half, slope / delta),
            beta=ph.rates.Exponential(rate, v_half, -slope / (1.0 - delta)),
        )

    kinetics = gating_charge(-45.0, 12.0, 0.1)
    np.testing.assert_allclose(kinetics.x_inf([-45.0, -33.0]), [0.5, 1 / (1 + np.exp(-1.0))])
    cell = SQUID.replace_gate("n", kinetics)
    assert ph.simulate(cell, STEP, backend="torch").success
