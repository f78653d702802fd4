"""Neurons with a calcium pool: a cortical bursting cell and a hippocampal one of area CA3."""

from __future__ import annotations

from dataclasses import replace

from ..calcium import CalciumPool
from ..calcium_channels import NernstChannel
from ..channels import Channel
from ..formula import formula
from ..gates import Gate
from ..kinetics import InstantaneousKinetics, RateKinetics
from ..neuron import Neuron, leak
from ..rates import Constant, Exponential, Linoid, Sigmoid
from .cortex import pospischil_lts


def pospischil_lts_calcium() -> Neuron:
    """Low-threshold-spiking cortical cell with its calcium pool, Pospischil et al. 2008.

    `pospischil_lts` with the calcium dynamics of the authors' scripts: the current i_cat =
    g_cat s²u (v - e_ca) feeds a shell of 1 µm, and its reversal potential is Nernst's::

        dca/dt = -k i_cat - (ca - 2.4e-4)/5      k = 10/(2 F) = 5.18e-5 mM/ms per µA/cm²
        e_ca = RT/(2F) ln(2/ca)                  ca in mM, 36 °C: 120.25 mV at rest

    In a burst ca rises six times and e_ca falls by 25 mV, which `pospischil_lts`, with
    120 mV, leaves out.

    References
    ----------
    Pospischil M et al. (2008), Biol Cybern 99:427-441, doi 10.1007/s00422-008-0263-8
    Destexhe A et al. (1993), Biophys J 65:1538-1552, doi 10.1016/S0006-3495(93)81190-1 (the shell)

    Examples
    --------
    >>> pospischil_lts_calcium().states
    ('v', 'm', 'h', 'n', 'p', 'u', 'ca')
    """
    cell = pospischil_lts()
    cat = cell.channel("cat")
    nernst = NernstChannel("cat", g=0.4, ca_out=2.0, gates=cat.gates)
    return replace(
        cell,
        name="pospischil_lts_calcium",
        channels=tuple(nernst if c.name == "cat" else c for c in cell.channels),
        calcium=CalciumPool.shell(depth=1.0, ca_inf=2.4e-4, tau=5.0, sources=("cat",)),
        note="with the calcium pool of the authors' NEURON scripts (ModelDB 123623)",
    )


def pinsky_rinzel_isopotential() -> Neuron:
    """CA3 pyramidal cell in one compartment: Pinsky and Rinzel 1994 with g_c without limit.

    The two-compartment cell of the paper (after Traub et al. 1991) where the coupling g_c makes
    soma and dendrite one potential: with p = 0.5 each current of a compartment counts half.
    g_na 15, g_k 7.5, g_ca 5, g_kc 7.5, g_ahp 0.4, g_l 0.1 mS/cm², e_na 60, e_k -75, e_ca 80,
    e_l -60 mV, c_m 3 µF/cm², and with u = v + 60 mV (rates in 1/ms)::

        i_na = g_na m_inf² h (v - e_na)   i_k = g_k n (v - e_k)    i_ca = g_ca s² (v - e_ca)
        i_kc = g_kc c min(ca/250, 1) (v - e_k)                     i_ahp = g_ahp q (v - e_k)
        alpha_q = min(2e-5 ca, 0.01)      beta_q = 0.001
        dca/dt = -0.26 i_ca - 0.075 ca

    The concentration is in the paper's own unit, not mM. dca/dt has 0.13 for the current of the
    dendrite, which is twice the i_ca here. Rates of m, h, n, s, c as in the paper.

    References
    ----------
    Pinsky PF, Rinzel J (1994), J Comput Neurosci 1:39-60, doi 10.1007/BF00962717
    Traub RD et al. (1991), J Neurophysiol 66:635-650, doi 10.1152/jn.1991.66.2.635

    Examples
    --------
    >>> pinsky_rinzel_isopotential().states
    ('v', 'h', 'n', 's', 'c', 'q', 'ca')
    """
    alpha_m, beta_m = Linoid(0.32, -46.9, 4.0), Linoid(-0.28, -19.9, -5.0)
    m = Gate("m", InstantaneousKinetics(alpha_m / (alpha_m + beta_m)), power=2)
    h = Gate("h", RateKinetics(Exponential(0.128, -43.0, -18.0), Sigmoid(4.0, -20.0, 5.0)))
    n = Gate("n", RateKinetics(Linoid(0.016, -24.9, 5.0), Exponential(0.25, -40.0, -40.0)))
    s = Gate("s", RateKinetics(Sigmoid(1.6, 5.0, 1 / 0.072), Linoid(-0.02, -8.9, -5.0)), power=2)
    low = "exp((v + 50)/11 - (v + 53.5)/27)/18.975"
    high = "2*exp(-(v + 53.5)/27)"
    opening = formula(f"{low} if v < -10 else {high}")
    closing = formula(f"{high} - {low} if v < -10 else 0")
    c = Gate("c", RateKinetics(opening, closing))
    chi = Gate("chi", InstantaneousKinetics(formula("min(ca/250, 1)")))
    q = Gate("q", RateKinetics(formula("min(0.00002*ca, 0.01)"), Constant(0.001)))
    return Neuron(
        name="pinsky_rinzel_isopotential",
        channels=(
            Channel("na", 15.0, 60.0, (m, h)),
            Channel("k", 7.5, -75.0, (n,)),
            Channel("ca", 5.0, 80.0, (s,)),
            Channel("kc", 7.5, -75.0, (c, chi)),
            Channel("ahp", 0.4, -75.0, (q,)),
            leak(0.1, -60.0),
        ),
        c_m=3.0,
        current_unit="uA/cm2",
        v_rest=-60.0,
        calcium=CalciumPool(ca_inf=0.0, tau=1.0 / 0.075, k=0.26, sources=("ca",)),
        doi="10.1007/BF00962717",
        note="the isopotential limit of the two compartments; calcium in the unit of the paper",
    )
