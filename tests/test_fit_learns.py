"""`fit` with either engine: it learns what it should, and survives what it must."""

from __future__ import annotations

import functools
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from neurons import ENGINES
from test_checkpoint import arrays_equal, wait_for

import pyhodgkin as ph
from pyhodgkin import Stage, fit
from pyhodgkin.backends import get
from pyhodgkin.backends.base import SolveOptions
from pyhodgkin.results.errors import errors, predict
from pyhodgkin.status import Status

AXON = ph.library.get("squid_axon")
each_engine = pytest.mark.parametrize("backend", ENGINES)


def trace(amplitude=10.0, t_end=50.0, dt=0.05):
    """v of the squid axon under one step of current."""
    clamp = ph.CurrentClamp.step(amplitude, start=5.0, stop=None, t_end=t_end)
    t = np.arange(0.0, t_end + 1e-9, dt)
    solution = ph.simulate(AXON, clamp, saveat=t, rtol=1e-9, atol=1e-11, backend="torch")
    return ph.Recording.from_solution(solution, name="step")


def forgotten(gate="n", layers=(1, 32, 32, 2)):
    """The squid axon with a network in place of one gate."""
    network = ph.Network.create(layers, seed=0)
    return AXON.replace_gate(gate, ph.NeuralKinetics("steady_state", network))


def steps(levels=(-40.0, 0.0, 40.0)):
    """Voltage-clamp recordings of the squid axon."""
    family = ph.VoltageClamp.family(levels, start=2.0, stop=12.0, t_end=15.0)
    solution = ph.simulate(AXON, family, saveat=np.arange(0.0, 15.0, 0.05), backend="torch")
    return [
        ph.Recording.from_solution(cell, name=f"{level:g} mV", current_unit="uA/cm2")
        for cell, level in zip(solution, levels, strict=True)
    ]


# -- learning ------------------------------------------------------------------------------


@each_engine
def test_conductances_from_spikes(backend):
    start = AXON.with_parameters(k__g=30.0, na__g=140.0, l__g=0.2)
    result = fit(start, trace(t_end=15.0), trainable="conductances", backend=backend)
    g = result.neuron.theta[AXON.layout.select("conductances")]
    np.testing.assert_allclose(g, AXON.theta[AXON.layout.select("conductances")], rtol=1e-3)
    assert result.train_error.rmse[0, 0] < 0.05


@each_engine
def test_conductances_from_voltage_steps(backend):
    start = AXON.with_parameters(k__g=30.0, na__g=140.0)
    result = fit(start, steps(), trainable=["conductances", "reversals"], backend=backend)
    chosen = AXON.layout.select(["conductances", "reversals"])
    np.testing.assert_allclose(result.neuron.theta[chosen], AXON.theta[chosen], rtol=1e-3)


@each_engine
def test_a_gate_from_one_trace(backend):
    def enough(info):
        return info.label == "simulation lbfgs" and info.best[0] < 1e-4

    cell = forgotten(layers=(1, 16, 2))
    result = fit(cell, trace(t_end=25.0), backend=backend, callback=enough)
    assert result.success and result.train_error.rmse[0, 0] < 1.0
    v = np.linspace(-70.0, 0.0, 8)
    learned, published = result.neuron.gate("n").kinetics, AXON.gate("n").kinetics
    assert np.max(np.abs(learned.x_inf(v) - published.x_inf(v))) < 0.1


@pytest.mark.slow
@each_engine
def test_a_gate_from_one_trace_with_ten_seeds(backend):
    result = fit(forgotten(), trace(), seeds=10, backend=backend)
    assert np.sum(result.train_error.rmse[:, 0] < 1.0) >= 9


@each_engine
def test_each_seed_alone_and_in_the_batch(backend):
    schedule = (Stage("clamped", "adamw", 10), Stage("simulation", "lbfgs", 6))
    cell, recording = forgotten(layers=(1, 8, 2)), trace(t_end=15.0)
    common = {"schedule": schedule, "backend": backend, "rtol": 1e-4, "atol": 1e-6}
    together = fit(cell, recording, seeds=[1, 2], **common)
    alone = fit(cell, recording, seeds=[2], **common)
    np.testing.assert_allclose(alone.theta[0], together.theta[1], rtol=1e-6, atol=1e-8)


@each_engine
def test_a_failed_solve_is_a_status(backend):
    stage = Stage("simulation", "adamw", 3)
    result = fit(forgotten(), trace(t_end=15.0), schedule=stage, max_steps=3, backend=backend)
    assert result.status == Status.MAX_STEPS and not result.success
    assert np.all(np.isfinite(result.theta))


# -- a real recording ------------------------------------------------------------------------


@pytest.fixture(scope="module")
def sine(reference_data):
    """hERG cell 1 under the sine-wave protocol (10.1113/JP275733)."""
    with np.load(reference_data / "herg_cell1.npz") as file:
        v, i = (file[name].astype(np.float64) for name in ("V_sine_mV", "I_sine_nA"))
    t = 0.1 * np.arange(len(v))
    clamp = ph.VoltageClamp.sampled(t, v)
    return ph.Recording(t, clamp, current=i, current_unit="nA").masked_after_steps(5.0)


@each_engine
def test_the_published_model_is_fitted_as_well_as_published(sine, backend):
    cell = ph.library.get("herg_beattie")
    # Away from the published parameters, which were fitted to this recording.
    chosen = cell.layout.select(["rates", "conductances"])
    theta = cell.theta
    theta[chosen] *= np.exp(np.random.default_rng(1).normal(0.0, 0.3, len(chosen)))
    trained = ["rates", "conductances"]
    result = fit(cell.with_theta(theta), sine, trainable=trained, backend=backend)
    assert result.train_error.mae_all[0, 0] <= 0.0159


@pytest.mark.slow
@each_engine
def test_networks_do_better_on_a_protocol_they_never_saw(sine, reference_data, backend):
    cell = published = ph.library.get("herg_beattie")
    for i, gate in enumerate(("a", "r")):
        network = ph.Network.create((1, 16, 16, 2), seed=i, zero_last=True)
        prior = published.gate(gate).kinetics
        cell = cell.replace_gate(gate, ph.NeuralKinetics("residual", network, prior=prior))
    result = fit(cell, sine, backend=backend)
    assert result.train_error.mae_all[0, 0] <= 0.013
    with np.load(reference_data / "herg_cell1.npz") as file:
        v, i = (file[name].astype(np.float64) for name in ("V_pr3_mV", "I_pr3_nA"))
    t = 0.1 * np.arange(v.shape[1])
    sweeps = [
        ph.Recording(t, ph.VoltageClamp.sampled(t, row), current=seen, current_unit="nA")
        for row, seen in zip(v, i, strict=True)
    ]
    said = predict(get(backend), result.neuron, sweeps, result.theta, SolveOptions())
    assert errors(sweeps, said).mean("mae_all")[0] <= 0.033


# -- killed and resumed --------------------------------------------------------------------

SCHEDULE = (
    Stage("clamped", "adamw", 6),
    Stage("simulation", "adamw", 5, lr=1e-3),
    Stage("simulation", "lbfgs", 16),
)
CHILD = """
import sys
sys.path.insert(0, {tests!r})
import test_fit_learns
test_fit_learns.short_run({folder!r}, {backend!r})
"""


def short_run(folder=None, backend="torch", **changes):
    return fit(
        forgotten(layers=(1, 8, 2)),
        trace(t_end=12.0),
        schedule=SCHEDULE,
        rtol=1e-4,
        atol=1e-6,
        seeds=2,
        backend=backend,
        out=folder,
        checkpoint_every=0.0,
        progress=False,
        **changes,
    )


@functools.cache
def unbroken(backend):
    return short_run(backend=backend)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
@each_engine
def test_stopped_and_resumed_it_ends_the_same(tmp_path, number, backend):
    code = CHILD.format(tests=str(Path(__file__).parent), folder=str(tmp_path), backend=backend)
    process = subprocess.Popen(
        [sys.executable, "-c", code], stderr=subprocess.PIPE, env={**os.environ}, text=True
    )
    wait_for(tmp_path / "checkpoints/previous.ckpt", process)
    process.send_signal(number)
    errors = process.communicate()[1]
    assert (process.returncode == 0) == (number == signal.SIGINT), errors
    arrays_equal(short_run(tmp_path, backend, resume=True), unbroken(backend))
