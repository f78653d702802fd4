"""Which stages to go through, decided from what was observed and what is unknown."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Any

from ...errors import InputError, unknown
from ...neuron.neuron import Neuron
from ...numerics.arrays import Indices
from ...recordings import Recording
from ..modes import MultipleShooting, Observer
from ..stage import Stage
from .growing_windows import growing_windows
from .long_recordings import coarse_to_fine
from .situation import Situation
from .stages_for import Schedule
from .table import automatic


def choose(
    schedule: str | Sequence[Stage] | Stage | None,
    neuron: Neuron,
    recordings: Sequence[Recording],
    indices: Indices,
    given: Collection[str] = (),
    noise: Sequence[float] = (),
    own: Sequence[str] = (),
) -> tuple[Schedule, str]:
    """The stages of a fit, and one line that says which and why.

    Parameters
    ----------
    schedule : None, "auto", "multiple_shooting", Stage or sequence of Stage
    neuron : Neuron
    recordings : sequence of Recording
    indices : array of int
        Places of the trainable parameters.
    given : collection of str
        Which of ``trainable``, ``loss``, ``penalty`` and ``options`` the user chose; those hold
        in all stages.
    noise : sequence of float
        Of what was measured in each recording; of v in mV.
    own : sequence of str
        Parameters that each cell has its own of.
    """
    if isinstance(schedule, Stage):
        schedule = (schedule,)
    if schedule is not None and not isinstance(schedule, str):
        stages = tuple(schedule)
        if not stages or not all(isinstance(stage, Stage) for stage in stages):
            raise InputError("schedule: give one Stage or more, or None for the automatic one")
        return stages, f"schedule given: {listing(stages)}"
    if schedule not in (None, "auto", "multiple_shooting"):
        raise unknown("schedule", schedule, ("auto", "multiple_shooting"))
    given_too = "trainable" in given
    situation = Situation(neuron, recordings, indices, given_too, noise, own)
    if schedule == "multiple_shooting":
        stages, reason = _in_windows(situation)
    else:
        stages, reason = automatic(situation)
    more: dict[str, Any] = {name: None for name in given if name in ("loss", "penalty")}
    more |= {"options": {}} if "options" in given else {}
    stages = tuple(replace(stage, **more) for stage in stages)
    if schedule != "multiple_shooting":
        stages, told = coarse_to_fine(stages, situation.driven, situation.noise_of_v)
        reason = f"{told}. {reason}" if told else reason
    return stages, f"{reason}: {listing(stages)}"


def listing(stages: Schedule) -> str:
    """The stages in one line."""
    return ", ".join(
        f"{stage.label} ({stage.steps}{_gain(stage)}"
        f"{'' if stage.horizon is None else f', {stage.horizon:.0f} ms'})"
        for stage in stages
    )


def _gain(stage: Stage) -> str:
    return f", gain {stage.mode.gain:g}" if isinstance(stage.mode, Observer) else ""


def _in_windows(situation: Situation) -> tuple[Schedule, str]:
    straight = max(1e-6, situation.noise_ratio) if situation.networks else 0.0
    stages = growing_windows(situation.driven, straight)
    modes = (stage.mode for stage in stages[1:])
    lengths = ", ".join(f"{m.window:g}" for m in modes if isinstance(m, MultipleShooting))
    return stages, f"windows of {lengths} ms, which start at states that are trained too"
