"""Models whose matrix is never written out: the same steps as with the matrix."""

from __future__ import annotations

import numpy as np
import pytest
from test_cells import neural, sweeps

from pyhodgkin import CurvePenalty, Stage
from pyhodgkin.backends import get
from pyhodgkin.fitting import quadratic_model
from pyhodgkin.fitting.hierarchical import cells_of
from pyhodgkin.fitting.objective import Objective
from pyhodgkin.fitting.plan import Plan
from pyhodgkin.fitting.problem import Problem
from pyhodgkin.optimize.bordered import Bordered, BorderedModel
from pyhodgkin.optimize.models import QuadraticModel

RNG = np.random.default_rng(4)
S, C, B, N = 4, 6, 3, 2


class Entries:
    """The directions are the entries of phi."""

    def up(self, step):
        return step

    down = up


def models():
    matrix = Bordered.empty(S, C, B)
    for cell in range(C):
        found = RNG.standard_normal((20, S + B))
        matrix.add(cell, found.T @ found)
    rows = RNG.standard_normal((N, S)), RNG.standard_normal((C, N, B))
    matrix = Bordered(matrix.shared, matrix.border, matrix.blocks, rows)
    return BorderedModel(matrix, Entries()), QuadraticModel(matrix.dense())


def test_products_and_steps_are_those_of_the_matrix():
    bordered, dense = models()
    slope = RNG.standard_normal(S + C * B)
    np.testing.assert_allclose(dense.matrix, dense.matrix.T, atol=1e-12)
    np.testing.assert_allclose(bordered.diagonal, dense.diagonal)
    assert bordered.curvature(slope) == pytest.approx(dense.curvature(slope))
    for damping in (1e-12, 1e-3, 1.0):
        one, other = bordered.damped(damping), dense.damped(damping)
        np.testing.assert_allclose(one.solve(slope), other.solve(slope), rtol=1e-8)
    for radius in (0.1, 1e-3):
        step = bordered.damped(1e-3).step(slope, radius)
        assert np.abs(step).max() == pytest.approx(radius, rel=1e-6)
        np.testing.assert_allclose(step, dense.damped(1e-3).step(slope, radius), rtol=1e-6)


def test_cells_with_a_shared_network_give_the_same_model(monkeypatch):
    recordings, neuron = sweeps("abc", 4.0), neural()
    cells = cells_of(neuron, ["k.g", "na.g"], recordings)
    problem = Problem(
        get("torch"), neuron, recordings, cells=cells, penalties=[CurvePenalty(size=1e-3)]
    )
    stage = Stage("simulation", "levenberg", prior_weight=0.1)
    trained = np.union1d(neuron.layout.select(["networks", "l.g"]), cells.own)
    plan = Plan(problem, [stage], trained, (None,), {}, False)
    unknowns = plan.unknowns(stage, plan.theta, None)
    objective, phi = Objective(problem, stage, unknowns), unknowns.start()[0]
    dense = objective.curvature(0, phi)
    monkeypatch.setattr(quadratic_model, "MANY", 0)
    bordered = objective.curvature(0, phi)
    assert isinstance(dense, QuadraticModel) and isinstance(bordered, BorderedModel)
    largest = np.abs(dense.matrix).max()
    np.testing.assert_allclose(bordered.matrix.dense(), dense.matrix, atol=1e-12 * largest)
    np.testing.assert_allclose(bordered.scale, dense.scale, rtol=1e-10)
    slope = RNG.standard_normal(len(phi))
    np.testing.assert_allclose(bordered.down(slope), dense.down(slope), atol=1e-10)
    step = dense.damped(1e-3).step(dense.down(slope), 0.5)
    found = bordered.damped(1e-3).step(bordered.down(slope), 0.5)
    np.testing.assert_allclose(bordered.up(found), dense.up(step), rtol=1e-5, atol=1e-8)
    assert bordered.geodesic_acceleration is not None
