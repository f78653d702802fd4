"""Both engines give the same trajectories, under every protocol and for every kind of cell."""

from __future__ import annotations

import numpy as np
import pytest
from engines import (
    CELLS,
    CURRENT,
    JULIA,
    NO_CURRENT,
    SOLVERS,
    T_END,
    TORCH,
    VOLTAGE,
    apart,
    current_clamp,
    options,
    times,
    uneven,
    voltage_clamp,
)
from neurons import ALL, PLAIN, SQUID
from torch_neurons import FORMS, scattered_theta

import pyhodgkin as ph
from pyhodgkin.errors import InputError
from pyhodgkin.neuron import document
from pyhodgkin.status import Status

pytestmark = pytest.mark.julia
SLOW = pytest.mark.slow

# Each cell once, under every protocol, with the solvers in turn; the other solvers are slow.
PAIRS = [
    pytest.param(name, solver, marks=() if i % 3 == j else SLOW)
    for i, name in enumerate(CELLS)
    for j, solver in enumerate(SOLVERS)
]


def both(method, *arguments, **more):
    return [getattr(engine, method)(*arguments, **more) for engine in (JULIA, TORCH)]


def same_trajectories(cell, protocols, theta=None, y0=None, t=None, how=None, within=1e-6):
    theta, t = cell.theta if theta is None else theta, times() if t is None else t
    ours, theirs = both("solve", cell, protocols, theta, y0, t, how or options())
    assert np.all(ours.status == Status.SUCCESS) and np.all(theirs.status == Status.SUCCESS)
    assert ours.y.shape == theirs.y.shape
    assert apart(ours.y, theirs.y) < within
    return ours


@pytest.mark.parametrize(("name", "solver"), PAIRS)
def test_current_clamp(name, solver):
    if (name, solver) == ("free_x", "tsit5"):
        pytest.skip("its gate goes to -17, its conductance to 3e6 mS/cm²: too stiff to be explicit")
    same_trajectories(CELLS[name], list(CURRENT.values()), how=options(solver))


@pytest.mark.parametrize(("name", "solver"), PAIRS)
def test_voltage_clamp(name, solver):
    cell, protocols = CELLS[name], list(VOLTAGE.values())
    if name in NO_CURRENT and cell.right_hand_side.sees_stimulus:
        for engine in (JULIA, TORCH):
            with pytest.raises(InputError, match="needs a CurrentClamp"):
                engine.solve(cell, protocols, cell.theta, None, times(), options(solver))
        return
    same_trajectories(cell, protocols, how=options(solver))


@pytest.mark.parametrize("solver", SOLVERS)
def test_a_start_and_parameters_for_each(solver):
    theta = scattered_theta(SQUID, 3, 0.02)
    y0 = np.stack([SQUID.initial_state(v) for v in (-75.0, -60.0, -50.0)])
    three = [CURRENT["step"], CURRENT["noise"], CURRENT["chirp"]]
    how = options(solver, rtol=1e-9 if solver != "rodas4p" else 1e-8)
    same_trajectories(SQUID, three, theta, y0, how=how)
    same_trajectories(SQUID, three[:1], theta, y0[0], how=how)
    same_trajectories(SQUID, three, None, y0, how=how)


@pytest.mark.parametrize("t", [[0.0], [T_END], [1.0, 1.0 + 1e-9, 10.0], uneven(50)])
def test_times_to_save_at(t):
    for protocol in (CURRENT["step"], VOLTAGE["steps"]):
        ours, theirs = both("solve", SQUID, [protocol], SQUID.theta, None, np.array(t), options())
        assert np.all(abs(ours.y - theirs.y) < 1e-7 * np.array([100.0, 1.0, 1.0, 1.0]))


def test_other_options_have_the_same_meaning():
    """A bound on the step, and the size of the voltage; loose tolerances err alike."""
    how = options(rtol=1e-4, v_scale=1e-3, dt_max=0.05)
    ours, theirs = both("solve", SQUID, [CURRENT["step"]], SQUID.theta, None, times(), how)
    assert apart(ours.y, theirs.y) < 1e-4
    assert ours.stats["n_steps"][0] >= T_END / 0.05


OTHERS = [
    pytest.param(name, marks=() if name in ("auto", "rosenbrock23") else SLOW)
    for name in JULIA.solvers()
    if name not in SOLVERS
]


@pytest.mark.parametrize("solver", OTHERS)
def test_solvers_that_only_one_engine_has(solver):
    cell, clamps = SQUID, [CURRENT["step"], CURRENT["sum"]]
    how = options(solver, rtol=1e-6 if solver == "rosenbrock23" else 1e-8)
    ours = JULIA.solve(cell, clamps, cell.theta, None, times(), how)
    theirs = TORCH.solve(cell, clamps, cell.theta, None, times(), options())
    assert not ours.status.any()
    assert apart(ours.y, theirs.y) < (1e-6 if solver == "auto" else 1e-3)


@pytest.mark.parametrize("solver", ["auto", "rodas5p", "tsit5", "kencarp4", "trbdf2"])
def test_a_solver_is_accurate_at_the_default_tolerance(solver):
    clamp = ph.CurrentClamp.step(10.0, start=5.0, stop=45.0, t_end=50.0)
    tight = ph.simulate(SQUID, clamp, saveat=0.05, backend="julia", rtol=1e-11, atol=1e-13)
    assert len(tight.spike_times()) == 3
    found = ph.simulate(SQUID, clamp, saveat=0.05, backend="julia", solver=solver)
    # Where v rises at 300 mV/ms, 0.2 mV is less than a microsecond.
    assert np.abs(found.v - tight.v).max() < 0.2


# -- batches and failures ------------------------------------------------------------------


@pytest.mark.parametrize("name", ["squid_axon", "learned", "wang_buzsaki", "black_box"])
def test_a_batch_is_each_alone(name):
    cell = CELLS[name]
    theta = scattered_theta(cell, 4, 0.01)
    clamps = [CURRENT[p] for p in ("step", "noise", "chirp", "sum")]
    batch = JULIA.solve(cell, clamps, theta, None, times(), options(rtol=1e-6))
    for i, clamp in enumerate(clamps):
        alone = JULIA.solve(cell, [clamp], theta[i], None, times(), options(rtol=1e-6))
        np.testing.assert_array_equal(batch.y[i], alone.y[0])
        assert {k: x[i] for k, x in batch.stats.items()} == {
            k: x[0] for k, x in alone.stats.items()
        }


def failing():
    """Parameter sets that end badly, each in its own way, and one that does not."""
    theta = np.stack([SQUID.theta] * 4)
    theta[1, SQUID.layout["c_m"].start] = 1e-310
    theta[2, SQUID.layout["na.g"].start] = np.inf
    theta[3, SQUID.layout["k.e"].start] = np.nan
    return theta


@pytest.mark.parametrize("solver", SOLVERS)
def test_failures_are_the_same(solver):
    clamp, how = [CURRENT["step"]], options(solver, rtol=1e-6)
    ours, theirs = both("solve", SQUID, clamp, failing(), None, times(), how)
    assert ours.status.tolist() == theirs.status.tolist()
    assert ours.status[0] == Status.SUCCESS and Status.SUCCESS not in ours.status[1:]
    assert apart(ours.y[0], theirs.y[0]) < 1e-4
    np.testing.assert_array_equal(np.isnan(ours.y), np.isnan(theirs.y))


@pytest.mark.parametrize("solver", SOLVERS)
def test_too_few_steps(solver):
    how = options(solver, rtol=1e-6, max_steps=7)
    ours, theirs = both("solve", SQUID, [CURRENT["step"]], SQUID.theta, None, times(), how)
    assert ours.status[0] == theirs.status[0] == Status.MAX_STEPS
    for found in (ours, theirs):
        assert np.isfinite(found.y[0, 0]).all() and np.isnan(found.y[0, -1]).all()
    assert ours.stats["n_steps"][0] + ours.stats["n_rejected"][0] == 7


# -- the same bad input --------------------------------------------------------------------


def bad_solves():
    t, theta = times(), SQUID.theta
    mixed = [CURRENT["step"], VOLTAGE["step"]]
    return {
        "solver": ([CURRENT["step"]], theta, None, t, options("rodas9")),
        "clamps": (mixed, theta, None, t, options()),
        "y0": ([CURRENT["step"]], theta, np.zeros(3), t, options()),
        "y0_nan": ([CURRENT["step"]], theta, np.full(4, np.nan), t, options()),
        "sets": ([CURRENT["step"]] * 2, np.stack([theta] * 3), None, t, options()),
    }


@pytest.mark.parametrize("what", bad_solves())
def test_bad_input_is_the_same_error(what):
    kinds = []
    for engine in (JULIA, TORCH):
        with pytest.raises(InputError) as error:
            engine.solve(SQUID, *bad_solves()[what])
        kinds.append(error.type)
    assert kinds[0] is kinds[1]


def test_recordings_that_cannot_be_used_are_the_same_error():
    for records in ([voltage_clamp()], [voltage_clamp(), current_clamp()]):
        cell = FORMS["box"] if len(records) == 1 else SQUID
        said = []
        for engine in (JULIA, TORCH):
            with pytest.raises(InputError) as error:
                engine.predict(cell, records, cell.theta, options=options())
            said.append(error.type)
        assert said[0] is said[1]


# -- through the verbs ---------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", ["squid_axon", "pospischil_lts", "learned", "composed", "warm_free"]
)
def test_a_document_is_the_same_cell_on_both(name, tmp_path):
    cell = CELLS[name]
    document.save(cell, tmp_path / "cell.json")
    read = document.load(tmp_path / "cell.json")
    found = ph.simulate(cell, CURRENT["step"], rtol=1e-9, atol=1e-11, backend="julia")
    again = ph.simulate(read, CURRENT["step"], rtol=1e-9, atol=1e-11, backend="torch")
    assert apart(found.y, again.y) < 1e-6
    np.testing.assert_allclose(found.spike_times(), again.spike_times(), rtol=0, atol=1e-4)


def test_cells_of_several_temperatures_in_one_call():
    cells = [ph.library.get("squid_axon").with_parameters(k__g=g) for g in (30.0, 36.0)]
    found = [
        ph.simulate(cells, CURRENT["step"], rtol=1e-9, atol=1e-11, backend=b)
        for b in ("julia", "torch")
    ]
    assert apart(found[0].y, found[1].y) < 1e-6
    for name in ("na", "k", "l"):
        np.testing.assert_allclose(found[0].currents[name], found[1].currents[name], atol=1e-3)


def test_every_cell_of_the_library_is_here():
    assert set(PLAIN) <= set(CELLS) and set(ALL) <= set(CELLS)
