"""Fits of several cells: what they share, and what is each cell's own."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from fit_stub import neural, squid

import pyhodgkin as ph
from pyhodgkin import Stage
from pyhodgkin.backends import get
from pyhodgkin.backends.loss import Loss
from pyhodgkin.errors import InputError, RecordingError
from pyhodgkin.fitting.hierarchical import MeanConductance, cells_of, hierarchical
from pyhodgkin.fitting.objective import Objective
from pyhodgkin.fitting.problem import Problem
from pyhodgkin.fitting.residuals import gauss_newton, jacobian
from pyhodgkin.fitting.schedules.choose import choose
from pyhodgkin.fitting.transforms import Transform

TRUE = {"a": (30.0, 110.0), "b": (40.0, 130.0), "c": (38.0, 125.0)}


def sweeps(names="abc", t_end=12.0):
    clamp = ph.CurrentClamp.step(10.0, start=1.0, stop=None, t_end=t_end)
    out = []
    for name in names:
        g_k, g_na = TRUE[name]
        cell = squid().with_parameters(k__g=g_k, na__g=g_na)
        solution = ph.simulate(cell, clamp, saveat=0.1, backend="torch")
        out.append(ph.Recording.from_solution(solution, name=name, cell=name))
    return out


def unknowns(neuron, theta):
    layout = neuron.layout
    own = layout.select(["k.g", "na.g"])
    shared = np.setdiff1d(layout.select(["networks", "l.g"]), own)
    parts = [Transform(layout, neuron.theta, part) for part in (shared, own)]
    return hierarchical(theta, *parts), own


def test_phi_and_back():
    neuron = neural()
    theta = np.repeat(neuron.theta[None, None], 3, axis=1) * np.ones((2, 1, 1))
    block, own = unknowns(neuron, theta)
    theta[..., own] *= np.random.default_rng(0).uniform(0.8, 1.2, (2, 3, 2))
    phi = block.start()
    assert phi.shape == (2, len(block.indices))
    np.testing.assert_allclose(block.unpack(phi)[0], theta, rtol=1e-12)
    phi[:, 0] += 0.1
    moved = block.unpack(phi)[0]
    assert len(np.unique(moved[0, :, block.indices[0]])) == 1


@pytest.mark.parametrize("mode", ["clamped", "simulation", "observer"])
def test_the_gradient_is_that_of_the_value(mode):
    neuron, recordings = neural(), sweeps("ab", 4.0)
    theta = np.repeat(neuron.theta[None, None], 2, axis=1)
    block, _ = unknowns(neuron, theta)
    cells = cells_of(neuron, ["k.g", "na.g"], recordings)
    problem = Problem(get("torch"), neuron, recordings, cells=cells)
    problem = replace(problem, options=replace(problem.options, rtol=1e-9, atol=1e-11))
    stage = Stage(mode, prior_weight=0.1, gain=3.0 if mode == "observer" else None)
    objective = Objective(problem, stage, block)
    phi = block.start() + 0.05 * np.random.default_rng(1).standard_normal(block.start().shape)
    found = objective(phi, np.array([True]))
    for i in (0, 5, phi.shape[1] - 4, phi.shape[1] - 1):
        step = np.zeros_like(phi)
        step[0, i] = 1e-5
        ends = [objective(phi + s * step, np.array([True])).value[0] for s in (1, -1)]
        slope = (ends[0] - ends[1]) / 2e-5
        np.testing.assert_allclose(found.gradient[0, i], slope, rtol=2e-3, atol=1e-7)


def test_a_pull_is_of_the_mean_change_however_many_cells_there_are():
    neuron, recordings = neural(), sweeps("ab", 4.0)
    theta = np.repeat(neuron.theta[None, None], 2, axis=1)
    plain, own = unknowns(neuron, theta)
    block = hierarchical(theta, *(b.transform for b in plain.blocks), scale=np.sqrt(2.0))
    problem = Problem(
        get("torch"), neuron, recordings, cells=cells_of(neuron, ["k.g", "na.g"], recordings)
    )
    rows = np.array([True])
    pulled, free = (Objective(problem, Stage("clamped", prior_weight=x), block) for x in (0.1, 0.0))
    phi = block.start()
    moved = block.start()
    moved[:, block.blocks[0].transform.size :] += 0.2 / np.sqrt(
        2.0
    )  # of the logarithm of four numbers
    added = pulled(moved, rows).value - free(moved, rows).value
    np.testing.assert_allclose(added, 0.1 * 4 * 0.2**2 / 5, rtol=1e-9)  # the fifth is shared
    numbers = len(own) * 2 + 1
    at = np.flatnonzero(~np.isin(block.indices, neuron.layout.select("networks")))
    slope = (pulled(moved, rows).gradient - free(moved, rows).gradient)[0, at]
    want = 2 * 0.1 * 2.0 / numbers * (moved - phi)[0, at]
    np.testing.assert_allclose(slope, want, rtol=1e-9, atol=1e-15)


def test_each_cell_finds_its_own():
    stages = [Stage(mode, "levenberg", 20) for mode in ("clamped", "simulation")]
    result = ph.fit(
        squid().with_parameters(l__g=0.25),
        sweeps(),
        trainable="l.g",
        per_cell=["k.g", "na.g"],
        schedule=stages,
        backend="torch",
        progress=False,
    )
    for name, (g_k, g_na) in TRUE.items():
        cell = result.cells[name]
        assert cell.channel("k").g == pytest.approx(g_k, rel=1e-3)
        assert cell.channel("na").g == pytest.approx(g_na, rel=1e-3)
        assert cell.channel("l").g == pytest.approx(0.3, rel=1e-3)
    assert result.neuron.channel("k").g == pytest.approx(36.0, rel=1e-3)
    assert np.max(result.train_error.rmse) < 0.01
    assert "cell" in str(result) and "mean" in str(result)
    judged = ph.evaluate(result, sweeps(), backend="torch")
    assert max(row["rmse"] for row in judged.rows()) < 0.01


def test_it_is_kept_and_resumed(tmp_path):
    arguments = {
        "per_cell": "k.g",
        "schedule": [Stage("clamped", "adamw", 4), Stage("clamped", "lbfgs", 4)],
        "backend": "torch",
        "progress": False,
        "seeds": 2,
    }
    whole = ph.fit(neural(), sweeps("ab"), out=tmp_path / "whole", **arguments)
    again = ph.FitResult.load(tmp_path / "whole")
    assert again.population.cells == ("a", "b") and list(again.cells) == ["a", "b"]
    np.testing.assert_array_equal(again.population.theta, whole.population.theta)

    def stop(info):
        return info.step == 2 and info.stage == 1

    first = ph.fit(neural(), sweeps("ab"), out=tmp_path / "part", callback=stop, **arguments)
    assert len(first.history["step"]) < len(whole.history["step"])
    second = ph.fit(neural(), sweeps("ab"), out=tmp_path / "part", resume=True, **arguments)
    np.testing.assert_array_equal(second.population.theta, whole.population.theta)


def test_the_mean_of_a_conductance_behind_a_learned_gate_stays():
    neuron = neural()
    own, networks = neuron.layout.select(["k.g", "na.g"]), neuron.layout.select("networks")
    prior = MeanConductance(neuron, own, np.union1d(own, networks))
    assert [neuron.layout.names[i] for i in prior.indices] == ["k.g"]
    theta = np.repeat(neuron.theta[None, None], 2, axis=1)
    theta[0, 0, prior.indices] *= 1.2
    value, slope = prior(theta)
    theta[0, 1, prior.indices] *= 0.8
    assert value[0] > 0 and np.all(slope[0, :, prior.indices] > 0)
    assert prior(theta)[0][0] == pytest.approx(0.0, abs=1e-20)
    assert len(MeanConductance(neuron, own, own).indices) == 0


def test_bad_arguments():
    anonymous = [replace(r, cell="") for r in sweeps("a")]
    with pytest.raises(RecordingError, match="of which cell"):
        ph.fit(neural(), anonymous, per_cell="k.g", backend="torch")
    with pytest.raises(InputError, match="networks are shared"):
        ph.fit(neural(), sweeps("a"), per_cell="networks", backend="torch")
    with pytest.raises(InputError, match='unknown cell of a recording "b"'):
        ph.fit(neural(), sweeps("a"), heldout=sweeps("b"), per_cell="k.g", backend="torch")


def test_the_curvature_of_cells_is_that_of_each_entry():
    recordings, neuron = sweeps("ab", 4.0), squid()
    theta = np.repeat(neuron.theta[None, None], 2, axis=1)
    own, shared = (neuron.layout.select(p) for p in (["k.g", "na.g"], ["l.g"]))
    parts = [Transform(neuron.layout, neuron.theta, part) for part in (shared, own)]
    block = hierarchical(theta, *parts, scale=1.5)
    problem = Problem(
        get("torch"), neuron, recordings, cells=cells_of(neuron, ["k.g", "na.g"], recordings)
    )
    objective = Objective(problem, Stage("simulation", "levenberg"), block)
    phi = block.start()[0]
    found = objective.curvature(0, phi).matrix
    plain = gauss_newton(*jacobian(lambda x: objective.residuals(0, x), phi), Loss())
    np.testing.assert_allclose(found, plain, rtol=1e-3, atol=1e-6 * plain.max())


def test_a_search_for_cells_sets_the_networks_of_all():
    stage = Stage("clamped", "lbfgs", 2, multistart=2, trainable="networks")
    fitted = ph.fit(neural(), sweeps("ab", 4.0), per_cell="k.g", schedule=stage, backend="torch",
                    progress=False)  # fmt: skip
    assert any(line.startswith("search: simple gates") for line in fitted.log)
    networks = fitted.neuron.layout.select("networks")
    a, b = (fitted.cells[name].theta[networks] for name in "ab")
    np.testing.assert_array_equal(a, b)
    assert np.any(a != neural().theta[networks])


def test_what_is_chosen_for_cells_that_share_a_network():
    kinetics = ph.NeuralKinetics("steady_state", ph.Network.create((1, 4, 2)))
    neuron = ph.library.get("squid_axon").replace_gate("n", kinetics)
    t, clamp = np.arange(0.0, 20.0, 0.1), ph.CurrentClamp.constant(0.0, 20.0)
    recording = ph.Recording(t, clamp, v=np.linspace(-65.0, -60.0, len(t)))
    trained = np.union1d(neuron.layout.select("networks"), neuron.layout.select("k.g"))
    stages, reason = choose(None, neuron, [recording], trained, own=["k.g"])
    assert "networks that cells share" in reason
    numbers = [stage.horizon for stage in stages if stage.trainable == ("k.g",)]
    assert numbers == sorted(numbers) and numbers[-1] == pytest.approx(19.9)
    assert stages[0].multistart and all("network" in name for name in stages[0].trainable)


def test_a_cell_that_cannot_be_solved_yet_does_not_hold_up_the_others():
    """Where nothing is shared each cell steps by itself, and as it would alone."""
    recordings, stage = sweeps("abc"), Stage("simulation", "levenberg", 12, target=1e-12)
    arguments = {"schedule": stage, "backend": "torch", "progress": False, "fit_initial": False}
    names = ["k.g", "na.g"]
    fitted = ph.fit(squid(), recordings, trainable=names, per_cell=names, **arguments)
    for recording in recordings:
        alone = ph.fit(squid(), recording, trainable=names, **arguments)
        both = alone.neuron, fitted.cells[recording.cell]
        first, second = (cell.theta[cell.layout.select(names)] for cell in both)
        np.testing.assert_allclose(first, second, rtol=1e-6)


def test_a_block_that_fails_stops_no_other():
    from pyhodgkin.optimize.models import QuadraticModel
    from pyhodgkin.optimize.separate import SeparateLevenbergMarquardt

    class Two:
        weights, scale = np.array([0.5, 0.5]), 2.0
        values, gradients = np.zeros(2), np.zeros((2, 1))

        def curvatures(self, which, points):
            return [QuadraticModel(np.array([[2.0]])) for _ in which]

    blocks = Two()
    optimizer = SeparateLevenbergMarquardt(np.array([[1.0, 1.0]]), blocks)
    for _ in range(30):
        x = 2.0 * optimizer.ask().reshape(2, 1)
        blocks.values = np.sum(x**2, axis=1)
        blocks.values[1] = np.inf if x[1, 0] < 1.5 else blocks.values[1]  # there it fails
        blocks.gradients = 2.0 * x
        before = optimizer.state()
        optimizer.tell(np.array([0.0]), np.zeros((1, 2)), 0.0)
    assert abs(optimizer.point[0, 0]) < 1e-4 and optimizer.point[0, 1] >= 0.75
    again = SeparateLevenbergMarquardt(np.array([[1.0, 1.0]]), blocks)
    again.restore(before)
    np.testing.assert_array_equal(again.ask(), x.reshape(1, 2) / 2.0)
