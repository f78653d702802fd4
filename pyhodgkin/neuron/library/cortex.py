"""Cortical neurons of Pospischil et al. (2008): the parameters of the authors' own scripts."""

from __future__ import annotations

from ..channels import Channel
from ..gates import Gate
from ..kinetics import InstantaneousKinetics, RateKinetics, SteadyStateKinetics
from ..neuron import Neuron, leak
from ..rates import Constant, Exponential, Linoid, Sigmoid

DOI = "10.1007/s00422-008-0263-8"
TEMPERATURE = 36.0


def pospischil_rs() -> Neuron:
    """Regular-spiking cortical pyramidal cell, Pospischil et al. 2008.

    c_m dv/dt = i_stim - g_na m³h (v - e_na) - g_k n⁴ (v - e_k) - g_km p (v - e_k)
    - g_l (v - e_l), with g_na 50, g_k 5, g_km 0.07, g_l 0.1 mS/cm², e_na 50, e_k -100,
    e_l -70 mV, c_m 1 µF/cm² at 36 °C, and with u = v + 55 mV (rates in 1/ms, times in ms)::

        alpha_m = 0.32 (u - 13)/(1 - exp(-(u - 13)/4))  beta_m = 0.28 (u - 40)/(exp((u - 40)/5) - 1)
        alpha_h = 0.128 exp(-(u - 17)/18)               beta_h = 4/(1 + exp(-(u - 40)/5))
        alpha_n = 0.032 (u - 15)/(1 - exp(-(u - 15)/5)) beta_n = 0.5 exp(-(u - 10)/40)
        p_inf = 1/(1 + exp(-(v + 35)/10))
        tau_p = 1000/(3.3 exp((v + 35)/20) + exp(-(v + 35)/20))

    Numbers are those of the authors' NEURON scripts (ModelDB 123623); their cell has
    28 953 µm², so that their 0.75 nA is 2.59 µA/cm². The slow current p makes it adapt.

    References
    ----------
    Pospischil M et al. (2008), Biol Cybern 99:427-441, doi 10.1007/s00422-008-0263-8

    Examples
    --------
    >>> pospischil_rs().states
    ('v', 'm', 'h', 'n', 'p')
    """
    return _cell("pospischil_rs", leak(0.1, -70.0), _slow_potassium(0.07), v_rest=-70.571)


def pospischil_fs() -> Neuron:
    """Fast-spiking cortical interneuron, Pospischil et al. 2008.

    As `pospischil_rs` without the slow potassium current, g_k 10 and g_l 0.15 mS/cm²; the
    authors' cell has 14 103 µm², so that their 0.5 nA is 3.55 µA/cm². Fires without adapting.

    References
    ----------
    Pospischil M et al. (2008), Biol Cybern 99:427-441, doi 10.1007/s00422-008-0263-8

    Examples
    --------
    >>> pospischil_fs().states
    ('v', 'm', 'h', 'n')
    """
    return _cell("pospischil_fs", leak(0.15, -70.0), g_k=10.0, v_rest=-70.0)


def pospischil_ib() -> Neuron:
    """Intrinsically bursting cortical pyramidal cell, Pospischil et al. 2008.

    As `pospischil_rs` with g_km 0.03, g_l 0.01 mS/cm², e_l -85 mV and a high-threshold
    calcium current g_cal q²r (v - e_ca), g_cal 0.17 mS/cm², e_ca 120 mV::

        alpha_q = 0.055 (v + 27)/(1 - exp(-(v + 27)/3.8))   beta_q = 0.94 exp(-(v + 75)/17)
        alpha_r = 0.000457 exp(-(v + 13)/50)                beta_r = 0.0065/(1 + exp(-(v + 15)/28))

    The authors' 0.15 nA is 0.518 µA/cm²: a burst, then single spikes.

    References
    ----------
    Pospischil M et al. (2008), Biol Cybern 99:427-441, doi 10.1007/s00422-008-0263-8

    Examples
    --------
    >>> pospischil_ib().channel("cal").label
    'q²r'
    """
    q = RateKinetics(alpha=Linoid(0.055, -27, 3.8), beta=Exponential(0.94, -75, -17))
    r = RateKinetics(alpha=Exponential(0.000457, -13, -50), beta=Sigmoid(0.0065, -15, 28))
    cal = Channel("cal", 0.17, 120.0, (Gate("q", q, power=2), Gate("r", r)))
    return _cell("pospischil_ib", leak(0.01, -85.0), _slow_potassium(0.03), cal, v_rest=-85.287)


def pospischil_lts() -> Neuron:
    """Low-threshold-spiking cortical cell, Pospischil et al. 2008.

    As `pospischil_rs` with g_km 0.03, g_l 0.01 mS/cm², e_l -85 mV and a low-threshold calcium
    current g_cat s²u (v - e_ca), g_cat 0.4 mS/cm², e_ca 120 mV, s instantaneous::

        s_inf = 1/(1 + exp(-(v + 59)/6.2))   u_inf = 1/(1 + exp((v + 83)/4))
        tau_u = (30.8 + (211.4 + exp((v + 115.2)/5))/(1 + exp((v + 86)/3.2)))/3^1.2

    0.15 nA from rest (0.518 µA/cm²) starts with a burst; held at -60 mV (e_l -60), it bursts
    at the end of a hyperpolarising step.

    References
    ----------
    Pospischil M et al. (2008), Biol Cybern 99:427-441, doi 10.1007/s00422-008-0263-8

    Examples
    --------
    >>> pospischil_lts().states
    ('v', 'm', 'h', 'n', 'p', 'u')
    """
    s = InstantaneousKinetics(x_inf=Sigmoid(1.0, -59, 6.2))
    # exp(./5) alone overflows single precision far above the spike; as a product it falls.
    bell = (211.4 + Exponential(1.0, -115.2, 5.0)) * Sigmoid(1.0, -86, -3.2)
    u = SteadyStateKinetics(x_inf=Sigmoid(1.0, -83, -4.0), tau=Constant(30.8) + bell)
    gates = (Gate("s", s, power=2), Gate("u", u, q10=3.0, t_ref=24.0))
    cat = Channel("cat", 0.4, 120.0, gates)
    return _cell("pospischil_lts", leak(0.01, -85.0), _slow_potassium(0.03), cat, v_rest=-83.951)


def _cell(
    name: str, passive: Channel, *slow: Channel, g_k: float = 5.0, v_rest: float = -70.0
) -> Neuron:
    v_t = -55.0
    m, h, n = traub_gates(v_t)
    return Neuron(
        name=name,
        channels=(
            Channel("na", 50.0, 50.0, (m, h)),
            Channel("k", g_k, -100.0, (n,)),
            *slow,
            passive,
        ),
        c_m=1.0,
        current_unit="uA/cm2",
        v_rest=v_rest,
        temperature=TEMPERATURE,
        doi=DOI,
    )


def _slow_potassium(g: float) -> Channel:
    """The M current, tau_max = 1000 ms."""
    rate = Exponential(0.0033, -35, 20) + Exponential(0.001, -35, -20)
    p = SteadyStateKinetics(x_inf=Sigmoid(1.0, -35, 10), tau=1 / rate)
    return Channel("km", g, -100.0, (Gate("p", p, q10=2.3, t_ref=TEMPERATURE),))


def traub_gates(v_t: float) -> tuple[Gate, Gate, Gate]:
    """Gates m, h and n of Traub and Miles (1991), moved by the threshold `v_t` (mV), at 36 °C."""
    m = RateKinetics(alpha=Linoid(0.32, v_t + 13, 4), beta=Linoid(-0.28, v_t + 40, -5))
    h = RateKinetics(alpha=Exponential(0.128, v_t + 17, -18), beta=Sigmoid(4.0, v_t + 40, 5))
    n = RateKinetics(alpha=Linoid(0.032, v_t + 15, 5), beta=Exponential(0.5, v_t + 10, -40))
    return (
        Gate("m", m, power=3, q10=3.0, t_ref=TEMPERATURE),
        Gate("h", h, power=1, q10=3.0, t_ref=TEMPERATURE),
        Gate("n", n, power=4, q10=3.0, t_ref=TEMPERATURE),
    )
