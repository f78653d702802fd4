"""The neurons, protocols, references and errors of `numerical_trust.py`."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

import pyhodgkin as ph

T_END = 50.0  # ms
SOLVERS = ("rodas5p", "rodas4p", "tsit5")
CURRENT = {  # at which each neuron of the library fires, in its own unit
    "wang_buzsaki": 2.0,
    "pospischil_ib": 2.0,
    "pospischil_lts": 2.0,
    "pospischil_lts_calcium": 2.0,
    "pinsky_rinzel_isopotential": 2.0,
    "brette_coba_hh": 0.5,
}
TIGHT = {"rtol": 1e-12, "atol": 1e-14, "max_steps": 10_000_000}


def protocol_of(name: str, t_end: float = T_END) -> Any:
    """A step of current, or of the command for the channels of hERG."""
    if name.startswith("herg"):
        steps = ([0.0, 0.1 * t_end, 0.6 * t_end], [-80.0, 20.0, -50.0])
        return ph.VoltageClamp.steps(*steps, t_end)
    unit = ph.library.get(name).current_unit
    more = {"unit": unit} if unit else {}
    return ph.CurrentClamp.step(CURRENT.get(name, 10.0), 2.0, 0.9 * t_end, t_end, **more)


def samples(t_end: float = T_END) -> np.ndarray:
    return np.linspace(0.0, t_end, 501)


@cache
def reference(name: str, other_than: str, backend: str) -> ph.Solution:
    """A solve at 1e-12 by another method than the one that is judged."""
    solver = "rodas5p" if other_than == "tsit5" else "tsit5"
    cell = ph.library.get(name)
    return ph.simulate(
        cell, protocol_of(name), saveat=samples(), solver=solver, backend=backend, **TIGHT
    )


def solved(name: str, solver: str, rtol: float, backend: str, **more: Any) -> ph.Solution:
    """A solve with the tolerances that are asked for, atol a hundredth of rtol."""
    given = {"rtol": rtol, "atol": 0.01 * rtol, "max_steps": 10_000_000, **more}
    return ph.simulate(
        ph.library.get(name), protocol_of(name), saveat=samples(), solver=solver, backend=backend,
        **given,
    )  # fmt: skip


def errors(found: ph.Solution, exact: ph.Solution) -> dict[str, float]:
    """Largest errors: of v (mV), of states over their range, of spike times (ms).

    Under voltage clamp v is known, and the other states are judged.
    """
    clamped = found.protocol.kind == "voltage"
    y, z = (x[:, 1:] if clamped else x for x in (found.y, exact.y))
    size = np.maximum(np.ptp(z, axis=0), 1e-3)
    off = np.abs(y - z)
    spikes, true = (np.zeros(0),) * 2 if clamped else (found.spike_times(), exact.spike_times())
    same = len(spikes) == len(true)
    late = float(np.max(np.abs(spikes - true), initial=0.0)) if same else np.inf
    v = np.nan if clamped else float(off[:, 0].max())
    return {"v": v, "state": float((off / size).max()), "spikes": late, "n": len(true)}
