"""Predictions and their derivatives by both engines, and in the precision asked for."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from engines import CELLS, NO_CURRENT, NOT_LINEAR, voltage_clamp
from neurons import ENGINES, SQUID, black_box_neuron, learned_neuron, local_derivatives

import pyhodgkin as ph
from pyhodgkin.backends import get
from pyhodgkin.backends.base import SolveOptions
from pyhodgkin.backends.linearization import Directions, WeightDirections
from pyhodgkin.backends.loss import Loss
from pyhodgkin.backends.sensitivity import variational
from pyhodgkin.backends.sensitivity.directional import network_inputs
from pyhodgkin.backends.torch.system import ConductanceSystem
from pyhodgkin.backends.voltage_grid import voltage_grid_of
from pyhodgkin.errors import BackendUnavailableError, InputError
from pyhodgkin.numerics.spikes import rises

TIGHT = SolveOptions("rodas5p", rtol=1e-10, atol=1e-12)
QUANTITIES = ("rhs", "steady_state", "rates", "current")


def points(cell: ph.Neuron, n: int = 7):
    """Parameters, with networks away from symmetric starts, states and stimuli."""
    rng, theta = np.random.default_rng(3), cell.theta
    weights = cell.layout.select("networks")
    theta[weights] += 0.3 * rng.normal(size=len(weights))
    gates = rng.uniform(0.0, 1.0, (len(cell.states) - 1, n))
    # -40 and -55 mV are where the squid axon's rates are 0/0.
    v = np.concatenate([[-40.0, -55.0], rng.uniform(-90.0, 40.0, n - 2)])
    return theta, np.concatenate([v[None], gates]), rng.normal(size=n)


def quantities(cell: ph.Neuron) -> list[str]:
    if cell.right_hand_side is not None:
        return ["rhs", "steady_state"]
    return [q for q in QUANTITIES if q != "rates" or cell.is_linear_in_gates]


def close(found, expected, rtol):
    size = np.max(np.abs(expected), initial=0.0)
    np.testing.assert_allclose(found, expected, rtol=rtol, atol=rtol * size)


@pytest.mark.julia
@pytest.mark.parametrize("name", CELLS)
def test_both_engines_have_the_same_local_derivatives(name):
    cell = CELLS[name]
    theta, y, u = points(cell)
    julia, torch = (local_derivatives(cell, engine) for engine in ("julia", "torch"))
    assert julia.states == cell.states
    own = [cell.states.index(state) for state in torch.states]  # torch has an order of its own
    back = np.argsort(own)
    close(julia.value("rhs", theta, y, u), torch.value("rhs", theta, y[own], u)[back], 1e-12)
    expected = torch.jacobians(theta, y[own], u)[:, back][:, :, back]
    close(julia.jacobians(theta, y, u), expected, 1e-12)
    gates = np.concatenate([back[1:] - 1, len(back) - 1 + back[1:] - 1])
    order = {"rhs": back, "steady_state": back, "rates": gates, "current": np.arange(1)}
    rng = np.random.default_rng(0)
    entries = rng.choice(len(theta), min(len(theta), 50), replace=False)
    for quantity in quantities(cell):
        rows = order[quantity]
        at = torch.value(quantity, theta, y[own], u)[rows]
        close(julia.value(quantity, theta, y, u), at, 1e-12)
        by_theta = torch.slopes(quantity, theta, y[own], u, entries)[:, rows]
        close(julia.slopes(quantity, theta, y, u, entries), by_theta, 1e-11)
    pairs = zip(
        network_inputs(julia, theta, y, u), network_inputs(torch, theta, y[own], u), strict=True
    )
    for mine, other in pairs:
        np.testing.assert_array_equal(mine.places, other.places)
        close(mine.inputs, other.inputs, 1e-13)
        close(mine.rows(), other.rows(), 1e-12)


@pytest.mark.parametrize("backend", ENGINES)
@pytest.mark.parametrize(
    "name", ["learned", "composed", "over_steady_state", "box_stimulus", "warm"]
)
def test_local_derivatives_are_those_of_differences(name, backend):
    cell = CELLS[name]
    theta, y, u = points(cell)
    local = local_derivatives(cell, backend)
    y = y[[cell.states.index(state) for state in local.states]]
    for quantity in quantities(cell):
        entries = np.random.default_rng(1).choice(len(theta), 12, replace=False)
        found = local.slopes(quantity, theta, y, u, entries)
        for k, place in enumerate(entries):
            step = np.zeros(len(theta))
            step[place] = 1e-6 * max(1.0, abs(theta[place]))
            there = [local.value(quantity, theta + s * step, y, u) for s in (1, -1)]
            slope = (there[0] - there[1]).T / (2.0 * step[place])
            size = np.abs(there[0]).max() * 1e-9 / step[place]
            np.testing.assert_allclose(found[:, :, k], slope, rtol=1e-5, atol=max(size, 1e-7))


@pytest.mark.julia
@pytest.mark.parametrize("name", CELLS)
def test_julia_follows_them_as_numpy_does(name):
    """Forward sensitivities in Julia are those over its local derivatives."""
    cell = CELLS[name]
    theta, *_ = points(cell)
    local, rng, size = local_derivatives(cell, "julia"), np.random.default_rng(6), len(cell.states)
    t = np.concatenate([[0.0], np.cumsum(np.repeat(rng.uniform(0.002, 0.4, 40), 2))])
    gates = 0.5 + 0.4 * np.sin(np.arange(1, size)[:, None] * t)
    y, u = np.concatenate([[45.0 * np.sin(t) - 40.0], gates]), 10.0 * np.cos(3.0 * t)
    networks = network_inputs(local, theta, y[:, :1], u[:1])
    directions = directions_of(cell, [(x.places, None) for x in networks])
    for more in (0, 2):
        start = rng.normal(size=(size, directions.size + more))
        at = (theta, t, y, u, directions, start)
        expected = variational.forward_sensitivities(local, *at)
        close_columns(local.forward_sensitivities(*at), expected, 1e-10)
    if not cell.is_linear_in_gates:
        return
    for recording in (voltage_clamp("steps"), voltage_clamp("sampled"), long_clamp()):
        grid, held = voltage_grid_of(recording), np.arange(size - 1) == 0
        before = rng.uniform(0.0, 1.0, (size - 1, len(grid.v)))
        for begin in (None, start[1:]):
            given = (theta, grid, before, directions, held, begin)
            found = local.gate_sensitivities(*given)
            expected = variational.gate_sensitivities(local, *given)
            assert found.shape == expected.shape
            close_columns(found.reshape(len(found), -1), expected.reshape(len(found), -1), 1e-10)


def close_columns(found, expected, rtol):
    """Each column, but for what rounding leaves of one that is next to nothing."""
    size = np.maximum(np.abs(expected).max(axis=0), 1e-9 * np.abs(expected).max(initial=1e-300))
    assert np.max(np.abs(found - expected) / size, initial=0.0) < rtol


def long_clamp() -> ph.Recording:
    """With more voltages than derivatives are taken at."""
    t = np.linspace(0.0, 40.0, 2001)
    clamp = ph.VoltageClamp.sines([30.0, 15.0], [60.0, 210.0], 40.0, centre=-40.0)
    return ph.Recording(t, clamp, current=np.cos(t), current_unit="uA/cm2")


def sweeps(end: float = 12.0) -> list[ph.Recording]:
    """In current clamp, of a cell like the one that is compared, with spikes."""
    clamps = [ph.CurrentClamp.step(i, 1.0, 0.8 * end, end) for i in (9.0, 15.0)]
    found = ph.simulate(SQUID, clamps, saveat=0.1, backend="torch")
    return [ph.Recording.from_solution(x) for x in found]


def directions_of(cell: ph.Neuron, networks) -> Directions:
    """Three in the weights of each network, and all numbers."""
    rng = np.random.default_rng(5)
    blocks = [
        WeightDirections(np.arange(len(places)), 0.2 * rng.normal(size=(len(places), 3)))
        for places, _ in networks
    ]
    entries = np.concatenate([cell.layout.select("physical"), cell.layout.select("rates")])
    return Directions(blocks, entries, rng.uniform(0.5, 2.0, len(entries)))


def linearizations(cell, recordings, loss, mode, y0, options=(TIGHT, TIGHT)):
    rng = np.random.default_rng(2)
    sets = np.stack([cell.theta * (1.0 + 0.01 * rng.normal(size=cell.layout.size))] * 2)
    sets[1] *= 1.01
    common = {"mode": mode, "y0": y0}
    return sets, [
        get(engine).linearize(cell, recordings, sets, loss, options=how, **common)
        for engine, how in zip(("julia", "torch"), options, strict=True)
    ]


def same(cell, recordings, loss=None, mode="simulation", states=False):
    """The rows of both engines, to 1e-6."""
    y0 = moves = None
    if states:
        moves = np.random.default_rng(4).normal(size=(len(cell.states), 2))
        first = [float(r.v[0]) if r.v is not None else -65.0 for r in recordings]
        y0 = np.stack([cell.initial_state(v) for v in first])
        y0[:, 1:] = 0.9 * y0[:, 1:] + 0.02
    sets, (julia, torch) = linearizations(cell, recordings, loss or Loss(), mode, y0)
    assert list(julia.valid) == list(torch.valid) == [True] * len(recordings)
    pairs = list(zip(julia.networks(60), torch.networks(60), strict=True))
    for mine, other in pairs:
        np.testing.assert_array_equal(mine[0], other[0])
    directions = directions_of(cell, torch.networks(60))
    for i in range(len(recordings)):
        close(julia.weights(i), torch.weights(i), 1e-6)
        found, expected = (x.jvp(i, directions, moves) for x in (julia, torch))
        assert found.shape == expected.shape and np.abs(expected).max() > 0.0
        close_columns(found, expected, 1e-6)
    there = sets * (1.0 + 1e-3)
    changes = [x.change([0, 1], there, y0) for x in (julia, torch)]
    for found, expected in zip(*changes, strict=True):
        close(found, expected, 1e-6 * max(1.0, 1.0 / np.abs(expected).max()))


SIMULATED = [
    *("squid_axon", "wang_buzsaki", "connor_stevens", "pospischil_lts", "learned", "composed"),
    *("steady_state", "steady_state_unbounded_tau", "rates", "residual", "free_v_x", "free_x"),
    *("softplus", "silu", "current", "current_with_gates", "over_steady_state", "warm"),
    *("initial", "black_box", "box"),
]


@pytest.mark.julia
@pytest.mark.parametrize("name", SIMULATED)
def test_both_engines_have_the_same_rows_by_simulation(name):
    short = CELLS[name].right_hand_side is not None or "free" in name
    same(CELLS[name], sweeps(4.0 if short else 12.0))


@pytest.mark.julia
@pytest.mark.parametrize("name", [n for n in CELLS if n not in NOT_LINEAR])
def test_both_engines_have_the_same_rows_under_a_known_voltage(name):
    same(CELLS[name], sweeps(), mode="clamped")
    if name not in NO_CURRENT:
        recordings = [voltage_clamp("steps"), voltage_clamp("sampled")]
        same(CELLS[name], recordings, mode="clamped")


@pytest.mark.julia
@pytest.mark.parametrize("mode", ["simulation", "clamped"])
@pytest.mark.parametrize("name", ["squid_axon", "learned"])
def test_both_engines_have_the_same_rows_by_initial_states(name, mode):
    same(CELLS[name], sweeps(), mode=mode, states=True)


@pytest.mark.julia
def test_both_engines_have_the_same_rows_of_spike_times():
    neuron = SQUID.replace_gate(
        "n", ph.NeuralKinetics("residual", ph.Network.create((1, 4, 2), seed=1, zero_last=True),
                               prior=SQUID.gate("n").kinetics))  # fmt: skip
    recordings = sweeps(20.0)
    loss = Loss(spikes=2.0, v_clip=-30.0)
    same(neuron, recordings, loss)
    found = get("julia").linearize(
        neuron, recordings, np.stack([neuron.theta] * 2), loss,
        mode="simulation", y0=None, options=TIGHT,
    )  # fmt: skip
    for i, recording in enumerate(recordings):
        spikes = len(rises(recording.data, 0.0))
        assert spikes and np.sum(found.weights(i) == 4.0 / spikes) == spikes


@pytest.mark.parametrize("backend", ENGINES)
def test_a_prediction_that_fails_is_not_valid(backend):
    sets = np.stack([SQUID.theta, SQUID.theta])
    few = replace(TIGHT, max_steps=3)
    found = get(backend).linearize(
        SQUID, sweeps(), sets, Loss(), mode="simulation", y0=None, options=few
    )
    assert list(found.valid) == [False, False] and found.networks(10) == []


NO_TORCH = """
import sys
sys.modules["torch"] = None
import numpy as np
import pyhodgkin as ph
from pyhodgkin import Stage

squid = ph.library.get("squid_axon")
clamp = ph.CurrentClamp.step(10.0, start=1.0, stop=6.0, t_end=8.0)
sweep = ph.Recording.from_solution(ph.simulate(squid, clamp, saveat=0.1, backend="julia"))
cell = squid.replace_gate("n", ph.NeuralKinetics("rates", ph.Network.create((1, 4, 2), seed=1)))
stages = [Stage("clamped", "levenberg", 3), Stage("observer", "levenberg", 3, gain=1.0),
          Stage("simulation", "levenberg", 3)]
fitted = ph.fit(cell, sweep, schedule=stages, backend="julia", progress=False)
numbers = ph.fit(squid.with_parameters(k__g=30.0), sweep, backend="julia", progress=False,
                 trainable=["conductances"], schedule=[Stage("simulation", "levenberg", 15)])
print("fitted", abs(numbers.neuron.channel("k").g - 36.0) < 1e-3)
ph.identifiability(squid, sweep, trainable="conductances", backend="julia")
ph.adapt(squid.with_parameters(k__g=33.0), sweep, backend="julia")
print("without", sys.modules["torch"])
"""


@pytest.mark.julia
def test_julia_trains_by_levenberg_marquardt_without_torch():
    run = subprocess.run(
        [sys.executable, "-c", NO_TORCH], capture_output=True, text=True, timeout=600
    )
    assert run.returncode == 0, run.stderr
    assert run.stdout.splitlines() == ["fitted True", "without None"]


@pytest.mark.julia
def test_julia_refuses_what_it_does_not_compute_in():
    sets = np.stack([SQUID.theta])
    for how in ({"dtype": "float32"}, {"device": "cuda"}):
        for mode in ("simulation", "clamped"):
            with pytest.raises(InputError, match='use backend="torch"'):
                get("julia").linearize(
                    SQUID, sweeps()[:1], sets, Loss(), mode=mode, y0=None,
                    options=SolveOptions(**how),
                )  # fmt: skip


@pytest.mark.parametrize("mode", ["clamped", "simulation"])
@pytest.mark.parametrize(
    "neuron", [learned_neuron(), SQUID, black_box_neuron()], ids=lambda x: x.name
)
def test_torch_computes_in_the_precision_asked_for(neuron, mode, monkeypatch):
    if mode == "clamped" and neuron.right_hand_side is not None:
        return
    recordings, sets = sweeps(5.0), np.stack([neuron.theta] * 2)
    seen: set = set()
    unpack = ConductanceSystem.unpack

    def recorded(self, theta):
        seen.add(str(theta.dtype))
        return unpack(self, theta)

    monkeypatch.setattr(ConductanceSystem, "unpack", recorded)
    rows, changes = {}, {}
    for dtype, rtol in (("float64", 1e-8), ("float32", 1e-5)):
        seen.clear()
        options = SolveOptions(rtol=rtol, atol=rtol / 100.0, dtype=dtype)
        found = get("torch").linearize(
            neuron, recordings, sets, Loss(), mode=mode, y0=None, options=options
        )
        directions = directions_of(neuron, found.networks(40))
        rows[dtype] = [found.jvp(i, directions, None) for i in range(2)]
        changes[dtype] = found.change([0, 1], sets * 1.01, None)
        assert seen <= {f"torch.{dtype}"}
    for parts, rtol in ((rows, 2e-3), (changes, 5e-3)):
        for found, expected in zip(parts["float32"], parts["float64"], strict=True):
            assert found.dtype == expected.dtype == np.float64
            size = np.abs(expected).max(axis=0)
            assert np.all(np.abs(found - expected).max(axis=0) <= rtol * size + 1e-3 * size.max())
            assert np.any(found != expected)


def test_a_device_that_is_not_there_is_refused():
    import torch

    if torch.cuda.is_available():
        pytest.skip("there is a CUDA device")
    for mode in ("clamped", "simulation"):
        with pytest.raises(BackendUnavailableError, match="sees no CUDA device"):
            get("torch").linearize(
                SQUID, sweeps(4.0)[:1], np.stack([SQUID.theta]), Loss(), mode=mode, y0=None,
                options=SolveOptions(device="cuda"),
            )  # fmt: skip
