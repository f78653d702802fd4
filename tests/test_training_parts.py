"""Transforms, starts, penalties, stages: every slope against finite differences."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from fit_stub import StubBackend, neural, recording, squid

from pyhodgkin.backends.base import Penalty, SolveOptions
from pyhodgkin.errors import InputError, UnknownNameError
from pyhodgkin.fitting.losses import Loss, loss_value, pooled_scale
from pyhodgkin.fitting.objective import Objective
from pyhodgkin.fitting.parameterization import Parameterization, SharedParameters, draw
from pyhodgkin.fitting.penalties import CurvePenalty, PenaltyOf
from pyhodgkin.fitting.problem import Problem
from pyhodgkin.fitting.stage import Stage
from pyhodgkin.fitting.states import InitialStates
from pyhodgkin.fitting.transforms import Transform


def central(function, x, h=1e-6):
    """Gradient (p,) of a function of x (p,)."""
    out = np.zeros_like(x)
    for i in range(x.size):
        step = np.zeros_like(x)
        step[i] = h * max(1.0, abs(x[i]))
        out[i] = (function(x + step) - function(x - step)) / (2 * step[i])
    return out


BOUNDS = [None, {"*.g": (0.01, 500.0), "k.e": (-120.0, -40.0), "k.n.beta.k": (-200.0, -10.0)}]


@pytest.mark.parametrize("bounds", BOUNDS)
def test_transform_there_and_back(bounds):
    cell = squid()
    transform = Transform(cell.layout, cell.theta, cell.layout.select("all"), bounds)
    phi = transform.to_phi(cell.theta)
    np.testing.assert_allclose(transform.to_theta(phi, cell.theta), cell.theta, rtol=1e-12)
    batch = np.stack([phi, phi + 0.1])
    assert transform.to_theta(batch, cell.theta[None].repeat(2, 0)).shape == (2, cell.theta.size)


@pytest.mark.parametrize("bounds", BOUNDS)
def test_transform_slope(bounds):
    cell = squid()
    transform = Transform(cell.layout, cell.theta, cell.layout.select("all"), bounds)
    phi = transform.to_phi(cell.theta) + 0.05
    weight = np.cos(np.arange(cell.theta.size))
    ours = transform.vjp(phi, weight)
    theirs = central(lambda x: transform.to_theta(x, cell.theta) @ weight, phi)
    np.testing.assert_allclose(ours, theirs, rtol=1e-6, atol=1e-8)


def test_transform_keeps_signs_and_bounds():
    cell = squid()
    wanted = cell.layout.select(["k.n.beta.k", "na.g"])
    transform = Transform(cell.layout, cell.theta, wanted, {"na.g": (50.0, 200.0)})
    for shift in (-90.0, -3.0, 3.0, 90.0):
        theta = transform.to_theta(transform.to_phi(cell.theta) + shift, cell.theta)
        np.testing.assert_array_equal(np.sign(theta), np.sign(cell.theta))
        assert 50.0 <= theta[cell.layout["na.g"].start] <= 200.0


def test_bounds_that_cannot_be():
    cell = squid()
    chosen = cell.layout.select("conductances")
    with pytest.raises(InputError, match=r"must hold the start 120"):
        Transform(cell.layout, cell.theta, chosen, {"na.g": (1.0, 100.0)})
    with pytest.raises(InputError, match=r"must not reach zero"):
        Transform(cell.layout, cell.theta, chosen, {"na.g": (0.0, 200.0)})
    with pytest.raises(UnknownNameError, match=r'"na.gg"'):
        Transform(cell.layout, cell.theta, chosen, {"na.gg": (1.0, 200.0)})


def test_zero_on_a_logarithmic_scale():
    cell = squid().with_parameters(na__g=0.0)
    with pytest.raises(InputError, match=r"na\.g = 0"):
        Transform(cell.layout, cell.theta, cell.layout.select("conductances"))


def test_seeds_draw_networks_only():
    cell = neural(seed=4)
    theta = draw(cell, [4, 9], cell.layout.select("all"))
    np.testing.assert_array_equal(theta[0], cell.theta)
    changed = np.flatnonzero(theta[1] != theta[0])
    assert set(changed) <= set(cell.layout.select("networks"))
    assert len(changed) > 0.7 * len(cell.layout.select("networks"))


def test_a_residual_starts_at_its_prior():
    cell = neural("residual")
    theta = draw(cell, [1, 2], cell.layout.select("networks"))
    v = np.linspace(-90, 40, 7)
    for row in theta:
        n = cell.with_theta(row).gate("n").kinetics
        np.testing.assert_array_equal(n.x_inf(v), squid().gate("n").kinetics.x_inf(v))


@pytest.mark.parametrize("activation", ["tanh", "softplus", "silu"])
@pytest.mark.parametrize("penalty", [CurvePenalty(size=0.3), CurvePenalty(curvature=0.1)])
def test_penalty_slope(activation, penalty):
    from dataclasses import replace

    cell = neural()
    kinetics = cell.gate("n").kinetics
    network = replace(kinetics.network, activation=activation)
    cell = cell.replace_gate("n", replace(kinetics, network=network))
    cost = PenaltyOf(penalty, cell)
    value, slope = cost(np.stack([cell.theta, cell.theta + 0.1]))
    assert value.shape == (2,) and np.all(value > 0)
    theirs = central(lambda x: cost(x[None])[0][0], cell.theta + 0.1, 1e-5)
    np.testing.assert_allclose(slope[1], theirs, rtol=1e-5, atol=1e-7)


def test_penalty_names_its_gates():
    with pytest.raises(UnknownNameError, match='"m"'):
        PenaltyOf(CurvePenalty(size=1.0, gates=["m"]), neural())
    with pytest.raises(InputError, match="size = -1"):
        CurvePenalty(size=-1.0)


@pytest.mark.parametrize("initial", [False, True])
def test_objective_slope(initial):
    cell = neural()
    chosen = cell.layout.select(["networks", "conductances", "na.e"])
    train = [recording(0), recording(1)]
    quadratic = Penalty(cell.layout.select("k.g"), np.array([30.0]), 1e-3)
    problem = Problem(
        StubBackend(), cell, train, penalties=(quadratic, CurvePenalty(size=0.1, curvature=1e-3))
    )
    theta = np.stack([cell.theta, cell.theta * 1.01])
    states = 0.1 + np.arange(16.0).reshape(2, 2, 4) / 20
    transform = Transform(cell.layout, cell.theta, chosen)
    unknowns = Parameterization(
        theta, [SharedParameters(transform)], InitialStates(states) if initial else None
    )
    objective = Objective(problem, Stage(prior_weight=0.3), unknowns)
    phi = unknowns.start() + 0.01
    found = objective(phi, np.array([True, True]))
    for k in (0, 1):

        def value(x, k=k):
            batch = phi.copy()
            batch[k] = x
            return objective(batch, np.arange(2) == k).value[k]

        np.testing.assert_allclose(found.gradient[k], central(value, phi[k]), rtol=1e-5, atol=1e-8)


def test_objective_shields_the_engine_from_infinities():
    cell, engine = squid(), StubBackend()
    transform = Transform(cell.layout, cell.theta, cell.layout.select("conductances"))
    unknowns = Parameterization(np.stack([cell.theta] * 2), [SharedParameters(transform)])
    objective = Objective(Problem(engine, cell, [recording()]), Stage(), unknowns)
    phi = unknowns.start()
    phi[0, 0] = 1e4
    found = objective(phi, np.array([True, True]))
    assert np.isinf(found.value[0]) and found.status[0] != 0 and np.isfinite(found.value[1])
    assert engine.sizes == [1]


def test_one_that_hardly_moves_counts_for_no_more():
    cell = squid()
    transform = Transform(cell.layout, cell.theta, cell.layout.select("conductances"))
    unknowns = Parameterization(cell.theta[None], [SharedParameters(transform)])
    lively, calm = recording(0), recording(1)
    calm = replace(calm, v=1e-3 * calm.data)
    problem, go = Problem(StubBackend(), cell, [lively, calm]), np.array([True])

    def value(stage):
        return Objective(problem, stage, unknowns)(unknowns.start(), go).value[0]

    pooled = np.sqrt(np.mean([np.var(lively.data), np.var(calm.data)]))
    np.testing.assert_allclose(pooled_scale([lively, calm]), pooled)
    given = Stage("simulation", loss=Loss(scale=float(pooled)))
    assert value(Stage("simulation")) == value(given) < 0.01 * value(Stage("clamped"))
    # The beginning alone has its own scale.
    short = [r.window(0.0, 5.0) for r in (lively, calm)]
    own = Loss(scale=pooled_scale(short))
    stages = [Stage("simulation", horizon=5.0, loss=x) for x in (None, own)]
    assert value(stages[0]) == value(stages[1])


def test_horizon_keeps_the_protocol():
    cell, engine = squid(), StubBackend()
    transform = Transform(cell.layout, cell.theta, cell.layout.select("conductances"))
    unknowns = Parameterization(cell.theta[None], [SharedParameters(transform)])
    whole = recording()
    short = Objective(Problem(engine, cell, [whole]), Stage(horizon=5.0), unknowns)
    (cut,) = short._comparison.recordings
    assert cut.t[-1] <= 5.0 < whole.t[len(cut.t)] and cut.protocol is whole.protocol


def test_rates_of_a_stage():
    cosine = Stage(steps=100, lr=0.1)
    assert cosine.rate(0) == 0.1 and cosine.rate(100) == pytest.approx(0.001)
    assert Stage(steps=100, lr=0.1, schedule="constant").rate(77) == 0.1
    halving = Stage(steps=100, lr=0.1, schedule="halving")
    assert [halving.rate(i) for i in (0, 19, 20, 99)] == [0.1, 0.1, 0.05, 0.1 / 16]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"mode": "clampd"}, "clamped"),
        ({"optimizer": "adam"}, "adamw"),
        ({"schedule": "cosin"}, "cosine"),
        ({"steps": 0}, "steps = 0"),
        ({"lr": -1.0}, r"lr = -1.0"),
        ({"prior_weight": -1.0}, "prior_weight"),
        ({"memory": 0}, "memory"),
        ({"horizon": 0.0}, "horizon"),
        ({"patience": 0}, "patience"),
    ],
)
def test_stage_says_what_is_wrong(arguments, message):
    with pytest.raises(InputError, match=message):
        Stage(**arguments)


def test_loss_of_predictions():
    measured = np.array([0.0, 1.0, 2.0, 100.0])
    mask = np.array([True, True, True, False])
    predicted = np.array([[0.0, 1.0, 2.0, 0.0], [1.0, 2.0, 3.0, 0.0]])
    scale = np.std(measured[:3])
    np.testing.assert_allclose(loss_value(Loss(), predicted, measured, mask), [0, 1 / scale**2])
    huber = loss_value(Loss("huber", scale=1.0, delta=0.5), predicted[1], measured, mask)
    assert float(huber) == 0.5 * (1.0 - 0.25)


def test_options_of_the_solve_are_checked():
    with pytest.raises(InputError):
        SolveOptions(rtol=2.0)
