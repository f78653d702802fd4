"""Right-hand sides and Jacobians on tensors against plain numpy and finite differences."""

from __future__ import annotations

import numpy as np
import numpy_rhs
import pytest
import torch
from neurons import PLAIN, SQUID
from torch_neurons import FORMS, scattered_theta

from pyhodgkin import library
from pyhodgkin.backends.torch.system import system_of
from pyhodgkin.errors import InputError

NEURONS = {**{name: library.get(name) for name in PLAIN}, **FORMS}
CONDUCTANCES = [name for name, cell in NEURONS.items() if cell.right_hand_side is None]
SEE_STIMULUS = ("box_stimulus", "black_box")
SPECIAL = (-40.0, -55.0, -65.0)


def draw(cell, k=2, q=4, seed=0):
    """Parameter sets (k, P), states (S, k, q) in the neuron's order, currents (k, q)."""
    rng = np.random.default_rng(seed)
    theta = scattered_theta(cell, k, seed=seed)
    theta[0] = cell.theta
    y = rng.uniform(0.05, 0.95, (len(cell.states), k, q))
    y[0] = rng.uniform(-100.0, 60.0, (k, q))
    y[0, 0, : len(SPECIAL)] = SPECIAL
    return theta, y, rng.uniform(-5.0, 20.0, (k, q))


def tensors(cell, theta, y, u, clamped=False):
    system = system_of(cell, clamped)
    p = system.unpack(torch.as_tensor(theta))
    return system, p, torch.as_tensor(y)[system.from_public], torch.as_tensor(u)


def plain(cell, theta, y, u):
    """The same by plain numpy, in the neuron's order."""
    out = np.empty_like(y)
    for k in range(len(theta)):
        one = cell.with_theta(theta[k])
        for q in range(y.shape[2]):
            out[:, k, q] = numpy_rhs.rhs(one, u[k, q])(0.0, y[:, k, q])
    return out


@pytest.mark.parametrize("name", NEURONS)
def test_rhs_is_that_of_plain_numpy(name):
    cell = NEURONS[name]
    theta, y, u = draw(cell)
    system, p, state, drive = tensors(cell, theta, y, u)
    found = system.rhs(state, drive, p)[system.to_public].numpy()
    np.testing.assert_allclose(found, plain(cell, theta, y, u), rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize("name", CONDUCTANCES)
def test_clamped_rhs_is_that_of_plain_numpy(name):
    cell = NEURONS[name]
    theta, y, u = draw(cell, seed=1)
    system, p, state, drive = tensors(cell, theta, y, u, clamped=True)
    found = system.rhs(state, drive, p)[system.to_public].numpy()
    np.testing.assert_array_equal(found[0], u)
    for k, q in np.ndindex(*u.shape):
        gates = numpy_rhs.clamped_rhs(cell.with_theta(theta[k]), y[0, k, q])(0.0, y[1:, k, q])
        np.testing.assert_allclose(found[1:, k, q], gates, rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize(
    ("name", "clamped"),
    [(n, c) for n in NEURONS for c in (False, True) if not (c and n in SEE_STIMULUS)],
)
def test_jacobian_is_the_derivative(name, clamped):
    cell = NEURONS[name]
    theta, y, u = draw(cell, seed=2)
    system, p, state, drive = tensors(cell, theta, y, u, clamped)
    value, jacobian = system.linearize(state, drive, p)
    torch.testing.assert_close(value, system.rhs(state, drive, p), rtol=1e-12, atol=1e-12)
    matrix = jacobian.dense()
    for j in range(len(state)):
        step = torch.zeros_like(state)
        step[j] = 1e-3 if j == 0 else 1e-4
        sides = [system.rhs(state + i * step, drive, p) for i in (-2, -1, 1, 2)]
        slope = (sides[0] - 8 * sides[1] + 8 * sides[2] - sides[3]) / (12 * step[j])
        scale = matrix[:, j].abs() + slope.abs().amax() * 1e-4 + 1e-4
        assert ((matrix[:, j] - slope).abs() / scale).max() < 1e-6


SLOPES = [("box", False), ("box", True), ("box_stimulus", False), ("learned", False)]


@pytest.mark.parametrize(("name", "clamped"), [*SLOPES, ("learned", True)])
def test_slope_along_the_stimulus(name, clamped):
    cell = NEURONS[name]
    theta, y, u = draw(cell, seed=3)
    system, p, state, drive = tensors(cell, theta, y, u, clamped)
    du = torch.full_like(drive, 0.7)
    found = system.stimulus_slope(state, drive, du, p)
    e = 1e-4
    sides = [system.rhs(state, drive + i * e * du, p) for i in (-1, 1)]
    torch.testing.assert_close(found, (sides[1] - sides[0]) / (2 * e), rtol=1e-6, atol=1e-8)


def test_a_box_that_sees_the_stimulus_refuses_a_voltage_clamp():
    with pytest.raises(InputError, match="injected current is not known"):
        system_of(NEURONS["box_stimulus"], clamped=True)


@pytest.mark.parametrize("name", CONDUCTANCES)
def test_steady_state_and_current(name):
    cell = NEURONS[name]
    theta, y, u = draw(cell, seed=4)
    system, p, state, _ = tensors(cell, theta, y, u)
    start = system.steady_state(state[0], p)[system.to_public].numpy()
    current = system.ionic_current(state, p).numpy()
    for k, q in np.ndindex(*u.shape):
        one = cell.with_theta(theta[k])
        free = [getattr(g.kinetics, "form", "") == "free" for g in one.gates if g.has_state]
        expected = [0.5 if f else None for f in free]
        gates = [g for g in one.gates if g.has_state]
        for i, gate in enumerate(gates):
            if expected[i] is None:
                v = y[0, k, q]
                expected[i] = numpy_rhs.steady_state_and_time_constant(gate.kinetics, v)[0]
        np.testing.assert_allclose(start[:, k, q], [y[0, k, q], *expected], rtol=1e-11)
        x = numpy_rhs.values_of_gates(one, y[0, k, q], y[1:, k, q])
        total = numpy_rhs.total_current(one, y[0, k, q], x)
        np.testing.assert_allclose(current[k, q], total, rtol=1e-11)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
@pytest.mark.parametrize("name", NEURONS)
def test_nothing_overflows_at_wild_voltages(name, dtype):
    """Values and Jacobians stay finite from -1000 to 1000 mV."""
    cell = NEURONS[name]
    system = system_of(cell)
    p = system.unpack(torch.as_tensor(cell.theta[None], dtype=dtype))
    v = torch.tensor([[-1000.0, -300.0, -40.0, -55.0, 300.0, 1000.0]], dtype=dtype)
    y = torch.full((len(cell.states), 1, 6), 0.3, dtype=dtype)
    y[0] = v
    value, jacobian = system.linearize(y, torch.zeros_like(v), p)
    assert value.isfinite().all() and jacobian.dense().isfinite().all()
    assert system.rhs(y, torch.zeros_like(v), p).isfinite().all()


def test_values_and_slopes_where_the_naive_forms_are_zero_by_zero():
    """At exactly -40 and -55 mV alpha_m = 1 and alpha_n = 0.1 per ms, and the slopes are 0.05
    and 0.005: a·k and a/2."""
    system = system_of(SQUID)
    p = system.unpack(torch.as_tensor(SQUID.theta[None]))
    v = torch.tensor([[-40.0, -55.0]], dtype=torch.float64, requires_grad=True)
    values, slopes = system.gates.table.values_and_slopes(v, p)
    alpha_m = (values - torch.tensor([1.0, 0.0])).abs()[:, 0, 0].argmin()
    alpha_n = (values[:, 0, 1] - 0.1).abs().argmin()
    assert values[alpha_m, 0, 0].item() == 1.0 and values[alpha_n, 0, 1].item() == 0.1
    np.testing.assert_allclose(slopes[alpha_m, 0, 0].item(), 0.05, rtol=1e-12)
    np.testing.assert_allclose(slopes[alpha_n, 0, 1].item(), 0.005, rtol=1e-12)
    (g,) = torch.autograd.grad(values[alpha_m, 0, 0] + values[alpha_n, 0, 1], v)
    np.testing.assert_allclose(g.numpy(), [[0.05, 0.005]], rtol=1e-12)
    (g,) = torch.autograd.grad(
        system.gates.table.values_and_slopes(v, p)[1][[alpha_m, alpha_n], 0, [0, 1]].sum(), v
    )
    # The second derivative of a·u/(1 - exp(-u/k)) at zero is a/(6k).
    np.testing.assert_allclose(g.numpy(), [[0.1 / 60.0, 0.01 / 60.0]], rtol=1e-9)
