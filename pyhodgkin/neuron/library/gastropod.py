"""The neuron with an A current of Connor and Stevens (1971)."""

from __future__ import annotations

from ..channels import Channel
from ..gates import Gate
from ..kinetics import RateKinetics, SteadyStateKinetics
from ..neuron import Neuron, leak
from ..rates import Exponential, Linoid, Sigmoid


def connor_stevens() -> Neuron:
    """Neuron with a transient A current, Connor and Stevens 1971, Connor et al. 1977.

    c_m dv/dt = i_stim - g_na m³h (v - e_na) - g_k n⁴ (v - e_k) - g_a a³b (v - e_a)
    - g_l (v - e_l), with g_na 120, g_k 20, g_a 47.7, g_l 0.3 mS/cm², e_na 55, e_k -72,
    e_a -75, e_l -17 mV, c_m 1 µF/cm² (rates in 1/ms, times in ms)::

        alpha_m = 0.38 (v + 29.7)/(1 - exp(-(v + 29.7)/10))  beta_m = 15.2 exp(-(v + 54.7)/18)
        alpha_h = 0.266 exp(-(v + 48)/20)                    beta_h = 3.8/(1 + exp(-(v + 18)/10))
        alpha_n = 0.02 (v + 45.7)/(1 - exp(-(v + 45.7)/10))  beta_n = 0.25 exp(-(v + 55.7)/80)
        a_inf³ = 0.0761 exp(0.0314 (v + 94.22))/(1 + exp(0.0346 (v + 1.17)))
        tau_a = 0.3632 + 1.158/(1 + exp(0.0497 (v + 55.96)))
        b_inf = 1/(1 + exp(0.0688 (v + 53.3)))⁴
        tau_b = 1.24 + 2.678/(1 + exp(0.0624 (v + 50)))

    These are the numbers of 1977 (Appendix A), those of the textbooks; the currents are those
    of 1971. Rests at -68 mV; the A current lets it fire at arbitrarily low rates above
    8 µA/cm². As published, a_inf exceeds 1 above +42 mV, by at most 0.01.

    References
    ----------
    Connor JA, Stevens CF (1971), J Physiol 213:31-53, doi 10.1113/jphysiol.1971.sp009366
    Connor JA, Walter D, McKown R (1977), Biophys J 18:81-102, doi 10.1016/S0006-3495(77)85598-7

    Examples
    --------
    >>> connor_stevens().channel("a").label
    'a³b'
    """
    m = RateKinetics(alpha=Linoid(0.38, -29.7, 10), beta=Exponential(15.2, -54.7, -18))
    h = RateKinetics(alpha=Exponential(0.266, -48, -20), beta=Sigmoid(3.8, -18, 10))
    n = RateKinetics(alpha=Linoid(0.02, -45.7, 10), beta=Exponential(0.25, -55.7, -80))
    a = SteadyStateKinetics(
        x_inf=(Exponential(0.0761, -94.22, 1 / 0.0314) * Sigmoid(1.0, -1.17, -1 / 0.0346))
        ** (1 / 3),
        tau=0.3632 + Sigmoid(1.158, -55.96, -1 / 0.0497),
    )
    b = SteadyStateKinetics(
        x_inf=Sigmoid(1.0, -53.3, -1 / 0.0688) ** 4, tau=1.24 + Sigmoid(2.678, -50.0, -1 / 0.0624)
    )
    return Neuron(
        name="connor_stevens",
        channels=(
            Channel("na", 120.0, 55.0, (Gate("m", m, power=3), Gate("h", h))),
            Channel("k", 20.0, -72.0, (Gate("n", n, power=4),)),
            Channel("a", 47.7, -75.0, (Gate("a", a, power=3), Gate("b", b))),
            leak(0.3, -17.0),
        ),
        c_m=1.0,
        current_unit="uA/cm2",
        v_rest=-67.978,
        doi="10.1113/jphysiol.1971.sp009366",
        note="numbers of Connor, Walter and McKown 1977, doi 10.1016/S0006-3495(77)85598-7",
    )
