"""Both clamps together find what each finds alone, or better; and the schedules for them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from clamps import SQUID, in_current_clamp, in_voltage_clamp, with_network

import pyhodgkin as ph
from pyhodgkin import Loss, Stage
from pyhodgkin.backends import get
from pyhodgkin.backends.base import SolveOptions
from pyhodgkin.fitting.initialize.surrogate import SurrogateNeuron, Task
from pyhodgkin.fitting.schedules.choose import choose

FIRING, LOW, HIGH = in_current_clamp(10.0), in_voltage_clamp(-40.0), in_voltage_clamp(20.0)


def off(neuron, names):
    """Relative errors of conductances and the capacitance."""
    layout = neuron.layout
    places = [layout[name].start for name in names]
    return np.abs(neuron.theta[places] / SQUID.theta[places] - 1.0)


def test_noisy_conductances_and_the_capacitance():
    """Steps of the voltage say nothing of c_m, and a noisy v little of the leak."""
    names = ["k.g", "na.g", "l.g", "c_m"]
    start = SQUID.with_parameters(k__g=30.0, na__g=100.0, c_m=1.3)
    of_v = [in_current_clamp(8.0, 14.0, noise=1.0, dt=0.1)]
    of_current = [in_voltage_clamp(x, noise=40.0, dt=0.1) for x in (-40.0, 0.0, 40.0)]
    found, known = [], []  # relative errors, and standard errors
    for recordings in ([*of_v, *of_current], of_v, of_current):
        result = ph.fit(start, recordings, trainable=names, backend="torch", progress=False)
        assert result.success
        found.append(off(result.neuron, names))
        errors = result.identifiability.standard_errors
        known.append(np.where(np.isfinite(errors), errors, np.inf))
    both, voltage, current = found
    assert np.all(both <= 0.05), found
    assert both.max() < voltage.max() and both.max() < current.max(), found
    assert current[-1] > 0.2  # c_m stays at its start
    assert np.all(known[0] <= 1.3 * np.minimum(known[1], known[2])), known


def curve_error(result, v):
    learned, true = (x.gate("n").kinetics for x in (result.neuron, SQUID))
    return float(np.sqrt(np.mean((learned.x_inf(v) - true.x_inf(v)) ** 2)))


@pytest.mark.slow
def test_a_gate_by_the_default_schedules():
    """What each clamp alone leaves open, over all voltages that either has seen."""
    v = np.linspace(-80.0, 40.0, 121)
    of_v, of_current = in_current_clamp(10.0, 30.0), [in_voltage_clamp(x) for x in (-70.0, -30.0)]
    errors = [
        curve_error(ph.fit(with_network(), own, backend="torch"), v)
        for own in ([of_v, *of_current], of_v, of_current)
    ]
    assert errors[0] < 2e-3 and errors[0] < 1.2 * errors[1] and errors[0] < 0.5 * errors[2]


def test_a_gate_in_a_few_stages():
    v = np.linspace(-75.0, 40.0, 116)
    schedule = [
        Stage("clamped", "lbfgs", 80, lr=0.1, multistart=8),
        Stage("clamped", "levenberg", 20),
        Stage("simulation", "levenberg", 4, options={"rtol": 1e-5, "atol": 1e-7}),
    ]
    of_current = in_voltage_clamp(-30.0), in_voltage_clamp(-75.0)
    both, of_one, of_other = (
        ph.fit(with_network(), own, schedule=schedule[:n], backend="torch", progress=False)
        for own, n in (([FIRING, *of_current], 3), ([FIRING], 3), (of_current, 2))
    )
    assert curve_error(both, v) < 0.01
    assert curve_error(both, v) < 1.2 * min(curve_error(of_one, v), curve_error(of_other, v))
    # What each is trained on is explained as well, and the gate alone explains the other clamp.
    assert both.train_error.mean("rmse", "mV")[0] < 0.1
    assert both.train_error.mean("rmse", "uA/cm2")[0] < 1.0
    unseen = ph.evaluate(
        both, heldout=[HIGH, in_current_clamp(15.0)], recordings=[], backend="torch"
    )
    assert unseen.mean("held out", unit="mV")["rmse"] < 1.5


# -- the schedules -----------------------------------------------------------------------


def situation(neuron, names, recordings, **more):
    indices = np.concatenate([neuron.layout.select(name) for name in names])
    return choose(None, neuron, recordings, indices, **more)


def labels(stages):
    return [stage.label for stage in stages]


NOISY = in_current_clamp(10.0, noise=0.5)
RESIDUAL = SQUID.replace_gate(
    "n",
    ph.NeuralKinetics(
        "residual", ph.Network.create((1, 4, 2), zero_last=True), prior=SQUID.gate("n").kinetics
    ),
)
CASES = {
    "numbers": (
        SQUID,
        ["conductances"],
        FIRING,
        0.0,
        "simulation levenberg",
        "4 numbers|3 numbers",
    ),
    "noisy numbers": (SQUID, ["k.g"], NOISY, 0.5, "simulation levenberg", "dv/dt is uncertain"),
    "network": (with_network(), ["networks"], FIRING, 0.0, "simulation levenberg", "networks"),
    "noisy network": (with_network(), ["networks"], NOISY, 0.5, "simulation levenberg", "smooth"),
    "residual": (RESIDUAL, ["networks"], FIRING, 0.0, "simulation levenberg", "published rates"),
}


@pytest.mark.parametrize("case", CASES)
def test_the_schedule_says_why_and_does_not_depend_on_the_order(case):
    neuron, names, of_v, noise, last, why = CASES[case]
    mixed, sizes = [LOW, of_v, HIGH], (0.0, noise, 0.0)
    stages, reason = situation(neuron, names, mixed, noise=sizes)
    again = situation(neuron, names, [of_v, HIGH, LOW], noise=(noise, 0.0, 0.0))
    assert again == (stages, reason)
    assert reason.startswith("voltage clamp and current clamp")
    assert any(part in reason for part in why.split("|"))
    assert labels(stages)[-1] == last
    noisy = noise > 0.0 and case == "noisy numbers"
    assert labels(stages)[0].startswith("observer" if noisy else "clamped")
    # The same stages as for v alone, but for networks on published rates.
    alone, _ = situation(neuron, names, [of_v], noise=(noise,))
    if case != "residual":
        assert stages == alone


@pytest.mark.parametrize("case", ["noisy numbers", "noisy network", "residual"])
def test_each_stage_of_a_schedule_can_be_run(case):
    neuron, names, of_v, noise, *_ = CASES[case]
    stages, _ = situation(neuron, names, [LOW, of_v], noise=(0.0, noise))
    short = [replace(s, steps=1, multistart=min(s.multistart, 1)) for s in stages]
    call = {"trainable": names, "schedule": short, "backend": "torch", "progress": False}
    result = ph.fit(neuron, [LOW, of_v], **call)
    assert result.success and len(result.history["step"]) == len(stages)


def test_cells_and_windows():
    cells = [replace(r, cell=c) for r, c in ((LOW, "a"), (FIRING, "a"), (HIGH, "b"))]
    stages, reason = situation(with_network(), ["networks", "k.g"], cells, own=["k.g"])
    assert "cells share" in reason and labels(stages)[-1] == "simulation levenberg"
    assert max(s.horizon or 0.0 for s in stages) == FIRING.t[-1]
    indices = SQUID.layout.select("k.g")
    windows, _ = choose("multiple_shooting", SQUID, [LOW, FIRING], indices)
    alone, _ = choose("multiple_shooting", SQUID, [FIRING], indices)
    assert windows == alone


def test_long_recordings_of_v_are_cut_and_those_of_the_current_are_not():
    t_end, step = 3000.0, ph.CurrentClamp.step(10.0, start=100.0, stop=2900.0, t_end=3000.0)
    t = np.arange(0.0, t_end, 0.1)
    v = -65.0 + 50.0 * np.maximum(0.0, np.sin(t)) ** 8
    long = ph.Recording(t, step, v=v)
    stages, reason = situation(SQUID, ["conductances"], [LOW, long])
    assert "long recordings" in reason
    assert stages == situation(SQUID, ["conductances"], [long])[0]


def test_a_search_sees_both_clamps():
    network, options = with_network(4), SolveOptions()
    tasks = [(FIRING, Loss("huber", observer_conductance=10.0)), (LOW, Loss("huber", delta=0.02))]
    groups = [([recording], loss) for recording, loss in tasks]
    rng = np.random.default_rng(0)
    neurons = [
        SurrogateNeuron(network, ("n",), (), Task(get("torch"), part, options))
        for part in (groups, groups[:1], groups[1:])
    ]
    drawn = neurons[0].draw(rng, 3, (-80.0, 40.0))
    (both, slope), *alone = (neuron.evaluate(drawn) for neuron in neurons)
    np.testing.assert_allclose(both, 0.5 * (alone[0][0] + alone[1][0]), rtol=1e-12)
    np.testing.assert_allclose(slope, 0.5 * (alone[0][1] + alone[1][1]), rtol=1e-9, atol=1e-15)
    stage = Stage("clamped", "lbfgs", 1, multistart=1)
    result = ph.fit(network, [LOW, FIRING], schedule=stage, backend="torch", progress=False)
    assert any("simple gates for n" in line for line in result.log) and result.success
