"""The neuron solved from the start of each recording, compared by what was observed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from ...backends.loss import Loss
from ...errors import InputError
from ...neuron.neuron import Neuron
from ...recordings import Recording
from ...recordings.observables import observables_of
from ..comparison import Comparison, RecordingComparison
from ..losses import pooled_scale
from ..parameterization import Parameterization
from ..prepared_recordings import cut, without
from ..problem import Problem
from .base import Mode, StageSettings, register


def scaled(loss: Loss, recordings: Sequence[Recording]) -> Loss:
    """The loss with one scale for all `recordings`, of v.

    One that hardly moves would otherwise count for more than all that fire.
    """
    if recordings[0].observed != "v":
        return loss
    return replace(loss, scale=loss.scale or pooled_scale(recordings))


@register
@dataclass(frozen=True)
class Simulation(Mode):
    """The neuron is solved, and what was observed is compared.

    Under voltage clamp, beside recordings of current clamp, the gates are solved for along the
    command, which is exact (where their equations are linear in them).
    """

    name: ClassVar[str] = "simulation"

    @property
    def compares(self) -> str:
        return "v, simulated"

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
        kinds = observables_of(recordings)
        commanded = kinds == ("current",) or (len(kinds) > 1 and not neuron.is_linear_in_gates)
        if networks and stage.optimizer == "levenberg" and commanded:
            raise InputError(
                f"{where}: Levenberg-Marquardt follows v where networks are simulated, and "
                'in voltage clamp v is commanded: take "lbfgs"'
            )

    def prepare(
        self, problem: Problem, stage: StageSettings, unknowns: Parameterization
    ) -> Comparison:
        trained, heldout = (
            [cut(r, stage.horizon) for r in prepared.sampled(stage.sampling)]
            for prepared in problem.prepared
        )
        if unknowns.states is None:
            trained = without(trained, stage.leave_out)
        loss = scaled(problem.loss_of(stage.loss), trained or heldout)
        options = problem.options_of(stage.options)
        commanded = problem.joint and problem.observables == ("current",)
        exact = commanded and problem.neuron.is_linear_in_gates
        mode = "clamped" if exact else "simulation"
        return RecordingComparison(problem, trained, heldout, loss, options, mode)
