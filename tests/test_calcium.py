"""Calcium pools, calcium currents and curves of calcium as values."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from coupled_cells import every_part, potassium_scheme

import pyhodgkin as ph
from pyhodgkin.errors import DocumentError, InputError
from pyhodgkin.neuron.calcium_channels import drive
from pyhodgkin.rates import Calcium, Hill, Sigmoid, at_calcium, formula

POOL = ph.CalciumPool(1e-4, 20.0, 5e-5, ("cal",))
CAL = ph.GHKChannel("cal", 1e-4, 2.0)


def test_a_shell_takes_the_calcium_of_its_current():
    """1 µA/cm² for 1 ms is 1e-9 C/cm², of which 1 µm holds 1e-4 cm³ on each cm²."""
    pool = ph.CalciumPool.shell(1.0, 1e-4, 20.0, "cal")
    moles = 1e-9 / (2 * 96485.33212)
    assert pool.k == pytest.approx(moles / 1e-4 * 1e6, rel=1e-12)  # mol/cm³ to mM
    assert pool.sources == ("cal",)


def test_ghk_is_smooth_at_zero_and_reverses_where_nernst_says():
    v = np.array([-1e-3, -1e-6, 0.0, 1e-6, 1e-3])
    current = drive(CAL, 22.0, v, 1e-4)
    np.testing.assert_allclose(np.diff(current) / np.diff(v), np.diff(current)[-1] / 9.99e-4, 1e-4)
    assert current[2] == pytest.approx(1e-4 * 2 * 96485.33212 * (1e-4 - 2.0), rel=1e-12)
    nernst = ph.NernstChannel("cat", 1.0, 2.0)
    reversal = -float(drive(nernst, 22.0, 0.0, 1e-4))
    assert abs(float(drive(CAL, 22.0, reversal, 1e-4))) < 1e-12
    assert reversal == pytest.approx(8.314462618 * 295.15 / (2 * 96.48533212) * np.log(2e4))


def test_curves_of_calcium():
    hill = Hill(2.0, half=1e-3, n=3.0)
    ca = np.array([1e-5, 1e-3, 1.0])
    expected = 2.0 * ca**3 / (ca**3 + 1e-9)
    np.testing.assert_allclose(at_calcium(hill, ca)(0.0), expected, rtol=1e-12)
    both = Sigmoid(1, -30, 5) * hill + 0.1 * Calcium()
    np.testing.assert_allclose(at_calcium(both, 1e-3)(-30.0), 0.5 + 1e-4)
    written = formula("min(0.00002*ca, 0.01)/(1 + exp(-(v + a)/5))", a=30.0)
    assert float(at_calcium(written, 1000.0)(-30.0)) == 0.005
    assert formula("ca*v", ca=3.0)(2.0) == 6.0  # a parameter of that name, as before
    with pytest.raises(InputError, match="depends on the calcium concentration"):
        written(-30.0)
    with pytest.raises(InputError, match=r"finite from -200.*|divides"):
        formula("1/(ca - 0.001)")
    with pytest.raises(InputError, match="half must be positive"):
        Hill(1.0, half=0.0)


def test_layout_and_theta():
    cell = every_part()
    assert cell.states == ("v", "k_C2", "k_C1", "q", "s", "w", "tb", "ca")
    units = {name: cell.layout[name].unit for name in ("calcium.ca_inf", "calcium.tau", "cal.p")}
    assert units == {"calcium.ca_inf": "mM", "calcium.tau": "ms", "cal.p": "cm/s"}
    groups = {name: cell.layout[name].group for name in ("cal.p", "cal.ca_out", "calcium.k")}
    assert groups == {"cal.p": "conductances", "cal.ca_out": "calcium", "calcium.k": "calcium"}
    assert cell.layout["kca.w.x_inf.half"].unit == "mM"
    chosen = [cell.layout.names[i] for i in cell.layout.select("calcium")]
    assert chosen == ["cal.ca_out", "cat.ca_out", "calcium.ca_inf", "calcium.tau", "calcium.k"]
    moved = cell.with_theta(cell.theta * 1.5)
    np.testing.assert_array_equal(moved.theta, cell.theta * 1.5)
    assert moved.calcium.tau == 30.0 and moved.channel("k").rate("up").curve.a == 0.1 * 1.5
    assert cell.with_parameters(calcium__tau=7.0).calcium.tau == 7.0
    assert not cell.with_parameters(c_m=1.0).is_linear_in_gates and cell.is_coupled


def test_documents(tmp_path):
    cell = replace(every_part(), initial=(("ca", 2e-4), ("k_C1", 0.1)))
    path = ph.document.save(cell, tmp_path)
    again = ph.document.load(path)
    np.testing.assert_array_equal(again.theta, cell.theta)
    assert again.states == cell.states and again.initial == cell.initial
    for name in ("pospischil_lts_calcium", "pinsky_rinzel_isopotential", "herg_beattie_markov"):
        known = ph.library.get(name)
        assert ph.document.load(ph.document.save(known, tmp_path / name)) == known
    import json

    data = json.loads(path.read_text())
    data["neuron"]["calcium"]["tau"] = -1.0
    path.write_text(json.dumps(data))
    with pytest.raises(DocumentError, match=r"neuron\.calcium: CalciumPool: tau = -1 ms"):
        ph.document.load(path)


def test_a_neuron_without_pool_is_written_as_before(tmp_path):
    assert "calcium" not in ph.document.save(ph.library.get("squid_axon"), tmp_path).read_text()


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"calcium": None}, r"cal depends on the calcium concentration, and there is no pool"),
        ({"temperature": None}, "driving force of cal depends on the temperature"),
        ({"calcium": replace(POOL, sources=("nope",))}, 'unknown source of calcium.*"nope"'),
        ({"initial": (("ca", -1.0),)}, "ca = -1 mM; a concentration is not negative"),
    ],
)
def test_what_does_not_fit_together_is_refused(changes, text):
    given = {"channels": (CAL, ph.leak(0.1, -70.0)), "temperature": 22.0, "calcium": POOL} | changes
    with pytest.raises(InputError, match=text):
        ph.Neuron("cell", **given)


def test_gates_of_calcium_need_a_pool():
    gate = ph.Gate("w", ph.SteadyStateKinetics(Hill(1.0, 1e-3), 5.0))
    with pytest.raises(InputError, match="gate w depends on the calcium"):
        ph.Neuron("cell", (ph.Channel("k", 1.0, -90.0, (gate,)),))
    assert not gate.kinetics.is_linear and gate.kinetics.uses_calcium


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("tau", 0.0, "tau = 0 ms; it must be positive"),
        ("ca_inf", -1e-4, "ca_inf = -0.0001 mM; it must be zero or positive"),
        ("k", -1.0, "k = -1 mM/ms"),
        ("sources", ("cal", "cal"), "each channel counts once"),
    ],
)
def test_numbers_of_a_pool(name, value, text):
    with pytest.raises(InputError, match=text):
        replace(POOL, **{name: value})


def test_numbers_of_calcium_channels():
    with pytest.raises(InputError, match='channel "cal": p = -1 cm/s'):
        ph.GHKChannel("cal", -1.0)
    with pytest.raises(InputError, match="ca_out = 0 mM must be positive"):
        ph.NernstChannel("cal", 1.0, 0.0)
    with pytest.raises(InputError, match="depth = 0 µm must be positive"):
        ph.CalciumPool.shell(0.0, 1e-4, 20.0, "cal")


def test_what_cannot_treat_them_says_so(tmp_path):
    cell = every_part()
    with pytest.raises(InputError, match="are not written as NeuroML"):
        cell.export("neuroml", tmp_path / "neuroml")
    with pytest.raises(InputError, match='gate "w" depends on the calcium concentration'):
        ph.tabulate(cell, gates="w")
    with pytest.raises(InputError, match="a Markov scheme and a calcium pool"):
        cell.rest()
    with pytest.raises(InputError, match="gates that depend on v alone"):
        ph.NeuronGroup(cell, 3)
    clamp = ph.CurrentClamp.constant(0.0, 1.0)
    trace = ph.Recording([0.0, 1.0], clamp, v=[-65.0, -65.0])
    with pytest.raises(InputError, match='mode="simulation"'):
        ph.fit(cell, trace, schedule=ph.Stage("clamped", "lbfgs", 2), backend="torch")
    start = cell.initial_state()
    for place, value, text in ((-1, -1e-3, "ca = -0.001 mM"), (1, 1.5, "state k_C2 = 1.5")):
        wrong = start.copy()
        wrong[place] = value
        with pytest.raises(InputError, match=text):
            ph.simulate(cell, clamp, y0=wrong, backend="torch")


def test_tables_replace_the_gates_of_v_alone():
    cell = every_part()
    found = ph.tabulate(cell, gates=["s"], error=1e-3)
    assert found.neuron.calcium == cell.calcium and not found.neuron.gate("s").kinetics.uses_calcium


def test_temperature_of_a_recording():
    clamp = ph.CurrentClamp.constant(0.0, 1.0)
    warm = ph.Recording([0.0, 1.0], clamp, v=[-65.0, -65.0], temperature=26.3)
    from pyhodgkin.recordings.temperatures import at_recordings

    with pytest.raises(ph.errors.RecordingError, match="q, s, w, tb, the calcium pool has no q10"):
        at_recordings(every_part(), [warm])
    scheme = ph.Neuron("scheme", (potassium_scheme(),), temperature=16.3)
    neuron, note = at_recordings(scheme, [warm])
    assert neuron.temperature == 26.3 and "rates of k times 3" in note


def test_text_and_figures():
    cell = every_part()
    text = str(cell)
    for part in (
        "dca/dt = -k (i_cal + i_cat)",
        "C2 -> C1 at 2 up",
        "e_cat = RT/(2F) ln(ca_out/ca)",
    ):
        assert part in text
    assert "k O of 3 states" in repr(cell) and "Markov scheme of 3 states" in cell._repr_html_()
    found = ph.simulate(cell, ph.CurrentClamp.constant(5.0, 0.5), backend="torch")
    assert set(found.gates) >= {"k_C2", "ca"}
    for draw in (ph.plot.gates, ph.plot.open_probabilities, ph.plot.currents):
        draw(found)
