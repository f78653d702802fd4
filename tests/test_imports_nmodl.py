"""Channels read from NMODL: formulas, units, temperature, and refusals that name the statement."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
from nmodl_files import BELL, BODY, HEAD, V, read, written

import pyhodgkin as ph


@pytest.fixture
def mod(tmp_path):
    return partial(written, tmp_path)


def test_a_channel_with_steady_state_and_time_constant(mod):
    channel = read(mod, HEAD + BODY)
    assert (channel.name, channel.g, channel.e, channel.label) == ("kx", 10.0, -77.0, "n⁴")
    kinetics = channel.gates[0].kinetics
    np.testing.assert_allclose(kinetics.x_inf(V), 1 / (1 + np.exp(-(V + 30) / 9)), 1e-12)
    np.testing.assert_allclose(kinetics.tau(V), BELL, 1e-12)
    assert kinetics.x_inf == ph.rates.Sigmoid(1.0, -30.0, 9.0)


@pytest.mark.parametrize("name", ph.library.names()[:11])  # others have calcium or schemes
def test_the_library_comes_back_from_its_export(name, tmp_path):
    neuron = ph.library.get(name)
    if neuron.current_unit not in (None, "uA/cm2"):
        neuron = neuron.per_area(area=None if neuron.area else 100.0)
    neuron.export("nmodl", tmp_path)
    for channel in neuron.channels:
        found = ph.read_channel(tmp_path / f"{channel.name}.mod")
        np.testing.assert_allclose([found.g, found.e], [channel.g, channel.e], 1e-12)
        for gate, other in zip(channel.gates, found.gates, strict=True):
            assert (other.power, type(other.kinetics)) == (gate.power, type(gate.kinetics))
            factor = gate.rate_factor(neuron.temperature) / other.rate_factor(neuron.temperature)
            for role in ("x_inf", "tau"):
                mine, its = getattr(gate.kinetics, role)(V), getattr(other.kinetics, role)(V)
                its = its * (factor if role == "tau" else 1.0)
                np.testing.assert_allclose(its, mine, 1e-12, 1e-300)


RATES = """PARAMETER { gbar = 120 (pS/um2) }
ASSIGNED { v (mV) ek (mV) ik (mA/cm2) celsius (degC) a (/ms) b (/ms) }
STATE { n }
BREAKPOINT { SOLVE states METHOD cnexp
    ik = (1e-4)*gbar*n*n*(v - ek) }
DERIVATIVE states { rates(v)
    n' = a*(1 - n) - b*n }
PROCEDURE rates(v (mV)) { LOCAL q
    TABLE a, b DEPEND celsius FROM -100 TO 100 WITH 200
    q = 3^((celsius - 22)/10)
    a = q*0.02*trap(-(v + 55), 10) : smooth at -55
    b = q*0.25*exp(-(v + 65)/80)
}
FUNCTION trap(x, y) {
    if (fabs(x/y) < 1e-6) { trap = y*(1 - x/y/2) } else { trap = x/(exp(x/y) - 1) }
}
"""


def test_rates_with_a_trap_become_a_linoid_and_the_factor_a_q10(mod):
    channel = read(mod, HEAD + RATES)
    gate = channel.gates[0]
    assert (round(channel.g, 12), gate.power, gate.q10, gate.t_ref) == (12.0, 2, 3.0, 22.0)
    assert gate.kinetics == ph.RateKinetics(
        ph.rates.Linoid(0.02, -55.0, 10.0), ph.rates.Exponential(0.25, -65.0, -80.0)
    )


def test_steady_state_and_time_constant_from_rates_are_rates(mod):
    text = RATES.replace("n' = a*(1 - n) - b*n", "n' = (inf - n)/tau").replace(
        "b = q*0.25*exp(-(v + 65)/80)",
        "b = 0.25*exp(-(v + 65)/80)\n tau = 1/(q*(a + b))\n inf = a/(a + b)",
    )
    text = text.replace("a = q*0.02", "a = 0.02").replace("a (/ms)", "inf tau a (/ms)")
    gate = read(mod, HEAD + text).gates[0]
    assert gate.kinetics.alpha == ph.rates.Linoid(0.02, -55.0, 10.0)
    assert (gate.q10, gate.t_ref) == (3.0, 22.0)


@pytest.mark.parametrize(
    "written",
    [
        "if (fabs(v + 40) < 1e-4) { x = 10 } else { x = (v + 40)/(1 - exp(-(v + 40)/10)) }",
        "if (v == -40) { x = 10 } else { x = (v + 40)/(1 - exp(-(v + 40)/10)) }",
        "x = (v + 40)/(1 - exp(-(v + 40)/10))",
        "if (fabs((v + 40)/10) > 1e-6) { x = (v + 40)/(1 - exp(-(v + 40)/10)) } else { x = 10 }",
        "x = 10*exprelr(-(v + 40)/10)",
        "x = -10*(0.1*v + 4)/(exp(-0.1*v)*exp(-4) - 1)".replace(
            "exp(-0.1*v)*exp(-4)", "exp(-0.1*v - 4)"
        ),
    ],
)
def test_every_way_to_write_a_linoid(mod, written):
    text = BODY.replace("ntau = 2 + 8*exp(-((u + 50)/25)^2)", f"{written}\n ntau = 1/x")
    text = text.replace("ntau (ms)", "ntau (ms) x")
    tau = read(mod, HEAD + text).gates[0].kinetics.tau
    assert tau == 1.0 / ph.rates.Linoid(1.0, -40.0, 10.0) or np.allclose(
        tau(V) * ph.rates.Linoid(1.0, -40.0, 10.0)(V), 1.0, 1e-12
    )
    np.testing.assert_allclose(tau(-40.0), 0.1, 1e-9)


def test_cases_of_the_voltage(mod):
    text = BODY.replace(
        "ntau = 2 + 8*exp(-((u + 50)/25)^2)",
        "if (u < -60) { ntau = 3 } else if (u >= 0 && u > -10) { ntau = 5 }"
        " else { ntau = 4 - u/60 }",
    )
    tau = read(mod, HEAD + text).gates[0].kinetics.tau
    assert [float(tau(x)) for x in (-60.1, -60.0, -30.0, 0.0)] == [3.0, 5.0, 4.5, 5.0]


def test_v_that_is_moved_and_set_back(mod):
    """A junction potential as it is written by many: v = v + 10 … v = v - 10."""
    text = BODY.replace("rates(v)", "rates()").replace("rates(u (mV)) {", "rates() {\n v = v + 10")
    text = text.replace("(u ", "(v ").replace("/25)^2)\n", "/25)^2)\n    v = v - 10\n")
    kinetics = read(mod, HEAD + text).gates[0].kinetics
    assert kinetics.x_inf == ph.rates.Sigmoid(1.0, -40.0, 9.0)
    np.testing.assert_allclose(kinetics.tau(V), 2 + 8 * np.exp(-(((V + 60) / 25) ** 2)), 1e-12)


def test_a_temperature_of_another_form_needs_the_temperature(mod):
    text = BODY.replace("/slope))", "*96.48/(8.315*(273.16 + celsius))))").replace(
        "-(u - half)", "-3*(u - half)"
    )
    with pytest.raises(ph.errors.InputError, match=r"line 14: .*n'.*celsius=37"):
        read(mod, HEAD + text)
    x_inf = read(mod, HEAD + text, celsius=30.0).gates[0].kinetics.x_inf
    k = 8.315 * (273.16 + 30.0) / (3 * 96.48)
    np.testing.assert_allclose(x_inf(V), 1 / (1 + np.exp(-(V + 30) / k)), 1e-12)


def test_a_floor_of_tau_after_the_factor_is_no_factor(mod):
    text = BODY.replace(
        "ntau = 2 + 8*exp(-((u + 50)/25)^2)",
        "ntau = (2 + 8*exp(-((u + 50)/25)^2))/3^((celsius - 20)/10)\n if (ntau < 4) { ntau = 4 }",
    )
    with pytest.raises(ph.errors.InputError, match="another way"):
        read(mod, HEAD + text)
    tau = read(mod, HEAD + text, celsius=20.0).gates[0].kinetics.tau
    np.testing.assert_allclose(tau(V), np.maximum(BELL, 4.0), 1e-12)


def test_an_instantaneous_gate_keeps_its_name(mod):
    text = (
        BODY.replace("n^4", "minf^3*n")
        .replace("ninf ntau", "minf ninf ntau")
        .replace("    ninf =", "    minf = 1/(1 + exp(-(u + 20)/5))\n    ninf =")
    )
    channel = read(mod, HEAD + text)
    assert {g.name: (g.power, g.has_state) for g in channel.gates} == {
        "minf": (3, False), "n": (1, True),
    }  # fmt: skip


def test_an_exponential_step_is_its_equation(mod):
    text = BODY.replace("SOLVE states METHOD cnexp", "SOLVE states").replace(
        "DERIVATIVE states { rates(v)\n    n' = (ninf - n)/ntau }",
        "PROCEDURE states() { rates(v)\n    n = n + (1 - exp(-dt/ntau))*(ninf - n) }",
    )
    np.testing.assert_allclose(read(mod, HEAD + text).gates[0].kinetics.tau(V), BELL, 1e-12)


def test_a_reversal_potential_set_in_initial_is_that_of_the_cell_afterwards(mod):
    """As in NEURON, which takes what an ion has anew at each call."""
    text = HEAD + BODY.replace("INITIAL { rates(v)", "INITIAL { ek = -86.5 rates(v)")
    assert read(mod, text, e=-80.0).e == -80.0
    with pytest.raises(ph.errors.InputError, match="takes ek from the cell"):
        ph.read_channel(mod(text))


def test_what_an_ion_has_is_that_of_the_cell_whatever_parameter_says(mod):
    """NEURON takes ek, cai and cao from the cell and leaves the values of PARAMETER aside."""
    text = HEAD + BODY.replace("slope = 9 (mV) }", "slope = 9 (mV) ek = -95 (mV) }")
    text = text.replace("v (mV) ek (mV)", "v (mV)")
    with pytest.raises(ph.errors.InputError, match="takes ek from the cell"):
        ph.read_channel(mod(text))
    assert read(mod, text, e=-80.0).e == -80.0
    nernst = text.replace("READ ek WRITE ik", "WRITE ik\n    USEION ca READ cai, cao")
    nernst = nernst.replace("ek = -95 (mV)", "cai = 2.4e-4 (mM) cao = 2 (mM)")
    nernst = nernst.replace("(v - ek)", "(v - 12.5*log(cao/cai))")
    with pytest.raises(ph.errors.InputError, match=r"depends on ca. of the ion ca"):
        ph.read_channel(mod(nernst))
    found = ph.read_channel(mod(nernst), parameters={"cai": 5e-5, "cao": 2.0})
    assert found.e == pytest.approx(12.5 * np.log(4e4))


def test_several_currents(mod):
    text = HEAD.replace("    RANGE", "    NONSPECIFIC_CURRENT il\n    RANGE") + BODY.replace(
        "*(v - ek) }", "*(v - ek)\n    il = 3e-4*(v + 54.3) }"
    )
    path = mod(text)
    leak, k = ph.read_channels(path, e=-80.0)
    assert (leak.name, leak.g, leak.e, leak.gates) == ("kx_il", 0.3, -54.3, ())
    assert (k.name, k.e) == ("kx_k", -80.0)
    with pytest.raises(ph.errors.InputError, match="kx_il, kx_k; give name="):
        ph.read_channel(path, e=-80.0)


def test_parameters_replace_those_of_the_file(mod):
    channel = read(mod, HEAD + BODY, parameters={"gbar": 0.02, "half": -40.0})
    assert channel.g == 20.0
    assert channel.gates[0].kinetics.x_inf == ph.rates.Sigmoid(1.0, -40.0, 9.0)
    with pytest.raises(ph.errors.UnknownNameError, match="gbar"):
        read(mod, HEAD + BODY, parameters={"gbra": 1.0})
