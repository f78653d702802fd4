"""The optimizers: right on known functions, exact after a restore, calm when a solve fails."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from pyhodgkin.optimize.adamw import AdamW
from pyhodgkin.optimize.lbfgs import LBFGS


def rosenbrock(x):
    """Value (K,) and gradient (K, 2)."""
    a, b = x[:, 0], x[:, 1]
    value = (1 - a) ** 2 + 100 * (b - a**2) ** 2
    slope = np.stack([-2 * (1 - a) - 400 * a * (b - a**2), 200 * (b - a**2)], axis=-1)
    return value, slope


def quadratic(x):
    return 0.5 * np.sum(x**2, axis=-1), x.copy()


def run(optimizer, function, steps, rate=0.01):
    for _ in range(steps):
        if optimizer.done.all():
            break
        optimizer.tell(*function(optimizer.ask()), rate)
    return optimizer


STARTS = np.array([[-1.2, 1.0], [2.0, -1.0], [0.5, 0.5]])


def test_adamw_takes_the_steps_of_torch():
    ours = AdamW(STARTS, decay=0.1)
    theirs = torch.tensor(STARTS, requires_grad=True)
    reference = torch.optim.AdamW([theirs], lr=0.01, weight_decay=0.1)
    for _ in range(50):
        ours.tell(*rosenbrock(ours.ask()), 0.01)
        theirs.grad = torch.tensor(rosenbrock(theirs.detach().numpy())[1])
        reference.step()
    np.testing.assert_allclose(ours.ask(), theirs.detach().numpy(), rtol=1e-12)


def test_lbfgs_finds_the_minimum_from_every_start():
    optimizer = run(LBFGS(STARTS), rosenbrock, 120)
    assert optimizer.done.all() and not optimizer.failed.any()
    np.testing.assert_allclose(optimizer.point, 1.0, atol=1e-6)


def test_lbfgs_meets_the_wolfe_conditions_in_few_evaluations():
    scales = np.logspace(0, 3, 12)

    def ellipse(x):
        return 0.5 * np.sum(scales * x**2, -1), scales * x

    optimizer = LBFGS(np.ones((1, 12)))
    steps = 0
    while not optimizer.done.all() and steps < 200:
        optimizer.tell(*ellipse(optimizer.ask()), 1.0)
        steps += 1
    assert optimizer.value[0] < 1e-12 and steps < 120


@pytest.mark.parametrize("kind", [AdamW, LBFGS])
def test_a_start_is_the_same_alone_and_in_a_batch(kind):
    together = run(kind(STARTS), rosenbrock, 40)
    for k in range(len(STARTS)):
        alone = run(kind(STARTS[k : k + 1]), rosenbrock, 40)
        np.testing.assert_array_equal(alone.point[0], together.point[k])


@pytest.mark.parametrize("kind", [AdamW, LBFGS])
@pytest.mark.parametrize("after", range(0, 23))
def test_restored_it_goes_on_bit_for_bit(kind, after):
    unbroken = run(kind(STARTS), rosenbrock, 40)
    first = run(kind(STARTS), rosenbrock, after)
    second = kind(np.zeros_like(STARTS))
    second.restore({name: np.array(array) for name, array in first.state().items()})
    np.testing.assert_array_equal(second.ask(), first.ask())
    run(second, rosenbrock, 40 - after)
    np.testing.assert_array_equal(second.point, unbroken.point)
    for name, array in unbroken.state().items():
        np.testing.assert_array_equal(second.state()[name], array, err_msg=name)


def beyond(limit, function):
    """`function` that "fails" where the first coordinate is below `limit`."""

    def wrapped(x):
        value, gradient = function(x)
        bad = x[:, 0] < limit
        return np.where(bad, np.inf, value), np.where(bad[:, None], 0.0, gradient)

    return wrapped


def test_adamw_goes_back_and_takes_half_of_the_step():
    optimizer = AdamW(np.array([[1.0], [1.0]]))
    optimizer.tell(*quadratic(optimizer.ask()), 0.4)
    first = optimizer.ask().copy()
    value, gradient = quadratic(first)
    value[0] = np.nan
    optimizer.tell(value, gradient, 0.4)
    assert optimizer.rejected.tolist() == [True, False]
    assert optimizer.point[0] == 1.0 and optimizer.value[0] == 0.5
    np.testing.assert_allclose(optimizer.ask()[0], 1.0 + 0.5 * (first[0] - 1.0))
    assert optimizer.rate.tolist() == [0.2, 0.4]


def test_adamw_gets_its_rate_back():
    optimizer = AdamW(np.array([[1.0]]))
    optimizer.tell(*quadratic(optimizer.ask()), 0.01)
    optimizer.tell(np.array([np.inf]), np.zeros((1, 1)), 0.01)
    assert optimizer.rate[0] == 0.005
    run(optimizer, quadratic, 30)
    assert optimizer.rate[0] == 0.01


@pytest.mark.parametrize("kind", [AdamW, LBFGS])
def test_a_wall_is_not_a_disaster(kind):
    # The minimum of the quadratic lies behind the wall; its edge is the best there is.
    optimizer = run(kind(np.array([[1.0, 1.0], [3.0, -1.0]])), beyond(0.2, quadratic), 300, 0.05)
    assert np.all(optimizer.point[:, 0] >= 0.2) and np.all(np.isfinite(optimizer.value))
    assert np.all(optimizer.point[:, 0] < 0.35)


@pytest.mark.parametrize("kind", [AdamW, LBFGS])
def test_a_start_that_cannot_be_evaluated_fails_alone(kind):
    optimizer = run(kind(np.array([[-1.0, 1.0], [3.0, -1.0]])), beyond(-0.5, quadratic), 60, 0.1)
    assert optimizer.failed.tolist() == [True, False]
    assert np.isfinite(optimizer.value[1]) and optimizer.value[1] < 0.1


@pytest.mark.parametrize("kind", [AdamW, LBFGS])
def test_a_stopped_start_stays(kind):
    optimizer = run(kind(STARTS), rosenbrock, 5)
    optimizer.stop(np.array([True, False, False]))
    before = optimizer.point.copy()
    for _ in range(5):
        value, gradient = rosenbrock(optimizer.ask())
        value[0], gradient[0] = np.inf, 0.0
        optimizer.tell(value, gradient, 0.01)
    assert np.array_equal(optimizer.point[0], before[0])
    assert not optimizer.rejected[0] and not np.array_equal(optimizer.point[1], before[1])
