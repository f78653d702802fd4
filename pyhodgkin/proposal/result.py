"""What `propose` returns."""

from __future__ import annotations

from dataclasses import dataclass

from ..neuron.neuron import Neuron
from ..recordings import Recording
from .candidates import Candidate


@dataclass(frozen=True)
class Proposal:
    """A neuron to go on with, and how it was found.

    Attributes
    ----------
    neuron : Neuron
        The best candidate; with residual networks in its gates where it does not explain the
        recordings. A network begins at the published kinetics.
    trainable : tuple of str
        What to train in it, for ``fit(..., trainable=...)``.
    candidates : tuple of Candidate
        All that were tried, best first.
    log : tuple of str
        What was done and why.
    recordings : tuple of Recording
        To fit it to. In current clamp those it was found with: of a large file a few, shortened and
        thinned, so that a first fit is a matter of minutes. In voltage clamp all.
    """

    neuron: Neuron
    trainable: tuple[str, ...]
    candidates: tuple[Candidate, ...]
    log: tuple[str, ...]
    recordings: tuple[Recording, ...] = ()

    def __str__(self) -> str:
        return "\n".join(self.log)
