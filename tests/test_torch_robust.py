"""Networks in training can be anything: every solve ends in a success or an honest status."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
from neurons import PLAIN, SQUID
from torch_neurons import FORMS, random_gates

import pyhodgkin as ph
from pyhodgkin import CurrentClamp, NeuralKinetics, Status, VoltageClamp, library
from pyhodgkin.neuron.networks import Network

simulate = partial(ph.simulate, backend="torch")

CLAMP = CurrentClamp.step(10.0, 1.0, 14.0, 15.0)
PRECISION = {"float64": (1e-6, 1e-8), "float32": (1e-4, 1e-6)}
DRAWS = 200
SCALES = np.linspace(1.0, 10.0, 10)


def draws(form):
    return [random_gates(i, SCALES[i % 10], form=form) for i in range(DRAWS)]


def run(cells, protocol, dtype, **options):
    rtol, atol = PRECISION[dtype]
    call = {"rtol": rtol, "atol": atol, "saveat": 0.1, "throw": False, "max_steps": 20_000}
    return simulate(cells, protocol, dtype=dtype, **{**call, **options})


def assert_honest(solution):
    """Gates in [0, 1]; a success is finite to its end, a failure NaN from where it stopped."""
    y = solution.y
    gates = y[..., 1:][np.isfinite(y[..., 1:])]
    assert gates.min() >= 0.0 and gates.max() <= 1.0
    assert np.isfinite(y[solution.success]).all()
    assert np.isnan(y[~solution.success][:, -1]).all()
    assert set(np.unique(solution.status)) <= set(Status)


@pytest.mark.parametrize("dtype", PRECISION)
@pytest.mark.parametrize("form", ["steady_state", "rates", "residual"])
def test_200_random_networks_in_place_of_all_gates(form, dtype):
    cells = draws(form)
    batch = run(cells, CLAMP, dtype)
    assert_honest(batch)
    assert batch.success.all()
    for i in (0, 9, 19):  # as each alone
        one = run(cells[i], CLAMP, dtype)
        digits = 1e-9 if dtype == "float64" else 0.5
        np.testing.assert_allclose(one.v, batch.v[i], rtol=0, atol=digits)


@pytest.mark.parametrize("dtype", PRECISION)
@pytest.mark.parametrize("scale", [3.0, 10.0])
def test_time_constants_without_bounds(scale, dtype):
    """As the peers are asked: tau = exp(N2), from 1e-40 to 1e40 ms at ten times the weights."""
    base, cells = library.get("hodgkinmodel_jl"), []
    for seed in range(DRAWS):
        cell, rng = base, np.random.default_rng(1000 + seed)
        for gate in ("n", "m", "h"):
            arrays = []
            for n_out, n_in in ((16, 1), (16, 16), (2, 16)):
                arrays.append(rng.uniform(-1, 1, (n_out, n_in)) * np.sqrt(6 / (n_in + n_out)))
                arrays.append(rng.uniform(-1, 1, n_out) / np.sqrt(n_in))
            network = Network.create((1, 16, 16, 2)).with_arrays([scale * a for a in arrays])
            scaled = {"v_shift": -65.0, "v_scale": 40.0, "tau_min": 0.0, "tau_max": None}
            cell = cell.replace_gate(gate, NeuralKinetics("steady_state", network, **scaled))
        cells.append(cell)
    start = [-70.2, 0.25, 0.03, 0.75]
    batch = run(cells, CurrentClamp.constant(9.0, 25.0), dtype, y0=start)
    assert_honest(batch)
    assert batch.success.all()


@pytest.mark.parametrize("dtype", PRECISION)
def test_random_networks_under_voltage_clamp(dtype):
    clamp = VoltageClamp.steps([0, 2, 4, 6], [-80.0, 60.0, -120.0, -40.0], 8.0)
    batch = run(draws("steady_state")[:50], clamp, dtype)
    assert_honest(batch)
    assert batch.success.all()


@pytest.mark.parametrize("solver", ["rodas4p", "tsit5", "exponential"])
def test_the_other_solvers_are_honest_too(solver):
    """An explicit method needs tiny steps here and may give up, but says so."""
    batch = run(
        draws("steady_state")[:40], CLAMP, "float64", solver=solver, max_steps=2000, dt=0.05
    )
    assert_honest(batch)
    if solver != "tsit5":
        assert batch.success.all()


@pytest.mark.parametrize("dtype", PRECISION)
@pytest.mark.parametrize("name", ["free_v_x", "free_x", "box", "box_stimulus", "current"])
def test_unconstrained_networks_end_in_a_status(name, dtype):
    """Nothing bounds these: they may blow up, in time that is bounded."""
    cell = FORMS[name]
    theta = cell.theta * np.ones((20, 1))
    chosen = cell.layout.select("*network*")
    theta[:, chosen] *= np.linspace(1.0, 10.0, 20)[:, None]
    batch = run(cell, CLAMP, dtype, theta=theta, max_steps=3000)
    assert np.isfinite(batch.y[batch.success]).all()
    assert batch.success.any()
    assert (batch.stats["n_steps"] + batch.stats["n_rejected"] <= 3000).all()


@pytest.mark.parametrize("dtype", PRECISION)
def test_wild_and_special_voltages_at_the_start(dtype):
    starts = [-1000.0, -300.0, -55.0, -40.0, 0.0, 300.0, 1000.0]
    y0 = np.array([[v, *SQUID.initial_state()[1:]] for v in starts])
    batch = run(SQUID, CurrentClamp.constant(0.0, 5.0), dtype, y0=y0)
    assert_honest(batch)
    assert batch.success.all()
    # With all gates shut a membrane comes back with the time constant of its leak.
    assert abs(batch.v[:, -1]).max() < 300.0
    steady = np.array([SQUID.initial_state(v) for v in starts])
    assert run(SQUID, CurrentClamp.constant(0.0, 5.0), dtype, y0=steady).success.all()


@pytest.mark.parametrize("name", PLAIN)
def test_every_published_neuron_from_a_wild_voltage(name):
    cell = library.get(name)
    y0 = np.array([cell.initial_state(v) for v in (-1000.0, -40.0, 1000.0)])
    batch = run(cell, CurrentClamp.constant(0.0, 2.0, unit=cell.current_unit), "float64", y0=y0)
    assert_honest(batch)
    assert batch.success.all()
    clamp = VoltageClamp.steps([0, 1, 2], [-1000.0, 1000.0, -55.0], 3.0)
    assert run(cell, clamp, "float64").success


@pytest.mark.parametrize("at", [-40.0, -55.0])
def test_a_clamp_where_the_naive_rate_is_zero_by_zero(at):
    clamp = VoltageClamp.constant(at, 5.0)
    y0 = [at, 0.1, 0.1, 0.9]
    found, near = (
        run(SQUID, VoltageClamp.constant(v, 5.0), "float64", y0=[v, *y0[1:]])
        for v in (at, at + 1e-9)
    )
    assert clamp(0.0) == at
    np.testing.assert_allclose(found.y, near.y, rtol=0, atol=1e-8)


# -- one bad element --------------------------------------------------------------------


@pytest.mark.parametrize("dtype", PRECISION)
def test_bad_elements_change_no_other(dtype):
    """Infinite rates, infinite currents and a stiff cell among healthy ones."""
    theta = np.tile(SQUID.theta, (6, 1))
    at = {name: SQUID.layout[name].start for name in ("c_m", "na.g", "k.n.alpha.a")}
    theta[1, at["c_m"]] = 1e-310
    theta[2, at["na.g"]] = 1e305
    theta[4, at["k.n.alpha.a"]] = 1e300
    batch = run(SQUID, CLAMP, dtype, theta=theta, max_steps=3000)
    assert batch.success[[0, 3, 5]].all() and not batch.success[1]
    assert batch.status[1] == Status.NONFINITE
    healthy = run(SQUID, CLAMP, dtype, theta=theta[[0, 3, 5]])
    digits = 1e-9 if dtype == "float64" else 0.1
    np.testing.assert_allclose(batch.y[[0, 3, 5]], healthy.y, rtol=0, atol=digits)
    alone = run(SQUID, CLAMP, dtype)
    np.testing.assert_allclose(batch.y[0], alone.y, rtol=0, atol=digits)


def test_many_lanes_are_as_few():
    """Few elements are solved in numpy, many in torch: the answers agree to rounding."""
    n = 1100
    theta = np.tile(SQUID.theta, (n, 1))
    theta[:, SQUID.layout["na.g"].start] = np.linspace(90.0, 150.0, n)
    short = CurrentClamp.step(20.0, 0.5, 4.0, 5.0)
    many = run(SQUID, short, "float64", theta=theta)
    few = run(SQUID, short, "float64", theta=theta[::100])
    np.testing.assert_allclose(many.y[::100], few.y, rtol=0, atol=1e-8)
    np.testing.assert_array_equal(many.stats["n_steps"][::100], few.stats["n_steps"])
