"""Trajectories that the variational equations are taken along."""

from __future__ import annotations

import numpy as np
import pytest
from neurons import ENGINES, local_derivatives

import pyhodgkin as ph
from pyhodgkin.backends import get
from pyhodgkin.backends.base import SolveOptions
from pyhodgkin.backends.sensitivity import trajectories
from pyhodgkin.backends.sensitivity.local import from_public
from pyhodgkin.backends.sensitivity.trajectories import at_nodes, solved

TIGHT = SolveOptions(rtol=1e-8, atol=1e-10)
CELL = ph.library.get("squid_axon")


def recordings():
    """Two with the same times, and a longer one that is seen less often."""
    clamps = [(10.0, 12.0, 0.05), (20.0, 12.0, 0.05), (15.0, 18.0, 0.2)]
    out = []
    for current, end, dt in clamps:
        clamp = ph.CurrentClamp.step(current, start=1.03, stop=None, t_end=end)
        found = ph.simulate(CELL, clamp, saveat=dt, backend="torch")
        out.append(ph.Recording.from_solution(found))
    return out


def run(seen, backend="torch", sets=None):
    if sets is None:
        sets = np.stack([CELL.theta * (1.0 + 0.01 * i) for i in range(len(seen))])
    return sets, solved(
        get(backend), local_derivatives(CELL, backend), CELL, TIGHT, seen, sets, None
    )


@pytest.mark.parametrize("backend", ENGINES)
def test_each_recording_has_its_own(backend):
    seen = recordings()
    sets, together = run(seen, backend)
    for i, path in enumerate(together):
        alone = run(seen[i : i + 1], backend, sets[i : i + 1])[1][0]
        np.testing.assert_allclose(path.y, alone.y, rtol=1e-6, atol=1e-6)
        assert set(seen[i].t) <= set(path.t)
        assert np.max(np.diff(path.t)) <= trajectories.FINE + 1e-9


def test_many_are_solved_a_few_at_a_time(monkeypatch):
    seen = recordings()
    _, before = run(seen)
    monkeypatch.setattr(trajectories, "AT_ONCE", 1)
    _, after = run(seen)
    for a, b in zip(before, after, strict=True):
        np.testing.assert_allclose(a.y, b.y, rtol=1e-6, atol=1e-6)


def test_the_states_at_the_nodes_are_those_of_a_solve_for_them():
    seen = recordings()
    sets, paths = run(seen)
    local = local_derivatives(CELL)
    order = from_public(local, CELL)
    for recording, theta, path in zip(seen, sets, paths, strict=True):
        t, y, u = at_nodes(path, local, recording, theta)
        np.testing.assert_allclose(t[1::2], 0.5 * (t[:-2:2] + t[2::2]), atol=1e-12)
        np.testing.assert_array_equal(u, recording.protocol(t))
        start = CELL.with_theta(theta).initial_state(float(recording.data[0]))
        found = get("torch").solve(CELL, [recording.protocol], theta, start, t, TIGHT)
        exact = found.y[0].T[order]
        # Between the two neighbours of the step of the stimulus the slope jumps.
        assert np.max(np.abs(y[0] - exact[0])) < 0.2
        away = np.abs(t - 1.03) > trajectories.FINE
        assert np.max(np.abs(y[0] - exact[0])[away]) < 0.005
        assert np.max(np.abs(y[1:] - exact[1:])) < 1e-4
