"""pyhodgkin's side of the peer benchmark: tasks A B C D E, one JSON line for each row.

Run it in the peers' environment, with their folder and this repository on the path (see
`compare.sh`). The tasks, references and error measures are those of the peers' own scripts.
"""

from __future__ import annotations

import sys
import time

import numpy as np
import torch
from common import (
    TOLS,
    VARIANTS,
    X0,
    emit,
    errors,
    guard,
    load_c,
    load_d,
    pop_errors,
    population,
    random_theta,
    rel_grad_err,
    timeit,
    tolname,
    unflatten,
)

import pyhodgkin as ph
from pyhodgkin.backends import get
from pyhodgkin.backends.base import SolveOptions
from pyhodgkin.backends.loss import Loss

NAMES = ["na.g", "k.g", "l.g", "na.e", "k.e", "l.e", "c_m"]
ENGINE = get("torch")
SEED = ph.library.get("hodgkinmodel_jl")


def neuron(p):
    """The seed's neuron with the peers' parameters gNa gK gL ENa EK EL C I."""
    values = dict(zip(NAMES, p[:7], strict=True))
    return SEED.with_parameters(**{name.replace(".", "__"): x for name, x in values.items()})


def clamp(current, t_end):
    return ph.CurrentClamp.constant(float(current), t_end=t_end)


def best(run, reps=5):
    tm, out = timeit(run, budget=2.0, min_reps=3, max_reps=reps)
    return tm, out


def task_a():
    for variant, p in VARIANTS.items():
        cell, protocol = neuron(p), clamp(-p[7], 50.0)
        t = np.arange(5001) * 0.01
        for solver in ("tsit5", "rodas5p"):
            for rtol, atol in TOLS:

                def go(task, peer, method, setting, **kw):
                    tm, s = best(
                        lambda: ph.simulate(
                            cell, protocol, saveat=t, y0=X0, rtol=rtol, atol=atol, solver=solver
                        )
                    )
                    counts = {"nsteps": int(s.stats["n_steps"])}
                    off = errors(variant, 50, t, s.v)
                    emit(task, peer, method, setting, **kw, **tm, **off, **counts)

                setting = tolname(rtol, atol)
                guard(go)("A", "pyhodgkin", f"torch {solver}", setting, variant=variant, T=50)


def task_b():
    for dtype in ("float64", "float32"):
        for n in (1000, 10000):
            cells = population(n)
            theta = np.tile(SEED.theta, (n, 1))
            for j, name in enumerate(NAMES):
                theta[:, SEED.layout[name].start] = cells[:, j]
            protocol = clamp(-cells[0, 7], 50.0)
            for rec, t in (("final", np.array([0.0, 50.0])), ("V/0.1ms", np.arange(501) * 0.1)):
                rows = [("tsit5", 1e-4, 1e-6, 0.01), ("rodas5p", 1e-4, 1e-6, 0.01)]
                rows += [("tsit5", 1e-6, 1e-8, 0.01), ("exponential", 1e-6, 1e-8, 0.025)]
                for solver, rtol, atol, dt in rows:
                    if dtype == "float32" and rtol == 1e-6 and solver != "exponential":
                        rtol, atol = 1e-5, 1e-7
                    setting = f"dt={dt:g}" if solver == "exponential" else tolname(rtol, atol)

                    def go(task, peer, method, setting, **kw):
                        def run():
                            return ph.simulate(
                                SEED,
                                protocol,
                                theta=theta,
                                y0=X0,
                                saveat=t,
                                rtol=rtol,
                                atol=atol,
                                solver=solver,
                                dt=dt,
                                dtype=dtype,
                                throw=False,
                            )

                        tm, s = best(run, 3)
                        speed = n * 50 / tm["min_s"]
                        emit(
                            task,
                            peer,
                            method,
                            setting,
                            **kw,
                            **tm,
                            **pop_errors(s.v[:, -1]),
                            cellms_s=speed,
                            n_fail=int(np.sum(s.status != 0)),
                        )

                    name = f"torch {solver} batch {dtype}"
                    guard(go)("B", "pyhodgkin", name, setting, N=n, rec=rec, T=50)


def recording(protocol, t, v):
    return ph.Recording(t, protocol, v=v)


def task_c():
    p = VARIANTS["ref"]
    cell = neuron(p)
    places = [cell.layout[name].start for name in NAMES]
    for t_end in (50, 20):
        target, _, reference = load_c(t_end)
        data = recording(clamp(-p[7], t_end), np.arange(t_end * 10 + 1) * 0.1, target)
        for solver in ("tsit5", "rodas5p"):
            for rtol, atol in TOLS[1:]:

                def go(task, peer, method, setting, **kw):
                    def run():
                        return ENGINE.value_and_grad(
                            cell,
                            [data],
                            cell.theta,
                            Loss("mse", scale=1.0),
                            mode="simulation",
                            y0=X0[None],
                            options=SolveOptions(solver, rtol, atol),
                        )

                    tm, found = best(run)
                    g = found.gradient[places]
                    # A stimulus enters as g_l e_l does; the peers' current has the other sign.
                    by_stimulus = -g[5] / p[2]
                    g = np.append(g, by_stimulus)
                    emit(
                        task,
                        peer,
                        method,
                        setting,
                        **kw,
                        **tm,
                        loss=float(found.value),
                        gerr=rel_grad_err(g, reference),
                    )

                guard(go)("C", "pyhodgkin", f"torch {solver} adjoint", tolname(rtol, atol), T=t_end)


def with_network(theta):
    """The seed's neuron with the peers' 1-16-16-2 network for the n gate."""
    parts = unflatten(theta)
    network = ph.Network(tuple(parts[0::2]), tuple(parts[1::2]))
    kinetics = ph.NeuralKinetics(
        "steady_state", network, v_shift=-65.0, v_scale=40.0, tau_min=0.0, tau_max=None
    )
    return SEED.replace_gate("n", kinetics)


def task_d():
    d = load_d()
    cell = with_network(d["theta"])
    inside = cell.layout.select("networks")
    t = np.arange(501) * 0.1
    for batch in (1, 32):
        currents = [9.0] if batch == 1 else list(-d["I32"])
        targets = d["target"][None] if batch == 1 else d["target32"]
        data = [recording(clamp(i, 50.0), t, v) for i, v in zip(currents, targets, strict=True)]
        fd = d["fd1"] if batch == 1 else d["fd32"]
        for solver in ("tsit5", "rodas5p"):
            for rtol, atol in TOLS[:2]:

                def go(task, peer, method, setting, **kw):
                    def run():
                        return ENGINE.value_and_grad(
                            cell,
                            data,
                            cell.theta,
                            Loss("mse", scale=1.0),
                            mode="simulation",
                            y0=np.tile(X0, (batch, 1)),
                            options=SolveOptions(solver, rtol, atol),
                        )

                    tm, found = best(run)
                    g = found.gradient[inside]
                    off = float(np.max(np.abs(d["dirs"] @ g - fd) / np.abs(fd)))
                    emit(task, peer, method, setting, **kw, **tm, loss=float(found.value), gerr=off)

                name = f"torch {solver} adjoint"
                guard(go)("D", "pyhodgkin", name, tolname(rtol, atol), batch=batch, T=50)


def task_e():
    t = np.arange(501) * 0.1
    for scale in (3.0, 10.0):
        for dtype, rtol, atol in (("float64", 1e-6, 1e-8), ("float32", 1e-4, 1e-6)):
            counts: dict[str, int] = {}
            seconds, steps, outside = [], [], 0
            for i in range(50):
                cell = with_network(random_theta(i, scale))
                before = time.perf_counter()
                s = ph.simulate(
                    cell,
                    clamp(9.0, 50.0),
                    saveat=t,
                    y0=X0,
                    rtol=rtol,
                    atol=atol,
                    dtype=dtype,
                    solver="rodas5p",
                    throw=False,
                )
                seconds.append(time.perf_counter() - before)
                steps.append(int(s.stats["n_steps"]))
                text = "ok" if s.status == 0 else ph.Status(int(s.status)).name
                gates = s.y[np.isfinite(s.y).all(-1), 1:]
                outside += bool(np.any((gates < 0) | (gates > 1)))
                counts[text] = counts.get(text, 0) + 1
            emit(
                "E",
                "pyhodgkin",
                f"torch rodas5p fwd {dtype}",
                f"rtol={rtol:g} x{scale:g}",
                T=50,
                counts=counts,
                outside=outside,
                med_s=float(np.median(seconds)),
                min_s=min(seconds),
                max_s=max(seconds),
                steps_med=float(np.median(steps)),
                steps_max=max(steps),
            )


if __name__ == "__main__":
    torch.set_num_threads(2)
    for name in sys.argv[1:] or ["A", "B", "C", "D", "E"]:
        globals()[f"task_{name.lower()}"]()
