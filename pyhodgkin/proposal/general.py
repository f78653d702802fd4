"""A neuron with the currents that most cells have, for a cell of which nothing is known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ..neuron import library
from ..neuron.channels import Channel
from ..neuron.gates import Gate
from ..neuron.kinetics import SteadyStateKinetics
from ..neuron.neuron import Neuron, leak
from ..neuron.rates import Exponential, Sigmoid
from ..numerics.spikes import upward_crossings
from ..recordings import Recording
from .passive import Passive

STEEP = 15.0  # mV/ms: where v rises so fast a spike begins
BEFORE = 3.0  # ms before it crosses 0 mV
USUAL = -47.0  # mV: where the spikes of the sodium current of Pospischil et al. begin


def spike_threshold(recordings: Sequence[Recording]) -> float:
    """The v at which spikes begin, mV: the median of where it first rises by 15 mV/ms."""
    found = []
    for r in recordings:
        slope = np.gradient(r.data, r.t)
        for spike in upward_crossings(r.t, r.data, 0.0, 1.0):
            a, b = np.searchsorted(r.t, [spike - BEFORE, spike])
            steep = np.flatnonzero(slope[a:b] > STEEP)
            if len(steep):
                found.append(float(r.data[a + steep[0]]))
    return float(np.median(found)) if found else USUAL


def general(passive: Passive, threshold: float, unit: str) -> Neuron:
    """Nine currents and a leak, brought to the membrane of a cell.

    Sodium current and delayed rectifier are those of Pospischil et al. 2008
    (10.1007/s00422-008-0263-8), shifted to the threshold of the cell; the others (M, h, inward
    rectifier, slow and fast potassium currents, A, persistent sodium) have usual curves, and all
    are to be fitted.

    Examples
    --------
    >>> from pyhodgkin.proposal.passive import Passive
    >>> cell = general(Passive(100.0, 5.0, -65.0, -65.0, ()), -40.0, "pA")
    >>> [channel.name for channel in cell.channels]
    ['na', 'k', 'km', 'ih', 'kir', 'ahp', 'ka', 'nap', 'kv3', 'l']
    """
    published = library.get("pospischil_rs")
    gates = {name: _shifted(published.gate(name), threshold - USUAL) for name in "mhn"}
    c = passive.c
    channels = (
        Channel("na", 50.0 * c, 60.0, (gates["m"], gates["h"])),
        Channel("k", 4.0 * c, -95.0, (gates["n"],)),
        Channel("km", 0.03 * c, -95.0, (_gate("p", -40, 8, -40, 20, 0.01),)),
        Channel("ih", 0.02 * c, -35.0, (_gate("q", -75, -8, -75, 20, 0.005),)),
        Channel("kir", 0.03 * c, -95.0, (_gate("r", -85, -10, -85, 30, 0.5),)),
        Channel("ahp", 0.3 * c, -95.0, (_gate("z", -15, 5, -30, 60, 0.005),)),
        Channel(
            "ka",
            0.3 * c,
            -95.0,
            (_gate("a", -30, 10, -30, 25, 0.5, power=3), _gate("b", -60, -7, -60, 40, 0.02)),
        ),
        Channel("nap", 0.02 * c, 60.0, (_gate("s", -45, 5, -45, 40, 0.5),)),
        Channel("kv3", 1.0 * c, -95.0, (_gate("w", -5, 9, -20, 30, 0.5),)),
        leak(0.03 * c, -65.0),
    )
    return Neuron(
        f"general cell of {c:.3g}", channels, c_m=c, v_rest=passive.v_rest, current_unit=unit
    )


def _gate(
    name: str, half: float, k: float, v_tau: float, width: float, rate: float, power: int = 1
) -> Gate:
    """A steady state, and a time constant that is longest, 1/(2·rate), at `v_tau`."""
    rates = Exponential(rate, v_tau, width) + Exponential(rate, v_tau, -width)
    return Gate(name, SteadyStateKinetics(x_inf=Sigmoid(1.0, half, k), tau=1 / rates), power=power)


def _shifted(gate: Gate, by: float) -> Gate:
    """The gate with its curves moved by so many mV, at the temperature of the recordings."""
    moved = {
        role: curve.with_leaves(
            iter([replace(x, v0=x.v0 + by) if hasattr(x, "v0") else x for x in curve.leaves()])  # type: ignore[type-var,call-arg,attr-defined]
        )
        for role, curve in gate.kinetics.curves().items()
    }
    return replace(gate, kinetics=gate.kinetics.with_curves(moved), q10=1.0, t_ref=None)
