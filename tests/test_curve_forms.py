"""Tables, formulas and choices as curves: values, slopes, text, documents."""

from __future__ import annotations

import json
import pickle

import mpmath
import numpy as np
import pytest
from curved_cells import CURVED, EVEN, bell

import pyhodgkin as ph
from pyhodgkin.errors import DocumentError, InputError
from pyhodgkin.network.cell_equations import CellEquations
from pyhodgkin.neuron.serialise import curve_from_dict, curve_to_dict, from_dict, to_dict
from pyhodgkin.rates import Exponential, Sigmoid, Tabulated, formula, gaussian, piecewise

V = np.array([-199.3, -123.4, -88.8, -71.2, -55.3, -40.7, -11.1, 0.9, 33.3, 79.9, 155.5])


def slope_of(curve, v, h=1e-3):
    return (8.0 * (curve(v + h) - curve(v - h)) - curve(v + 2 * h) + curve(v - 2 * h)) / (12.0 * h)


# -- formulas ---------------------------------------------------------------------------------

FORMULAS = {
    "0.34 + 0.92*exp(-((v+71)/59)**2)": lambda m, v: 0.34 + 0.92 * m.exp(-(((v + 71) / 59) ** 2)),
    "-v**2/1000 + 3 - -2*v": lambda m, v: -(v**2) / 1000 + 3 + 2 * v,
    "tanh(v/30)*log(2 + exp(v/20))": lambda m, v: m.tanh(v / 30) * m.log(2 + m.exp(v / 20)),
    "sqrt(v**2 + 1) - abs(v + 3)": lambda m, v: m.sqrt(v**2 + 1) - abs(v + 3),
    "min(v, 3, -v) + max(0.5, v/100)": lambda m, v: min(v, 3, -v) + max(m.mpf("0.5"), v / 100),
    "1 if v < -60 else 2 if v <= -40 else 3": lambda m, v: 1 if v < -60 else 2 if v <= -40 else 3,
    "v if -60 < v < -30 or v >= 40 and v < 90 else 7": lambda m, v: (
        v if -60 < v < -30 or (v >= 40 and v < 90) else 7
    ),
    "1/(1 + exp((v + 50)/7))**0.25": lambda m, v: 1 / (1 + m.exp((v + 50) / 7)) ** m.mpf("0.25"),
    "0.1*linoid((v+39)/10)": lambda m, v: m.mpf(1) / 100 * (v + 39) / (1 - m.exp(-(v + 39) / 10)),
    "2**(v/50) * 1e-1": lambda m, v: m.mpf(2) ** (v / 50) / 10,
}


@pytest.mark.parametrize("text", FORMULAS)
def test_a_formula_has_the_values_of_its_text(text):
    curve, mpmath.mp.dps = formula(text), 40
    expected = [float(FORMULAS[text](mpmath, mpmath.mpf(float(v)))) for v in V]
    np.testing.assert_allclose(curve(V), expected, rtol=2e-14, atol=1e-15)
    smooth = V[np.abs(slope_of(curve, V) - slope_of(curve, V, 2e-3)) < 1e-6]  # not at a kink
    np.testing.assert_allclose(curve.slope(smooth), slope_of(curve, smooth), rtol=1e-7, atol=1e-9)
    again = formula(str(curve).replace("·", "*").replace("^", "**"))
    np.testing.assert_allclose(again(V), curve(V), rtol=1e-4, atol=1e-5)  # printed to six digits


def test_a_persistent_potassium_gate_as_it_is_published():
    # Korngreen & Sakmann 2000 in ModelDB's K_Pst: in two pieces, and a Gaussian times a line.
    def tau(u):
        return 1.25 + 175.03 * np.exp(0.026 * u) if u < -50 else 1.25 + 13 * np.exp(-0.026 * u)

    one = formula(
        "1.25 + (175.03*exp(0.026*(v + 10)) if v + 10 < -50 else 13*exp(-0.026*(v + 10)))"
    )
    below, above = (
        formula(f"1.25 + {a}*exp({s}0.026*(v + 10))") for a, s in ((175.03, ""), (13, "-"))
    )
    for curve in (one, piecewise((below, -60.0), above)):
        np.testing.assert_allclose(curve(V), [tau(v + 10) for v in V], rtol=1e-14)
    h = formula("360 + (1010 + 24*(v + 65))*exp(-((v + 85)/48)**2)")
    assert float(h(-65.0)) == pytest.approx(360 + 1010 * np.exp(-((20 / 48) ** 2)), rel=1e-14)


def test_gaussian_and_piecewise():
    np.testing.assert_allclose(gaussian(2.0, -50.0, 20.0)(V), 2 * np.exp(-(((V + 50) / 20) ** 2)))
    with pytest.raises(InputError, match=r"the ends \[-40.0, -50.0\] mV must increase"):
        piecewise((1.0, -40.0), (2.0, -50.0), 3.0)
    with pytest.raises(InputError, match="the last piece is a curve alone"):
        piecewise((1.0, -40.0))


def test_curves_of_all_kinds_are_combined():
    curve = 2.0 / (Tabulated(EVEN, bell(EVEN)) + gaussian(1.0, -50.0, 20.0)) + Exponential(
        1, -50, 20
    )
    expected = 2.0 / (Tabulated(EVEN, bell(EVEN))(V) + np.exp(-(((V + 50) / 20) ** 2)))
    np.testing.assert_allclose(curve(V), expected + np.exp((V + 50) / 20))
    np.testing.assert_allclose(curve.slope(V), slope_of(curve, V), rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("0.1*(v+40)/(1-exp(-(v+40)/10))", r"is 0 at v = -40 mV.*linoid\(\(v \+ 40\)/10\)"),
        ("1/(v + 60)", "is 0 at v = -60 mV"),
        ("v/(exp(v/10) - 1) if v > 1 else 10", "is 0 at v = "),
        ("log(v)", "at v = -200 mV it is nan"),
        ("sqrt(v)", "it must be finite from -200 to 200 mV"),
        ("exp(v", "character 4"),
        ("", "write it as in Python"),
        ("sin(v)", r'"sin" \(character 1\) is no function of formulas: there are exp, log'),
        ("2 + sin(v)", r'"sin" \(character 5\)'),
        ("V + 1", r'"V" \(character 1\) is unknown: the voltage is v'),
        ("v.real", "is not allowed"),
        ("__import__('os').system('ls')", "is no function"),
        ("(lambda: v)()", "is no function"),
        ("[v for v in (1,)][0]", "is not allowed"),
        ("v if v else 1", "is no condition"),
        ("1 if v == 3 else 2", "comparisons are"),
        ("1 if not v < 3 else 2", "is no condition"),
        ("'3'", "is no number"),
        ("True", "is no number"),
        ("1e999", "too large"),
        ("3j", "is no number"),
        ("v // 2", "the operations are"),
        ("exp(v, v)", "takes 1 argument, not 2"),
        ("max(v)", "two arguments or more"),
        ("exp(x=v)", "plain arguments"),
        ("exp(*v)", "plain arguments"),
        ("exp", r"is a function: write exp\(…\)"),
        ("v < 3", "is not allowed"),
        ("1 + " * 450 + "v", "divide it"),
        ("(" * 80 + "v" + ")" * 80 + "+ exp(" * 70 + "v" + ")" * 70, "divide it"),
        ("v" * 3000, "the limit is 2000"),
        ("1 if " + " and ".join(["v < 1"] * 9) + " else 2", None),
    ],
)
def test_text_that_is_no_formula_is_refused_where_it_is_wrong(text, said):
    if said is None:
        formula(text)
        return
    with pytest.raises(InputError, match=said):
        formula(text)


def test_conditions_that_multiply_are_refused():
    text = "v"
    for _ in range(12):
        text = f"(1 if v < 1 and v < 2 and v < 3 else {text})"
    with pytest.raises(InputError, match="multiply to more than"):
        formula(text)


def test_bad_parameters_of_a_formula_are_refused():
    with pytest.raises(InputError, match='"b" does not occur'):
        formula("a*v", a=1.0, b=2.0)
    with pytest.raises(InputError, match='"exp" cannot be the name'):
        formula("v", exp=1.0)
    with pytest.raises(InputError, match="must be finite"):
        formula("a*v", a=np.nan)
    with pytest.raises(InputError, match="is not text"):
        formula(3.0)  # type: ignore[arg-type]


# -- in a neuron ------------------------------------------------------------------------------


def test_parameters_of_formulas_are_named_and_numbers_are_not():
    names = [n for n in CURVED["smooth"].layout.names if n.startswith("of_n.n")]
    assert names == ["of_n.n.x_inf.vh", "of_n.n.x_inf.k", "of_n.n.tau.a", "of_n.n.tau.q"]
    double = 1.0 / (formula("a*v + 300", a=1.0) + formula("a*v + 300", a=2.0))
    kinetics = ph.SteadyStateKinetics(Sigmoid(1, -40, 5), double)
    cell = ph.library.get("squid_axon").replace_gate("n", kinetics)
    own = [n for n in cell.layout.names if n.startswith("k.n.tau")]
    assert len(own) == len(set(own)) == 2
    moved = CURVED["smooth"].with_parameters(of_n__n__x_inf__vh=-20.0)
    assert moved.gates[1].kinetics.x_inf(-20.0) == pytest.approx(0.5**0.5)


@pytest.mark.parametrize("name", CURVED)
def test_a_document_gives_the_same_neuron(name, tmp_path):
    cell = CURVED[name]
    ph.document.save(cell, tmp_path / "model.json")
    again = ph.document.load(tmp_path / "model.json")
    assert again == cell and str(again) == str(cell)
    np.testing.assert_array_equal(again.theta, cell.theta)
    assert pickle.loads(pickle.dumps(cell)) == cell
    data = json.loads(json.dumps(to_dict(cell)[0]))
    for table, other in zip(
        cell.tables.arrays().values(), from_dict(data, {}).tables.arrays().values(), strict=True
    ):
        np.testing.assert_array_equal(table, other)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ({"form": "parameter", "name": "a"}, '"parameter" stands outside'),
        ({"form": "exp", "of": []}, "empty list"),
        ({"form": "exp", "of": [{"form": "voltage"}] * 2}, "takes 1 arguments, not 2"),
        ({"form": "exec", "of": [{"form": "voltage"}]}, 'unknown form of curve "exec"'),
        ({"form": "number", "value": "1"}, "value"),
        (
            {"form": "formula", "parameters": [], "of": {"form": "parameter", "name": "a"}},
            '"a" is no',
        ),
        (
            {"form": "formula", "parameters": [], "of": {"form": "constant", "a": 1.0}},
            "holds no rate laws",
        ),
        (
            {
                "form": "formula",
                "parameters": [{"name": "a", "value": 1}] * 2,
                "of": {"form": "voltage"},
            },
            "not all different",
        ),
        (
            {
                "form": "tabulated",
                "v": [0, 0],
                "values": [1, 2],
                "slopes": [0, 0],
                "scale": "linear",
                "outside": "constant",
            },
            "v must increase",
        ),
    ],
)
def test_documents_that_are_wrong_are_refused(data, said):
    with pytest.raises(DocumentError, match=said):
        curve_from_dict(data)


def test_a_document_cannot_be_too_deep():
    data = {"form": "voltage"}
    for _ in range(300):
        data = {"form": "exp", "of": [data]}
    with pytest.raises(DocumentError, match="more than 200 deep"):
        curve_from_dict(data)


def test_curves_go_to_plain_data_and_back():
    for gate in CURVED["kinks"].gates:
        for curve in gate.kinetics.curves().values():
            assert curve_from_dict(json.loads(json.dumps(curve_to_dict(curve)))) == curve


@pytest.mark.parametrize("name", CURVED)
def test_the_tables_are_those_curves(name):
    cell = CURVED[name]
    found = CellEquations(cell.tables, cell.theta[None]).rates(V)
    for gate, pair in zip(cell.gates, found, strict=True):
        if not gate.has_state:
            np.testing.assert_allclose(pair[0], gate.kinetics.x_inf(V), rtol=1e-12)
            continue
        np.testing.assert_allclose(pair[0], gate.kinetics.alpha(V), rtol=1e-12)
        np.testing.assert_allclose(pair[1], 1.0 / gate.kinetics.tau(V), rtol=1e-12)


def test_figures_and_text_of_such_neurons():
    assert ph.plot.kinetics(CURVED["kinks"], gates=["m", "n"]) is not None
    assert "knots from -120 to 80 mV, cubic" in str(CURVED["tables"])
    assert "if v + 10 < -50 else" in str(CURVED["kinks"])
