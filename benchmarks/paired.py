"""One squid-axon solve of 50 ms, pyhodgkin and the torch peers in turn, ratios pair by pair.

The machine's speed drifts, so a ratio of two neighbours says more than two times. Run it like
`peer_pyhodgkin.py`: python paired.py [repeats]
"""

from __future__ import annotations

import statistics
import sys
import time

import numpy as np
import torch
import torchode as to
from common import VARIANTS, X0, errors, pop_errors, population
from hh_torch import HH
from peer_pyhodgkin import NAMES, SEED, clamp, neuron
from torchdiffeq import odeint

import pyhodgkin as ph

T = np.arange(5001) * 0.01


def ours(p, solver, rtol):
    cell, protocol = neuron(p), clamp(-p[7], 50.0)
    return lambda: (
        ph.simulate(cell, protocol, saveat=T, y0=X0, rtol=rtol, atol=rtol * 1e-2, solver=solver).v
    )


def torchdiffeq(p, rtol):
    f, y0, t = HH(torch.tensor(p)), torch.tensor(X0), torch.tensor(T)
    options = {"rtol": rtol, "atol": rtol * 1e-2, "method": "dopri5"}
    return lambda: odeint(f, y0, t, **options)[:, 0].detach().numpy()


def torchode(p, rtol):
    term = to.ODETerm(HH(torch.tensor(p)), with_args=False)
    controller = to.IntegralController(atol=rtol * 1e-2, rtol=rtol, term=term)
    solver = to.AutoDiffAdjoint(to.Dopri5(term=term), controller)
    problem = to.InitialValueProblem(y0=torch.tensor(X0)[None], t_eval=torch.tensor(T)[None])
    return lambda: solver.solve(problem).ys[0, :, 0].numpy()


def population_runs():
    """1,000 cells with parameters of their own, the last moment kept."""
    cells = population(1000)
    theta = np.tile(SEED.theta, (1000, 1))
    for j, name in enumerate(NAMES):
        theta[:, SEED.layout[name].start] = cells[:, j]
    protocol, ends = clamp(9.0, 50.0), np.array([0.0, 50.0])
    f, y0, t = HH(torch.tensor(cells)), torch.tensor(X0).repeat(1000, 1), torch.tensor(ends)

    def ours(rtol):
        options = {"saveat": ends, "y0": X0, "rtol": rtol, "atol": rtol * 1e-2}
        return ph.simulate(SEED, protocol, theta=theta, solver="rodas5p", **options).v[:, -1]

    return {
        "pyhodgkin rodas5p rtol=1e-06": lambda: ours(1e-6),
        "pyhodgkin rodas5p rtol=0.0001": lambda: ours(1e-4),
        "torchdiffeq dopri5 rtol=0.0001": lambda: odeint(
            f, y0, t, rtol=1e-4, atol=1e-6, method="dopri5"
        )[-1, :, 0].numpy(),
    }


def compare(label, runs, error, repeats) -> None:
    seconds = {name: [] for name in runs}
    with torch.no_grad():
        off = {name: error(run()) for name, run in runs.items()}
        for _ in range(repeats):
            for name, run in runs.items():
                before = time.perf_counter()
                run()
                seconds[name].append(time.perf_counter() - before)
    first = next(iter(runs))
    for name, times in seconds.items():
        ratios = [b / a for a, b in zip(seconds[first], times, strict=True)]
        spread = f"{statistics.median(ratios):.1f} ({min(ratios):.1f} to {max(ratios):.1f})"
        middle = f"median {statistics.median(times):.3f} s"
        print(
            f"{label:<11} {name:<32} max |dV| {off[name]:.1e} mV  {middle}  ratio {spread}",
            flush=True,
        )


def main() -> None:
    repeats = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    torch.set_num_threads(2)
    # Pairs of about the same error: a tolerance means another error to every method.
    cases = [
        ("ref", "rodas5p", 1e-6, 1e-4),
        ("ref", "tsit5", 1e-6, 1e-6),
        ("std", "tsit5", 1e-6, 1e-6),
    ]
    for variant, solver, rtol, theirs in cases:
        p = VARIANTS[variant]
        runs = {
            f"pyhodgkin {solver} rtol={rtol:g}": ours(p, solver, rtol),
            f"torchdiffeq dopri5 rtol={theirs:g}": torchdiffeq(p, theirs),
            f"torchode Dopri5 rtol={theirs:g}": torchode(p, theirs),
        }
        compare(variant, runs, lambda v, name=variant: errors(name, 50, T, v)["err_V"], repeats)
    compare("1,000 cells", population_runs(), lambda v: pop_errors(v)["err_V"], min(repeats, 3))


if __name__ == "__main__":
    main()
