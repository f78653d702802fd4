"""The default schedules: one table, each row with when it applies, its stages and the reason."""

from __future__ import annotations

from . import both_clamps
from .per_cell import shared_networks
from .residual import is_residual, residual
from .row import HELD, NOISE, Row, curves_of
from .situation import Situation
from .spiking_cell import spiking_cell
from .stages_for import (
    CANDIDATES,
    CANDIDATES_ONE,
    Schedule,
    axial_current,
    clamped,
    noisy_curves,
    numbers,
    observed_numbers,
    simulated_only,
)

_SEARCHED = (
    "simple ones (rates that saturate) are searched from many random starts and networks set to "
    "the best"
)
_SMOOTH = "they are kept small and smooth for a start"
_MATCHED = (
    "the gates are driven by v and the ionic current i_stim - c_m dv/dt is matched, then it is "
    "simulated"
)


def _noise_free(what: str, first: str) -> str:
    return f"{NOISE}{HELD}, {what} unknown: {first}; {_MATCHED}"


TABLE = (
    Row(
        lambda s: not s.clamps,
        lambda s: simulated_only(),
        "no gates that a known voltage drives linearly, so it is simulated",
    ),
    *both_clamps.ROWS,
    Row(
        lambda s: s.real_spikes and not s.own,
        spiking_cell,
        f"{NOISE}, a real cell that spikes: first the gates are driven by the denoised v, then "
        "conductances, shifts and time scales of the gates are searched by spike trains, then v "
        "is simulated, with spike times in the loss; stages after which spikes agree less are "
        "taken back",
    ),
    Row(
        lambda s: (
            s.axial_current
            and not (s.own or s.commanded or s.both or s.numbers)
            and (s.noise_ratio == 0.0 or s.differentiable)
        ),
        lambda s: axial_current(),
        f"{NOISE}, a current of fixed filters of v unknown: its networks are set by least squares "
        "to i_stim - c_m dv/dt less the known currents, then v is simulated",
    ),
    Row(
        lambda s: s.commanded and any(map(is_residual, s.neuron.gates)) and not s.trainable_given,
        lambda s: residual(s.neuron),
        "voltage clamp, networks on published rates: the gates are driven by the command, first "
        "these rates and g are fitted, then the networks on them and g",
    ),
    Row(
        lambda s: s.commanded and s.networks and any(map(is_residual, s.neuron.gates)),
        lambda s: residual(s.neuron, chosen=True),
        "voltage clamp, networks on published rates: the gates are driven by the command, and the "
        "networks return to these rates where the data say nothing",
    ),
    Row(
        lambda s: s.commanded,
        lambda s: clamped(300, 1000) if s.networks else clamped(0, 300),
        "voltage clamp: the gates are driven by the command",
    ),
    Row(
        lambda s: not s.networks and s.differentiable and "capacitance" not in s.groups,
        lambda s: (*clamped(0, 100), *observed_numbers(s.neuron, s.count)),
        f"{NOISE}, {{s.count}} numbers unknown: the noise is small, so the gates are driven by the "
        "denoised v for a start and i_stim - c_m dv/dt is matched; then it is simulated with an "
        "observer whose gain goes down, then without",
    ),
    Row(
        lambda s: not s.networks and (s.noise_ratio > 0.0 or "capacitance" in s.groups),
        lambda s: observed_numbers(s.neuron, s.count),
        f"{NOISE}, {{s.count}} numbers unknown: c_m dv/dt is uncertain, so it is simulated with "
        "an observer whose gain goes down, then without",
    ),
    Row(
        lambda s: not s.networks,
        lambda s: numbers(s.count),
        f"{NOISE}, {{s.count}} numbers unknown: first the gates are driven by v and the ionic "
        "current i_stim - c_m dv/dt is matched, then it is simulated",
    ),
    Row(
        lambda s: bool(s.noise_ratio == 0.0 and s.own and s.gates and s.weights is not None),
        lambda s: shared_networks(
            s.recordings, s.weights or (), s.own, CANDIDATES if len(s.gates) > 1 else CANDIDATES_ONE
        ),
        f"{NOISE}{HELD}, networks that cells share and numbers of each: simple gates are "
        "searched for the mean of the cells; the gates are driven by v and the ionic current is "
        "matched; each cell's numbers follow a growing part of its recordings, then all is "
        "simulated",
    ),
    Row(
        lambda s: s.noise_ratio == 0.0 and s.missing_current,
        curves_of,
        _noise_free("a current", _SEARCHED),
    ),
    Row(
        lambda s: s.noise_ratio == 0.0 and len(s.gates) > 1,
        curves_of,
        _noise_free("several gates", _SEARCHED),
    ),
    Row(lambda s: s.noise_ratio == 0.0, curves_of, _noise_free("networks", _SMOOTH)),
    Row(
        lambda s: True,
        lambda s: noisy_curves(s.neuron, s.noise_ratio, s.weights),
        f"{NOISE}{HELD}, networks unknown: dv/dt is uncertain, so the gates are driven by the "
        "denoised v only for a start; then it is simulated with an observer whose gain goes down, "
        "networks kept as smooth as the noise asks for",
    ),
)


def automatic(situation: Situation) -> tuple[Schedule, str]:
    """The stages for a situation, and why."""
    row = next(row for row in TABLE if row.applies(situation))
    held = ", numbers unknown (held near their start)" if situation.numbers else ""
    return row.stages(situation), row.reason.format(s=situation, held=held)
