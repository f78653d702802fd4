"""The associative scan and the table of voltage curves, against loops and central differences."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from pyhodgkin.backends.torch.scan import SHORT, linear_scan
from pyhodgkin.backends.torch.tabulate import Table
from pyhodgkin.numerics.voltage_table import ORDER, SPACING


def loop(decay: torch.Tensor, drive: torch.Tensor, x0: torch.Tensor) -> torch.Tensor:
    x, out = x0, []
    for k in range(decay.shape[-1]):
        x = decay[..., k] * x + drive[..., k]
        out.append(x)
    return torch.stack(out, -1)


def draw(*shape: int, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    g = torch.Generator().manual_seed(seed)
    decay = torch.rand(*shape, generator=g, dtype=torch.float64)
    drive = (1 - decay) * torch.rand(*shape, generator=g, dtype=torch.float64)
    return decay, drive, torch.rand(shape[:-1], generator=g, dtype=torch.float64)


@pytest.mark.parametrize("length", [1, 2, SHORT, SHORT + 1, 2 * SHORT + 1, 100, 333, 1024])
def test_scan_is_the_loop(length: int) -> None:
    a, b, x0 = draw(3, 2, length, seed=length)
    torch.testing.assert_close(linear_scan(a, b, x0), loop(a, b, x0), rtol=1e-13, atol=1e-14)


def test_scan_without_batch_and_without_steps() -> None:
    a, b, x0 = draw(50)
    torch.testing.assert_close(linear_scan(a, b, x0), loop(a, b, x0))
    assert linear_scan(a[:0], b[:0], x0).shape == (0,)


@pytest.mark.parametrize("decay", [0.0, 1e-300, 1.0 - 1e-16, 1.0])
def test_scan_is_stable_at_the_ends_of_the_range(decay: float) -> None:
    a = torch.full((5000,), decay, dtype=torch.float64)
    x = linear_scan(a, (1 - a) * 0.3, torch.tensor(0.9, dtype=torch.float64))
    assert bool(((x >= 0.3 - 1e-12) & (x <= 0.9 + 1e-12)).all())


def test_scan_of_a_gate_stays_in_range() -> None:
    a, b, x0 = draw(4, 20_000, seed=3)
    x = linear_scan(a, b, x0)
    assert bool(((x >= 0) & (x <= 1)).all())


def test_scan_gradient_agrees_with_central_differences() -> None:
    inputs = [x.requires_grad_() for x in draw(2, 150, seed=5)]
    weight = torch.linspace(-1, 1, 150, dtype=torch.float64)
    value = (linear_scan(*inputs) ** 2 * weight).sum()
    gradients = torch.autograd.grad(value, inputs)
    step = 1e-5
    for i, gradient in enumerate(gradients):
        numeric = torch.zeros_like(gradient).ravel()
        for j in range(numeric.numel()):
            sides = []
            for sign in (1, -1):
                moved = [x.detach().clone() for x in inputs]
                moved[i].view(-1)[j] += sign * step
                sides.append((linear_scan(*moved) ** 2 * weight).sum())
            numeric[j] = (sides[0] - sides[1]) / (2 * step)
        error = (gradient.ravel() - numeric).abs().max() / gradient.abs().max()
        assert float(error) < 1e-8


def test_scan_gradcheck() -> None:
    inputs = [x.requires_grad_() for x in draw(2, 3, 37, seed=7)]
    assert torch.autograd.gradcheck(linear_scan, inputs, rtol=1e-7, atol=1e-9)
    assert torch.autograd.gradgradcheck(linear_scan, inputs, rtol=1e-6, atol=1e-8)


def test_scan_keeps_the_dtype() -> None:
    a, b, x0 = (x.float() for x in draw(2, 500))
    x = linear_scan(a, b, x0)
    assert x.dtype == torch.float32
    exact = loop(a.double(), b.double(), x0.double())
    torch.testing.assert_close(x.double(), exact, rtol=0, atol=1e-5)


def test_scan_names_shapes_that_do_not_fit() -> None:
    with pytest.raises(ValueError, match="should be"):
        linear_scan(torch.ones(2, 5), torch.ones(2, 5), torch.ones(3))


# -- the table ------------------------------------------------------------------------------


def test_few_voltages_are_not_interpolated() -> None:
    v = np.repeat([-80.0, 40.0, -120.0, -80.0], 100)
    table = Table(v)
    assert table.exact and table.nodes.tolist() == [-120.0, -80.0, 40.0]
    spread = table.spread(torch.tensor([[1.0, 2.0, 3.0]], dtype=torch.float64))
    assert spread[0, [0, 150, 250]].tolist() == [2.0, 3.0, 1.0]


@pytest.mark.parametrize("width", [0.5, 1.0, 2.0])
def test_interpolation_error_is_the_stated_bound(width: float) -> None:
    v = np.random.default_rng(0).uniform(-100, 50, 20_000)
    table = Table(v)
    assert not table.exact
    # The sixth derivative of a sine of v/width is at most width to the power -6.
    error = np.abs(table.spread(torch.sin(table.nodes / width)).numpy() - np.sin(v / width)).max()
    bound = 0.0049 * (SPACING / width) ** ORDER
    assert 0.5 * bound < error < bound


@pytest.mark.parametrize(("width", "bound"), [(10.0, 1e-12), (5.0, 1e-9), (1.0, 3e-5)])
def test_interpolation_error_of_curves_that_bend_once(width: float, bound: float) -> None:
    v = np.random.default_rng(0).uniform(-100, 50, 20_000)
    table = Table(v)
    bent = torch.nn.functional.softplus((table.nodes + 40) / width)
    truth = np.logaddexp(0, (v + 40) / width)
    assert np.abs(table.spread(bent).numpy() - truth).max() < bound


def test_interpolation_has_its_order() -> None:
    v = np.random.default_rng(0).uniform(-100, 50, 20_000)
    errors = []
    for spacing in (1.0, 0.5):
        table = Table(v, spacing)
        errors.append(np.abs(table.spread(torch.tanh(table.nodes / 8)).numpy() - np.tanh(v / 8)))
    order = np.log2(errors[0].max() / errors[1].max())
    assert abs(order - ORDER) < 0.5


def test_polynomials_are_exact_up_to_the_ends() -> None:
    v = np.linspace(-80, 40, 5000)
    table = Table(v)
    x = (table.nodes + 20) / 60
    spread = table.spread(torch.stack([x**i for i in range(ORDER)]))
    truth = np.stack([((v + 20) / 60) ** i for i in range(ORDER)])
    np.testing.assert_allclose(spread.numpy(), truth, atol=1e-12)


@pytest.mark.parametrize("distinct", [5, 400])
def test_table_gradcheck(distinct: int) -> None:
    v = np.random.default_rng(1).choice(np.linspace(-60, -55, distinct), 300)
    table = Table(v)
    assert table.exact == (distinct == 5)
    values = torch.randn(2, 2, len(table.nodes), dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(table.spread, values, rtol=1e-7, atol=1e-9)
