"""The squid giant axon of Hodgkin and Huxley (1952)."""

from __future__ import annotations

from ..channels import Channel
from ..gates import Gate
from ..kinetics import RateKinetics
from ..neuron import Neuron, leak
from ..rates import Exponential, Linoid, Sigmoid


def squid_axon(temperature: float = 6.3) -> Neuron:
    """Squid giant axon, Hodgkin and Huxley 1952, in modern signs.

    c_m dv/dt = i_stim - g_na m³h (v - e_na) - g_k n⁴ (v - e_k) - g_l (v - e_l), with
    g_na 120, g_k 36, g_l 0.3 mS/cm², e_na 50, e_k -77, e_l -54.3 mV, c_m 1 µF/cm², and
    (v in mV, rates in 1/ms)::

        alpha_n = 0.01 (v + 55)/(1 - exp(-(v + 55)/10))   beta_n = 0.125 exp(-(v + 65)/80)
        alpha_m = 0.1 (v + 40)/(1 - exp(-(v + 40)/10))    beta_m = 4 exp(-(v + 65)/18)
        alpha_h = 0.07 exp(-(v + 65)/20)                  beta_h = 1/(1 + exp(-(v + 35)/10))

    The rest is at -65 mV; a constant current above 6.2 µA/cm² makes it fire without end.

    Parameters
    ----------
    temperature : float
        Degrees Celsius; all rates are multiplied by 3^((temperature - 6.3)/10).

    References
    ----------
    Hodgkin AL, Huxley AF (1952), J Physiol 117:500-544, doi 10.1113/jphysiol.1952.sp004764

    Examples
    --------
    >>> squid_axon().initial_state().round(4).tolist()
    [-65.0, 0.3177, 0.0529, 0.5961]
    """
    n, m, h = _gates(q10=3.0)
    return Neuron(
        name="squid_axon",
        channels=(
            Channel("k", 36.0, -77.0, (n,)),
            Channel("na", 120.0, 50.0, (m, h)),
            leak(0.3, -54.3),
        ),
        c_m=1.0,
        current_unit="uA/cm2",
        v_rest=-65.0,
        temperature=temperature,
        doi="10.1113/jphysiol.1952.sp004764",
    )


def hodgkinmodel_jl() -> Neuron:
    """Squid giant axon with the parameters of HodgkinModel.jl (2022).

    The rates of `squid_axon` with g_na 120, g_k 36, g_l 0.3 mS/cm², e_na 55, e_k -75, e_l -69
    mV and c_m 0.1 µF/cm², started from [v, n, m, h] = [-70.2, 0.25, 0.03, 0.75].
    HodgkinModel.jl subtracts its current: its I = -9 is i_stim = +9 µA/cm² here.

    References
    ----------
    Hodgkin AL, Huxley AF (1952), J Physiol 117:500-544, doi 10.1113/jphysiol.1952.sp004764

    Examples
    --------
    >>> hodgkinmodel_jl().initial_state().tolist()
    [-70.2, 0.25, 0.03, 0.75]
    """
    n, m, h = _gates(q10=1.0)
    return Neuron(
        name="hodgkinmodel_jl",
        channels=(
            Channel("k", 36.0, -75.0, (n,)),
            Channel("na", 120.0, 55.0, (m, h)),
            leak(0.3, -69.0),
        ),
        c_m=0.1,
        current_unit="uA/cm2",
        v_rest=-70.2,
        initial=(("n", 0.25), ("m", 0.03), ("h", 0.75)),
        doi="10.1113/jphysiol.1952.sp004764",
        note="parameters of HodgkinModel.jl",
    )


def _gates(q10: float) -> tuple[Gate, Gate, Gate]:
    n = RateKinetics(alpha=Linoid(0.01, -55, 10), beta=Exponential(0.125, -65, -80))
    m = RateKinetics(alpha=Linoid(0.1, -40, 10), beta=Exponential(4.0, -65, -18))
    h = RateKinetics(alpha=Exponential(0.07, -65, -20), beta=Sigmoid(1.0, -35, 10))
    return (
        Gate("n", n, power=4, q10=q10, t_ref=6.3),
        Gate("m", m, power=3, q10=q10, t_ref=6.3),
        Gate("h", h, power=1, q10=q10, t_ref=6.3),
    )
