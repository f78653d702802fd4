"""Short fits: modes x optimizers x what is unknown, and the other arguments of `fit`."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np

import pyhodgkin as ph

from . import api, cells
from . import recordings as made
from .record import Case

STEPS = 3
MODES: dict[str, dict[str, Any]] = {
    "clamped": {},
    "observer": {"gain": 1.0},
    "shooting": {"window": 5.0, "continuity": 0.5},
    "simulation": {},
}
OPTIMIZERS = ("adam", "lbfgs", "levenberg")
SOLVED = {"rtol": 1e-5, "atol": 1e-7}
NUMBERS = ["k.g", "na.g", "l.e"]


def facts(result: ph.FitResult) -> Mapping[str, Any]:
    """Everything that a fit says but the time it took."""
    history = result.history
    labels = list(dict.fromkeys(str(x) for x in history["stage"]))
    curves = ("loss", "heldout", "lr", "gradient_norm", "rejected")
    held, known, several = result.heldout_error, result.identifiability, result.population
    return {
        "history": {
            "step": history["step"],
            "stage": np.array([labels.index(str(x)) for x in history["stage"]]),
            **{name: np.asarray(history[name], dtype=np.float64) for name in curves},
        },
        "stages": labels,
        "theta": result.theta,
        "best_theta": result.neuron.theta,
        "scores": result.scores,
        "best": result.best,
        "status": [int(result.status), *map(int, result.statuses)],
        "message": result.message,
        "log": list(result.log),
        "text": str(result).split("\n", 1)[1],
        "train_error": _plain(result.train_error.to_dict()),
        "heldout_error": None if held is None else _plain(held.to_dict()),
        "voltage_range": list(result.voltage_range),
        "predictions": {str(i): p.predicted for i, p in enumerate(result.predictions)},
        "initial_states": result.initial_states,
        "identifiability": None if known is None else _plain(known.to_dict()),
        "cells": None if several is None else {"own": several.own, "theta": several.theta},
        "active_bounds": _plain([x.to_dict() for x in result.active_bounds]),
        "goodness": None if result.goodness is None else _plain(result.goodness.to_dict()),
    }


def _plain(value: Any) -> Any:
    """What `to_dict` gives, with None in rows of numbers as NaN."""
    if isinstance(value, Mapping):
        return {key: _plain(part) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        if any(x is None for x in value) and all(isinstance(x, (int, float, type(None)))
                                                 for x in value):  # fmt: skip
            return [np.nan if x is None else x for x in value]
        return [_plain(part) for part in value]
    return value


@cache
def problems() -> dict[str, dict[str, Any]]:
    """What is unknown, and the recordings: one set for each kind."""
    network, squid = cells.with_network("steady_state"), cells.squid()
    off = squid.with_parameters(k__g=30.0, na__g=105.0, l__e=-56.0)
    one, other, third = (
        made.current_clamp(f"{i} uA/cm2", float(i), 12.0) for i in (10, 14, 7)
    )  # fmt: skip
    noisy = [made.current_clamp(f"noisy {i}", float(i), 12.0, noise=0.3, seed=i) for i in (10, 15)]
    steps = [made.voltage_clamp(f"{i} mV", float(i), 12.0, noise=1.0, seed=i) for i in (0, 30)]
    return {
        "network": {"neuron": network, "recordings": one},
        "numbers": {"neuron": off, "recordings": noisy, "trainable": NUMBERS},
        "cells": {"neuron": network, "recordings": made.three_cells(), "per_cell": ["k.g"]},
        "cells_numbers": {
            "neuron": off,
            "recordings": made.three_cells(noise=0.2),
            "per_cell": ["k.g", "na.g"],
            "trainable": "l.g",
        },
        "both": {"neuron": network, "recordings": [one, other], "trainable": ["networks", "k.g"]},
        "voltage_clamp": {
            "neuron": cells.with_network("rates"),
            "recordings": steps,
            "trainable": ["networks", "k.g"],
        },
        "heldout": {"neuron": network, "recordings": [one, other], "heldout": third},
    }


def run(engine: str, neuron: ph.Neuron, recordings: Any, **call: Any) -> ph.FitResult:
    """A fit without a progress bar."""
    return ph.fit(neuron, recordings, backend=engine, progress=False, **{**SOLVED, **call})


def _grid(kind: str, mode: str, optimizer: str, engine: str) -> Mapping[str, Any]:
    stage = api.stage(mode, optimizer, STEPS, **MODES[mode])
    return facts(run(engine, **problems()[kind], schedule=stage))


def _call(call: Mapping[str, Any], engine: str) -> Mapping[str, Any]:
    return facts(run(engine, **call))


def _resumed(engine: str) -> Mapping[str, Any]:
    """Stopped in the second stage and gone on with, beside the same run unbroken."""
    schedule = [api.stage("clamped", "adam", 3), api.stage("simulation", "lbfgs", 4)]
    call = {**problems()["network"], "schedule": schedule}
    whole = run(engine, **call)
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "run"
        run(engine, **call, out=place, checkpoint_every=0.0, callback=lambda i: i.stage == 1)
        again = run(engine, **call, out=place, resume=True, checkpoint_every=0.0)
        read = ph.FitResult.load(place)
    return {"whole": facts(whole), "resumed": facts(again), "read": facts(read)}


def _started(call: Mapping[str, Any], steps: int, engine: str) -> Mapping[str, Any]:
    """The first steps of the default schedule."""
    seen: list[int] = []

    def enough(info: Any) -> bool:
        seen.append(info.step)
        return len(seen) >= steps

    return facts(run(engine, **call, callback=enough))


def _others() -> dict[str, Case]:
    """Arguments of `fit` and fields of a stage that the grid leaves alone."""
    both, base = problems()["both"], problems()["network"]
    numbers, vc = problems()["numbers"], problems()["voltage_clamp"]
    clamped, solved = partial(api.stage, "clamped"), partial(api.stage, "simulation")
    three = cells.with_network("steady_state", gates=("n", "m", "h"))
    one = base["recordings"]
    penalty = api.CurvePenalty(1e-3, 1e-3)
    calls: dict[str, dict[str, Any]] = {
        "seeds": {**base, "seeds": 3, "schedule": [clamped("adam", 3), solved("lbfgs", 3)]},
        "seeds_levenberg": {**base, "seeds": [4, 9], "schedule": solved("levenberg", 3)},
        "stages": {**both, "schedule": [clamped("lbfgs", 3), solved("levenberg", 3)]},
        "three_gates": {"neuron": three, "recordings": one, "schedule": solved("levenberg", 3)},
        "fit_initial": {**base, "fit_initial": True, "schedule": solved("lbfgs", 4)},
        "in_motion": {
            "neuron": base["neuron"],
            "recordings": made.in_motion(),
            "schedule": [clamped("lbfgs", 3), solved("levenberg", 3)],
        },
        "in_motion_shooting": {
            "neuron": base["neuron"],
            "recordings": made.in_motion(),
            "schedule": api.stage("shooting", "adam", 3, window=3.0),
        },
        "penalty": {**base, "penalty": penalty, "schedule": solved("lbfgs", 3)},
        "stage_penalty": {**base, "schedule": clamped("levenberg", 3, penalty=penalty)},
        "huber": {**base, "loss": api.loss("huber", delta=0.02), "schedule": clamped("lbfgs", 4)},
        "huber_levenberg": {**base, "loss": api.loss("huber", delta=0.02),
                            "schedule": clamped("levenberg", 3)},
        "spike_times": {**numbers, "loss": api.loss(spike_weight=0.1, match_window=2.0),
                        "schedule": solved("lbfgs", 4)},
        "spike_times_levenberg": {**numbers, "loss": api.loss(spike_weight=0.1),
                                  "schedule": solved("levenberg", 3)},
        "v_clip": {**base, "loss": api.loss(v_clip=-20.0), "schedule": solved("levenberg", 3)},
        "v_clip_lbfgs": {**both, "loss": api.loss(v_clip=-20.0), "schedule": solved("lbfgs", 3)},
        "observer_conductance": {**base, "loss": api.loss(observer_conductance=1.0),
                                 "schedule": clamped("levenberg", 3)},
        "observer_conductance_lbfgs": {**both, "loss": api.loss(observer_conductance=1.0),
                                       "schedule": clamped("lbfgs", 3)},
        "scale": {**base, "loss": api.loss(scale=10.0), "schedule": solved("adam", 3)},
        "v_scale": {**base, "v_scale": 5.0, "schedule": solved("lbfgs", 3)},
        "float32": {**base, "dtype": "float32", "schedule": solved("adam", 2)},
        "mae": {**base, "loss": "mae", "schedule": solved("adam", 3)},
        "bounds": {**numbers, "bounds": {"*.g": (0.1, 110.0)}, "schedule": solved("lbfgs", 4)},
        "bounds_levenberg": {**numbers, "bounds": {"k.g": (25.0, 32.0)},
                             "schedule": solved("levenberg", 4)},
        "all_numbers": {**numbers, "trainable": "physical", "schedule": solved("levenberg", 3)},
        "prior_weight": {**both, "schedule": solved("levenberg", 3, prior_weight=1e-2)},
        "prior_weight_lbfgs": {**both, "schedule": clamped("lbfgs", 3, prior_weight=1e-2)},
        "batch": {**both, "schedule": solved("adam", 5, batch=1)},
        "batch_of_windows": {**both, "schedule": api.stage("shooting", "adam", 4, window=3.0,
                                                           batch=2)},
        "growing_windows": {**base, "schedule": [api.stage("shooting", "lbfgs", 3, window=w)
                                                 for w in (2.0, 6.0)]},
        "noisy_windows": {**numbers, "schedule": api.stage("shooting", "lbfgs", 3, window=4.0)},
        "multistart": {**base, "schedule": clamped("lbfgs", 3, multistart=4)},
        "multistart_three": {"neuron": three, "recordings": one,
                             "schedule": clamped("levenberg", 2, multistart=4)},
        "multistart_current": {"neuron": cells.missing_current(False), "recordings": one,
                               "schedule": clamped("levenberg", 2, multistart=4)},
        "horizon": {**base, "schedule": solved("lbfgs", 3, horizon=6.0)},
        "every": {**vc, "schedule": clamped("lbfgs", 3, every=4)},
        "weight_decay": {**base, "schedule": clamped("adam", 4, weight_decay=0.1)},
        "halving": {**base, "schedule": clamped("adam", 6, schedule="halving", lr=0.05)},
        "constant_rate": {**base, "schedule": clamped("adam", 4, schedule="constant")},
        "patience": {**numbers, "schedule": clamped("lbfgs", 30, patience=3, target=1e-4)},
        "memory": {**base, "schedule": clamped("lbfgs", 8, memory=2)},
        "stage_options": {**base, "schedule": solved("lbfgs", 3, options={"rtol": 1e-4})},
        "stage_trainable": {**both, "schedule": [clamped("lbfgs", 3, trainable="k.g"),
                                                 clamped("lbfgs", 3)]},
        "tsit5": {**base, "solver": "tsit5", "schedule": solved("lbfgs", 3)},
        "rodas4p": {**base, "solver": "rodas4p", "schedule": solved("levenberg", 2)},
        "noise_given": {**numbers, "noise": 0.5, "schedule": api.stage("observer", "lbfgs", 3,
                                                                        gain=1.0)},
        "noise_clamped": {**both, "noise": 0.5, "schedule": clamped("lbfgs", 4)},
        "heldout_fraction": {**both, "heldout": 0.5, "schedule": solved("adam", 3)},
        "thinned": {"neuron": base["neuron"], "recordings": one.thinned(3),
                    "schedule": [clamped("lbfgs", 3), solved("lbfgs", 3)]},
        "fails": {**base, "max_steps": 3, "schedule": solved("adam", 2)},
        "warm": {"neuron": cells.composed(), "recordings": one, "trainable": "conductances",
                 "schedule": [clamped("lbfgs", 3), solved("levenberg", 3)]},
    }  # fmt: skip
    for form, neuron in cells.forms().items():
        if form not in ("rates", "composed", "neural_steady_state"):
            call = {"neuron": neuron, "recordings": one, "trainable": "networks"}
            calls[f"form/{form}/clamped"] = {**call, "schedule": clamped("lbfgs", 2)}
            calls[f"form/{form}/simulation"] = {**call, "schedule": solved("levenberg", 2)}
            calls[f"form/{form}/current"] = {
                **call, "recordings": vc["recordings"], "schedule": clamped("adam", 2)
            }  # fmt: skip
    return {f"fit/other/{name}": partial(_call, call) for name, call in calls.items()}


def cases(engine: str) -> dict[str, Case]:
    """All fits by name."""
    out: dict[str, Case] = {
        f"fit/{kind}/{mode}/{optimizer}": partial(_grid, kind, mode, optimizer)
        for kind in problems()
        for mode in MODES
        for optimizer in OPTIMIZERS
    }
    out |= _others()
    out["fit/other/resumed"] = _resumed
    for kind, steps in (("numbers", 4), ("voltage_clamp", 3), ("cells_numbers", 3)):
        out[f"fit/default/{kind}"] = partial(_started, problems()[kind], steps)
    windows = {**problems()["network"], "schedule": "multiple_shooting"}
    out["fit/default/windows"] = partial(_started, windows, 3)
    return out
