"""Solves: every solver, every kinetics form, every kind of protocol; batches of all kinds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

import pyhodgkin as ph

from . import api, cells
from .record import Case

# The fixed-step solver takes longer steps than by default, to be quick.
OPTIONS: dict[str, Any] = {"saveat": 0.25, "throw": False, "dt": 0.04, "max_steps": 20_000}


def facts(solution: ph.Solution) -> Mapping[str, Any]:
    """Everything that a solution says."""
    spikes = solution.spike_times()
    spikes = list(spikes) if solution.batched else [spikes]
    return {
        "t": solution.t,
        "y": solution.y,
        "status": np.asarray(solution.status),
        "message": solution.message,
        "stats": {name: np.asarray(count) for name, count in solution.stats.items()},
        "spike_counts": np.array([len(x) for x in spikes]),
        "spike_times": np.concatenate([*spikes, np.zeros(0)]),
        "currents": {name: np.asarray(solution.currents[name]) for name in solution.currents},
        "open": {
            name: np.asarray(solution.open_probability[name]) for name in solution.open_probability
        },
        "stimulus": solution.stimulus,
        "unit": solution.current_unit,
    }


def _solve(neuron: Any, protocols: Any, engine: str, **options: Any) -> Mapping[str, Any]:
    return facts(ph.simulate(neuron, protocols, backend=engine, **{**OPTIONS, **options}))


def _of_form(form: str, clamp: str, solver: str, engine: str) -> Mapping[str, Any]:
    protocols = cells.current_protocols() if clamp == "current" else cells.voltage_protocols()
    return _solve(cells.forms()[form], list(protocols.values()), engine, solver=solver)


def _alone(name: str, clamp: str, engine: str) -> Mapping[str, Any]:
    protocols = cells.current_protocols() if clamp == "current" else cells.voltage_protocols()
    return _solve(cells.squid(), protocols[name], engine, rtol=1e-8, atol=1e-10)


def _library(name: str, engine: str) -> Mapping[str, Any]:
    cell = cells.library()[name]
    if getattr(cell, "current_unit", None) in ("nA", "pA"):
        big = ph.CurrentClamp.step(200.0, 2.0, 16.0, 20.0, unit="pA")
        return _solve(cell, big, engine)
    if name == "herg_beattie":
        return _solve(cell, ph.VoltageClamp.step(20.0, 2.0, 14.0, 20.0), engine)
    return _solve(cell, ph.CurrentClamp.step(5.0, 2.0, 16.0, 20.0), engine)


def _batches() -> dict[str, Case]:
    squid, step = cells.squid(), cells.current_protocols()["step"]
    rng = np.random.default_rng(5)
    theta = squid.theta * (1.0 + 0.03 * rng.uniform(-1, 1, (4, squid.layout.size)))
    y0 = np.array([[-65.0, 0.3, 0.05, 0.6], [-50.0, 0.4, 0.1, 0.4], [-80.0, 0.2, 0.0, 0.9]])
    others = [squid, squid.with_parameters(k__g=30.0, na__g=100.0)]
    ends = [ph.CurrentClamp.step(9.0, 1.0, end - 2.0, end) for end in (8.0, 20.0, 13.5)]
    pico = ph.CurrentClamp.step(90.0, 2.0, 16.0, 20.0, unit="pA")
    uneven = np.sort(rng.uniform(0.0, 20.0, 50))
    calls: dict[str, tuple[Any, Any, dict[str, Any]]] = {
        "parameters": (squid, step, {"parameters": {"na.g": np.linspace(80, 160, 5)}}),
        "theta": (squid, step, {"theta": theta}),
        "one_theta": (squid, step, {"theta": theta[1]}),
        "y0": (squid, step, {"y0": y0}),
        "y0_and_theta": (squid, step, {"y0": y0[0], "theta": theta}),
        "neurons": (others, step, {}),
        "ends": (squid, ends, {}),
        "uneven_samples": (squid, step, {"saveat": uneven}),
        "default_samples": (squid, step, {"saveat": None}),
        "max_steps": (squid, [step, ends[0]], {"max_steps": 12}),
        "raises": (squid, step, {"max_steps": 12, "throw": True}),
        "float32": (squid, step, {"dtype": "float32", "rtol": 1e-4, "atol": 1e-6}),
        "dt_max": (squid, step, {"dt_max": 0.5}),
        "loose": (squid, step, {"rtol": 1e-3, "atol": 1e-5}),
        "area": (squid, pico, {"area": 1000.0}),
        "warm": (replace(squid, temperature=11.0), step, {}),
        "unknown_solver": (squid, step, {"solver": "euler"}),
        "bad_start": (squid, step, {"y0": [-65.0, 2.0, 0.0, 0.0]}),
    }
    return {
        f"batch/{name}": partial(_call, neuron, protocol, options)
        for name, (neuron, protocol, options) in calls.items()
    }


def _call(neuron: Any, protocol: Any, options: dict[str, Any], engine: str) -> Mapping[str, Any]:
    return _solve(neuron, protocol, engine, **options)


def cases(engine: str) -> dict[str, Case]:
    """All solves of an engine by name."""
    out: dict[str, Case] = {}
    for clamp in ("current", "voltage"):
        protocols = cells.current_protocols() if clamp == "current" else cells.voltage_protocols()
        out |= {f"solve/alone/{clamp}/{n}": partial(_alone, n, clamp) for n in protocols}
    for solver in api.solvers(engine):
        for form in cells.forms():
            for clamp in ("current", "voltage"):
                out[f"solve/{solver}/{form}/{clamp}"] = partial(_of_form, form, clamp, solver)
    out |= {f"solve/library/{name}": partial(_library, name) for name in cells.library()}
    return out | _batches()
