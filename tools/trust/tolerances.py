"""Tolerances asked for and errors obtained, against references; single precision."""

from __future__ import annotations

import time

import numpy as np

import pyhodgkin as ph

from .cases import SOLVERS, errors, protocol_of, reference, samples, solved

RTOL = tuple(10.0**-k for k in range(3, 11))


def chosen(quick: bool) -> list[str]:
    return ["squid_axon", "herg_beattie"] if quick else ph.library.names()


def tolerances(backend: str, quick: bool) -> list[str]:
    """Each neuron, solver and tolerance: the largest error of a state, and of spike times."""
    lines = ["## Tolerance and error", ""]
    lines += [
        "50 ms of each neuron of the library at a current at which it fires (hERG: steps of the "
        "command); atol = rtol/100, which counts tenfold for v. Largest error over the trace of "
        "any state, over the range of that state, and in brackets of spike times (ms; — where "
        "there are no spikes), against the same engine at rtol 1e-12 with another method "
        "(Tsit5 for Rodas4P and Rodas5P, Rodas5P for Tsit5).", "",
    ]  # fmt: skip
    for solver in SOLVERS:
        lines += [f"### {solver}", ""]
        lines += ["| neuron | spikes | " + " | ".join(f"{r:.0e}" for r in RTOL) + " |"]
        lines += ["|---|---|" + "---|" * len(RTOL)]
        worst = np.zeros(len(RTOL))
        for name in chosen(quick):
            exact = reference(name, solver, backend)
            cells = []
            for i, rtol in enumerate(RTOL):
                off = errors(solved(name, solver, rtol, backend), exact)
                worst[i] = max(worst[i], off["state"] / rtol)
                late = f"{off['spikes']:.0e}" if off["n"] else "—"
                cells.append(f"{off['state']:.0e} ({late})")
            lines.append(f"| {name} | {off['n']} | " + " | ".join(cells) + " |")
        ratio = " | ".join(f"{w:.0f}" for w in worst)
        lines += [f"| largest error / rtol | | {ratio} |", ""]
    return lines


def references(backend: str, quick: bool) -> list[str]:
    """The references against each other and against SciPy."""
    lines = ["## The references", "", "Largest difference of a state, over its range.", ""]
    lines += [
        "| neuron | Tsit5 and Rodas5P at 1e-12 | SciPy LSODA at 1e-10 | SciPy Radau at 1e-9 |"
    ]
    lines += ["|---|---|---|---|"]
    for name in chosen(quick):
        own = [reference(name, other, backend) for other in SOLVERS[1:]]
        cells = [f"{errors(own[0], own[1])['state']:.1e}"]
        for method, rtol in (("LSODA", 1e-10), ("Radau", 1e-9)):
            if method == "Radau" and name not in ("squid_axon", "herg_beattie_markov"):
                cells.append("—")
                continue
            found = ph.scipy.solve_ivp(
                ph.library.get(name), protocol_of(name), saveat=samples(), method=method,
                rtol=rtol, atol=0.01 * rtol,
            )  # fmt: skip
            cells.append(f"{errors(found, own[0])['state']:.1e}")
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return lines


def single_precision(backend: str, quick: bool) -> list[str]:
    """Errors of both precisions, and the time of 2,000 cells."""
    lines = ["## Single precision", ""]
    lines += [
        "Rodas5P and Tsit5; errors of one cell as above, state (spike times, ms); time of 2,000 "
        "cells of the squid axon, conductances within 10 %, 50 ms, median of 3.", "",
        "| neuron | solver | rtol | float64 | float32 | ms float64 | ms float32 |",
        "|---|---|---|---|---|---|---|",
    ]  # fmt: skip
    for name in ("squid_axon", "hodgkinmodel_jl", "wang_buzsaki", "herg_beattie"):
        if quick and name != "squid_axon":
            continue
        for solver in ("rodas5p", "tsit5"):
            exact = reference(name, solver, backend)
            for rtol in (1e-3, 1e-4, 1e-5, 1e-6):
                cells = []
                for dtype in ("float64", "float32"):
                    found = solved(name, solver, rtol, backend, dtype=dtype, throw=False)
                    if not found.success:
                        cells.append(found.status.name)
                        continue
                    off = errors(found, exact)
                    late = f" ({off['spikes']:.0e})" if off["n"] else ""
                    cells.append(f"{off['state']:.0e}{late}")
                times = ["", ""]
                if name == "squid_axon":
                    times = [
                        f"{_time(solver, rtol, d, backend):.0f}" for d in ("float64", "float32")
                    ]
                lines.append(
                    f"| {name} | {solver} | {rtol:.0e} | " + " | ".join(cells + times) + " |"
                )
    return lines


def _time(solver: str, rtol: float, dtype: str, backend: str) -> float:
    """ms."""
    cell, found = ph.library.get("squid_axon"), []
    sets = {"na.g": np.linspace(108.0, 132.0, 2000)}
    for _ in range(3):
        began = time.perf_counter()
        ph.simulate(
            cell, protocol_of("squid_axon"), parameters=sets, saveat=[50.0], solver=solver,
            rtol=rtol, atol=0.01 * rtol, dtype=dtype, backend=backend,
        )  # fmt: skip
        found.append(1e3 * (time.perf_counter() - began))
    return sorted(found)[1]
