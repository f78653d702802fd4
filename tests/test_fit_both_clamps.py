"""The loss of recordings of both clamps, its gradient and its Gauss-Newton matrix."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

import numpy as np
import pytest
from clamps import SQUID, in_current_clamp, in_voltage_clamp, with_network
from fit_stub import StubBackend, neural, recording

import pyhodgkin as ph
from pyhodgkin import Loss, Stage
from pyhodgkin.backends import get
from pyhodgkin.backends.base import SolveOptions
from pyhodgkin.errors import InputError
from pyhodgkin.fitting.losses import Losses
from pyhodgkin.fitting.modes import Simulation
from pyhodgkin.fitting.objective import Objective
from pyhodgkin.fitting.plan import Plan
from pyhodgkin.fitting.problem import Problem
from pyhodgkin.fitting.residuals import gauss_newton, jacobian

ENGINES = ["torch", pytest.param("julia", marks=pytest.mark.julia)]
TIGHT = SolveOptions(rtol=1e-8, atol=1e-10)
START = SQUID.with_parameters(k__g=33.0, na__g=110.0)
NUMBERS = ["k.g", "na.g", "c_m"]
FIRING, NOISY = in_current_clamp(8.0), in_current_clamp(15.0, noise=0.2)
LOW, MIDDLE, HIGH = (in_voltage_clamp(level) for level in (-40.0, 0.0, 30.0))
MODES = {
    "clamped": {},
    "simulation": {},
    "observer": {"gain": 1.0},
    "multiple_shooting": {"window": 4.0},
}


def objective(recordings, stage, neuron=START, trainable=NUMBERS, y0=False, engine="torch", **more):
    """The objective of a stage, and phi of where it starts."""
    places = np.concatenate([neuron.layout.select(name) for name in trainable])
    noise = tuple(0.2 if r is NOISY else 0.0 for r in recordings)
    problem = Problem(get(engine), neuron, recordings, options=TIGHT, noise=noise, **more)
    plan = Plan(problem, (stage,), places, (None,), {}, y0)
    unknowns = plan.unknowns(stage, plan.theta, plan.y0)
    return Objective(problem, stage, unknowns), unknowns.start()


def value(recordings, stage, **more):
    of, phi = objective(recordings, stage, **more)
    return float(of(phi, np.array([True])).value[0])


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("mode", MODES)
def test_the_loss_is_the_mean_of_that_of_each_observable(mode, engine):
    stage = Stage(mode, "lbfgs", **MODES[mode])
    both = value([LOW, FIRING, MIDDLE, HIGH, NOISY], stage, engine=engine)
    of_v = value([FIRING, NOISY], stage, engine=engine)
    of_current = value([LOW, MIDDLE, HIGH], Stage("clamped"), engine=engine)
    assert both == pytest.approx(0.5 * (of_v + of_current), rel=1e-12)
    # Under voltage clamp it is what a simulation has, within what that is solved to.
    assert of_current == pytest.approx(
        value([LOW, MIDDLE, HIGH], Stage("simulation"), engine=engine), 1e-4
    )


@pytest.mark.parametrize("mode", MODES)
def test_neither_the_order_nor_the_number_of_recordings_decides(mode):
    stage = Stage(mode, "lbfgs", **MODES[mode])
    once = value([FIRING, LOW], stage)
    assert value([LOW, FIRING], stage) == pytest.approx(once, rel=1e-12)
    six = [replace(LOW, name=str(i)) for i in range(6)]
    assert value([*six, FIRING], stage) == pytest.approx(once, rel=1e-12)
    # Nor does the number of samples: a long rest afterwards counts for what it is.
    finer = in_voltage_clamp(-40.0, dt=0.005)
    assert value([finer, FIRING], stage) == pytest.approx(once, rel=0.02)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("y0", [False, True])
@pytest.mark.parametrize("mode", MODES)
def test_the_gradient_is_that_of_differences(mode, y0, engine):
    stage = Stage(mode, "lbfgs", **MODES[mode])
    of, start = objective([LOW, FIRING, MIDDLE], stage, y0=y0, engine=engine)
    rng = np.random.default_rng(0)
    phi = start + 0.02 * rng.standard_normal(start.shape)
    slope = of(phi, np.array([True])).gradient[0]
    moves = rng.standard_normal((2, phi.shape[1]))
    h = 1e-4
    rows = np.concatenate([phi + h * moves, phi - h * moves])
    there = np.array([of(row[None], np.array([True])).value[0] for row in rows])
    expected = (there[:2] - there[2:]) / (2 * h)
    np.testing.assert_allclose(moves @ slope, expected, rtol=2e-3, atol=1e-6 * np.abs(slope).max())


@pytest.mark.parametrize("y0", [False, True])
@pytest.mark.parametrize("mode", ["clamped", "simulation", "observer"])
def test_the_matrix_of_networks_is_that_of_differences(mode, y0, monkeypatch):
    for name, fine in (("MOVE", 0.1), ("LONGEST", 0.02), ("FINE", 0.02)):
        monkeypatch.setattr(f"pyhodgkin.backends.sensitivity.trajectories.{name}", fine)
    neuron, stage = with_network(4), Stage(mode, "levenberg", **MODES[mode])
    kwargs = {"neuron": neuron, "trainable": ["networks", "k.g"], "y0": y0}
    recordings = [LOW, in_current_clamp(8.0, t_end=8.0), MIDDLE]
    of, start = objective(recordings, stage, **kwargs)
    found = of.curvature(0, start[0])
    values, slopes = jacobian(lambda x: of.residuals(0, x), start[0], step=1e-4)
    # By hand: the mean of the two, each the mean over its recordings.
    plain = np.zeros((len(start[0]),) * 2)
    for places in ([0, 2], [1]):
        own = [values[i] for i in places], [slopes[i] for i in places]
        loss, factor = Loss(), 1.0
        if mode == "observer" and places == [1]:
            factor = (1.0 + MODES[mode]["gain"] / neuron.c_m) ** 2
        plain += 0.5 * factor * gauss_newton(*own, loss)
    scale = np.sqrt(np.abs(np.diagonal(found.basis.T @ plain @ found.basis))) + 1e-9
    off = (found.matrix - found.basis.T @ plain @ found.basis) / np.outer(scale, scale)
    assert np.max(np.abs(off)) < (1e-3 if mode == "clamped" else 0.06)


@pytest.mark.parametrize("mode", ["clamped", "simulation", "observer"])
def test_the_matrix_of_numbers_is_the_mean_too(mode):
    stage = Stage(mode, "levenberg", **MODES[mode])
    of, start = objective([LOW, FIRING, MIDDLE], stage)
    alone = [objective([FIRING], stage), objective([LOW, MIDDLE], Stage("clamped", "levenberg"))]
    expected = sum(0.5 * own.curvature(0, phi[0]).matrix for own, phi in alone)
    np.testing.assert_allclose(of.curvature(0, start[0]).matrix, expected, rtol=1e-6)


def test_minibatches_add_up_to_the_whole():
    for mode in ("clamped", "multiple_shooting"):
        stage = Stage(mode, "adamw", batch=2, **MODES[mode])
        of, phi = objective([LOW, FIRING, MIDDLE, NOISY], stage)
        rows, count = np.array([True]), len(of._comparison)
        assert count % 2 == 0
        parts = [of(phi, rows, step) for step in range(count // 2)]
        whole = of(phi, rows)
        mean = np.mean([part.value for part in parts])
        assert mean == pytest.approx(float(whole.value[0]), rel=1e-9)
        slope = np.mean([part.gradient for part in parts], axis=0)
        np.testing.assert_allclose(slope, whole.gradient, rtol=1e-9, atol=1e-12)


def test_one_loss_for_each_observable():
    stage = Stage("simulation", "lbfgs")
    given = {"v": Loss("mae", scale=5.0), "current": Loss("huber", delta=0.1)}
    both = value([LOW, FIRING], replace(stage, loss=given))
    of_v, of_current = (replace(stage, loss=given[x]) for x in ("v", "current"))
    alone = 0.5 * (value([FIRING], of_v) + value([LOW], replace(of_current, mode="clamped")))
    assert both == pytest.approx(alone, rel=1e-12)
    # Of the call, and where there is one observable only.
    losses = Losses(**given)
    assert value([LOW, FIRING], stage, loss=losses) == both
    assert value([FIRING], stage, loss=losses) == value([FIRING], of_v)


def test_spikes_in_the_loss_are_of_v_only():
    timed = Stage("simulation", "lbfgs", loss=Loss(spikes=1.0))
    alone = value([FIRING], timed), value([LOW], Stage("clamped"))
    assert value([FIRING, LOW], timed) == pytest.approx(0.5 * sum(alone), rel=1e-12)
    assert alone[0] > value([FIRING], Stage("simulation")) + 1e-4


def test_a_horizon_is_of_current_clamp():
    stage = Stage("simulation", "lbfgs", horizon=3.0)
    alone = value([FIRING], stage), value([LOW], Stage("clamped"))
    assert value([FIRING, LOW], stage) == pytest.approx(0.5 * sum(alone), rel=1e-12)


def test_gates_that_no_voltage_drives_are_simulated():
    network = ph.Network.create((2, 4, 1), seed=1)
    free = SQUID.replace_gate("n", ph.NeuralKinetics("free", network))
    kwargs = {"neuron": free, "trainable": ["networks", "k.g"]}
    stage = Stage("simulation", "lbfgs")
    alone = value([FIRING], stage, **kwargs), value([LOW], stage, **kwargs)
    assert value([FIRING, LOW], stage, **kwargs) == pytest.approx(0.5 * sum(alone), rel=1e-12)
    with pytest.raises(InputError, match=r"stage 1 \(simulation levenberg\).*lbfgs"):
        ph.fit(free, [FIRING, LOW], schedule=Stage("simulation", "levenberg"), backend="torch")


def test_a_mode_of_ones_own_sees_one_clamp_at_a_time():
    class Counted(Simulation):
        seen: ClassVar[list] = []

        def prepare(self, problem, stage, unknowns):
            self.seen.append((problem.observables, len(problem.recordings), len(problem.heldout)))
            return super().prepare(problem, stage, unknowns)

    stage = Stage(Counted(), "lbfgs", steps=1)
    ph.fit(
        START, [LOW, FIRING, MIDDLE], heldout=HIGH, trainable="k.g", schedule=stage, backend="torch"
    )
    assert set(Counted.seen) == {(("v",), 1, 0), (("current",), 2, 1)}


def test_an_engine_is_called_for_one_clamp_at_a_time():
    class Strict(StubBackend):
        def value_and_grad(self, neuron, recordings, *args, **kwargs):
            assert len({r.observed for r in recordings}) == 1
            return super().value_and_grad(neuron, recordings, *args, **kwargs)

        def predict(self, neuron, recordings, *args, **kwargs):
            assert len({r.observed for r in recordings}) == 1
            return super().predict(neuron, recordings, *args, **kwargs)

    mixed = [recording(1), recording(2, clamp="voltage"), recording(3)]
    held = [recording(4, clamp="voltage"), recording(5)]
    stages = Stage("clamped", "levenberg", 3), Stage("simulation", "lbfgs", 3)
    result = ph.fit(neural(), mixed, heldout=held, schedule=stages, backend=Strict())
    assert len(result.predictions) == 5 and result.success
    assert [p.unit for p in result.predictions] == ["mV", "uA/cm2", "mV", "uA/cm2", "mV"]
