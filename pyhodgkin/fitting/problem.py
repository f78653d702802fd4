"""What stays the same from stage to stage of a fit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ..backends.base import Backend, Penalty, SolveOptions
from ..backends.loss import Loss
from ..neuron.neuron import Neuron
from ..numerics.arrays import Indices
from ..numerics.cached import cached_property
from ..recordings import Recording
from ..recordings.observables import observables_of, places_of
from .hierarchical import Cells
from .losses import Losses, loss_for
from .penalties import CurvePenalty
from .prepared_recordings import PreparedRecordings


@dataclass(frozen=True)
class Problem:
    """Everything about a fit that stays the same from stage to stage.

    `noise_stated` are the observables whose noise was stated, not estimated. `joint` marks the
    recordings of one observable of a fit with both clamps: see `of`. `starts` are those of
    `PreparedRecordings`.
    """

    backend: Backend
    neuron: Neuron
    recordings: Sequence[Recording]
    heldout: Sequence[Recording] = ()
    loss: Loss | Losses = field(default_factory=Loss)
    options: SolveOptions = field(default_factory=SolveOptions)
    penalties: Sequence[Penalty | CurvePenalty] = ()
    noise: Sequence[float] = ()
    heldout_noise: Sequence[float] = ()
    cells: Cells | None = None
    noise_stated: Sequence[str] = ()
    joint: bool = False
    starts: Sequence[float] = ()
    prior: str = "auto"

    @cached_property
    def prepared(self) -> tuple[PreparedRecordings, PreparedRecordings]:
        """What was trained on and held out, as measured and without its noise."""
        rest = self.neuron.v_rest
        return (
            PreparedRecordings(self.recordings, self.noise, rest, self.starts),
            PreparedRecordings(self.heldout, self.heldout_noise, rest),
        )

    @cached_property
    def observables(self) -> tuple[str, ...]:
        """What was observed in the recordings, trained on or held out: v first."""
        return observables_of((*self.recordings, *self.heldout))

    def places(self, observed: str) -> Indices:
        """The places of the training recordings of one observable."""
        return places_of(self.recordings, observed)

    def of(self, observed: str) -> Problem:
        """The same problem with the recordings of one observable only."""
        return self._parts[observed]

    @cached_property
    def _parts(self) -> dict[str, Problem]:
        return {observed: self._part(observed) for observed in self.observables}

    def _part(self, observed: str) -> Problem:
        own, held = self.places(observed), places_of(self.heldout, observed)
        return replace(
            self,
            recordings=[self.recordings[i] for i in own],
            heldout=[self.heldout[i] for i in held],
            loss=loss_for(self.loss, observed),
            noise=[self.noise[i] for i in own] if len(self.noise) else (),
            heldout_noise=[self.heldout_noise[i] for i in held] if len(self.heldout_noise) else (),
            joint=len(self.observables) > 1,
            starts=[self.starts[i] for i in own] if len(self.starts) else (),
        )

    def loss_of(self, given: Loss | Losses | None) -> Loss:
        """The loss of a stage that has one of its own or none, of recordings of one observable."""
        return loss_for(given or self.loss, self.observables[0])

    def options_of(self, changes: Mapping[str, Any]) -> SolveOptions:
        """The solve options of a stage that changes some of them."""
        return replace(self.options, **changes)
