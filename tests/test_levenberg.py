"""Levenberg-Marquardt: few steps to the minimum, calm when a solve fails, exact after a restore."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from fit_stub import StubBackend, recording, run, squid

import pyhodgkin as ph
from pyhodgkin import Stage
from pyhodgkin.backends.loss import Loss
from pyhodgkin.fitting.residuals import gauss_newton, jacobian
from pyhodgkin.optimize.levenberg_marquardt import LevenbergMarquardt, QuadraticModel

STARTS = np.array([[-1.2, 1.0], [2.0, -1.0], [0.5, 0.5]])


def parts(x):
    """Rosenbrock's function as a sum of squares: residuals (K, 2)."""
    return np.stack([1 - x[:, 0], 10 * (x[:, 1] - x[:, 0] ** 2)], axis=-1)


def rosenbrock(x):
    r = parts(x)
    slopes = np.zeros((len(x), 2, 2))
    slopes[:, 0, 0], slopes[:, 1, 0], slopes[:, 1, 1] = -1.0, -20 * x[:, 0], 10.0
    return np.mean(r**2, axis=-1), np.einsum("ki,kij->kj", r, slopes)


def curvature(k, x):
    return QuadraticModel(gauss_newton(*jacobian(lambda points: [parts(points)], x), Loss()))


def descend(optimizer, steps, function=rosenbrock):
    for _ in range(steps):
        if optimizer.done.all():
            break
        optimizer.tell(*function(optimizer.ask()), 0.0)
    return optimizer


def test_it_finds_the_minimum_from_every_start():
    optimizer = descend(LevenbergMarquardt(STARTS, curvature), 60)
    assert optimizer.done.all() and not optimizer.failed.any()
    np.testing.assert_allclose(optimizer.point, 1.0, atol=1e-6)


def test_a_start_is_the_same_alone_and_in_a_batch():
    together = descend(LevenbergMarquardt(STARTS, curvature), 12)
    for k in range(len(STARTS)):
        alone = descend(LevenbergMarquardt(STARTS[k : k + 1], curvature), 12)
        np.testing.assert_array_equal(alone.point[0], together.point[k])


@pytest.mark.parametrize("after", range(1, 12, 3))
def test_restored_it_goes_on_bit_for_bit(after):
    unbroken = descend(LevenbergMarquardt(STARTS, curvature), 12)
    first, second = (
        descend(LevenbergMarquardt(STARTS, curvature), after),
        LevenbergMarquardt(STARTS, curvature),
    )
    second.restore(first.state())
    np.testing.assert_array_equal(descend(second, 12 - after).point, unbroken.point)


def test_a_matrix_is_kept_while_steps_do_what_it_says():
    size = np.array([1.0, 100.0])
    places = []

    def counted(k, x):
        places.append(x.copy())
        return QuadraticModel(2.0 * np.diag(size))

    def valley(x):
        return np.sum(size * x**2, axis=-1), 2.0 * size * x

    optimizer = descend(LevenbergMarquardt(np.full((1, 2), 2.0), counted), 10, valley)
    np.testing.assert_allclose(optimizer.point, 0.0, atol=1e-3)
    assert len(places) == 3  # for nine steps


def test_nothing_is_measured_where_no_step_follows():
    places = []

    def counted(k, x):
        places.append(x.copy())
        return curvature(k, x)

    optimizer = LevenbergMarquardt(STARTS[:1], counted)
    optimizer.tell(*rosenbrock(optimizer.ask()), 0.0)
    assert not places
    first, again = optimizer.ask().copy(), optimizer.ask()
    assert len(places) == 1
    np.testing.assert_array_equal(first, again)
    optimizer.stop(np.array([True]))
    optimizer.ask()
    assert len(places) == 1


def test_a_failed_solve_is_a_step_too_long():
    def walled(x):
        value, slope = rosenbrock(x)
        return np.where(x[:, 0] > 1.5, np.inf, value), slope

    optimizer = descend(LevenbergMarquardt(STARTS[:1], curvature), 60, walled)
    np.testing.assert_allclose(optimizer.point, 1.0, atol=1e-6)


def test_what_nothing_determines_takes_no_step_from_the_others():
    flat, far = 1e-10, 1e4

    def valley(x):
        off, size = x - [0.0, far], np.array([1.0, flat])
        return np.sum(size * off**2, axis=-1), 2.0 * size * off

    def slopes(k, x):
        return QuadraticModel(np.diag([2.0, 2.0 * flat]))

    # The second would go ten thousand units in one step; the first has half a unit to go.
    optimizer = descend(LevenbergMarquardt(np.array([[0.5, 0.0]]), slopes), 3, valley)
    assert abs(optimizer.point[0, 0]) < 1e-3 and abs(optimizer.point[0, 1]) < 3.0


def test_after_a_step_that_was_none_comes_a_shorter_one():
    def only_there(x):
        value, slope = rosenbrock(x)
        return np.where(np.all(x == STARTS[:1], axis=-1), value, np.inf), slope

    optimizer, far = LevenbergMarquardt(STARTS[:1], curvature), []
    for _ in range(5):
        far.append(np.max(np.abs(optimizer.ask() - STARTS[:1])))
        optimizer.tell(*only_there(optimizer.ask()), 0.0)
    assert far[0] == 0.0 < far[-1] and all(b <= 0.41 * a for a, b in pairwise(far[1:]))


def test_a_start_without_a_finite_value_fails():
    def nowhere(x):
        return np.full(len(x), np.inf), np.zeros_like(x)

    optimizer = descend(LevenbergMarquardt(STARTS[:1], curvature), 5, nowhere)
    assert optimizer.done.all() and optimizer.failed.all()


def test_slopes_take_the_side_that_can_be_computed():
    def half(x):
        return [np.where(x > 3.0, np.nan, x**2)]

    _, slopes = jacobian(half, np.array([3.0]))
    np.testing.assert_allclose(slopes[0], 6.0, rtol=1e-3)


def test_a_stage_of_it_needs_few_steps():
    patterns, data = ["conductances", "reversals"], recording()
    other = squid().with_parameters(k__g=30.0, na__g=140.0, l__e=-50.0)
    v = StubBackend().predict(squid(), [data], other.theta[None], mode="", y0=None, options=None)
    data = replace(data, v=v[0][0])
    stages = [Stage("simulation", optimizer, 80) for optimizer in ("levenberg", "lbfgs")]
    ours, theirs = (run(squid(), data, trainable=patterns, schedule=s) for s in stages)
    assert len(ours.history["step"]) < 0.7 * len(theirs.history["step"])
    assert ours.scores[0] < 1e-8


def test_bounds_and_failed_solves_in_a_stage():
    engine = StubBackend(fails=lambda theta: theta[squid().layout["k.g"].start] > 40.0)
    result = run(
        squid(),
        recording(),
        trainable=["k.g", "na.g"],
        bounds={"na.g": (100.0, 150.0)},
        schedule=Stage("simulation", "levenberg", 30),
        backend=engine,
    )
    assert result.success
    assert result.neuron.channel("k").g <= 40.0 and 100.0 <= result.neuron.channel("na").g <= 150.0


def test_conductances_and_reversals_of_the_squid_axon():
    clamp = ph.CurrentClamp.step(10.0, start=1.0, stop=None, t_end=12.0)
    trace = ph.simulate(squid(), clamp, saveat=0.1, rtol=1e-8, atol=1e-10, backend="torch")
    start = squid().with_parameters(k__g=30.0, na__g=140.0, l__g=0.25)
    stages = [Stage(mode, "levenberg", 20) for mode in ("clamped", "simulation")]
    result = ph.fit(
        start,
        ph.Recording.from_solution(trace),
        trainable=["conductances", "reversals"],
        schedule=stages,
        backend="torch",
        progress=False,
    )
    chosen = squid().layout.select(["conductances", "reversals"])
    np.testing.assert_allclose(result.neuron.theta[chosen], squid().theta[chosen], rtol=1e-4)
