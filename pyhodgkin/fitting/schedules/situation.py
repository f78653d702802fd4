"""What a default schedule depends on: what was observed, and what of the neuron is unknown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ...neuron.channels import NeuralCurrent
from ...neuron.neuron import Neuron
from ...recordings import Recording
from ...results.errors import can_clamp
from ..initialize.multistart import learnable_gates
from ..losses import pooled_scale


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
        Of the measured v of each recording, mV.
    own : sequence of str
        Parameters that each cell has its own of.
    """

    neuron: Neuron
    recordings: Sequence[Recording]
    indices: NDArray[np.intp]
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
        return can_clamp(self.neuron)

    @property
    def commanded(self) -> bool:
        """Whether the recordings are of voltage clamp."""
        return self.recordings[0].observed == "current"

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

    @cached_property
    def noise_ratio(self) -> float:
        """Mean of the variance of the noise over that of what was measured."""
        if not any(self.noise):
            return 0.0
        return float(np.mean(np.square(self.noise))) / pooled_scale(self.recordings) ** 2

    @property
    def millivolts(self) -> str:
        """The noise in words."""
        if not any(self.noise):
            return "below 0.02 mV"
        low, high = min(self.noise), max(self.noise)
        return f"{high:.2g} mV" if high < 1.05 * low else f"{low:.2g} to {high:.2g} mV"
