"""What stays the same from stage to stage of a fit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from ..backends.base import Backend, Penalty, SolveOptions
from ..backends.loss import Loss
from ..neuron.neuron import Neuron
from ..recordings import Recording
from .hierarchical import Cells
from .penalties import CurvePenalty
from .prepared_recordings import PreparedRecordings


@dataclass(frozen=True)
class Problem:
    """Everything about a fit that stays the same from stage to stage."""

    backend: Backend
    neuron: Neuron
    recordings: Sequence[Recording]
    heldout: Sequence[Recording] = ()
    loss: Loss = field(default_factory=Loss)
    options: SolveOptions = field(default_factory=SolveOptions)
    penalties: Sequence[Penalty | CurvePenalty] = ()
    noise: Sequence[float] = ()
    heldout_noise: Sequence[float] = ()
    cells: Cells | None = None
    noise_stated: bool = False

    @cached_property
    def prepared(self) -> tuple[PreparedRecordings, PreparedRecordings]:
        """What was trained on and held out, as measured and without its noise."""
        rest = self.neuron.v_rest
        return (
            PreparedRecordings(self.recordings, self.noise, rest),
            PreparedRecordings(self.heldout, self.heldout_noise, rest),
        )

    def options_of(self, changes: Mapping[str, Any]) -> SolveOptions:
        """The solve options of a stage that changes some of them."""
        return replace(self.options, **changes)
