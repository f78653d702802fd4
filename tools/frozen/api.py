"""Names of the package that the cases use: the one file to edit when names change.

The cases say ``"shooting"``, ``free`` and ``prior_weight``; what the package calls these is said
here, and only here, so that records from before and after a renaming have the same keys.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np

import pyhodgkin as ph
from pyhodgkin import CurvePenalty, Stage, backends, upsample_with_model
from pyhodgkin.fitting.schedules import choose as schedules
from pyhodgkin.neuron.kinetics import RateKinetics, SteadyStateKinetics
from pyhodgkin.neuron.rates import Constant, Exponential, Linoid, Sigmoid
from pyhodgkin.recordings import denoise as noise
from pyhodgkin.recordings import facts

__all__ = [
    "Constant",
    "CurvePenalty",
    "Exponential",
    "Linoid",
    "RateKinetics",
    "Sigmoid",
    "SteadyStateKinetics",
    "default_schedule",
    "loss",
    "solvers",
    "stage",
    "upsample",
]

# Word of the cases -> word of the package.
MODES = {"clamped": "clamped", "observer": "observer", "shooting": "multiple_shooting",
         "simulation": "simulation"}  # fmt: skip
OPTIMIZERS = {"adam": "adamw", "lbfgs": "lbfgs", "levenberg": "levenberg"}
FIELDS: dict[str, str] = {}
LOSS_FIELDS = {"spike_weight": "spikes"}


def stage(mode: str, optimizer: str, steps: int = 3, **more: Any) -> Stage:
    """A stage of a schedule, with ``prior_weight``, ``multistart``, ``gain``, ``window`` …"""
    own = {FIELDS.get(name, name): value for name, value in more.items()}
    return Stage(MODES[mode], OPTIMIZERS[optimizer], steps, **own)


def loss(kind: str = "mse", **more: Any) -> ph.Loss:
    """A loss, with ``spike_weight``, ``match_window``, ``v_clip``, ``observer_conductance`` …"""
    return ph.Loss(kind, **{LOSS_FIELDS.get(name, name): value for name, value in more.items()})


def stage_facts(given: Stage) -> dict[str, Any]:
    """The fields of a stage by the words of the cases."""
    back = {value: name for name, value in FIELDS.items()}
    modes, optimizers = ({b: a for a, b in table.items()} for table in (MODES, OPTIMIZERS))
    found = {back.get(name, name): value for name, value in asdict(given).items()}
    settings = {"gain": None, "window": None, "continuity": 1.0}
    found |= {name: getattr(given.mode, name, value) for name, value in settings.items()}
    found["mode"], found["optimizer"] = modes[given.mode.name], optimizers[given.optimizer]
    if found["loss"] is not None:
        words = {value: name for name, value in LOSS_FIELDS.items()}
        fields = {words.get(name, name): value for name, value in found["loss"].items()}
        found["loss"] = dict(sorted(fields.items()))
    return dict(sorted(found.items()))


def default_schedule(neuron: Any, recordings: Any, given: str | None = None, **call: Any) -> dict:
    """The stages that `fit` would choose, and the line that says why.

    Parameters
    ----------
    call
        ``trainable``, ``noise``, ``per_cell``, ``chosen`` (which arguments the user gave).
    """
    patterns = call.get("trainable") or "networks"
    places = neuron.layout.select(patterns)
    if not len(places):
        places = neuron.layout.select("physical")
    own = neuron.layout.select(call["per_cell"]) if call.get("per_cell") else ()
    places = np.union1d(places, own).astype(np.intp) if len(own) else places
    levels = noise.levels(recordings, call.get("noise"))
    chosen = [*call.get("chosen", ()), *(["trainable"] if call.get("trainable") else [])]
    names = [neuron.layout.names[i] for i in own]
    stages, reason = schedules.choose(given, neuron, recordings, places, chosen, levels, names)
    lines = [", ".join(f"{k}={v!r}" for k, v in stage_facts(s).items()) for s in stages]
    notes = list(facts.notes(tuple(recordings), call.get("per_cell")))
    return {"stages": lines, "reason": reason, "noise": np.asarray(levels), "notes": notes}


def solvers(engine: str) -> tuple[str, ...]:
    """Names of the solvers of an engine."""
    return tuple(backends.get(engine).solvers())


def upsample(neuron: Any, recordings: Any, parts: int, engine: str) -> list:
    """Recordings with more samples, as the model says that v went on between them."""
    return upsample_with_model(neuron, recordings, parts, backend=engine)


def versions(engine: str) -> dict[str, str]:
    """What the record was made with."""
    import platform
    import sys

    import torch

    found = {"pyhodgkin": ph.__version__, "python": platform.python_version()}
    found |= {"numpy": np.__version__, "torch": torch.__version__, "engine": engine}
    if "juliacall" in sys.modules:
        found["julia"] = str(sys.modules["juliacall"].Main.VERSION)
    return found
