"""The compiled exponential scheme: the steps of the eager one."""

from __future__ import annotations

import numpy as np
import pytest
from neurons import SQUID
from test_compiled import PROTOCOLS, close, eager
from test_lowering import CASES

import pyhodgkin as ph
from pyhodgkin.backends import compiled
from pyhodgkin.status import Status

pytestmark = pytest.mark.skipif(bool(compiled.why_not()), reason=compiled.why_not() or "used")
NAMES = [
    name
    for name, cell in CASES.items()
    if cell.right_hand_side is None and cell.current_unit == SQUID.current_unit
]


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("name", NAMES)
def test_steps_are_those_of_the_eager_scheme(name, protocol, monkeypatch):
    clamp = PROTOCOLS[protocol]
    saveat = np.linspace(0.0, clamp.t_end, 25)

    def call():
        return ph.simulate(
            CASES[name], clamp, backend="torch", solver="exponential", dt=0.03, saveat=saveat
        )

    found, expected = call(), eager(monkeypatch, call)
    assert found.stats["n_steps"] == expected.stats["n_steps"]
    close(found.y, expected.y, 1e-10)


@pytest.mark.parametrize(("dtype", "tolerance"), [("float64", 1e-10), ("float32", 2e-3)])
def test_a_population_by_fixed_steps(dtype, tolerance, monkeypatch):
    theta = np.tile(SQUID.theta, (21, 1))
    theta[:, SQUID.layout["na.g"].start] *= np.linspace(0.9, 1.1, 21)
    theta[4, SQUID.layout["k.e"].start] = 1.7e308

    def call():
        return ph.simulate(
            SQUID,
            PROTOCOLS["chirp"],
            theta=theta,
            backend="torch",
            solver="exponential",
            dt=0.05,
            dtype=dtype,
            throw=False,
        )

    found, expected = call(), eager(monkeypatch, call)
    assert np.array_equal(found.status, expected.status)
    assert found.status[4] == Status.NONFINITE
    others = np.arange(21) != 4
    close(found.y[others], expected.y[others], tolerance)
    for a, b in zip(found.spike_times(), expected.spike_times(), strict=True):
        assert len(a) == len(b)
        assert np.abs(a - b).max(initial=0.0) < 10.0 * tolerance
