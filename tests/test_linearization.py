"""Predictions and their derivatives by both engines, and in the precision asked for."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from engines import CELLS, NO_CURRENT, NOT_LINEAR, voltage_clamp
from neurons import ENGINES, SQUID, black_box_neuron, learned_neuron

import pyhodgkin as ph
from pyhodgkin.backends import get
from pyhodgkin.backends.base import SolveOptions
from pyhodgkin.backends.linearization import Directions, WeightDirections
from pyhodgkin.backends.loss import Loss
from pyhodgkin.backends.torch.system import ConductanceSystem
from pyhodgkin.errors import BackendUnavailableError, InputError
from pyhodgkin.numerics.spikes import rises

TIGHT = SolveOptions("rodas5p", rtol=1e-10, atol=1e-12)


def close(found, expected, rtol):
    size = np.max(np.abs(expected), initial=0.0)
    np.testing.assert_allclose(found, expected, rtol=rtol, atol=rtol * size)


def close_columns(found, expected, rtol):
    """Each column, but for what rounding leaves of one that is next to nothing."""
    size = np.maximum(np.abs(expected).max(axis=0), 1e-9 * np.abs(expected).max(initial=1e-300))
    assert np.max(np.abs(found - expected) / size, initial=0.0) < rtol


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


def test_levenberg_marquardt_in_single_precision():
    clamp = ph.CurrentClamp.step(10.0, start=1.0, stop=4.0, t_end=5.0)
    sweep = ph.Recording.from_solution(ph.simulate(SQUID, clamp, saveat=0.1, backend="torch"))
    fitted = [
        ph.fit(
            SQUID.with_parameters(k__g=30.0), sweep, backend="torch", progress=False, dtype=dtype,
            schedule=[ph.Stage("clamped", "levenberg", 10)], trainable=["conductances"],
        )
        for dtype in ("float64", "float32")
    ]  # fmt: skip
    g = [[channel.g for channel in found.neuron.channels] for found in fitted]
    np.testing.assert_allclose(g[1], g[0], rtol=1e-3)
    assert g[0] != g[1]


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
