"""`adapt`: the few numbers of a new cell."""

from __future__ import annotations

import numpy as np
import pytest
from fit_stub import neural, squid

import pyhodgkin as ph
from pyhodgkin.errors import InputError


def other(seed=0):
    rng, cell = np.random.default_rng(seed), squid()
    theta = cell.theta.copy()
    theta[cell.layout.select("conductances")] *= rng.uniform(0.8, 1.2, 3)
    return cell.with_theta(theta)


def test_conductances_of_a_new_cell_with_errors():
    clamp = ph.CurrentClamp.step(10.0, start=1.0, stop=None, t_end=10.0)
    solution = ph.simulate(other(), clamp, saveat=0.1, backend="torch")
    sweep = ph.Recording.from_solution(solution, noise=0.5)
    result = ph.adapt(squid(), sweep, backend="torch")
    known, cell = result.identifiability, other()
    off = known.values - cell.theta[cell.layout.select("conductances")]
    assert np.all(np.abs(off) < 4.0 * known.standard_errors)
    assert result.train_error.rmse[0, 0] < 0.6


def test_voltage_clamp_needs_no_simulation():
    clamp = ph.VoltageClamp.step(0.0, start=1.0, stop=8.0, t_end=10.0)
    solution = ph.simulate(other(), clamp, saveat=0.05, backend="torch")
    sweep = ph.Recording.from_solution(solution, current_unit="uA/cm2")
    result = ph.adapt(squid(), sweep, backend="torch")
    chosen = squid().layout.select("conductances")
    np.testing.assert_allclose(result.neuron.theta[chosen], other().theta[chosen], rtol=1e-3)


def test_networks_are_held():
    clamp = ph.CurrentClamp.step(10.0, start=1.0, stop=None, t_end=5.0)
    sweep = ph.Recording.from_solution(ph.simulate(other(), clamp, saveat=0.1, backend="torch"))
    with pytest.raises(InputError, match="holds networks"):
        ph.adapt(neural(), sweep, trainable=["k.g", "networks"], backend="torch")
    with pytest.raises(InputError, match="fitted"):
        ph.adapt(3.0, sweep)
