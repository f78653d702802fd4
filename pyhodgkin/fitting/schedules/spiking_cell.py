"""The stages of a real cell that spikes: measured in whole-cell units, with noise.

No neuron with one compartment and a handful of channels repeats a real cell to within its noise.
What decides is whether it spikes as often and when, and how v moves between spikes. The mean
squared error of v has a minimum at a neuron that is silent, and a gradient sees neither a spike
that is missing nor one that is far from its place. So:

1. clamped: conductances, then rates, along the denoised v, on few samples at rest;
2. a search without a gradient for conductances, shifts and time scales of the gates, by spike
   trains and the numbers of spikes, at first to 30 ms, then to 8 ms;
3. simulation with Levenberg-Marquardt: v below the spikes, spike times by the optimal pairing,
   spikes missing and too many at equal cost; first numbers, then networks too.

Each stage is taken back, or a part of its way, where spikes and v between them agree less after
it.
"""

from __future__ import annotations

from dataclasses import replace

from ..losses import Loss
from ..modes import SpikeTrains
from ..stage import Stage
from .situation import Situation
from .stages_for import Schedule

QUICK = {"rtol": 1e-4, "atol": 1e-6}  # for a search
_LOOSE = {"rtol": 1e-5, "atol": 1e-7}
# ms, generations, size of the first of them; fewer where networks are learned too.
SCALES = ((30.0, 60, 0.2), (8.0, 60, 0.15))
SCALES_WITH_NETWORKS = ((8.0, 20, 0.05),)
PATIENCE = 25  # generations without a better one
_DRIVEN_LOSS = Loss("huber", delta=0.1)
# v in mV, cut off below the spikes; a spike 7 ms late costs as much as an error of 1 mV.
SPIKES = Loss("huber", scale=1.0, spikes=0.02, match_window=30.0, v_clip=-33.0, extra=1.0)
PRIOR = 0.003  # draws numbers to where the stage begins
_NUMBERS = {"conductances", "rates"}


def spiking_cell(s: Situation) -> Schedule:
    """Stages for what is trained, see above."""
    numbers = tuple(_names(s, networks=False))
    searched = bool(s.groups & _NUMBERS)
    stages: list[Stage] = []
    if searched:
        stages += [clamped(_of(s, {"conductances"}) or numbers, 30), clamped(numbers, 30)]
        scales = SCALES_WITH_NETWORKS if s.networks else SCALES
        stages += [search(time_scale, n, size, numbers) for time_scale, n, size in scales]
    if numbers:
        stages.append(simulated(12, numbers))
    if s.networks:
        folds = ((1, 4), (3, 4))
        stages += [replace(simulated(12, None), leave_out=fold) for fold in folds]
    return tuple(stages)


def clamped(trainable: tuple[str, ...], steps: int) -> Stage:
    """Gates driven by the measured v; spikes with their large currents count little."""
    return Stage("clamped", "lbfgs", steps, loss=_DRIVEN_LOSS, trainable=trainable,
                 sampling="spiking", undo=True, patience=15)  # fmt: skip


def search(time_scale: float, generations: int, size: float, trainable: tuple[str, ...]) -> Stage:
    """Spike trains, without a gradient."""
    return Stage(SpikeTrains(time_scale), "cmaes", generations, lr=size, trainable=trainable,
                 patience=PATIENCE, sampling="spiking", undo=True, options=QUICK)  # fmt: skip


def simulated(steps: int, trainable: tuple[str, ...] | None) -> Stage:
    """v below the spikes, and when they come."""
    return Stage("simulation", "levenberg", steps, loss=SPIKES, prior_weight=PRIOR, patience=5,
                 trainable=trainable, sampling="spiking", undo=True, options=_LOOSE)  # fmt: skip


def _names(s: Situation, networks: bool) -> list[str]:
    layout = s.neuron.layout
    return [
        e.name
        for e in layout
        if e.start in set(s.indices.tolist()) and (networks or e.group != "networks")
    ]


def _of(s: Situation, groups: set[str]) -> tuple[str, ...]:
    layout, trained = s.neuron.layout, set(s.indices.tolist())
    return tuple(e.name for e in layout if e.start in trained and e.group in groups)
