"""The published neurons through the package's own engine, against scipy."""

from __future__ import annotations

import numpy as np
import pytest
from neurons import ENGINES
from scipy_solve import solve
from test_library import CELLS, step

from pyhodgkin import VoltageClamp, library, simulate

CURRENT = {"pospischil_ib": 0.8, "pospischil_lts": 0.8, "wang_buzsaki": 2.0}


each_engine = pytest.mark.parametrize("backend", ENGINES)


@each_engine
@pytest.mark.parametrize("name", [*CELLS, "hodgkinmodel_jl"])
def test_engine_agrees_with_scipy(name, backend):
    cell = library.get(name)
    protocol = step(CURRENT.get(name, 9.0), 2.0, 16.0, 20.0)
    t = 0.01 * np.arange(2001)  # upstrokes are steep: spike times are interpolated between these
    states, spikes = solve(cell, protocol, t[::20], rtol=1e-11, atol=1e-12)
    solution = simulate(cell, protocol, saveat=t, rtol=1e-9, atol=1e-11, backend=backend)
    difference = abs(solution.y[::20] - states)
    assert difference[:, 0].max() < 1e-3 and difference[:, 1:].max() < 1e-5
    np.testing.assert_allclose(solution.spike_times(), spikes, atol=1e-3)


@each_engine
def test_engine_agrees_with_scipy_under_voltage_clamp(backend):
    cell = library.get("herg_beattie")
    protocol = VoltageClamp.steps([0, 50, 150], [-80.0, 20.0, -50.0], 250.0)
    t = np.arange(0.0, 250.01, 1.0)
    states, _ = solve(cell, protocol, t)
    solution = simulate(cell, protocol, saveat=t, rtol=1e-9, atol=1e-11, backend=backend)
    assert abs(solution.y[:, 1:] - states[:, 1:]).max() < 1e-6
