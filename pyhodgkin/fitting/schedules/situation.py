"""What a default schedule depends on: what was observed, and what of the neuron is unknown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ...neuron.channels import NeuralCurrent
from ...neuron.neuron import Neuron
from ...numerics.arrays import Indices
from ...numerics.cached import cached_property
from ...numerics.spikes import upward_crossings
from ...recordings import Recording
from ...recordings.observables import observables_of, of, places_of
from ..initialize.current_regression import settable_currents
from ..initialize.multistart import learnable_gates
from ..losses import pooled_scale

DIFFERENTIABLE = 0.06  # mV: noise that dv/dt bears, after v has been denoised


@dataclass(frozen=True)
class Situation:
    """The facts of a fit that its schedule is chosen by.

    Parameters
    ----------
    neuron : Neuron
    recordings : sequence of Recording
    indices : array of int
        Places of the trainable parameters.
    trainable_given : bool
        Whether the user chose them.
    noise : sequence of float
        Of what was measured in each recording; of v in mV.
    own : sequence of str
        Parameters that each cell has its own of.
    """

    neuron: Neuron
    recordings: Sequence[Recording]
    indices: Indices
    trainable_given: bool = False
    noise: Sequence[float] = ()
    own: Sequence[str] = ()

    @cached_property
    def groups(self) -> set[str]:
        """The groups of the trainable parameters."""
        return {e.group for e in self.neuron.layout if np.isin(e.start, self.indices)}

    @property
    def clamps(self) -> bool:
        """Whether a known voltage drives the gates."""
        return self.neuron.is_linear_in_gates

    @property
    def commanded(self) -> bool:
        """Whether all recordings are of voltage clamp."""
        return observables_of(self.recordings) == ("current",)

    @property
    def both(self) -> bool:
        """Whether there are recordings of both clamps."""
        return len(observables_of(self.recordings)) > 1

    @cached_property
    def driven(self) -> Sequence[Recording]:
        """The recordings of v where there are both clamps, else all."""
        return of(self.recordings, "v") if self.both else self.recordings

    @cached_property
    def noise_of_v(self) -> Sequence[float]:
        """The noise of each of these, mV."""
        if not self.both or not len(self.noise):
            return self.noise
        return [self.noise[i] for i in places_of(self.recordings, "v")]

    @property
    def networks(self) -> bool:
        """Whether networks are trained."""
        return "networks" in self.groups

    @property
    def numbers(self) -> bool:
        """Whether anything else is."""
        return bool(self.groups - {"networks"})

    @property
    def count(self) -> int:
        """How many parameters are trained."""
        return len(self.indices)

    @cached_property
    def weights(self) -> tuple[str, ...] | None:
        """The names of the trained weights, where numbers are trained too."""
        if not self.numbers:
            return None
        layout = self.neuron.layout
        found = (e for e in layout if e.group == "networks" and np.isin(e.start, self.indices))
        return tuple(e.name for e in found)

    @cached_property
    def gates(self) -> tuple[str, ...]:
        """The gates whose networks are trained."""
        return learnable_gates(self.neuron, self.indices)

    @property
    def missing_current(self) -> bool:
        """Whether one of these gates is that of a current that is a network."""
        currents = (c for c in self.neuron.channels if isinstance(c, NeuralCurrent))
        return any(gate.name in self.gates for current in currents for gate in current.gates)

    @property
    def axial_current(self) -> bool:
        """Whether all trained networks are currents that a regression sets: linear filters of v."""
        layout, named = self.neuron.layout, settable_currents(self.neuron, self.indices)
        trained = {e.name for e in layout if e.group == "networks" and e.start in self.indices}
        own = {e.name for e in layout if e.name.split(".network.")[0] in named}
        linear = any(
            isinstance(c, NeuralCurrent) and c.name in named and len(c.network.layers) == 2
            for c in self.neuron.channels
        )
        return linear and bool(trained) and trained <= own

    @cached_property
    def noise_ratio(self) -> float:
        """Mean of the variance of the noise over that of what was measured."""
        noise = self.noise_of_v
        return (
            float(np.mean(np.square(noise))) / pooled_scale(self.driven) ** 2 if any(noise) else 0.0
        )

    @property
    def differentiable(self) -> bool:
        """Whether v is noisy, and so little that its slope, denoised, still tells the current."""
        noise = self.noise_of_v
        return bool(any(noise)) and max(noise) <= DIFFERENTIABLE

    @cached_property
    def real_spikes(self) -> bool:
        """Whether these are recordings of a cell that spikes, in pA or nA and with noise."""
        if self.commanded or self.both or self.recordings[0].current_unit == "uA/cm2":
            return False
        if not any(self.noise_of_v):
            return False
        return any(len(upward_crossings(r.t, r.data, 0.0, 1.0)) for r in self.recordings)

    @property
    def millivolts(self) -> str:
        """The noise in words."""
        noise = self.noise_of_v
        if not any(noise):
            return "below 0.02 mV"
        low, high = min(noise), max(noise)
        return f"{high:.2g} mV" if high < 1.05 * low else f"{low:.2g} to {high:.2g} mV"
