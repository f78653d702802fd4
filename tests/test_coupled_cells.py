"""Neurons with calcium pools and Markov schemes against the same equations written by hand."""

from __future__ import annotations

import numpy as np
import pytest
from coupled_cells import every_part, every_part_rhs, lts_rhs, pinsky_rinzel_rhs
from neurons import ENGINES
from scipy.integrate import solve_ivp

import pyhodgkin as ph
from pyhodgkin.backends import get
from pyhodgkin.neuron.program_numpy import NumpyFunctions
from pyhodgkin.neuron.program_values import ProgramValues

TIGHT = {"rtol": 1e-9, "atol": 1e-11}


def networks(cell):
    net, gate = cell.channel("k").rate("down").learned, cell.gate("s").kinetics.network
    return (lambda z: float(net(np.array([z]))[0])), (lambda z: gate(np.array([z])).tolist())


def by_hand(name):
    """A cell, dy/dt for a current, a start, and the current for which it fires from there."""
    if name == "every_part":
        cell = every_part()
        own = networks(cell)
        return cell, (lambda u: every_part_rhs(u, *own)), cell.initial_state(-62.0), 10.0
    cell = ph.library.get(name)
    start = cell.initial_state(-72.0 if name.startswith("pospischil") else -55.0)
    return cell, (lts_rhs if name.startswith("pospischil") else pinsky_rinzel_rhs), start, 4.0


CELLS = ("every_part", "pospischil_lts_calcium", "pinsky_rinzel_isopotential")


@pytest.mark.parametrize("name", CELLS)
def test_slopes_are_those_written_by_hand(name):
    cell, rhs, start, current = by_hand(name)
    rng, values = np.random.default_rng(0), ProgramValues(cell.tables)
    f = NumpyFunctions(cell.tables, cell.theta)
    for v in (-75.3, -47.1, 12.4):
        y = start * rng.uniform(0.5, 1.5, len(start))
        y[0] = v
        found = values.slopes(f, list(y), current)
        np.testing.assert_allclose(found, rhs(lambda t: current)(0.0, y), rtol=1e-12)


@pytest.mark.parametrize("name", CELLS)
@pytest.mark.parametrize("backend", ENGINES)
def test_trajectories_are_those_of_lsoda(name, backend):
    cell, rhs, start, current = by_hand(name)
    t = np.linspace(0.0, 6.0, 61)
    clamp = ph.CurrentClamp.constant(current, 6.0)
    found = ph.simulate(cell, clamp, y0=start, saveat=t, backend=backend, **TIGHT)
    expected = solve_ivp(rhs(lambda t: current), (0, 6), start, "LSODA", t, rtol=1e-11, atol=1e-13)
    apart = np.abs(found.y - expected.y.T).max(axis=0)
    assert (apart < 1e-6 * np.abs(expected.y).max(axis=1)).all()
    assert np.ptp(found.v) > 3.0


@pytest.mark.parametrize("backend", ENGINES)
def test_steady_state_stands_still(backend):
    cell = every_part()
    engine, clamp = get(backend), ph.VoltageClamp.constant(-41.0, 1.0)
    start = cell.initial_state(-41.0)
    values, f = ProgramValues(cell.tables), NumpyFunctions(cell.tables, cell.theta)
    slopes = np.array(values.slopes(f, list(start), 0.0))[1:]
    assert np.abs(slopes / np.abs(start[1:])).max() < 1e-12
    found = engine.solve(
        cell, [clamp], cell.theta, None, np.array([0.0, 1.0]), ph.SolveOptions(**TIGHT)
    )
    np.testing.assert_allclose(found.y[0, 0], start, rtol=1e-11)
    np.testing.assert_allclose(found.y[0, 1], start, rtol=1e-8)


@pytest.mark.parametrize("backend", ENGINES)
def test_given_starts_stay_and_the_others_follow(backend):
    from dataclasses import replace

    cell = replace(every_part(), initial=(("ca", 5e-4), ("k_C2", 0.25)))
    clamp = ph.CurrentClamp.constant(0.0, 0.1)
    y = ph.simulate(cell, clamp, saveat=[0.0, 0.1], backend=backend).y[0]
    place = {name: i for i, name in enumerate(cell.states)}
    assert y[place["ca"]] == 5e-4 and y[place["k_C2"]] == 0.25
    assert y[place["w"]] == pytest.approx(0.5, rel=1e-12)  # of the calcium that is given


@pytest.mark.parametrize("backend", ENGINES)
def test_voltage_clamp_gives_the_current_of_the_equations(backend):
    cell = every_part()
    own = networks(cell)
    clamp = ph.VoltageClamp.constant(-20.0, 4.0)
    t = np.linspace(0.0, 4.0, 21)
    start = cell.initial_state(-70.0)
    found = ph.simulate(cell, clamp, y0=start, saveat=t, backend=backend, **TIGHT)
    rhs = every_part_rhs(lambda t: 0.0, *own)
    known = lambda t, y: [0.0, *rhs(t, [-20.0, *y[1:]])[1:]]  # noqa: E731
    start[0] = -20.0
    expected = solve_ivp(known, (0, 4), start, "LSODA", t, rtol=1e-11, atol=1e-13)
    np.testing.assert_allclose(found.y, expected.y.T, rtol=1e-6, atol=1e-10)
    total = sum(np.asarray(x) for x in found.currents.values())
    by_hand = [-rhs(0.0, y)[0] for y in expected.y.T]
    np.testing.assert_allclose(total, by_hand, rtol=1e-6)
    recording = ph.Recording(t, clamp, current=total, current_unit="uA/cm2")
    seen = get(backend).predict(
        cell, [recording], cell.theta, y0=start[None], options=ph.SolveOptions(**TIGHT)
    )
    np.testing.assert_allclose(seen[0], total, rtol=1e-6)


@pytest.mark.parametrize("backend", ENGINES)
def test_a_scheme_of_two_independent_gates_is_their_product(backend):
    gates, scheme = ph.library.get("herg_beattie"), ph.library.get("herg_beattie_markov")
    steps = ph.VoltageClamp(ph.Steps([0.0, 1.0, 5.0], [-80.0, 20.0, -40.0]), 8.0)
    t = np.linspace(0.0, 8.0, 33)
    options = {"saveat": t, "rtol": 1e-10, "atol": 1e-12, "backend": backend}
    a = np.asarray(ph.simulate(gates, steps, **options).currents["kr"])
    found = ph.simulate(scheme, steps, **options)
    b = np.asarray(found.currents["kr"])
    assert np.abs(a - b).max() < 1e-8 * np.abs(a).max()
    assert np.all(found.open_probability["kr"] >= 0.0)


@pytest.mark.julia
def test_engines_agree_on_a_batch():
    cell = every_part()
    clamps = [ph.CurrentClamp.step(a, start=1.0, stop=6.0, t_end=8.0) for a in (0.0, 8.0, 16.0)]
    t = np.linspace(0.0, 8.0, 33)
    a, b = (ph.simulate(cell, clamps, saveat=t, backend=x, **TIGHT).y for x in ("torch", "julia"))
    assert (np.abs(a - b).max(axis=(0, 1)) < 1e-6 * np.abs(b).max(axis=(0, 1))).all()


def test_a_whole_cell_behaves_as_its_patch():
    cell = every_part()
    whole = cell.whole_cell(area=1000.0)
    assert whole.layout["cal.p"].unit == "nL/s" and cell.layout["cal.p"].unit == "cm/s"
    clamp = ph.CurrentClamp.step(10.0, start=0.5, stop=2.0, t_end=2.0)
    a, b = (ph.simulate(x, clamp, backend="torch").y for x in (cell, whole.per_area()))
    np.testing.assert_allclose(a, b, rtol=1e-9)
    values, y = ProgramValues(cell.tables), list(cell.initial_state(-40.0))
    per_area = values.slopes(NumpyFunctions(cell.tables, cell.theta), y, 3.0)
    of_cell = values.slopes(NumpyFunctions(cell.tables, whole.theta), y, 30.0)
    np.testing.assert_allclose(per_area, of_cell, rtol=1e-12, atol=1e-15)


def test_a_solver_of_fixed_steps_is_refused():
    with pytest.raises(ph.errors.InputError, match=r'"exponential".*rodas5p'):
        ph.simulate(
            every_part(), ph.CurrentClamp.constant(0.0, 1.0), backend="torch", solver="exponential"
        )


def test_a_population_of_cells_with_a_pool():
    cell = ph.library.get("pinsky_rinzel_isopotential")
    sets = np.tile(cell.theta, (3, 1))
    place = cell.layout["calcium.k"].start
    sets[:, place] *= [0.5, 1.0, 2.0]
    clamp = ph.CurrentClamp.constant(1.0, 2.0)
    found = ph.simulate(cell, clamp, theta=sets, saveat=[0.0, 2.0], backend="torch")
    alone = ph.simulate(cell.with_theta(sets[2]), clamp, saveat=[0.0, 2.0], backend="torch")
    np.testing.assert_allclose(found.y[2], alone.y, rtol=1e-6)
    assert found.y[0, 0, -1] < found.y[1, 0, -1] < found.y[2, 0, -1]


@pytest.mark.parametrize("name", CELLS)
def test_one_element_alone_computes_what_many_do(name):
    """Written as plain Python for one element, in arrays for many; also under voltage clamp."""
    import torch

    from pyhodgkin.backends.torch.program import ProgramSystem

    cell, _, start, current = by_hand(name)
    for clamped in (False, True):
        system = ProgramSystem(cell, clamped)
        p = {k: x.numpy() for k, x in system.unpack(torch.tensor(cell.theta)[None]).items()}
        for v in (-75.3, -20.0, 12.4):
            y = start[:, None, None].copy()
            y[0] = v
            u = np.full((1, 1), current)
            two = np.repeat(y, 2, axis=2), np.repeat(u, 2, axis=1), p
            for found in (system.rhs(y, u, p), system.linearize(y, u, p)[0]):
                np.testing.assert_allclose(found, system.rhs(*two)[:, :, :1], 1e-12, 1e-18)
            one, many = system.linearize(y, u, p)[1].dense(), system.linearize(*two)[1].dense()
            np.testing.assert_allclose(one, many[..., :1], 1e-12, 1e-18)
    y[-1] = np.nan
    assert system.rhs(y, u, p).shape == y.shape  # what Python refuses is left to the arrays
