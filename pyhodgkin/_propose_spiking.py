"""A neuron proposed for a real cell that spikes: starts that are searched by spike trains."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from ._fit import fit
from .errors import FitWarning
from .fitting.schedules.spiking_cell import search
from .neuron.channels import NeuralCurrent
from .neuron.gates import Gate
from .neuron.kinetics import SteadyStateKinetics
from .neuron.networks import Network
from .neuron.neuron import Neuron
from .neuron.rates import Constant, Sigmoid
from .proposal.candidates import Candidate
from .proposal.commands import smoothed_command
from .proposal.drift import drift_for
from .proposal.general import general, spike_threshold
from .proposal.passive import SPIKE, Passive
from .recordings import Recording
from .recordings.denoise import levels

NUMBERS = ("conductances", "reversals", "rates", "capacitance")
_TIME_SCALE, _GENERATIONS, _SIZE = 30.0, 60, 0.3  # ms; size of the first generation
_HIDDEN, _TAUS = 16, (20.0, 150.0)  # of the learned current: units, ms of its two gates
_MOVED = ("conductances", "rates", "l.e", "capacitance")

Say = Callable[[str], None]


def is_real(items: Sequence[Recording]) -> bool:
    """Whether these are recordings of a whole cell that spikes, with noise."""
    if any(r.observed != "v" or r.current_unit == "uA/cm2" for r in items):
        return False
    return any((r.data > SPIKE).any() for r in items) and any(levels(items, None))


def searched(
    items: Sequence[Recording],
    passive: Passive,
    unit: str,
    known: Sequence[Candidate],
    solve: dict[str, Any],
    tell: Say,
) -> tuple[Neuron, tuple[Recording, ...]]:
    """A general neuron fitted to the recordings by the stages of a real cell, and these.

    Where the best of the `known` neurons is closer than the general one to begin with and a search
    by spike trains leaves it closer, that is fitted.
    """
    used = tuple(smoothed_command(r) for r in items)
    drift = drift_for(used, ())
    quiet = {"fit_initial": False, "progress": False}
    threshold = spike_threshold(used)
    tell(f"spikes begin at {threshold:.1f} mV; starts are searched by spike trains:")

    def from_start(start: Neuron, generations: int) -> tuple[float, Neuron]:
        stage = search(_TIME_SCALE, generations, _SIZE, _MOVED)
        how: dict[str, Any] = {"schedule": stage, "drift": drift or False, **quiet, **solve}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FitWarning)  # it is only the beginning
            result = fit(start, used, trainable=_MOVED, **how)
        score = float(result.scores[result.best])
        remark = next((x for x in result.log if x.startswith(stage.label)), "")
        tell(f"  {start.name}: cost {score:.3g};{remark.rpartition(';')[2]}")
        return score, replace(result.neuron, name=start.name)

    best, neuron = from_start(general(passive, threshold, unit), _GENERATIONS)
    if known and from_start(known[0].neuron, 1)[0] < best:
        other, found = from_start(known[0].neuron, _GENERATIONS)
        neuron = found if other < best else neuron
    tell(f"{neuron.name}: its numbers are fitted")
    result = fit(neuron, used, trainable=NUMBERS, drift=drift or False, **quiet, **solve)
    for line in result.log:
        tell(f"  {line}")
    return replace(result.neuron, name=neuron.name), used


def with_learned_current(neuron: Neuron) -> Neuron:
    """The neuron with one more current, of v and two gates that follow it; at first it is zero."""
    gates = tuple(
        Gate(f"x{i + 1}", SteadyStateKinetics(x_inf=Sigmoid(1.0, -50.0, 15.0), tau=Constant(tau)))
        for i, tau in enumerate(_TAUS)
    )
    network = Network.create((3, _HIDDEN, 1), seed=0, zero_last=True)
    scale = neuron.c_m / 3.0  # of the unit of current: what moves v by a third of a mV in 1 ms
    more = NeuralCurrent("learned", network, gates, scale=scale, v_shift=-50.0, v_scale=20.0)
    return neuron.with_channel(more)
