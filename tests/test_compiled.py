"""The compiled integrators: the answers of the eager ones, whatever is solved beside what."""

from __future__ import annotations

import dataclasses
import importlib.util
import os
import subprocess
import sys
import time

import numpy as np
import pytest
from neurons import ALL, SQUID
from test_lowering import CASES

import pyhodgkin as ph
from pyhodgkin import Network, NeuralKinetics
from pyhodgkin.backends import compiled
from pyhodgkin.backends.loss import Loss
from pyhodgkin.backends.torch.engine import TorchBackend
from pyhodgkin.status import Status

pytestmark = pytest.mark.skipif(bool(compiled.why_not()), reason=compiled.why_not() or "used")

STEP = ph.CurrentClamp.step(10.0, start=1.0, stop=9.0, t_end=12.0)
CHIRP = ph.CurrentClamp(ph.Chirp(10.0, f_start=20.0, f_stop=200.0, start=1.0, stop=9.0), t_end=12.0)
VOLTAGE = ph.VoltageClamp.step(20.0, 1.0, 5.0, t_end=8.0, holding=-70.0)
RAMP = ph.VoltageClamp(ph.Sampled([1.0, 4.0, 6.0], [-80.0, 20.0, -40.0]), t_end=8.0)
PROTOCOLS = {"step": STEP, "chirp": CHIRP, "voltage": VOLTAGE, "ramp": RAMP}
TIGHT = {"rtol": 1e-9, "atol": 1e-11}


def eager(monkeypatch, call):
    """What `call` gives without the compiled integrators."""
    with monkeypatch.context() as patch:
        patch.setenv(compiled.SWITCH, "0")
        return call()


def close(a, b, tolerance):
    """Equal within `tolerance` of the largest of each state; NaN in the same places."""
    assert np.array_equal(np.isnan(a), np.isnan(b))
    size = np.nanmax(np.abs(b), axis=tuple(range(b.ndim - 1)))
    assert np.nanmax(np.abs(a - b) / size) < tolerance


def sees_stimulus(name):
    box = CASES[name].right_hand_side
    return box is not None and box.sees_stimulus


QUICK = ("squid_axon", "learned", "black_box", "free", "nested", "prior", "warm")
EVERY = [pytest.param(name, marks=() if name in QUICK else pytest.mark.slow) for name in CASES]


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("solver", ["rodas5p", "tsit5"])
@pytest.mark.parametrize("name", EVERY)
def test_trajectories_are_those_of_the_eager_integrator(name, solver, protocol, monkeypatch):
    clamp = PROTOCOLS[protocol]
    if clamp.kind == "voltage" and sees_stimulus(name):
        pytest.skip("a black box that sees the stimulus has no voltage clamp")
    saveat = np.linspace(0.0, clamp.t_end, 25)

    def call():
        return ph.simulate(
            cell, clamp, backend="torch", solver=solver, saveat=saveat, throw=False, **TIGHT
        )

    cell = dataclasses.replace(CASES[name], current_unit=None)  # whatever the stimulus means
    found, expected = call(), eager(monkeypatch, call)
    assert found.status == expected.status
    close(found.y, expected.y, 1e-6)
    n = expected.stats["n_steps"]
    assert abs(found.stats["n_steps"] - n) <= max(2, n // 200)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("solver", ["rodas4p", "tsit5"])
def test_an_element_does_not_depend_on_its_neighbours(solver, dtype):
    rng = np.random.default_rng(0)
    theta = SQUID.theta * rng.uniform(0.9, 1.1, (37, SQUID.layout.size))
    options = ph.SolveOptions(solver=solver, dtype=dtype, rtol=1e-5)
    saveat = np.linspace(0.0, 12.0, 7)
    engine = TorchBackend()
    whole = engine.solve(SQUID, [STEP], theta, None, saveat, options)
    for i in (0, 5, 36):
        pair = engine.solve(SQUID, [STEP], theta[[i, 3, 7]], None, saveat, options)
        np.testing.assert_array_equal(pair.y[0], whole.y[i])
        assert pair.stats["n_steps"][0] == whole.stats["n_steps"][i]
    assert len(set(whole.stats["n_steps"].tolist())) > 3  # each has steps of its own


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_a_forked_child_has_threads_of_its_own():
    code = """
import os, sys
import numpy as np
import pyhodgkin as ph
cell, clamp = ph.library.get("squid_axon"), ph.CurrentClamp.constant(5.0, 2.0)
def run():
    g = 36.0 * np.linspace(0.9, 1.1, 64)
    return ph.simulate(cell, clamp, backend="torch", parameters={"k.g": g}, saveat=[2.0]).v
first = run()
child = os.fork()
if child == 0:
    os._exit(0 if np.array_equal(run(), first) else 1)
sys.exit(os.waitpid(child, 0)[1])
"""
    environment = os.environ | {"OMP_NUM_THREADS": "2"}
    done = subprocess.run([sys.executable, "-c", code], env=environment, timeout=120, check=False)
    assert done.returncode == 0


def test_an_element_that_fails_spoils_nobody():
    theta = np.tile(SQUID.theta, (9, 1))
    theta[4, SQUID.layout["na.e"].start] = np.inf
    saveat = np.linspace(0.0, 12.0, 7)
    found = TorchBackend().solve(SQUID, [STEP], theta, None, saveat, ph.SolveOptions())
    good = np.arange(9) != 4
    assert found.status[4] == Status.NONFINITE
    assert (found.status[good] == Status.SUCCESS).all()
    assert np.isnan(found.y[4, 1:]).all()
    assert (found.y[good] == found.y[0]).all()


def test_the_limit_of_steps_is_that_of_each_element():
    clamps = [ph.CurrentClamp.constant(0.0, 12.0), STEP]
    options = ph.SolveOptions(solver="tsit5", max_steps=60)
    found = TorchBackend().solve(
        SQUID, clamps, SQUID.theta, None, np.linspace(0.0, 12.0, 5), options
    )
    assert found.status.tolist() == [Status.SUCCESS, Status.MAX_STEPS]


def test_every_element_ends_with_its_own_protocol():
    clamps = [ph.CurrentClamp.step(10.0, 1.0, 5.0, t_end=t) for t in (6.0, 20.0)]
    solution = ph.simulate(SQUID, clamps, backend="torch", saveat=np.linspace(0.0, 20.0, 5))
    assert np.isnan(solution.y[0, 2:]).all()
    assert np.isfinite(solution.y[1]).all()


@pytest.mark.parametrize("saveat", [None, [20.0]])
def test_spikes_are_found_in_the_steps_and_not_in_the_samples(saveat, monkeypatch):
    clamp = ph.CurrentClamp.step(10.0, start=5.0, stop=45.0, t_end=50.0)

    def call():
        return ph.simulate(SQUID, clamp, backend="torch", saveat=saveat).spike_times()

    np.testing.assert_allclose(call(), eager(monkeypatch, call), atol=1e-6)
    assert len(call()) == 3


def test_states_to_start_from_are_taken():
    y0 = np.array([-50.0, 0.4, 0.1, 0.5])
    solution = ph.simulate(SQUID, STEP, backend="torch", y0=y0, saveat=[0.0, 1.0])
    np.testing.assert_array_equal(solution.y[0], y0)


@pytest.mark.parametrize("solver", ["rodas5p", "tsit5"])
@pytest.mark.parametrize("name", ["squid_axon", "learned"])
def test_gradients_are_those_of_the_eager_integrator(name, solver, monkeypatch):
    neuron = ALL[name]
    data = [
        ph.Recording.from_solution(ph.simulate(neuron, clamp, backend="torch", dt=0.1))
        for clamp in (STEP, CHIRP)
    ]
    theta = neuron.theta * np.random.default_rng(1).uniform(0.98, 1.02, (3, len(neuron.theta)))
    options = ph.SolveOptions(solver=solver, rtol=1e-8, atol=1e-10)

    def call():
        return TorchBackend().value_and_grad(neuron, data, theta, Loss(), options=options)

    found, expected = call(), eager(monkeypatch, call)
    np.testing.assert_allclose(found.value, expected.value, rtol=1e-7)
    size = np.abs(expected.gradient).max()
    np.testing.assert_allclose(found.gradient, expected.gradient, atol=1e-6 * size)


def test_single_precision_is_near_double():
    options = {"backend": "torch", "solver": "tsit5", "saveat": np.linspace(0.0, 12.0, 25)}
    double = ph.simulate(SQUID, STEP, **options)
    single = ph.simulate(SQUID, STEP, dtype="float32", rtol=1e-5, atol=1e-7, **options)
    assert np.abs(single.v - double.v).max() < 0.05


def test_noise_into_a_membrane_is_exact():
    """Piece by piece; a passive membrane has a solution in closed form."""
    cell = ph.Neuron("passive", (ph.Channel("l", 0.1, -70.0),), v_rest=-70.0)
    i, h, tau = np.random.default_rng(0).normal(0.0, 1.0, 2001), 0.05, 10.0
    clamp = ph.CurrentClamp.sampled(h * np.arange(2001), i, mode="held")
    v = np.full(2001, -70.0)
    for k in range(2000):
        level = -70.0 + i[k] / 0.1
        v[k + 1] = level + (v[k] - level) * np.exp(-h / tau)
    for solver in ("rodas5p", "tsit5"):
        found = ph.simulate(cell, clamp, saveat=h, backend="torch", solver=solver)
        np.testing.assert_allclose(found.v, v, rtol=0, atol=1e-5)


def test_stimuli_of_many_pieces_take_a_step_for_each(monkeypatch):
    t = np.arange(0.0, 20.0, 0.01)
    noise = ph.CurrentClamp(
        ph.Sampled(t, np.random.default_rng(0).normal(5.0, 5.0, len(t))), t_end=20.0
    )
    solution = ph.simulate(SQUID, noise, backend="torch", solver="tsit5")
    assert solution.stats["n_steps"] >= len(t)


def test_a_network_with_wild_weights_is_solved():
    rng = np.random.default_rng(3)
    gate = NeuralKinetics("steady_state", Network.create((1, 16, 16, 2), seed=5))
    neuron = SQUID.replace_gate("n", gate)
    weights = neuron.layout.select("networks")
    theta = np.tile(neuron.theta, (8, 1))
    theta[:, weights] *= 10.0 * rng.uniform(0.5, 1.0, (8, len(weights)))
    for dtype in ("float64", "float32"):
        options = ph.SolveOptions(dtype=dtype, rtol=1e-4, atol=1e-6)
        found = TorchBackend().solve(neuron, [STEP], theta, None, np.array([12.0]), options)
        assert (found.status == Status.SUCCESS).all()
        assert ((found.y[..., 1:] >= 0) & (found.y[..., 1:] <= 1)).all()


def test_julia_that_comes_later_changes_nothing(monkeypatch):
    compiled._julia_was_first()
    monkeypatch.setitem(sys.modules, "juliacall", object())
    assert not compiled.why_not()
    compiled._julia_was_first.cache_clear()
    assert "Julia runs in this process" in compiled.why_not()
    monkeypatch.undo()
    compiled._julia_was_first.cache_clear()


def test_it_is_said_once_where_something_is_compiled(monkeypatch, capsys):
    from pyhodgkin.backends.compiled import announce

    monkeypatch.setenv("PYHODGKIN_QUIET", "0")
    monkeypatch.setattr(announce, "PATIENCE", 0.01)
    key = (print, 0.2)
    for _ in range(2):
        with announce.first_call(*key):
            time.sleep(0.1)
    assert capsys.readouterr().err.count("compiling the integrators") == 1
    announce._called.clear()
    monkeypatch.setenv("PYHODGKIN_QUIET", "1")
    with announce.first_call(*key):
        time.sleep(0.05)
    assert not capsys.readouterr().err


def test_a_suspended_process_that_compiles_is_not_waited_for_for_ever(monkeypatch):
    fcntl = pytest.importorskip("fcntl")
    from pyhodgkin.backends.compiled import announce

    monkeypatch.setattr(announce, "LONGEST", 0.3)
    name = f"test-{os.getpid()}"
    with announce._alone(name):  # flock is of the open file: another one of this process waits too
        began = time.monotonic()
        with announce._alone(name):
            assert 0.25 < time.monotonic() - began < 30.0
    path = announce.lock_file(name)
    assert path.exists() and fcntl
    path.unlink()


def test_another_copy_of_the_package_compiles_its_own(monkeypatch, tmp_path):
    from pyhodgkin.backends.compiled import announce

    here = announce.lock_file("kernel")
    monkeypatch.setattr(announce, "__file__", str(tmp_path / "announce.py"))
    assert announce.lock_file("kernel") != here


def test_switched_off_or_missing_it_says_so(monkeypatch):
    monkeypatch.setenv(compiled.SWITCH, "0")
    assert compiled.why_not() == "PYHODGKIN_COMPILED=0"
    monkeypatch.delenv(compiled.SWITCH)
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == "numba" else find(name)
    )
    compiled._installed.cache_clear()
    try:
        assert "pip install numba" in compiled.why_not()
        assert ph.simulate(SQUID, STEP, backend="torch").status == Status.SUCCESS
    finally:
        monkeypatch.undo()
        compiled._installed.cache_clear()
