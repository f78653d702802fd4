"""The solve as a differentiable function of tensors."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
import torch
from neurons import SQUID
from torch import Tensor
from torch.autograd import gradcheck
from torch_neurons import FORMS, with_n

import pyhodgkin as ph
from pyhodgkin import CurrentClamp, Ramp, Sine, VoltageClamp
from pyhodgkin.backends.torch import odeint
from pyhodgkin.errors import InputError, SolveError

simulate = partial(ph.simulate, backend="torch")

CLAMP = CurrentClamp.step(60.0, 0.2, 1.0, 2.0)  # its spike is at its height at 2 ms
TIMES = np.array([0.0, 0.7, 1.4, 2.0])
# One step size: the function is smooth to the last digit. Adaptive steps are of the true solution.
HOW = {
    "exponential": ({"dt": 0.05}, {"eps": 1e-6, "atol": 1e-5, "rtol": 1e-4}),
    "rodas5p": ({"rtol": 1e-10, "atol": 1e-11}, {"eps": 1e-4, "atol": 1e-4, "rtol": 1e-4}),
    "rodas4p": ({"rtol": 1e-8, "atol": 1e-9}, {"eps": 1e-4, "atol": 1e-3, "rtol": 1e-3}),
    "tsit5": ({"rtol": 1e-10, "atol": 1e-11}, {"eps": 1e-4, "atol": 1e-4, "rtol": 1e-4}),
}
# A random combination of all derivatives instead of each: the methods share the adjoint.
for _name in ("rodas4p", "tsit5"):
    HOW[_name][1]["fast_mode"] = True
# mV and fractions alike of the order of one.
SCALE = torch.tensor([0.02, 1.0, 1.0, 1.0], dtype=torch.float64)


def leaf(x) -> Tensor:
    return torch.as_tensor(np.array(x, dtype=np.float64)).clone().requires_grad_()


def with_changed(cell, names):
    """theta as a function of relative changes of the parameters `names`."""
    base = torch.as_tensor(cell.theta)
    places = torch.tensor([cell.layout[name].start for name in names])
    return lambda x: base.index_add(0, places, x * base[places])


@pytest.mark.parametrize("solver", HOW)
def test_gradcheck_by_parameters_and_start(solver):
    options, check = HOW[solver]
    theta = with_changed(SQUID, ["na.g", "k.n.alpha.v0", "l.e", "c_m"])

    def f(x: Tensor, y0: Tensor) -> Tensor:
        y = odeint(SQUID, CLAMP, theta(x), y0, saveat=TIMES, solver=solver, **options)
        return y[1:] * SCALE

    assert gradcheck(f, (leaf(np.zeros(4)), leaf(SQUID.initial_state(-62.0))), **check)


def test_gradcheck_through_the_steady_state_at_the_start():
    options, check = HOW["exponential"]
    theta = with_changed(SQUID, ["k.n.alpha.v0", "na.h.beta.k"])

    def f(x: Tensor) -> Tensor:
        y = odeint(SQUID, CLAMP, theta(x), saveat=TIMES, solver="exponential", **options)
        return y * SCALE

    assert gradcheck(f, (leaf(np.zeros(2)),), **check)


@pytest.mark.parametrize("mode", ["linear", "held"])
@pytest.mark.parametrize("solver", ["exponential", "rodas5p"])
def test_gradcheck_by_a_sampled_current(solver, mode):
    options, check = HOW[solver]
    t = np.array([0.2, 0.5, 0.9, 1.4])
    values = np.array([0.0, 40.0, 50.0, 10.0])
    protocol = CurrentClamp.sampled(t, values, mode, t_end=2.0)

    def f(x: Tensor) -> Tensor:
        y = odeint(SQUID, protocol, stimulus=30.0 * x, saveat=TIMES, solver=solver, **options)
        return y * SCALE

    assert gradcheck(f, (leaf(values / 30.0),), **check, fast_mode=solver != "exponential")
    plain = simulate(SQUID, protocol, saveat=TIMES, solver=solver, **options).y
    np.testing.assert_allclose(f(leaf(values / 30.0)).detach() / SCALE, plain, rtol=1e-9)


@pytest.mark.parametrize("mode", ["linear", "held"])
@pytest.mark.parametrize("solver", ["exponential", "rodas5p"])
def test_gradcheck_by_a_sampled_voltage(solver, mode):
    options, check = HOW[solver]
    t, values = np.array([0.0, 0.5, 0.9, 1.4]), np.array([-80.0, -20.0, 10.0, -60.0])
    protocol = VoltageClamp.sampled(t, values, mode, t_end=2.0)
    times = np.array([0.3, 1.1, 1.9])  # between the jumps of a held command

    def f(x: Tensor) -> Tensor:
        y = odeint(SQUID, protocol, stimulus=50.0 * x, saveat=times, solver=solver, **options)
        return y * SCALE

    assert gradcheck(f, (leaf(values / 50.0),), **check)
    plain = simulate(SQUID, protocol, saveat=times, solver=solver, **options).y
    np.testing.assert_allclose(f(leaf(values / 50.0)).detach() / SCALE, plain, rtol=1e-9)


def test_gradcheck_of_network_weights():
    options, check = HOW["exponential"]
    cell = with_n("steady_state", layers=(1, 3, 2))
    chosen = torch.as_tensor(cell.layout.select("*.network.*"))
    base = torch.as_tensor(cell.theta)

    def f(x: Tensor) -> Tensor:
        theta = base.index_put((chosen,), x)
        y = odeint(cell, CLAMP, theta, saveat=TIMES, solver="exponential", **options)
        return y * SCALE

    assert gradcheck(f, (base[chosen].clone().requires_grad_(),), **check)


def test_gradcheck_of_a_black_box():
    cell = FORMS["box_stimulus"]
    options, check = HOW["rodas5p"]
    base = torch.as_tensor(cell.theta)

    def f(x: Tensor, y0: Tensor) -> Tensor:
        theta = torch.cat([x, base[len(x) :]])
        return odeint(cell, CLAMP, theta, y0, saveat=TIMES, **options)[1:] * SCALE

    y0 = leaf([-60.0, 0.4, 0.3, 0.6])
    assert gradcheck(f, (base[:6].clone().requires_grad_(), y0), **check)


def test_gradcheck_of_a_batch():
    """Each of two elements with its own parameters, start and stimulus."""
    options, check = HOW["exponential"]
    theta = with_changed(SQUID, ["na.g", "c_m"])
    protocol = CurrentClamp.sampled([0.0, 1.0, 2.0], [0.0, 20.0, 0.0], t_end=2.0)

    def f(x: Tensor, y0: Tensor, values: Tensor) -> Tensor:
        sets = torch.stack([theta(row) for row in x])
        y = odeint(
            SQUID, protocol, sets, y0, 20.0 * values, saveat=TIMES, solver="exponential", **options
        )
        assert y.shape == (2, 4, 4)
        return y[:, 1:] * SCALE

    starts = np.stack([SQUID.initial_state(-60.0), SQUID.initial_state(-66.0)])
    values = np.array([[0.0, 2.0, 1.0], [1.0, 1.5, -0.5]])
    assert gradcheck(f, (leaf(np.zeros((2, 2))), leaf(starts), leaf(values)), **check)


def test_values_are_those_of_simulate():
    for protocol in (
        CLAMP,
        VoltageClamp.step(0.0, 1.0, 1.7, 2.0),
        CurrentClamp(Sine(20, 300), 2.0),
    ):
        found = odeint(SQUID, protocol, saveat=TIMES)
        expected = simulate(SQUID, protocol, saveat=TIMES).y
        np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-12)
    protocols = [CLAMP, CurrentClamp(Ramp(0, 3, 0, 60), 2.0)]
    found = odeint(SQUID, protocols, saveat=TIMES)
    expected = simulate(SQUID, protocols, saveat=TIMES).y
    np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-12)
    theta = torch.as_tensor(np.stack([SQUID.theta] * 2))
    found = odeint(SQUID, CLAMP, theta, torch.as_tensor(SQUID.initial_state()), saveat=TIMES)
    assert found.shape == (2, 4, 4)


def test_shared_parameters_gather_the_gradient_of_all():
    x = leaf(SQUID.theta)
    protocols = [CLAMP, CurrentClamp.constant(5.0, 2.0)]
    options = {"saveat": TIMES, "solver": "exponential", "dt": 0.05}
    odeint(SQUID, protocols, x, **options).mul(SCALE).sum().backward()
    total = torch.zeros_like(x)
    for protocol in protocols:
        y = leaf(SQUID.theta)
        odeint(SQUID, protocol, y, **options).mul(SCALE).sum().backward()
        total += y.grad
    torch.testing.assert_close(x.grad, total, rtol=1e-10, atol=1e-12)


def test_a_second_backward_pass_gives_the_same():
    x = leaf(SQUID.theta)
    y = odeint(SQUID, CLAMP, x, saveat=TIMES, solver="exponential", dt=0.05).sum()
    (first,) = torch.autograd.grad(y, x, retain_graph=True)
    (second,) = torch.autograd.grad(y, x)
    torch.testing.assert_close(first, second, rtol=0, atol=0)


def test_no_tape_without_gradients():
    assert odeint(SQUID, CLAMP, saveat=TIMES).grad_fn is None
    with torch.no_grad():
        assert odeint(SQUID, CLAMP, leaf(SQUID.theta), saveat=TIMES).grad_fn is None


def test_single_precision():
    theta = torch.as_tensor(SQUID.theta, dtype=torch.float32).requires_grad_()
    y = odeint(SQUID, CLAMP, theta, saveat=TIMES, rtol=1e-4, atol=1e-6)
    assert y.dtype == torch.float32
    y[:, 0].mean().backward()
    assert theta.grad.dtype == torch.float32 and theta.grad.isfinite().all()


def test_failures_raise_or_give_no_gradient():
    with pytest.raises(SolveError, match="max_steps"):
        odeint(SQUID, CLAMP, saveat=TIMES, max_steps=3)
    x = leaf(SQUID.theta)
    y = odeint(SQUID, CLAMP, x, saveat=TIMES, max_steps=3, throw=False)
    assert y[-1].isnan().all()
    (g,) = torch.autograd.grad(y.nansum(), x)
    assert not g.any()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"theta": torch.zeros(3)}, "theta has shape"),
        ({"theta": torch.zeros(20, dtype=torch.long)}, "theta"),
        ({"theta": torch.full((len(SQUID.theta),), torch.nan)}, "NaN or infinite"),
        ({"y0": torch.zeros(3)}, "y0 has shape"),
        ({"y0": torch.full((4,), torch.inf)}, "NaN or infinite"),
        ({"stimulus": torch.zeros(3)}, "Sampled"),
        ({"saveat": [1.0, 0.5]}, "increasing"),
        ({"y0": torch.zeros(2, 4), "protocol": [CLAMP] * 3}, "sizes of the batch differ"),
        (
            {
                "protocol": CurrentClamp.sampled([0.0, 1.0], [0.0, 1.0]),
                "stimulus": torch.zeros(3),
            },
            "stimulus has shape",
        ),
    ],
)
def test_refusals(arguments, message):
    call = {"protocol": CLAMP, "saveat": TIMES, **arguments}
    with pytest.raises(InputError, match=message):
        odeint(SQUID, **call)
