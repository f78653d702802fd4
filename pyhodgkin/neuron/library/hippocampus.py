"""Hippocampal neurons: Wang and Buzsáki (1996), Traub and Miles (1991), Brette et al. (2007)."""

from __future__ import annotations

from ..channels import Channel
from ..gates import Gate
from ..kinetics import InstantaneousKinetics, RateKinetics
from ..neuron import Neuron, leak
from ..rates import Exponential, Linoid, Sigmoid
from .cortex import traub_gates


def wang_buzsaki() -> Neuron:
    """Fast-spiking hippocampal interneuron, Wang and Buzsáki 1996.

    c_m dv/dt = i_stim - g_na m³h (v - e_na) - g_k n⁴ (v - e_k) - g_l (v - e_l), with
    g_na 35, g_k 9, g_l 0.1 mS/cm², e_na 55, e_k -90, e_l -65 mV, c_m 1 µF/cm². m is always at
    its steady state alpha_m/(alpha_m + beta_m); the rates of h and n (1/ms) include phi = 5::

        alpha_m = 0.1 (v + 35)/(1 - exp(-(v + 35)/10))   beta_m = 4 exp(-(v + 60)/18)
        alpha_h = 0.35 exp(-(v + 58)/20)                 beta_h = 5/(1 + exp(-(v + 28)/10))
        alpha_n = 0.05 (v + 34)/(1 - exp(-(v + 34)/10))  beta_n = 0.625 exp(-(v + 44)/80)

    Rests at -64 mV; fires from 0.16 µA/cm², at any low rate, and at 400 Hz by 20 µA/cm².

    References
    ----------
    Wang XJ, Buzsáki G (1996), J Neurosci 16:6402-6413, doi 10.1523/JNEUROSCI.16-20-06402.1996

    Examples
    --------
    >>> wang_buzsaki().states
    ('v', 'h', 'n')
    """
    alpha_m, beta_m = Linoid(0.1, -35, 10), Exponential(4.0, -60, -18)
    m = InstantaneousKinetics(x_inf=1 / (1 + beta_m / alpha_m))
    h = RateKinetics(alpha=Exponential(0.35, -58, -20), beta=Sigmoid(5.0, -28, 10))
    n = RateKinetics(alpha=Linoid(0.05, -34, 10), beta=Exponential(0.625, -44, -80))
    return Neuron(
        name="wang_buzsaki",
        channels=(
            Channel("na", 35.0, 55.0, (Gate("m", m, power=3), Gate("h", h))),
            Channel("k", 9.0, -90.0, (Gate("n", n, power=4),)),
            leak(0.1, -65.0),
        ),
        c_m=1.0,
        current_unit="uA/cm2",
        v_rest=-64.018,
        doi="10.1523/JNEUROSCI.16-20-06402.1996",
    )


def traub_miles() -> Neuron:
    """Hippocampal pyramidal cell of Traub and Miles 1991, reduced by Ermentrout and Kopell 1998.

    One compartment with, of the currents of the book, sodium and the delayed rectifier only.
    c_m dv/dt = i_stim - g_na m³h (v - e_na) - g_k n⁴ (v - e_k) - g_l (v - e_l), with
    g_na 100, g_k 80, g_l 0.1 mS/cm², e_na 50, e_k -100, e_l -67 mV, c_m 1 µF/cm² (rates in
    1/ms)::

        alpha_m = 0.32 (v + 54)/(1 - exp(-(v + 54)/4))  beta_m = 0.28 (v + 27)/(exp((v + 27)/5) - 1)
        alpha_h = 0.128 exp(-(v + 50)/18)               beta_h = 4/(1 + exp(-(v + 27)/5))
        alpha_n = 0.032 (v + 52)/(1 - exp(-(v + 52)/5)) beta_n = 0.5 exp(-(v + 57)/40)

    Rests at -66.6 mV; fires from 0.12 µA/cm² on, at any low rate. The simulator review of Brette
    et al. (2007) uses the same gates 4 mV higher: `brette_coba_hh`.

    References
    ----------
    Traub RD, Miles R (1991), Neuronal Networks of the Hippocampus, doi 10.1017/CBO9780511895401
    Ermentrout GB, Kopell N (1998), PNAS 95:1259-1264, doi 10.1073/pnas.95.3.1259

    Examples
    --------
    >>> traub_miles().states
    ('v', 'm', 'h', 'n')
    """
    m, h, n = traub_gates(-67.0)
    return Neuron(
        name="traub_miles",
        channels=(
            Channel("na", 100.0, 50.0, (m, h)),
            Channel("k", 80.0, -100.0, (n,)),
            leak(0.1, -67.0),
        ),
        c_m=1.0,
        current_unit="uA/cm2",
        v_rest=-66.591,
        doi="10.1017/CBO9780511895401",
        note="single compartment of Ermentrout and Kopell 1998, doi 10.1073/pnas.95.3.1259",
    )


def brette_coba_hh() -> Neuron:
    """Neuron of the COBA-HH benchmark of Brette et al. 2007, after Traub and Miles 1991.

    c_m dv/dt = i_stim - g_na m³h (v - e_na) - g_k n⁴ (v - e_k) - g_l (v - e_l), with
    g_na 100, g_k 30, g_l 0.05 mS/cm², e_na 50, e_k -90, e_l -60 mV, c_m 1 µF/cm² and, with
    u = v + 63 mV (rates in 1/ms)::

        alpha_m = 0.32 (u - 13)/(1 - exp(-(u - 13)/4))  beta_m = 0.28 (u - 40)/(exp((u - 40)/5) - 1)
        alpha_h = 0.128 exp(-(u - 17)/18)               beta_h = 4/(1 + exp(-(u - 40)/5))
        alpha_n = 0.032 (u - 15)/(1 - exp(-(u - 15)/5)) beta_n = 0.5 exp(-(u - 10)/40)

    The cells of the benchmark have 20,000 µm², so that their synapses of 6 and 67 nS are 0.03 and
    0.335 mS/cm². Alone the cell has no rest: it fires by itself, and is silent where synapses
    inhibit it.

    References
    ----------
    Brette R et al. (2007), J Comput Neurosci 23:349-398, doi 10.1007/s10827-007-0038-6
    Traub RD, Miles R (1991), Neuronal Networks of the Hippocampus, doi 10.1017/CBO9780511895401

    Examples
    --------
    >>> brette_coba_hh().states
    ('v', 'm', 'h', 'n')
    """
    m, h, n = traub_gates(-63.0)
    return Neuron(
        name="brette_coba_hh",
        channels=(
            Channel("na", 100.0, 50.0, (m, h)),
            Channel("k", 30.0, -90.0, (n,)),
            leak(0.05, -60.0),
        ),
        c_m=1.0,
        current_unit="uA/cm2",
        area=20_000.0,
        v_rest=-65.0,
        doi="10.1007/s10827-007-0038-6",
        note="gates of Traub and Miles 1991, doi 10.1017/CBO9780511895401",
    )
