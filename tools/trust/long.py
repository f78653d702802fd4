"""Runs of 10 s against a tight reference, SciPy's LSODA and NEURON."""

from __future__ import annotations

import json
import subprocess
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

import pyhodgkin as ph

from .cases import CURRENT, TIGHT
from .crossings import crossings

LONG = 10_000.0  # ms
DT = 0.01  # ms, of the samples in which crossings are looked for
NAMES = ("squid_axon", "traub_miles")
HH = Path(__file__).resolve().with_name("neuron_hh.py")


def long_runs(backend: str, quick: bool, python: str = "") -> list[str]:
    """Spike times of 10 s (1 s if `quick`) under a constant current; `python` has NEURON."""
    t_end = 1000.0 if quick else LONG
    lines = [f"## {t_end / 1000:g} s", ""]
    lines += [
        "A constant current of 10 µA/cm² from rest; spikes against Tsit5 at rtol 1e-12: their "
        "number, the largest difference of a spike time, that of the last one (ms), and the "
        f"seconds of the run. atol = rtol/100. Rows with samples: v every {DT} ms, and its upward "
        "crossings of 0 mV by the cubic of t through four samples; the first of them has the "
        "samples of the reference itself, and so what the cubic is off by. NEURON: its own hh "
        "mechanism, CVODE with atol (its rtol is zero, the default), and fixed steps with "
        f"secondorder = 2. SciPy {version('scipy')}, its Jacobian given.", "",
        "| neuron | solver | spikes | largest | last | s |", "|---|---|---|---|---|---|",
    ]  # fmt: skip
    for name in NAMES:
        lines += against(name, t_end, backend)
    lines += neuron(t_end, backend, python) if python else []
    exact = reference(NAMES[0], t_end, backend).spike_times()
    found = lsoda(NAMES[0], 1e-9, t_end, exact)  # minutes
    return [*lines, row(NAMES[0], "LSODA 1e-09, by samples", *found)]


def clamp_of(name: str, t_end: float) -> ph.CurrentClamp:
    return ph.CurrentClamp.constant(CURRENT.get(name, 10.0), t_end)


def reference(name: str, t_end: float, backend: str, **more: Any) -> ph.Solution:
    """Tsit5 at 1e-12."""
    given = {"saveat": [t_end], "solver": "tsit5", "backend": backend, **TIGHT, **more}
    return ph.simulate(ph.library.get(name), clamp_of(name, t_end), **given)


def against(name: str, t_end: float, backend: str) -> list[str]:
    """Our solvers at three tolerances."""
    cell, clamp = ph.library.get(name), clamp_of(name, t_end)
    exact = reference(name, t_end, backend).spike_times()
    lines = []
    for solver in ("rodas5p", "rodas4p", "tsit5"):
        for rtol in (1e-4, 1e-6, 1e-8):
            given = {"rtol": rtol, "atol": 0.01 * rtol, "max_steps": 10_000_000}
            began = time.perf_counter()
            found = ph.simulate(
                cell, clamp, saveat=[t_end], solver=solver, backend=backend, **given
            )
            spent = time.perf_counter() - began
            lines.append(row(name, f"{solver} {rtol:.0e}", found.spike_times(), exact, spent))
    began = time.perf_counter()
    found = reference(name, t_end, backend, saveat=DT)
    spent = time.perf_counter() - began
    how = "the reference, by samples"
    lines.append(row(name, how, crossings(found.t, found.v), exact, spent))
    return lines


def lsoda(
    name: str, rtol: float, t_end: float, exact: np.ndarray
) -> tuple[np.ndarray, np.ndarray, float]:
    """Spike times by SciPy, those that are right, and the seconds."""
    began = time.perf_counter()
    found = ph.scipy.solve_ivp(
        ph.library.get(name), clamp_of(name, t_end), saveat=DT, rtol=rtol, atol=0.01 * rtol
    )
    return crossings(found.t, found.v), exact, time.perf_counter() - began


def row(name: str, how: str, found: np.ndarray, exact: np.ndarray, spent: float) -> str:
    """A line of the table, printed too; without errors where the numbers of spikes differ."""
    off = np.abs(found - exact) if len(found) == len(exact) else np.array([np.nan])
    line = f"| {name} | {how} | {len(found)} | {off.max():.0e} | {off[-1]:.0e} | {spent:.2f} |"
    print(line, flush=True)
    return line


def neuron(t_end: float, backend: str, python: str) -> list[str]:
    """NEURON in a process of its own, `neuron_hh.py`."""
    run = subprocess.run(
        [python, str(HH), str(t_end), str(DT)], capture_output=True, text=True, check=True
    )
    given = json.loads(run.stdout.splitlines()[-1])
    exact = reference("squid_axon", t_end, backend).spike_times()
    lines = []
    for how, (found, spent) in given["runs"].items():
        label = f"NEURON {given['version']} {how}, by samples"
        lines.append(row("squid_axon", label, np.array(found), exact, spent))
    return lines
