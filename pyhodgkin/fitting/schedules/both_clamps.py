"""Rows of the table for recordings of both clamps.

Under voltage clamp the current of the gates is measured as it is, and in current clamp it follows
from dv/dt. So the stages are those of current clamp: first the gates are driven by the known
voltage, whichever clamp it is of, then v is simulated, while the current along a command is
compared in every stage, since no solve is needed for it. What noise of v makes uncertain, the
currents hold in place.
"""

from __future__ import annotations

from dataclasses import replace

from .per_cell import shared_networks
from .residual import PRIOR, is_residual, residual
from .row import HELD, NOISE, Row, curves_of
from .situation import Situation
from .stages_for import (
    CANDIDATES,
    CANDIDATES_ONE,
    Schedule,
    last_curves,
    noisy_curves,
    numbers,
    observed_numbers,
)

_BOTH = f"voltage clamp and {NOISE}"
_CURRENTS = (
    "the currents under voltage clamp and i_stim - c_m dv/dt in current clamp tell of the gates, "
    "which the known voltage drives"
)
_THEN = "then v is simulated, and the currents are compared in every stage"


def _residual(s: Situation) -> Schedule:
    """The stages of voltage clamp, and simulation, in which the networks bend no more."""
    stages = residual(s.neuron)
    last = last_curves(prior_weight=2e-4, penalty=PRIOR)
    return (*stages, replace(last, trainable=stages[-1].trainable))


ROWS = (
    Row(
        lambda s: s.both and any(map(is_residual, s.neuron.gates)) and not s.trainable_given,
        _residual,
        f"{_BOTH}, networks on published rates: {_CURRENTS}, first these rates and g are fitted, "
        f"then the networks on them and g; {_THEN}",
    ),
    Row(
        lambda s: s.both and not s.networks and (s.noise_ratio > 0.0 or "capacitance" in s.groups),
        lambda s: observed_numbers(s.neuron, s.count),
        f"{_BOTH}, {{s.count}} numbers unknown: c_m dv/dt is uncertain, so v is simulated with an "
        "observer whose gain goes down, then without, and the currents under voltage clamp are "
        "compared in every stage",
    ),
    Row(
        lambda s: s.both and not s.networks,
        lambda s: numbers(s.count),
        f"{_BOTH}, {{s.count}} numbers unknown: {_CURRENTS}; {_THEN}",
    ),
    Row(
        lambda s: bool(
            s.both and s.noise_ratio == 0.0 and s.own and s.gates and s.weights is not None
        ),
        lambda s: shared_networks(
            s.driven, s.weights or (), s.own, CANDIDATES if len(s.gates) > 1 else CANDIDATES_ONE
        ),
        f"{_BOTH}{HELD}, networks that cells share and numbers of each: simple gates are searched "
        f"for the mean of the cells; {_CURRENTS}; each cell's numbers follow a growing part of v "
        "and all of the currents, then all is simulated",
    ),
    Row(
        lambda s: s.both and s.noise_ratio == 0.0,
        curves_of,
        f"{_BOTH}{HELD}, networks unknown: {_CURRENTS} (simple ones are searched first where there "
        f"are several, or a current is missing); {_THEN}",
    ),
    Row(
        lambda s: s.both,
        lambda s: noisy_curves(s.neuron, s.noise_ratio, s.weights),
        f"{_BOTH}{HELD}, networks unknown: {_CURRENTS}, the denoised v only for a start, since "
        "dv/dt is uncertain; then v is simulated with an observer whose gain goes down and "
        "without, networks kept as smooth as its noise asks for, and the currents are compared in "
        "every stage",
    ),
)
