"""Channels read from NeuroML 2."""

from __future__ import annotations

import numpy as np
import pytest
from neurons import PLAIN

import pyhodgkin as ph

V = np.linspace(-120.0, 60.0, 181) + 0.0123
TEXT = """<neuroml xmlns="http://www.neuroml.org/schema/neuroml2" id="file">
<ionChannelHH id="kx" conductance="10pS" species="k">
  <gateHHtauInf id="n" instances="4">
    <q10Settings type="q10ExpTemp" q10Factor="3" experimentalTemp="22degC"/>
    <timeCourse type="fixedTimeCourse" tau="0.005s"/>
    <steadyState type="HHSigmoidVariable" rate="1" midpoint="-30mV" scale="0.009V"/>
  </gateHHtauInf>
  <gateHHrates id="h" instances="1">
    <forwardRate type="HHExpRate" rate="70per_s" midpoint="-65mV" scale="-20mV"/>
    <reverseRate type="HHExpLinearRate" rate="1per_ms" midpoint="-40mV" scale="10mV"/>
  </gateHHrates>
</ionChannelHH>
<x><channelDensity id="d" ionChannel="kx" condDensity="36 mS_per_cm2" erev="-77mV"/></x>
</neuroml>
"""
TYPE = """<ComponentType name="bell" extends="baseVoltageDepTime">
  <Constant name="TIME" dimension="time" value="1 ms"/>
  <Constant name="VOLT" dimension="voltage" value="1 mV"/>
  <Dynamics>
    <DerivedVariable name="t" exposure="t" dimension="time" value="(2 + y)*TIME"/>
    <ConditionalDerivedVariable name="y" dimension="none">
      <Case condition="V .lt. (0 - 60)" value="3"/>
      <Case value="8*exp(0 - ((V + 50)/25)^2)"/>
    </ConditionalDerivedVariable>
    <DerivedVariable name="V" dimension="none" value="v/VOLT"/>
  </Dynamics>
</ComponentType>
"""


@pytest.fixture
def nml(tmp_path):
    def write(text: str):
        (tmp_path / "kx.channel.nml").write_text(text)
        return tmp_path / "kx.channel.nml"

    return write


def test_gates_rates_units_and_density(nml):
    channel = ph.read_channel(nml(TEXT))
    assert (channel.name, channel.g, channel.e) == ("kx", 36.0, -77.0)
    n, h = channel.gates
    assert (n.power, n.q10, n.t_ref) == (4, 3.0, 22.0)
    assert n.kinetics == ph.SteadyStateKinetics(ph.rates.Sigmoid(1.0, -30.0, 9.0), 5.0)
    assert h.kinetics.beta == ph.rates.Linoid(0.1, -40.0, 10.0)
    np.testing.assert_allclose(h.kinetics.alpha(-65.0), 0.07, 1e-12)


@pytest.mark.parametrize("name", PLAIN)
def test_the_library_comes_back_from_its_export(name, tmp_path):
    neuron = ph.library.get(name)
    if neuron.current_unit not in (None, "uA/cm2"):
        neuron = neuron.per_area(area=None if neuron.area else 100.0)
    neuron.export("neuroml", tmp_path)
    found = ph.read_channels(tmp_path / f"{name}.cell.nml")
    for channel, other in zip(neuron.channels, found, strict=True):
        np.testing.assert_allclose([other.g, other.e], [channel.g, channel.e], 1e-12)
        gates = {gate.name: gate for gate in other.gates}
        for gate in channel.gates:
            back = gates[gate.name]
            assert (back.power, type(back.kinetics)) == (gate.power, type(gate.kinetics))
            factor = gate.rate_factor(neuron.temperature) / back.rate_factor(neuron.temperature)
            for role in ("x_inf", "tau"):
                mine, its = getattr(gate.kinetics, role)(V), getattr(back.kinetics, role)(V)
                its = its * (factor if role == "tau" else 1.0)
                np.testing.assert_allclose(its, mine, 1e-12, 1e-300)


def test_a_component_type_in_any_order(nml):
    text = TEXT.replace('type="fixedTimeCourse" tau="0.005s"', 'type="bell"')
    path = nml(text.replace("</neuroml>", TYPE + "</neuroml>"))
    tau = ph.read_channel(path).gates[0].kinetics.tau
    wanted = np.where(V < -60.0, 5.0, 2.0 + 8.0 * np.exp(-(((V + 50.0) / 25.0) ** 2)))
    np.testing.assert_allclose(tau(V), wanted, 1e-12)


@pytest.mark.parametrize("kind", ["gateHHratesTau", "gateHHratesInf", "gateHHratesTauInf"])
def test_rates_with_a_steady_state_or_time_constant_of_their_own(nml, kind):
    extra = {
        "Tau": '<timeCourse type="fixedTimeCourse" tau="3ms"/>',
        "Inf": '<steadyState type="HHSigmoidVariable" rate="1" midpoint="-30mV" scale="9mV"/>',
    }
    parts = "".join(text for name, text in extra.items() if name in kind)
    text = TEXT.replace("gateHHrates", kind).replace(f"</{kind}>", f"{parts}</{kind}>")
    kinetics = ph.read_channel(nml(text)).gates[1].kinetics
    a = 0.07 * np.exp(-(V + 65) / 20)
    b = ph.rates.Linoid(0.1, -40.0, 10.0)(V)
    inf = 1 / (1 + np.exp(-(V + 30) / 9)) if "Inf" in kind else a / (a + b)
    tau = np.full_like(V, 3.0) if "Tau" in kind else 1 / (a + b)
    np.testing.assert_allclose(kinetics.x_inf(V), inf, 1e-12)
    np.testing.assert_allclose(kinetics.tau(V), tau, 1e-12)


def test_fixed_q10_is_a_factor(nml):
    text = TEXT.replace(
        'type="q10ExpTemp" q10Factor="3" experimentalTemp="22degC"', 'type="q10Fixed" fixedQ10="2"'
    )
    gate = ph.read_channel(nml(text)).gates[0]
    assert (gate.q10, float(gate.kinetics.tau(0.0))) == (1.0, 2.5)


def test_a_channel_alone_is_given_its_density(nml):
    path = nml(TEXT.replace("<x><channelDensity", "<x><other"))
    with pytest.raises(ph.errors.InputError, match=r"line 2: .*g="):
        ph.read_channel(path)
    channel = ph.read_channel(path, g=20.0, e=-80.0)
    assert (channel.g, channel.e) == (20.0, -80.0)


REFUSED = {
    "unit": ('tau="0.005s"', 'tau="0.005"', "line 5: .*units ms, s, us"),
    "type": ("HHExpRate", "myRate", "line 9: .*neither in the standard"),
    "gate": ("gateHHtauInf", "gateKS", "line 3: .*gateKS"),
    "missing": ('<timeCourse type="fixedTimeCourse" tau="0.005s"/>', "", "line 3: .*has no tau"),
    "density": ("channelDensity id", "channelDensityGHK id", "only channelDensity"),
    "instances": ('instances="4"', 'instances="0"', "instances"),
    "broken": ("</neuroml>", "", "no XML"),
    "entity": ("<neuroml ", '<!DOCTYPE a [<!ENTITY b "c">]><neuroml ', "document type"),
    "q10": ("q10ExpTemp", "q10Other", "q10Other"),
    "scale": ('scale="10mV"', 'scale="0mV"', "scale"),
    "twice": ("</gateHHtauInf>", '<timeCourse type="fixedTimeCourse" tau="1ms"/></gateHHtauInf>',
              "second timeCourse"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_not_read_is_refused_with_its_line(nml, case):
    old, new, message = REFUSED[case]
    assert old in TEXT
    with pytest.raises(ph.errors.InputError, match=message) as caught:
        ph.read_channel(nml(TEXT.replace(old, new)))
    assert str(caught.value).startswith("kx.channel.nml")


@pytest.mark.parametrize(
    "change", [("(2 + y)", "(2 + y + caConc)"), ("V + 50", "t + 50"), ("exp(", "sin(")]
)
def test_component_types_of_other_inputs_are_refused(nml, change):
    text = TEXT.replace('type="fixedTimeCourse" tau="0.005s"', 'type="bell"')
    with pytest.raises(ph.errors.InputError, match=r"kx\.channel\.nml, line"):
        ph.read_channel(nml(text.replace("</neuroml>", TYPE.replace(*change) + "</neuroml>")))


def test_deep_documents_are_refused(nml):
    with pytest.raises(ph.errors.InputError, match="deeply"):
        ph.read_channel(nml("<a>" * 5000 + "</a>" * 5000))
