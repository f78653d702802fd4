"""The hERG potassium current of Beattie et al. (2018)."""

from __future__ import annotations

from ..channels import Channel
from ..gates import Gate
from ..kinetics import RateKinetics
from ..markov import MarkovChannel
from ..neuron import Neuron
from ..rates import Exponential


def herg_beattie() -> Neuron:
    """hERG (Kv11.1) potassium current with two gates, Beattie et al. 2018; for voltage clamp.

    i = g a r (v - e), dx/dt = alpha (1 - x) - beta x, with (v in mV, rates in 1/ms)::

        alpha_a = 2.26e-4 exp(0.0699 v)     beta_a = 3.45e-5 exp(-0.05462 v)
        alpha_r = 5.15e-3 exp(-0.03158 v)   beta_r = 8.73e-2 exp(8.91e-3 v)

    In the paper alpha_a is k1, beta_a k2, beta_r k3 and alpha_r k4: a activates, r recovers from
    inactivation. g is 0.1524 µS, a whole-cell conductance, so that the current is in nA;
    e = -88.4 mV. A channel alone: give it a voltage clamp; c_m has no meaning here.

    The recordings of the paper are of single cells at 21 to 22 °C; the parameters are those
    of its cell 5, and a good place to start from for another cell.

    References
    ----------
    Beattie KA et al. (2018), J Physiol 596:1813-1828, doi 10.1113/JP275733

    Examples
    --------
    >>> herg_beattie().channel("kr").label
    'ar'
    """
    a = RateKinetics(
        alpha=Exponential(2.26e-4, 0.0, 1 / 0.0699), beta=Exponential(3.45e-5, 0.0, -1 / 0.05462)
    )
    r = RateKinetics(
        alpha=Exponential(5.15e-3, 0.0, -1 / 0.03158), beta=Exponential(0.0873, 0.0, 1 / 8.91e-3)
    )
    return Neuron(
        name="herg_beattie",
        channels=(Channel("kr", 0.1524, -88.4, (Gate("a", a), Gate("r", r))),),
        c_m=1.0,
        current_unit="nA",
        v_rest=-80.0,
        doi="10.1113/JP275733",
        note="channel only: g in µS gives the current in nA",
    )


def herg_beattie_markov() -> Neuron:
    """hERG current of Beattie et al. 2018 as the Markov scheme that it is in the paper.

    States C, O, I and IC; with the rates of `herg_beattie` (1/ms)::

        k1 = 2.26e-4 exp(0.0699 v)     C -> O, IC -> I
        k2 = 3.45e-5 exp(-0.05462 v)   O -> C, I -> IC
        k3 = 8.73e-2 exp(8.91e-3 v)    O -> I, C -> IC
        k4 = 5.15e-3 exp(-0.03158 v)   I -> O, IC -> C

    i = g O (v - e). Activation and inactivation are independent, so that O = a r: the same
    current as `herg_beattie` wherever it starts at the steady state.

    References
    ----------
    Beattie KA et al. (2018), J Physiol 596:1813-1828, doi 10.1113/JP275733

    Examples
    --------
    >>> herg_beattie_markov().states
    ('v', 'kr_C', 'kr_O', 'kr_I')
    """
    rates = {
        "k1": Exponential(2.26e-4, 0.0, 1 / 0.0699),
        "k2": Exponential(3.45e-5, 0.0, -1 / 0.05462),
        "k3": Exponential(0.0873, 0.0, 1 / 8.91e-3),
        "k4": Exponential(5.15e-3, 0.0, -1 / 0.03158),
    }
    pairs = {"k1": ("CO", "KI"), "k2": ("OC", "IK"), "k3": ("OI", "CK"), "k4": ("IO", "KC")}
    names = {"C": "C", "O": "O", "I": "I", "K": "IC"}
    moves = {(names[a], names[b]): rate for rate, pair in pairs.items() for a, b in pair}
    return Neuron(
        name="herg_beattie_markov",
        channels=(
            MarkovChannel("kr", ("C", "O", "I", "IC"), moves, "O", 0.1524, -88.4, rates=rates),
        ),
        c_m=1.0,
        current_unit="nA",
        v_rest=-80.0,
        doi="10.1113/JP275733",
        note="channel only: g in µS gives the current in nA",
    )
