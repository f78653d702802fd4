"""The Julia engine works in memory of Python's, makes no second copy, and lets go of what it took.

Parameters, recordings and trajectories are looked at in this process; how much memory a process
takes, in one of its own.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys

import numpy as np
import pytest
from engines import JULIA, current_clamp, options, times, uneven, voltage_clamp
from neurons import SQUID

import pyhodgkin as ph
from pyhodgkin.backends.julia import convert
from pyhodgkin.backends.julia.start import Session
from pyhodgkin.backends.loss import Loss

pytestmark = [
    pytest.mark.julia,
    pytest.mark.skipif(not os.path.exists("/proc/self/status"), reason="memory is read in /proc"),
]


@pytest.fixture
def crossed(monkeypatch):
    """Whether an array crossed the bridge as it lies."""
    seen: list[np.ndarray] = []
    through = Session.call

    def call(self, name, *arguments):
        seen.extend(x for x in arguments if isinstance(x, np.ndarray))
        return through(self, name, *arguments)

    monkeypatch.setattr(Session, "call", call)
    return lambda array: any(np.shares_memory(array, x) and x.size == array.size for x in seen)


def test_trajectories_and_parameters_stay_where_they_are(crossed):
    theta, t = np.stack([SQUID.theta] * 2), times()
    clamp = [ph.CurrentClamp.constant(7.0, 12.0)]
    found = JULIA.solve(SQUID, clamp, theta, None, t, options(rtol=1e-6))
    assert crossed(found.y) and crossed(theta) and crossed(t)
    solution = ph.simulate(SQUID, clamp, theta=theta, saveat=t, backend="julia")
    assert crossed(solution.y)


@pytest.mark.parametrize("make", [current_clamp, voltage_clamp])
@pytest.mark.parametrize("mode", ["simulation", "clamped"])
def test_recordings_stay_where_they_are(crossed, make, mode):
    recording, theta = make(t=uneven(30)), SQUID.theta
    found = JULIA.value_and_grad(SQUID, [recording], theta, Loss(scale=10.0), mode=mode)
    assert crossed(recording.t) and crossed(theta) and crossed(found.gradient)
    # Clamped training compares the stimulus, where v was measured.
    assert crossed(recording.data) or (mode == "clamped" and recording.observed == "v")


def test_what_is_written_here_is_read_there():
    """Nobody should; it shows that there is one copy of a recording."""
    recording = current_clamp("chirp")
    before = JULIA.value_and_grad(SQUID, [recording], SQUID.theta, Loss(scale=10.0)).value
    held = convert.recordings_of(SQUID, [recording], 10.0)
    (_, data, _), _ = held.kept
    assert data is recording.data
    data.setflags(write=True)
    data[1:] -= 10.0  # a solve begins at the first
    data.setflags(write=False)
    after = JULIA.value_and_grad(SQUID, [recording], SQUID.theta, Loss(scale=10.0)).value
    moved = ph.Recording(recording.t, recording.protocol, v=data.copy(), mask=recording.mask)
    fresh = JULIA.value_and_grad(SQUID, [moved], SQUID.theta, Loss(scale=10.0)).value
    assert after == fresh != before


# -- in a process of its own ---------------------------------------------------------------

PRELUDE = """
import gc, json
import numpy as np
import pyhodgkin as ph
from pyhodgkin.backends import get

def memory(what):
    gc.collect()
    with open("/proc/self/status") as file:
        found = dict(line.split(":", 1) for line in file)
    return int(found[what].split()[0]) / 1024

engine, cell = get("julia"), ph.library.get("squid_axon")
"""

MANY = """
from pyhodgkin.backends.base import Loss, SolveOptions
import juliacall
how, rng = SolveOptions(), np.random.default_rng(0)
t = np.arange(0.0, 20.0, 0.05)
network = ph.Network.create((1, 16, 2), seed=0)
learner = cell.replace_gate("n", ph.NeuralKinetics("steady_state", network))
recording = ph.Recording(t, ph.CurrentClamp.constant(9.0, 20.0), v=-60.0 + np.sin(t))

def solves(n):
    for i in range(n):
        # Every other one is of a protocol that was never seen before.
        clamp = ph.CurrentClamp.constant(5.0 + (rng.random() if i % 2 else 0.0), 20.0)
        ph.simulate(cell, clamp, saveat=t, backend=engine)

def gradients(n):
    for i in range(n):
        r = recording if i % 2 else ph.Recording(t, recording.protocol, v=rng.normal(-60, 1, 400))
        mode = "clamped" if i % 4 > 1 else "simulation"
        engine.value_and_grad(learner, [r], learner.theta, Loss(), mode=mode, options=how)

def settled():
    juliacall.Main.GC.gc()
    return memory("VmRSS")

solves(600), gradients(150)  # until Julia's heap has its size
found = [settled()]
for _ in range(4):
    solves(250), gradients(50)
    found.append(settled())
print(json.dumps(found))
"""

LARGE = """
clamp = ph.CurrentClamp.step(10.0, 5.0, None, 50.0)
g = np.linspace(100.0, 130.0, 340)

def run(n):
    t = np.linspace(0.0, 50.0, n)
    # With a solver that leaves no garbage, so that nothing but the trajectories is measured.
    return ph.simulate(
        cell, clamp, saveat=t, parameters={"na.g": g}, backend=engine, solver="tsit5"
    )

run(100)
before = memory("VmRSS")
solution = run(100_000)
assert np.isfinite(solution.y[:, -1]).all()
print(json.dumps([solution.y.nbytes / 2**20, memory("VmHWM") - before]))
"""


def in_a_process(code):
    done = subprocess.run(
        [sys.executable, "-c", PRELUDE + code], capture_output=True, text=True, timeout=560
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_a_thousand_solves_and_two_hundred_gradients_take_no_more_memory():
    found = in_a_process(MANY)
    assert max(found[1:]) - found[0] < 10.0, found


@pytest.mark.slow
def test_a_gigabyte_of_trajectories_is_held_once():
    held, peak = in_a_process(LARGE)
    assert held > 1000.0
    assert peak < 1.02 * held, (held, peak)
