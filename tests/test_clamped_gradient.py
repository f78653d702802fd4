"""The gradient of clamped training, and real recordings."""

from __future__ import annotations

import numpy as np
import pytest
from test_clamped import blank, neural, one

import pyhodgkin as ph
from pyhodgkin import backends
from pyhodgkin.backends.base import SolveOptions
from pyhodgkin.backends.loss import Loss
from pyhodgkin.recordings import Recording

OPTIONS = SolveOptions()
STEPS = ph.VoltageClamp.steps([0.0, 5.0, 12.35, 30.0], [-80.0, 20.0, -40.0, -90.0], t_end=40.0)
SINES = ph.VoltageClamp.sines([40.0, 20.0], [40.0, 130.0], t_end=40.0, centre=-40.0)
NETWORKS = {
    "steady_state": {},
    "rates": {},
    "residual": {"prior": ph.library.get("squid_axon").gate("n").kinetics},
}


# -- the gradient ---------------------------------------------------------------------------


@pytest.mark.parametrize("protocol", [SINES, STEPS, ph.CurrentClamp.constant(3.0, 40.0)])
@pytest.mark.parametrize("form", ["published", *NETWORKS])
def test_gradient_agrees_with_central_differences(form: str, protocol) -> None:
    cell = ph.library.get("squid_axon") if form == "published" else neural(form)
    record, theta = blank(protocol), cell.theta
    y0 = np.array([[-65.0, 0.4, 0.1, 0.5]])
    loss = Loss("mse", scale=100.0)
    found = one(cell, [record], loss=loss, y0=y0)
    rng = np.random.default_rng(0)
    for _ in range(4):
        d = rng.standard_normal(theta.size) * (0.1 + np.abs(theta))
        d /= np.linalg.norm(d)
        e = np.concatenate([[[0.0]], rng.standard_normal((1, 3))], axis=1)
        h = 1e-4

        def f(s: float, d=d, e=e) -> float:
            return float(one(cell, [record], theta + s * d, loss, y0 + s * e).value)

        numeric = (8 * (f(h) - f(-h)) - (f(2 * h) - f(-2 * h))) / (12 * h)
        assert found.gradient_y0 is not None
        exact = found.gradient @ d + np.sum(found.gradient_y0 * e)
        size = np.linalg.norm(found.gradient) + np.linalg.norm(found.gradient_y0)
        assert abs(numeric - exact) < 1e-7 * max(size * 0.1, abs(exact)), (numeric, exact)


# -- real data ------------------------------------------------------------------------------


def test_real_recording(reference_data) -> None:
    data = np.load(reference_data / "herg_cell1.npz")
    t = np.arange(80_000) * 0.1
    command = ph.VoltageClamp.sampled(t, data["V_sine_mV"].astype(float))
    record = Recording(t, command, current=data["I_sine_nA"].astype(float), current_unit="nA")
    cell = ph.library.get("herg_beattie")
    # Rates fitted to this cell (mean absolute error), to check what the data README states.
    rates = [1.760e-4, 0.064527, 7.731e-5, 0.048587, 0.108202, 0.014453, 3.8725e-3, 0.035478]
    k1, p2, k2, p4, k3, p6, k4, p8 = rates
    fitted = {
        "kr.g": 0.13043, "kr.a.alpha.a": k1, "kr.a.alpha.k": 1 / p2, "kr.a.beta.a": k2,
        "kr.a.beta.k": -1 / p4, "kr.r.alpha.a": k4, "kr.r.alpha.k": -1 / p8,
        "kr.r.beta.a": k3, "kr.r.beta.k": 1 / p6,
    }  # fmt: skip
    theta = cell.theta
    for name, value in fitted.items():
        theta[cell.layout[name].slice] = value
    found = one(cell, [record], theta, Loss("mae", scale=1.0))
    assert 0.0155 < found.value < 0.0159


@pytest.mark.parametrize("name", ["torch", pytest.param("julia", marks=pytest.mark.julia)])
def test_gates_begin_where_the_neuron_says(name: str) -> None:
    cell = ph.library.get("hodgkinmodel_jl").replace_gate(
        "m", ph.NeuralKinetics("steady_state", ph.Network.create((1, 6, 2), seed=3))
    )
    engine = backends.get(name)
    record = blank(ph.VoltageClamp.constant(0.0, 5.0), np.arange(0, 5, 0.1))
    simulated, driven = (
        np.ravel(engine.predict(cell, [record], cell.theta, mode=mode, options=OPTIONS)[0])
        for mode in ("simulation", "clamped")
    )
    np.testing.assert_allclose(driven, simulated, rtol=1e-4, atol=1e-2)

    loss = Loss("mse", scale=100.0)
    gradients = [
        engine.value_and_grad(cell, [record], cell.theta, loss, mode=mode, options=OPTIONS).gradient
        for mode in ("simulation", "clamped")
    ]
    size = abs(gradients[0]).max()
    np.testing.assert_allclose(gradients[1], gradients[0], rtol=1e-3, atol=1e-4 * size)
