"""Neurons and gates as modules of torch."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from neurons import SQUID
from torch.autograd import gradcheck
from torch_neurons import with_n

import pyhodgkin as ph
from pyhodgkin.errors import InputError, UnknownNameError

CLAMP = ph.CurrentClamp.step(10.0, start=1.0, stop=9.0, t_end=10.0)
TIMES = np.arange(0.0, 10.0, 0.5)
V = torch.linspace(-90.0, 40.0, 6, dtype=torch.float64).reshape(2, 3)


@pytest.mark.parametrize("name", ph.library.names())
def test_the_kinetics_of_every_gate_of_the_library(name):
    cell = ph.library.get(name)
    for gate in cell.gates:
        if gate.kinetics.uses_calcium:
            with pytest.raises(InputError, match="calcium"):
                ph.torch.GateModule(cell, gate.name)
            continue
        x_inf, tau = ph.torch.GateModule(cell, gate.name)(V)
        assert x_inf.shape == tau.shape == V.shape
        at = V.numpy()
        np.testing.assert_allclose(x_inf.detach(), gate.kinetics.x_inf(at), rtol=1e-9, atol=1e-15)
        if gate.kinetics.kind != "instantaneous":
            wanted = gate.kinetics.tau(at) / gate.rate_factor(cell.temperature)
            np.testing.assert_allclose(tau.detach(), wanted, rtol=1e-9)


@pytest.mark.parametrize("form", ["steady_state", "rates", "residual"])
def test_a_learned_gate_has_the_gradient_of_its_weights(form):
    cell = with_n(form)
    module = ph.torch.GateModule(cell, "n")
    names = [name for name, _ in module.named_parameters()]

    def f(*values: torch.Tensor) -> torch.Tensor:
        found = torch.func.functional_call(module, dict(zip(names, values, strict=True)), (V,))
        return torch.cat([found[0].reshape(-1), found[1].reshape(-1)])

    values = [p.detach().clone().requires_grad_() for p in module.parameters()]
    assert gradcheck(f, values, fast_mode=True)


def test_a_free_gate_has_no_steady_state():
    with pytest.raises(InputError, match='"free" has no steady state'):
        ph.torch.GateModule(with_n("free", (2, 6, 1)), "n")


def test_an_instantaneous_gate_has_no_rates():
    module = ph.torch.GateModule(ph.library.get("wang_buzsaki"), "m")
    with pytest.raises(InputError, match="follows v at once"):
        module.alpha_beta(V)
    assert not module(V)[1].any()


def test_a_trained_gate_goes_back_into_its_neuron():
    module = ph.torch.GateModule(SQUID, "n")
    with torch.no_grad():
        module.entries["k.n.alpha.a"].mul_(2.0)
    assert module.neuron.parameter("k.n.alpha.a") == 2.0 * SQUID.parameter("k.n.alpha.a")
    alpha, beta = module.alpha_beta(V)
    x_inf, tau = module(V)
    torch.testing.assert_close(x_inf, alpha / (alpha + beta))
    torch.testing.assert_close(tau, 1.0 / (alpha + beta))


def test_the_default_is_to_train_networks_and_without_any_everything():
    assert len(list(ph.torch.NeuronModule(SQUID).parameters())) == 22  # of 25; 3 are fixed
    learned = ph.torch.NeuronModule(with_n("steady_state"))
    names = [name for name, _ in learned.named_parameters()]
    assert names and all(name.startswith("entries.k/n/") for name in names)
    assert learned.parameters_of("conductances") == []


def test_a_module_solves_as_simulate_does_and_its_gradient_is_odeints():
    module = ph.torch.NeuronModule(SQUID, trainable=["k.g", "na.h.*"])
    y = module(CLAMP, saveat=TIMES)
    expected = ph.simulate(SQUID, CLAMP, saveat=TIMES, backend="torch")
    np.testing.assert_allclose(y.detach(), expected.y, atol=1e-3)
    y[:, 0].square().mean().backward()
    theta = torch.tensor(SQUID.theta, requires_grad=True)
    ph.torch.odeint(SQUID, CLAMP, theta, saveat=TIMES)[:, 0].square().mean().backward()
    place = SQUID.layout["k.g"].start
    assert float(module.entries["k.g"].grad) == pytest.approx(float(theta.grad[place]), rel=1e-12)


def test_a_training_loop_of_ones_own_finds_a_conductance():
    target = torch.tensor(ph.simulate(SQUID, CLAMP, saveat=TIMES, backend="torch").v)
    module = ph.torch.NeuronModule(SQUID.with_parameters(**{"k.g": 30.0}), trainable="k.g")
    optimizer = torch.optim.LBFGS(module.parameters(), max_iter=20, line_search_fn="strong_wolfe")

    def closure():
        optimizer.zero_grad()
        loss = (module(CLAMP, saveat=TIMES, rtol=1e-5)[:, 0] - target).square().mean()
        loss.backward()
        return loss

    optimizer.step(closure)
    assert module.neuron.parameter("k.g") == pytest.approx(36.0, rel=1e-3)


def test_a_module_is_part_of_a_larger_model_and_its_state_is_saved():
    class Scaled(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.cell = ph.torch.NeuronModule(SQUID, trainable="l.e")
            self.gain = torch.nn.Parameter(torch.tensor(1.0, dtype=torch.float64))

        def forward(self):
            return self.gain * self.cell(CLAMP, saveat=TIMES)[:, 0]

    model = Scaled()
    model().sum().backward()
    assert all(p.grad is not None and torch.isfinite(p.grad).all() for p in model.parameters())
    other = Scaled()
    with torch.no_grad():
        model.cell.entries["l.e"].add_(1.0)
    other.load_state_dict(model.state_dict())
    assert other.cell.neuron.parameter("l.e") == SQUID.parameter("l.e") + 1.0


def test_single_precision_and_batches():
    module = ph.torch.NeuronModule(SQUID, dtype=torch.float32)
    clamps = [ph.CurrentClamp.constant(a, 10.0) for a in (0.0, 5.0)]
    y = module(clamps, saveat=TIMES, rtol=1e-4)
    assert y.shape == (2, len(TIMES), 4) and y.dtype == torch.float32


def test_names_and_precisions_that_do_not_exist():
    with pytest.raises(UnknownNameError, match=r"k\.q"):
        ph.torch.NeuronModule(SQUID, trainable="k.q")
    with pytest.raises(UnknownNameError, match="gate"):
        ph.torch.GateModule(SQUID, "q")
    with pytest.raises(InputError, match="dtype"):
        ph.torch.GateModule(SQUID, "n", dtype=torch.float16)
    with pytest.raises(UnknownNameError, match="parameter"):
        _ = ph.torch.NeuronModule(SQUID).entries["k.q"]
