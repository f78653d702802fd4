"""pyhodgkin's side of `peers.py`: one cell (A, F), gradients (C, D), random networks (E).

    python peer_pyhodgkin.py ENGINE TASK ...     the peers' folder and this repository on the path

The tasks, references and error measures are those of the peers' own scripts; rows of populations
are in `peer_population.py`.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time

import numpy as np
from common import (
    TOLS,
    emit,
    errors,
    load_c,
    load_d,
    random_theta,
    rel_grad_err,
    tolname,
    unflatten,
)
from peer_measure import VARIANTS, X0, guard, timed

import pyhodgkin as ph
from pyhodgkin.backends import get
from pyhodgkin.backends.base import SolveOptions
from pyhodgkin.backends.loss import Loss

NAMES = ["na.g", "k.g", "l.g", "na.e", "k.e", "l.e", "c_m"]
SEED = ph.library.get("hodgkinmodel_jl")
ENGINE = sys.argv[1] if len(sys.argv) > 1 else "torch"


def neuron(p):
    """The seed's neuron with the peers' parameters gNa gK gL ENa EK EL C I."""
    values = dict(zip(NAMES, p[:7], strict=True))
    return SEED.with_parameters(**{name.replace(".", "__"): x for name, x in values.items()})


def clamp(current, t_end):
    return ph.CurrentClamp.constant(float(current), t_end=t_end)


def task_a():
    for variant, p in VARIANTS.items():
        cell = neuron(p)
        for t_end in (50, 500):
            protocol, t = clamp(-p[7], t_end), np.arange(t_end * 100 + 1) * 0.01
            for solver in ("tsit5", "rodas5p"):
                for rtol, atol in TOLS:
                    call = {"saveat": t, "y0": X0, "rtol": rtol, "atol": atol, "solver": solver}

                    def go(task, peer, method, setting, variant=variant, T=t_end):
                        tm, s = timed(lambda: ph.simulate(cell, protocol, backend=ENGINE, **call))
                        off = errors(variant, T, t, s.v)
                        counts = {"nsteps": int(s.stats["n_steps"])}
                        emit(
                            task, peer, method, setting, variant=variant, T=T, **tm, **off, **counts
                        )

                    guard(go)("A", "pyhodgkin", f"{ENGINE} {solver}", tolname(rtol, atol))


FIRST = """
import json, sys, time
a = time.perf_counter()
import pyhodgkin as ph
cell, clamp = ph.library.get("hodgkinmodel_jl"), ph.CurrentClamp.constant(9.0, t_end=50.0)
b = time.perf_counter()
if sys.argv[1] == "torch":
    import torch
c = time.perf_counter()
ph.simulate(cell, clamp, backend=sys.argv[1], solver="tsit5")
d = time.perf_counter()
other = ph.library.get("traub_miles")
gate = ph.NeuralKinetics("steady_state", ph.Network.create((1, 16, 16, 2), seed=1))
other = other.replace_gate("n", gate)
e = time.perf_counter()
ph.simulate(other, clamp, backend=sys.argv[1], solver="tsit5")
f = time.perf_counter()
print(json.dumps({"pyhodgkin": b - a, "torch": c - b, "first": d - c, "new": f - e}))
"""


def task_f():
    """Fresh processes, everything compiled before: import, first solve, a neuron never seen."""
    runs = []
    for _ in range(4):  # the first one may still have to compile
        command = [sys.executable, "-c", FIRST, ENGINE]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        runs.append(json.loads(done.stdout.splitlines()[-1]))
    labels = {
        "pyhodgkin": "import, library",
        "torch": "import torch",
        "first": "first solve of the process",
        "new": "a neuron never seen before",
    }
    for key, label in labels.items():
        if key == "torch" and ENGINE != "torch":
            continue
        times = [run[key] for run in runs[1:]]
        spread = {"med_s": float(np.median(times)), "min_s": min(times), "max_s": max(times)}
        emit("F", "pyhodgkin", ENGINE, label, first_s=runs[0][key], reps=3, **spread)


def task_c():
    p, engine = VARIANTS["ref"], get(ENGINE)
    cell = neuron(p)
    places = [cell.layout[name].start for name in NAMES]
    target, _, reference = load_c(50)
    data = ph.Recording(np.arange(501) * 0.1, clamp(-p[7], 50), v=target)
    how = {"mode": "simulation", "y0": X0[None]}
    for solver in ("tsit5", "rodas5p"):
        for rtol, atol in TOLS[:2]:
            options = SolveOptions(solver, rtol, atol)

            def go(task, peer, method, setting, options=options):
                loss = Loss("mse", scale=1.0)
                tm, found = timed(
                    lambda: engine.value_and_grad(
                        cell, [data], cell.theta, loss, options=options, **how
                    )
                )
                g = found.gradient[places]
                # A stimulus enters as g_l e_l does; the peers' current has the other sign.
                g = np.append(g, -g[5] / p[2])
                emit(task, peer, method, setting, T=50, **tm, gerr=rel_grad_err(g, reference))

            guard(go)("C", "pyhodgkin", f"{ENGINE} {solver}", tolname(rtol, atol))


def with_network(theta):
    """The seed's neuron with the peers' 1-16-16-2 network for the n gate."""
    parts = unflatten(theta)
    network = ph.Network(tuple(parts[0::2]), tuple(parts[1::2]))
    kinetics = ph.NeuralKinetics(
        "steady_state", network, v_shift=-65.0, v_scale=40.0, tau_min=0.0, tau_max=None
    )
    return SEED.replace_gate("n", kinetics)


def task_d():
    d, engine = load_d(), get(ENGINE)
    cell = with_network(d["theta"])
    inside, t = cell.layout.select("networks"), np.arange(501) * 0.1
    for batch in (1, 32):
        currents = [9.0] if batch == 1 else list(-d["I32"])
        targets = d["target"][None] if batch == 1 else d["target32"]
        pairs = zip(currents, targets, strict=True)
        data = [ph.Recording(t, clamp(i, 50.0), v=v) for i, v in pairs]
        fd = d["fd1"] if batch == 1 else d["fd32"]
        how = {"mode": "simulation", "y0": np.tile(X0, (batch, 1))}
        for solver in ("tsit5", "rodas5p"):
            for rtol, atol in TOLS[:2]:
                options = SolveOptions(solver, rtol, atol)

                def go(task, peer, method, setting, options=options, batch=batch):
                    loss = Loss("mse", scale=1.0)
                    tm, found = timed(
                        lambda: engine.value_and_grad(
                            cell, data, cell.theta, loss, options=options, **how
                        )
                    )
                    along = d["dirs"] @ found.gradient[inside]
                    off = float(np.max(np.abs(along - fd) / np.abs(fd)))
                    emit(task, peer, method, setting, T=50, batch=batch, **tm, gerr=off)

                guard(go)("D", "pyhodgkin", f"{ENGINE} {solver}", tolname(rtol, atol))


def task_e():
    for scale in (3.0, 10.0):
        for dtype, rtol, atol in (("float64", 1e-6, 1e-8), ("float32", 1e-4, 1e-6)):
            call = {"saveat": np.arange(501) * 0.1, "y0": X0, "rtol": rtol, "atol": atol}
            call |= {"dtype": dtype, "solver": "rodas5p", "throw": False, "backend": ENGINE}

            def go(task, peer, method, setting, scale=scale, call=call):
                seconds, good, outside = [], 0, 0
                ph.simulate(with_network(random_theta(0, scale)), clamp(9.0, 1.0), backend=ENGINE)
                for i in range(50):
                    cell, before = with_network(random_theta(i, scale)), time.perf_counter()
                    s = ph.simulate(cell, clamp(9.0, 50.0), **call)
                    seconds.append(time.perf_counter() - before)
                    good += int(s.status) == 0
                    gates = s.y[np.isfinite(s.y).all(-1), 1:]
                    outside += bool(np.any((gates < 0) | (gates > 1)))
                tm = {"med_s": float(np.median(seconds)), "min_s": min(seconds)}
                tm |= {"max_s": max(seconds), "reps": 50, "first_s": seconds[0]}
                emit(task, peer, method, setting, good=good, outside=outside, **tm)

            name = f"{ENGINE} rodas5p {dtype}"
            guard(go)("E", "pyhodgkin", name, f"{tolname(rtol, atol)} x{scale:g}")


if __name__ == "__main__":
    if ENGINE == "torch":
        import torch

        torch.set_num_threads(2)
    for name in sys.argv[2:] or ["A", "F", "C", "D", "E"]:
        globals()[f"task_{name.lower()}"]()
