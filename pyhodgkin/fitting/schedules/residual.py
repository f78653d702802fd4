"""Stages for networks on published rates (form "residual"), under voltage clamp."""

from __future__ import annotations

from dataclasses import replace

from ...neuron.channels import Channel
from ...neuron.gates import Gate
from ...neuron.kinetics import NeuralKinetics
from ...neuron.neuron import Neuron
from ..losses import Loss
from ..penalties import CurvePenalty
from ..stage import Stage

# Chosen by hold-out of 200 ms blocks within one recording (hERG cell 1, sine wave): there 0.0014
# and 0.004 predict equally well, a tenth of that and ten times as much worse.
CURVATURE = 0.004
# Where v is compared too, and no posterior of the curves is found. With a size, both are a Gaussian
# process of correlation length 10 mV (curvature/size)^¼, 20 mV: within about that the rates return
# to the published ones. Chosen on the sine waves and action potentials of hERG cells 1 and 5 of
# Beattie et al. 2018.
PRIOR = CurvePenalty(size=0.001 / 16.0, curvature=0.001)


def is_residual(gate: Gate) -> bool:
    return isinstance(gate.kinetics, NeuralKinetics) and gate.kinetics.form == "residual"


def residual(neuron: Neuron, chosen: bool = False) -> tuple[Stage, ...]:
    """The published rates fitted, then networks on them that may bend only where data ask.

    `chosen`: what is trained was chosen by the user, and is the same in all stages.
    """
    channels = [c for c in neuron.channels if any(map(is_residual, c.gates))]
    g = tuple(f"{c.name}.g" for c in channels if isinstance(c, Channel))
    priors = tuple(e.name for e in neuron.layout if e.group == "rates" and ".prior." in e.name)
    loss = Loss("huber", delta=0.03)
    published = Stage("clamped", "lbfgs", 200, loss=loss, trainable=(*priors, *g))
    networks = Stage(
        "clamped",
        "adamw",
        300,
        lr=0.01,
        loss=loss,
        trainable=None if chosen else ("networks", *g),
        penalty=CurvePenalty(curvature=CURVATURE),
        prior_weight=2e-4,
    )
    # The loss rests on a plateau for hundreds of steps before it falls to its end.
    further = replace(networks, optimizer="lbfgs", steps=1500)
    own = (networks, further)  # and the prior by its evidence, see toward_prior
    return own if chosen else (published, *own)
