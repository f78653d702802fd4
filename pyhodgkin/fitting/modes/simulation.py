"""The neuron solved from the start of each recording, compared by what was observed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from ...backends.loss import Loss
from ...errors import InputError
from ...neuron.neuron import Neuron
from ...recordings import Recording
from ..comparison import Comparison, RecordingComparison
from ..losses import pooled_scale
from ..parameterization import Parameterization
from ..prepared_recordings import cut
from ..problem import Problem
from .base import Mode, StageSettings, register


def scaled(loss: Loss, recordings: Sequence[Recording]) -> Loss:
    """The loss with one scale for all recordings of v.

    One that hardly moves would otherwise count for more than all that fire.
    """
    if recordings[0].observed != "v":
        return loss
    return replace(loss, scale=loss.scale or pooled_scale(recordings))


@register
@dataclass(frozen=True)
class Simulation(Mode):
    """The neuron is solved, and what was observed is compared."""

    name: ClassVar[str] = "simulation"

    def check(
        self,
        where: str,
        stage: StageSettings,
        neuron: Neuron,
        recordings: Sequence[Recording],
        loss: Loss,
    ) -> None:
        super().check(where, stage, neuron, recordings, loss)
        networks = len(neuron.layout.select("networks")) > 0
        if networks and stage.optimizer == "levenberg" and recordings[0].observed != "v":
            raise InputError(
                f"{where}: Levenberg-Marquardt follows v where networks are simulated, and "
                'in voltage clamp v is commanded: take "lbfgs"'
            )

    def prepare(
        self, problem: Problem, stage: StageSettings, unknowns: Parameterization
    ) -> Comparison:
        trained, heldout = (
            [cut(r, stage.horizon) for r in prepared.measured] for prepared in problem.prepared
        )
        loss = scaled(stage.loss or problem.loss, trained)
        options = problem.options_of(stage.options)
        return RecordingComparison(problem, trained, heldout, loss, options, "simulation")
