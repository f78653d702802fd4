"""What a backward pass keeps: the states at the steps taken, and nothing that grows beside them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import torch
from neurons import SQUID

from pyhodgkin import CurrentClamp
from pyhodgkin.backends.base import SolveOptions
from pyhodgkin.backends.torch.solve import Problem


def tape_of(t_end: float, elements: int = 1):
    protocols = CurrentClamp.family(np.linspace(8.0, 12.0, elements).tolist(), 1.0, None, t_end)
    problem = Problem.build(SQUID, protocols, (1, elements), np.array([t_end]), SolveOptions())
    with torch.no_grad():
        p = problem.system.unpack(torch.as_tensor(SQUID.theta[None]))
        start = problem.start(p, torch.full((1, elements), -65.0, dtype=torch.float64))
        return problem.run(p, start, keep=True)


def test_the_tape_is_steps_times_states():
    for t_end, elements in ((20.0, 1), (100.0, 1), (20.0, 5)):
        run = tape_of(t_end, elements)
        tape = run.tape
        assert tape.y.shape == (int(run.n_steps.max()), 4, 1, elements)
        held = sum(x.numel() * x.element_size() for x in (tape.t, tape.h, tape.t_next, tape.piece))
        held += tape.y.numel() * tape.y.element_size()
        assert held == 8 * (4 + 4) * tape.length * elements  # t, h, end, piece and four states
        buffers = {}
        for x in vars(tape).values():
            buffers[x.untyped_storage().data_ptr()] = x.untyped_storage().nbytes()
        assert sum(buffers.values()) <= 1.1 * held + 1000  # no larger one behind a view


def test_nothing_is_kept_without_a_gradient():
    problem_run = tape_of(5.0)
    assert problem_run.tape is not None
    theta = torch.as_tensor(SQUID.theta[None])
    problem = Problem.build(
        SQUID, [CurrentClamp.constant(5.0, 5.0)], (1, 1), np.array([5.0]), SolveOptions()
    )
    p = problem.system.unpack(theta)
    start = problem.start(p, torch.full((1, 1), -65.0, dtype=torch.float64))
    assert problem.run(p, start).tape is None


SCRIPT = """
import resource, sys
import numpy as np, torch
torch.set_num_threads(1)
sys.path.insert(0, {folder!r})
from neurons import SQUID
from pyhodgkin import CurrentClamp
from pyhodgkin.backends.torch import odeint

def backward(t_end):
    theta = torch.tensor(SQUID.theta, requires_grad=True)
    clamp = CurrentClamp.step(10.0, 1.0, None, t_end)
    y = odeint(SQUID, clamp, theta, saveat=np.linspace(0.0, t_end, 100), rtol=1e-4, atol=1e-6)
    y[:, 0].sum().backward()
    assert theta.grad.isfinite().all()
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

backward(50.0)
print(backward(50.0), backward(500.0))
"""


def test_the_peak_over_500_ms_is_hardly_above_that_over_50_ms():
    """Ten times the steps: a graph of all their operations would be hundreds of megabytes."""
    folder = str(Path(__file__).resolve().parent)
    script = SCRIPT.format(folder=folder)
    out = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=folder
    )
    short, long = (int(x) / 1024 for x in out.stdout.split())
    assert long - short < 60.0, f"{short:.0f} MB for 50 ms, {long:.0f} MB for 500 ms"
