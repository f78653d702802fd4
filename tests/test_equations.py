"""Neurons read back as equations: nothing that matters is left out."""

from __future__ import annotations

import pytest
from neurons import ALL, SQUID, black_box_neuron, learned_neuron

import pyhodgkin as ph
from pyhodgkin import Network, NeuralKinetics
from pyhodgkin.neuron.equations import equations, one_line

SQUID_TEXT = """\
squid_axon
doi 10.1113/jphysiol.1952.sp004764
v in mV, t in ms, tau in ms, rates in 1/ms, currents in µA/cm², i_stim > 0 depolarises

c_m dv/dt = i_stim - i_k - i_na - i_l    c_m = 1 µF/cm², v starts at -65 mV

i_k = g_k n⁴ (v - e_k)         g_k = 36 mS/cm², e_k = -77 mV
i_na = g_na m³ h (v - e_na)    g_na = 120 mS/cm², e_na = 50 mV
i_l = g_l (v - e_l)            g_l = 0.3 mS/cm², e_l = -54.3 mV

dn/dt = 3^((T - 6.3)/10) [alpha_n (1 - n) - beta_n n], T = 18.5 °C
    alpha_n = 0.01·(v + 55)/(1 - exp(-(v + 55)/10))
    beta_n = 0.125·exp(-(v + 65)/80)

dm/dt = 3^((T - 6.3)/10) [alpha_m (1 - m) - beta_m m], T = 18.5 °C
    alpha_m = 0.1·(v + 40)/(1 - exp(-(v + 40)/10))
    beta_m = 4·exp(-(v + 65)/18)

dh/dt = 3^((T - 6.3)/10) [alpha_h (1 - h) - beta_h h], T = 18.5 °C
    alpha_h = 0.07·exp(-(v + 65)/20)
    beta_h = 1/(1 + exp(-(v + 35)/10))"""


def test_squid_axon_in_full():
    assert str(ph.library.get("squid_axon", temperature=18.5)) == SQUID_TEXT


@pytest.mark.parametrize("name", ALL)
def test_everything_is_named(name):
    neuron = ALL[name]
    text = equations(neuron)
    assert neuron.name in text and neuron.doi in text and neuron.note in text
    for channel in neuron.channels:
        assert f"i_{channel.name} = " in text
    for gate in neuron.gates:
        assert f"d{gate.name}/dt = " in text or f"\n{gate.name} = " in text
        for curve in gate.kinetics.curves().values():
            assert str(curve) in text


def test_instantaneous_gate_is_an_equation_without_a_derivative():
    text = str(ph.library.get("wang_buzsaki"))
    assert "dm/dt" not in text and "m = 1/(1 + " in text


def with_network(form: str, n_in: int = 1, n_out: int = 2, **options) -> str:
    network = Network.create((n_in, 8, n_out))
    return str(SQUID.replace_gate("n", NeuralKinetics(form, network, **options)))


def test_networks_say_form_layers_and_number_of_weights():
    text = with_network("steady_state", tau_max=100.0)
    assert "n_inf = 1/(1 + exp(-N_n[1]))" in text
    assert "tau_n = 0.02 (100/0.02)^(1/(1 + exp(-N_n[2])))" in text
    assert "N_n = network 1-8-2, tanh, 34 weights of (v + 40)/50" in text
    assert "tau_n = 0.02 + exp(N_n[2])" in with_network("steady_state", tau_max=None)
    assert "alpha_n = exp(10 tanh(N_n[1]/10))" in with_network("rates")


def test_residual_network_shows_its_prior():
    text = with_network("residual", prior=SQUID.gate("n").kinetics)
    assert "beta_n = beta_n⁰ exp(10 tanh(N_n[2]/10))" in text
    assert "beta_n⁰ = 0.125·exp(-(v + 65)/80)" in text
    slow = ph.library.get("pospischil_rs").gate("p").kinetics
    assert "alpha_n = (n_inf⁰/tau_n⁰) exp(" in with_network("residual", prior=slow)


def test_free_network_says_what_it_does_not_keep():
    text = with_network("free", 2, 1)
    assert "dn/dt = N_n\n" in text and "nothing keeps n in [0, 1]" in text


def test_unknown_current_and_black_box():
    assert "i_x = 2·N_x((v + 40)/50, w, s)" in str(learned_neuron())
    text = str(black_box_neuron())
    assert "dz/dt = N(z, i_stim/10)/1    N = network 5-8-4, tanh, 84 weights" in text
    assert "z_v = (v + 40)/50" in text


def test_one_line_for_tables():
    assert one_line(SQUID) == "squid_axon: v n m h | k n⁴, na m³h, l | 25 parameters"
    assert "k n⁴ (networks: n)" in one_line(learned_neuron())
    assert repr(black_box_neuron()) == (
        "<Neuron black_box: v n m h | dz/dt = Network(5-8-4, tanh) | 84 parameters>"
    )
