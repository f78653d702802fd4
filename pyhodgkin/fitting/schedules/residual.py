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


def is_residual(gate: Gate) -> bool:
    return isinstance(gate.kinetics, NeuralKinetics) and gate.kinetics.form == "residual"


def residual(neuron: Neuron) -> tuple[Stage, ...]:
    """The published rates fitted, then networks on them that may bend only where data ask."""
    channels = [c for c in neuron.channels if any(map(is_residual, c.gates))]
    g = tuple(f"{c.name}.g" for c in channels if isinstance(c, Channel))
    priors = tuple(e.name for e in neuron.layout if e.group == "rates" and ".prior." in e.name)
    loss = Loss("huber", delta=0.03)
    rates = Stage("clamped", "lbfgs", 200, loss=loss, trainable=(*priors, *g))
    networks = Stage(
        "clamped",
        "adamw",
        300,
        lr=0.01,
        loss=loss,
        trainable=("networks", *g),
        penalty=CurvePenalty(curvature=CURVATURE),
        prior_weight=2e-4,
    )
    # The loss rests on a plateau for hundreds of steps before it falls to its end.
    return rates, networks, replace(networks, optimizer="lbfgs", steps=1500)
