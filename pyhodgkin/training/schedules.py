"""Which stages to go through, decided from what was observed and what is unknown."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError, unknown
from ..neuron.channels import Channel
from ..neuron.gates import Gate
from ..neuron.kinetics import NeuralKinetics
from ..neuron.neuron import Neuron
from ..recordings import Recording
from .evaluate import can_clamp
from .losses import Loss
from .penalties import CurvePenalty
from .stages import Stage

Schedule = tuple[Stage, ...]


def choose(
    schedule: str | Sequence[Stage] | Stage | None,
    neuron: Neuron,
    recordings: Sequence[Recording],
    indices: NDArray[np.intp],
    given: Collection[str] = (),
) -> tuple[Schedule, str]:
    """The stages of a fit, and one line that says which and why.

    Parameters
    ----------
    schedule : None, "auto", Stage or sequence of Stage
    neuron : Neuron
    recordings : sequence of Recording
    indices : array of int
        Places of the trainable parameters.
    given : collection of str
        Which of ``trainable``, ``loss``, ``penalty`` and ``options`` the user chose; those hold
        in all stages.
    """
    if isinstance(schedule, Stage):
        schedule = (schedule,)
    if schedule is not None and not isinstance(schedule, str):
        stages = tuple(schedule)
        if not stages or not all(isinstance(stage, Stage) for stage in stages):
            raise InputError("schedule: give one Stage or more, or None for the automatic one")
        return stages, f"schedule given: {listing(stages)}"
    if schedule not in (None, "auto"):
        raise unknown("schedule", schedule, ("auto",))
    stages, reason = _automatic(neuron, recordings, indices, "trainable" in given)
    own: dict[str, Any] = {name: None for name in given if name in ("loss", "penalty")}
    own |= {"options": {}} if "options" in given else {}
    stages = tuple(replace(stage, **own) for stage in stages)
    return stages, f"{reason}: {listing(stages)}"


def listing(stages: Schedule) -> str:
    """The stages in one line."""
    return ", ".join(f"{stage.label} ({stage.steps})" for stage in stages)


def _automatic(
    neuron: Neuron,
    recordings: Sequence[Recording],
    indices: NDArray[np.intp],
    trainable_given: bool,
) -> tuple[Schedule, str]:
    if not can_clamp(neuron):
        return _simulated(), "no gates that a known voltage drives linearly, so it is simulated"
    groups = {e.group for e in neuron.layout if np.isin(e.start, indices)}
    if recordings[0].observed == "current":
        if any(map(_is_residual, neuron.gates)) and not trainable_given:
            return _residual(neuron), (
                "voltage clamp, networks on published rates: the gates are driven by the command, "
                "first these rates and g are fitted, then the networks on them and g"
            )
        stages = _clamped(300, 1000) if "networks" in groups else _clamped(0, 300)
        return stages, "voltage clamp: the gates are driven by the command"
    if "capacitance" in groups:
        return _simulated(), (
            "current clamp, c_m unknown: the ionic current is not known from v, so it is simulated"
        )
    networks = "networks" in groups
    first = _clamped(150, 250) if networks else _clamped(0, 100)
    # A few numbers are worth finding to the last digit; networks are not unique anyway.
    return (*first, _between_spikes(), _refined(_CLOSE if networks else None)), (
        "current clamp: first the gates are driven by the measured v and the ionic current "
        "i_stim - c_m dv/dt is matched, then it is simulated"
    )


def _clamped(adamw: int, lbfgs: int) -> Schedule:
    """Networks need AdamW to leave a random start; a few physical parameters do not."""
    fine = Stage("clamped", "lbfgs", lbfgs)
    return (Stage("clamped", "adamw", adamw, lr=0.01), fine) if adamw else (fine,)


def _between_spikes() -> Stage:
    """Small currents between spikes decide when the next one comes; a square hardly sees them."""
    return Stage("clamped", "lbfgs", 250, loss=Loss("huber", delta=0.003))


# A gradient is exact for the steps taken, so training can take longer steps than judging.
_LOOSE = {"rtol": 1e-5, "atol": 1e-7}
_CLOSE = 1e-6  # of the variance: for spikes of 100 mV, 0.03 mV


def _refined(target: float | None) -> Stage:
    """From a start that spikes when the recording does, straight to the minimum."""
    stage = Stage("simulation", "lbfgs", 150, lr=0.01, patience=30, target=target)
    return replace(stage, options=_LOOSE)


def _simulated() -> Schedule:
    stage = Stage("simulation", "adamw", 200, lr=0.01, target=_CLOSE, options=_LOOSE)
    return stage, replace(stage, optimizer="lbfgs", steps=300, patience=50)


# Chosen by hold-out of 200 ms blocks within one recording (hERG cell 1, sine wave): there 0.0014
# and 0.004 predict equally well, a tenth of that and ten times as much worse.
_CURVATURE = 0.004


def _is_residual(gate: Gate) -> bool:
    return isinstance(gate.kinetics, NeuralKinetics) and gate.kinetics.form == "residual"


def _residual(neuron: Neuron) -> Schedule:
    """The published rates fitted, then networks on them that may bend only where data ask."""
    channels = [c for c in neuron.channels if any(map(_is_residual, c.gates))]
    g = tuple(f"{c.name}.g" for c in channels if isinstance(c, Channel))
    priors = tuple(e.name for e in neuron.layout if e.group == "rates" and ".prior." in e.name)
    loss = Loss("huber", delta=0.03)
    rates = Stage("clamped", "lbfgs", 200, loss=loss, trainable=(*priors, *g))
    networks = Stage(
        "clamped",
        "adamw",
        300,
        lr=0.01,
        loss=loss,
        trainable=("networks", *g),
        penalty=CurvePenalty(curvature=_CURVATURE),
        pull=2e-4,
    )
    # The loss rests on a plateau for hundreds of steps before it falls to its end.
    return rates, networks, replace(networks, optimizer="lbfgs", steps=1500)
