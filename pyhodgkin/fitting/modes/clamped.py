"""Gates driven by the measured or commanded voltage, compared by the current."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from ...backends.loss import Loss
from ...errors import InputError
from ...neuron.coupled import coupling_of
from ...neuron.neuron import Neuron
from ...recordings import Recording
from ...units import conductance_of
from ..comparison import Comparison, RecordingComparison
from ..parameterization import Parameterization
from ..prepared_recordings import PreparedRecordings, cut, thinned
from ..problem import Problem
from .base import Mode, StageSettings, register


@register
@dataclass(frozen=True)
class Clamped(Mode):
    """The gates are driven by the voltage that was measured or commanded, and currents compared.

    In current clamp the ionic current is that of the membrane equation, i_stim - c_m dv/dt. No
    spike has to be matched, and nothing is solved, so it is fast.
    """

    name: ClassVar[str] = "clamped"

    @property
    def compares(self) -> str:
        return "i_stim - c_m dv/dt, and the ionic current of gates driven by the measured v"

    def check(
        self,
        where: str,
        stage: StageSettings,
        neuron: Neuron,
        recordings: Sequence[Recording],
        loss: Loss,
    ) -> None:
        super().check(where, stage, neuron, recordings, loss)
        gain = loss.observer_conductance
        if gain is not None and stage.optimizer == "levenberg":
            raise InputError(
                f"{where}: Levenberg-Marquardt knows the residual of the current alone; its "
                f"loss has observer_conductance = {gain:g} {conductance_of(neuron.current_unit)}: "
                'take "lbfgs", or a loss without'
            )
        if not neuron.is_linear_in_gates:
            what = "one network" if neuron.right_hand_side else 'a gate of form "free"'
            what = coupling_of(neuron) or what
            raise InputError(
                f"{where}: clamped training drives gates with a known voltage; neuron "
                f'"{neuron.name}" has {what}: use mode="simulation"'
            )

    def prepare(
        self, problem: Problem, stage: StageSettings, unknowns: Parameterization
    ) -> Comparison:
        def seen(prepared: PreparedRecordings) -> list[Recording]:
            driving = prepared.sampled(stage.sampling, driving=True)
            return [thinned(cut(r, stage.horizon), stage.every) for r in driving]

        trained, heldout = (seen(x) for x in problem.prepared)
        loss, options = problem.loss_of(stage.loss), problem.options_of(stage.options)
        return RecordingComparison(problem, trained, heldout, loss, options, "clamped")
