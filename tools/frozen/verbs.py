"""The other verbs, the default schedules, and documents."""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

import pyhodgkin as ph

from . import api, cells, fits
from . import recordings as made
from .record import Case

# -- the default schedules ------------------------------------------------------------------


def _schedules() -> dict[str, Case]:
    network, squid = cells.with_network("steady_state"), cells.squid()
    three = cells.with_network("rates", gates=("n", "m", "h"))
    residual = cells.with_network("residual", gates=("n", "m"))
    v, current = [made.current_clamp()], [made.voltage_clamp()]
    several = made.three_cells()
    wide = cells.with_network("rates", (1, 16, 16, 2))
    calls: dict[str, tuple[Any, Any, dict[str, Any]]] = {
        "voltage_clamp_network": (network, current, {}),
        "voltage_clamp_numbers": (squid, current, {"trainable": "physical"}),
        "voltage_clamp_residual": (residual, current, {}),
        "voltage_clamp_residual_given": (residual, current, {"trainable": "networks"}),
        "network": (network, v, {"noise": 0.0}),
        "network_estimated": (network, v, {}),
        "network_noisy": (network, v, {"noise": 2.0}),
        "network_coarse": (network, [v[0].thinned(2)], {"noise": 0.0}),
        "three_gates": (three, v, {"noise": 0.0}),
        "three_gates_noisy": (three, v, {"noise": 0.5}),
        "wide": (wide, v, {"noise": 0.0}),
        "missing_current": (cells.missing_current(False), v, {"noise": 0.0}),
        "missing_current_gates": (cells.missing_current(True), v, {"noise": 0.0}),
        "all_parts": (cells.all_parts(), v, {"noise": 0.0}),
        "both": (network, v, {"trainable": ["networks", "k.g"], "noise": 0.0}),
        "both_noisy": (network, v, {"trainable": ["networks", "k.g"], "noise": 1.0}),
        "both_capacitance": (network, v, {"trainable": ["networks", "c_m"], "noise": 0.0}),
        "numbers": (squid, v, {"trainable": "conductances", "noise": 0.0}),
        "numbers_noisy": (squid, v, {"trainable": "conductances", "noise": 1.0}),
        "numbers_capacitance": (squid, v, {"trainable": "physical", "noise": 0.0}),
        "numbers_many": (cells.library()["pospischil_ib"], v,
                         {"trainable": ["rates", "conductances"], "noise": 0.0}),
        "numbers_many_noisy": (cells.library()["pospischil_ib"], v,
                               {"trainable": ["rates", "physical"], "noise": 0.5}),
        "free": (cells.forms()["neural_free"], v, {}),
        "black_box": (cells.black_box(), v, {}),
        "cells": (network, several, {"per_cell": "k.g", "noise": 0.0}),
        "cells_three": (three, several, {"per_cell": "k.g", "noise": 0.0}),
        "cells_noisy": (network, several, {"per_cell": "k.g", "noise": 1.0}),
        "cells_numbers": (squid, several, {"per_cell": "conductances", "noise": 0.0}),
        "loss_given": (network, v, {"noise": 0.0, "chosen": ("loss", "penalty")}),
        "options_given": (network, v, {"noise": 0.0, "chosen": ("options",)}),
        "windows": (network, v, {"given": "multiple_shooting"}),
        "windows_noisy": (network, v, {"given": "multiple_shooting", "noise": 1.0}),
        "windows_numbers": (squid, v, {"given": "multiple_shooting", "trainable": "conductances"}),
        "unknown_name": (network, v, {"given": "fast"}),
    }  # fmt: skip
    return {f"schedule/{name}": partial(_schedule, *call) for name, call in calls.items()}


def _schedule(neuron: Any, recordings: Any, call: dict[str, Any], engine: str) -> Mapping:
    return api.default_schedule(neuron, recordings, **call)


# -- what recordings tell, and how well they are predicted ----------------------------------


def _identifiability(call: Mapping[str, Any], engine: str) -> Mapping[str, Any]:
    found = ph.identifiability(**call, backend=engine)
    spectrum = found.eigenvalues, found.standard_errors, found.correlations
    names = ("eigenvalues", "standard_errors", "correlations")
    return {
        **fits._plain(found.to_dict()),
        **dict(zip(names, spectrum, strict=True)),
        "text": str(found),
    }


def _identified() -> dict[str, Case]:
    squid, v, current = cells.squid(), made.current_clamp(), made.voltage_clamp()
    noisy = made.current_clamp(noise=0.5)
    calls = {
        "numbers": {"fitted": squid, "recordings": v, "noise": 1.0},
        "conductances": {"fitted": squid, "recordings": [v, noisy], "trainable": "conductances",
                         "noise": [1.0, 0.5]},
        "residuals": {"fitted": squid, "recordings": noisy, "trainable": ["k.g", "na.g"]},
        "voltage_clamp": {"fitted": squid, "recordings": current, "noise": 2.0},
        "rates": {"fitted": squid, "recordings": current, "trainable": "rates", "noise": 1.0},
        "network": {"fitted": cells.with_network("steady_state"), "recordings": v,
                    "trainable": ["networks", "k.g"], "noise": 1.0},
    }  # fmt: skip
    return {f"identifiability/{n}": partial(_identifiability, c) for n, c in calls.items()}


def _adapt(neuron: Any, recordings: Any, call: Mapping[str, Any], engine: str) -> Mapping:
    return fits.facts(ph.adapt(neuron, recordings, **call, backend=engine))


def _adapted() -> dict[str, Case]:
    squid, noisy = (
        cells.squid(),
        made.current_clamp("new", t_end=12.0, noise=0.3, g_k=33.0, g_na=128.0),
    )
    short = made.current_clamp("new", t_end=10.0, noise=0.3, g_k=33.0)
    volts = made.voltage_clamp("new", 10.0, noise=1.0, g_k=30.0)
    network = cells.with_network("residual")
    return {
        "adapt/numbers": partial(_adapt, squid, noisy, {"trainable": ["k.g", "na.g"]}),
        "adapt/network_held": partial(_adapt, network, short, {"trainable": "k.g"}),
        "adapt/voltage_clamp": partial(_adapt, squid, volts, {}),
        "adapt/networks_refused": partial(_adapt, network, noisy, {"trainable": "all"}),
    }


def _evaluate(fitted: Any, call: Mapping[str, Any], engine: str) -> Mapping[str, Any]:
    found = ph.evaluate(fitted, **call, backend=engine)
    predicted = {str(i): p.predicted for i, p in enumerate(found.predictions)}
    rows = [{k: np.nan if x is None else x for k, x in row.items()} for row in found.rows()]
    return {"rows": rows, "text": str(found), "predicted": predicted}


def _evaluated() -> dict[str, Case]:
    squid = cells.squid()
    weaker = replace(squid.with_parameters(k__g=30.0), name="weaker")
    v = [made.current_clamp(f"{i}", float(i), 30.0, noise=0.3, seed=i) for i in (8, 15)]
    current = made.voltage_clamp("clamp")
    theta = squid.theta * np.linspace(0.95, 1.05, 4)[:, None]
    calls = {
        "neuron": (weaker, {"recordings": v}),
        "heldout": (weaker, {"recordings": v[0], "heldout": v[1]}),
        "ensemble": ([squid, weaker], {"recordings": v, "heldout": 0.5}),
        "theta": (squid, {"recordings": v[0], "theta": theta}),
        "both_clamps": (weaker, {"recordings": [*v, current]}),
        "windows": (weaker, {"recordings": v, "gamma_window": 3.5, "threshold": -20.0}),
        "network": (cells.with_network("rates"), {"recordings": [v[0], current]}),
    }
    return {f"evaluate/{n}": partial(_evaluate, *call) for n, call in calls.items()}


def _ensemble(engine: str) -> Mapping[str, Any]:
    """Three starts as an ensemble, and judged."""
    call = {**fits.problems()["network"], "seeds": 3, "schedule": api.stage("clamped", "adam", 4)}
    result = fits.run(engine, **call)
    found = result.ensemble()
    bands = {f"n/{name}": band for name, band in found.curve("n").items()}
    bands["prediction"] = found.prediction(0)
    held = made.current_clamp("held", 15.0)
    judged = ph.evaluate(result, (), heldout=held, starts="all", backend=engine)
    return {
        "text": str(found),
        "members": found.members,
        "weights": found.weights,
        "bands": {n: [b.mean, b.sd, b.quantile(0.1)] for n, b in bands.items()},
        "judged": str(judged),
    }


# -- proposals, excitability, upsampling ----------------------------------------------------


def _propose(clamp: str, engine: str) -> Mapping[str, Any]:
    if clamp == "voltage":
        items = [made.voltage_clamp("step", 10.0, 8.0, noise=80.0)]
    elif clamp == "spikes":
        items = [_passive(-4.0), made.current_clamp("spikes", 15.0, 25.0, noise=0.2)]
    else:
        items = [_passive(a) for a in (-4.0, 2.0)]
    found = ph.propose(items, backend=engine)
    best = [[c.rmse for c in found.candidates]]
    return {
        "neuron": found.neuron.theta,
        "trainable": list(found.trainable),
        "candidates": [c.name for c in found.candidates],
        "rmse": best[0],
        "log": list(found.log),
    }


def _passive(amplitude: float) -> ph.Recording:
    """A membrane of 1 µF/cm² and 0.1 mS/cm² with a rest of -70 mV."""
    t = 0.2 * np.arange(401)
    on, off = (np.clip(t - x, 0.0, None) for x in (10.0, 60.0))
    v = -70.0 + amplitude / 0.1 * (np.exp(-off / 10.0) - np.exp(-on / 10.0))
    noise = 0.1 * np.random.default_rng(int(amplitude + 10)).standard_normal(len(t))
    protocol = ph.CurrentClamp.step(amplitude, 10.0, 60.0, 80.0)
    return ph.Recording(t, protocol, v=v + noise, name=f"{amplitude:g}")


def _excitability(engine: str) -> Mapping[str, Any]:
    squid, options = cells.squid(), {"backend": engine}
    curve = ph.fi_curve(squid, [0.0, 4.0, 10.0], duration=40.0, start=5.0, **options)
    least = ph.rheobase(squid, duration=30.0, start=5.0, tolerance=0.05, **options)
    return {
        "rate": curve.rate,
        "first_spike": curve.first_spike,
        "spikes": np.concatenate(curve.spike_times),
        "rheobase": str(least),
        "input_resistance": str(ph.input_resistance(squid)),
    }


def _upsample(engine: str) -> Mapping[str, Any]:
    coarse = made.current_clamp().thinned(2)
    found = api.upsample(cells.squid(), [coarse], 3, engine)
    return {"t": found[0].t, "v": found[0].data}


# -- documents ------------------------------------------------------------------------------


def _document(name: str, engine: str) -> Mapping[str, Any]:
    """The files that `save` writes, and whether they are read back to the same neuron."""
    cell = {**cells.library(), **cells.forms()}[name]
    with tempfile.TemporaryDirectory() as folder:
        ph.document.save(cell, Path(folder) / "model.json", metadata={"made": "by a case"})
        files = {p.name: p.read_bytes() for p in sorted(Path(folder).iterdir())}
        again = ph.document.load(Path(folder) / "model.json")
        metadata = ph.document.load_metadata(Path(folder) / "model.json")
    layout = [f"{e.name} {e.group} {e.shape} {e.unit}" for e in cell.layout]
    tensors = {n: hashlib.sha256(x).hexdigest() for n, x in files.items() if n != "model.json"}
    return {
        "document": files["model.json"].decode(),
        "tensors": tensors,
        "parameters": layout,
        "theta": cell.theta,
        "initial_state": cell.initial_state(-60.0),
        "equal": bool(again == cell and np.array_equal(again.theta, cell.theta)),
        "metadata": json.dumps(metadata, sort_keys=True),
    }


def _protocol(clamp: str, engine: str) -> Mapping[str, Any]:
    protocols = cells.current_protocols() if clamp == "current" else cells.voltage_protocols()
    t = np.linspace(0.0, cells.T_END, 173)
    return {
        name: {
            "document": json.dumps(p.to_dict(), sort_keys=True),
            "values": p(t),
            "breakpoints": p.breakpoints,
            "equal": bool(np.array_equal(type(p).from_dict(p.to_dict())(t), p(t))),
        }
        for name, p in protocols.items()
    }


def cases(engine: str) -> dict[str, Case]:
    """All of these by name."""
    out = {**_schedules(), **_identified(), **_adapted(), **_evaluated(), "ensemble": _ensemble}
    out |= {
        f"propose/{clamp}": partial(_propose, clamp) for clamp in ("passive", "spikes", "voltage")
    }
    out |= {"excitability": _excitability, "upsample": _upsample}
    out |= {f"document/{name}": partial(_document, name)
            for name in {**cells.library(), **cells.forms()}}  # fmt: skip
    return out | {
        f"protocol/{clamp}": partial(_protocol, clamp) for clamp in ("current", "voltage")
    }
