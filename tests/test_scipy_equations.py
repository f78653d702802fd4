"""The equations of a neuron for the solvers of SciPy."""

from __future__ import annotations

import numpy as np
import pytest
from neurons import SQUID
from torch_neurons import FORMS

import pyhodgkin as ph
from pyhodgkin.errors import InputError, SolveError

pytest.importorskip("scipy")

CLAMP = ph.CurrentClamp.step(10.0, start=2.0, stop=18.0, t_end=20.0)
EXACT = {"rtol": 1e-9, "atol": 1e-11}


@pytest.mark.parametrize("name", ph.library.names())
def test_every_neuron_of_the_library_solved_by_scipy(name):
    cell = ph.library.get(name)
    if name.startswith("herg"):
        protocol = ph.VoltageClamp.step(20.0, start=5.0, stop=40.0, t_end=50.0, holding=-80.0)
    else:
        protocol = CLAMP
    found = ph.scipy.solve_ivp(cell, protocol, saveat=0.5, **EXACT)
    ours = ph.simulate(cell, protocol, saveat=0.5, backend="torch", **EXACT)
    np.testing.assert_allclose(found.y, ours.y, atol=1e-3)


@pytest.mark.parametrize("form", FORMS)
def test_the_jacobian_is_that_of_the_right_hand_side(form):
    piece = ph.scipy.equations(FORMS[form], CLAMP).pieces[1]
    y = np.array([-40.0, 0.4, 0.3, 0.5, 0.6])[: len(FORMS[form].states)]
    step = np.array([1e-5, 1e-7, 1e-7, 1e-7, 1e-7])[: len(y)]
    numeric = np.stack(
        [(piece.fun(3.0, y + e) - piece.fun(3.0, y - e)) / (2.0 * e.sum()) for e in np.diag(step)],
        1,
    )
    np.testing.assert_allclose(piece.jac(3.0, y), numeric, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("method", ["LSODA", "BDF", "Radau", "RK45"])
def test_the_methods_of_scipy(method):
    found = ph.scipy.solve_ivp(SQUID, CLAMP, method=method, saveat=1.0, rtol=1e-7, atol=1e-9)
    ours = ph.simulate(SQUID, CLAMP, saveat=1.0, backend="torch", **EXACT)
    np.testing.assert_allclose(found.v, ours.v, atol=0.01)
    assert found.success and int(found.stats["n_f_evals"]) > 0


def test_under_voltage_clamp_v_is_the_command_and_jumps_with_it():
    protocol = ph.VoltageClamp.steps([0.0, 5.0, 10.0], [-80.0, 20.0, -40.0], 15.0)
    found = ph.scipy.solve_ivp(SQUID, protocol, saveat=0.5, **EXACT)
    ours = ph.simulate(SQUID, protocol, saveat=0.5, backend="torch", **EXACT)
    np.testing.assert_allclose(found.v, protocol(found.t), atol=1e-12)
    np.testing.assert_allclose(found.y, ours.y, atol=1e-6)


def test_parameters_and_start_of_ones_own():
    theta = SQUID.theta.copy()
    theta[SQUID.layout["na.g"].start] = 0.0
    y0 = SQUID.initial_state(-50.0)
    found = ph.scipy.solve_ivp(SQUID, CLAMP, theta=theta, y0=y0, saveat=1.0, **EXACT)
    ours = ph.simulate(SQUID, CLAMP, theta=theta, y0=y0, saveat=1.0, backend="torch", **EXACT)
    np.testing.assert_allclose(found.y, ours.y, atol=1e-5)
    with pytest.raises(InputError, match="theta has shape"):
        ph.scipy.equations(SQUID, CLAMP, theta[:3])
    with pytest.raises(InputError, match="y0 has shape"):
        ph.scipy.equations(SQUID, CLAMP, y0=[1.0])


def test_a_solve_that_scipy_gives_up_is_an_error_or_a_status():
    broken = SQUID.theta.copy()
    broken[SQUID.layout["l.g"].start] = -1e6  # v grows without limit
    with np.errstate(all="ignore"):
        with pytest.raises(SolveError, match="gave up"):
            ph.scipy.solve_ivp(SQUID, CLAMP, theta=broken, method="BDF")
        found = ph.scipy.solve_ivp(SQUID, CLAMP, theta=broken, method="BDF", throw=False)
    assert not found.success and np.isnan(found.v[-1])
