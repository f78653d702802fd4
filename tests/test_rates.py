"""Rate curves: exact at their corners, finite everywhere, with slopes that are derivatives."""

from __future__ import annotations

from decimal import Decimal, getcontext

import numpy as np
import pytest
from numpy_rhs import curve as plain_curve

import pyhodgkin as ph
from pyhodgkin.errors import DocumentError, InputError
from pyhodgkin.neuron.rates import Constant, Exponential, Linoid, Power, Sigmoid
from pyhodgkin.neuron.serialise import curve_from_dict, curve_to_dict
from pyhodgkin.numerics.elementary import linoid, logistic

TREES = {
    "constant": Constant(3.5),
    "exponential": Exponential(0.125, -65, -80),
    "sigmoid": Sigmoid(1.0, -35, 10),
    "falling sigmoid": Sigmoid(2.0, -50, -7),
    "linoid": Linoid(0.1, -40, 10),
    "falling linoid": Linoid(-0.28, -15, -5),
    "sum": Exponential(0.07, -65, -20) + Sigmoid(1, -35, 10) + 2.0,
    "product": 0.5 * Linoid(0.01, -55, 10) * Sigmoid(1, -35, -10),
    "quotient": Exponential(4, -65, -18) / Linoid(0.1, -40, 10),
    "inverse": 1 / (Exponential(0.0033, -35, 20) + Exponential(0.001, -35, -20)),
    "power": (Exponential(0.0761, -94.22, 31.8) * Sigmoid(1, -1.17, -28.9)) ** (1 / 3),
    "bell": 30.8 + (211.4 + Exponential(1, -115.2, 5)) * Sigmoid(1, -86, -3.2),
}


def library_curves(formulas=True):
    for name in ph.library.names():
        for gate in ph.library.get(name).gates:
            if gate.kinetics.uses_calcium:
                continue
            for role, curve in gate.kinetics.curves().items():
                if curve.form != "formula" or formulas:
                    yield pytest.param(curve, id=f"{name}.{gate.name}.{role}")


def test_squid_rates_at_their_corners_are_exact():
    m, n = Linoid(0.1, -40, 10), Linoid(0.01, -55, 10)
    assert float(m(-40.0)) == 1.0
    assert float(m.slope(-40.0)) == 0.05
    assert float(n(-55.0)) == 0.1
    assert float(n.slope(-55.0)) == 0.005


def test_linoid_next_to_its_corner_keeps_every_digit():
    near = -40.0 + np.array([-1e-3, -1e-7, -1e-12, 1e-12, 1e-7, 1e-3])
    expected = 1.0 + 0.05 * (near + 40.0) + 0.1 * ((near + 40.0) / 10) ** 2 / 1.2
    np.testing.assert_allclose(Linoid(0.1, -40, 10)(near), expected, rtol=1e-15)


def test_linoid_has_full_relative_precision_on_both_sides():
    getcontext().prec = 200
    x = np.concatenate([np.linspace(-60, 60, 241), np.linspace(-0.25, 0.25, 100), [-300, 300]])
    value, slope = linoid(x)
    for i, u in enumerate(Decimal(float(item)) for item in x):
        if u == 0:
            continue
        fall = (-u).exp()
        assert abs(Decimal(float(value[i])) / (u / (1 - fall)) - 1) < Decimal("1e-15")
        exact_slope = (1 - fall - u * fall) / (1 - fall) ** 2
        assert abs(Decimal(float(slope[i])) / exact_slope - 1) < Decimal("1e-14")


def test_logistic_has_full_relative_precision():
    x = np.array([-700.0, -40.0, -1.0, 0.0, 1.0, 40.0, 700.0])
    expected = [1 / (1 + np.exp(-u)) if u > 0 else np.exp(u) / (1 + np.exp(u)) for u in x]
    np.testing.assert_allclose(logistic(x), expected, rtol=1e-15)


@pytest.mark.parametrize("curve", [*TREES.values(), *library_curves()])
def test_no_overflow_and_no_nan_from_minus_to_plus_1000_mv(curve):
    v = np.concatenate([np.linspace(-1000, 1000, 4001), [-40.0, -55.0]])
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        value, slope = curve.value_and_slope(v)
    assert np.all(np.isfinite(value)) and np.all(np.isfinite(slope))
    assert np.all(value >= 0.0)


@pytest.mark.parametrize("curve", [*TREES.values(), *library_curves()])
def test_slopes_agree_with_finite_differences(curve):
    v = np.array([-120.0, -86.0, -65.0, -55.0, -54.9999, -40.0, -39.99, -15.0, 0.0, 33.3, 60.0])
    h = 1e-3
    near, far = curve(v + h) - curve(v - h), curve(v + 2 * h) - curve(v - 2 * h)
    scale = abs(curve(v)).max()
    np.testing.assert_allclose(curve.slope(v), (8 * near - far) / (12 * h), 1e-6, 1e-9 * scale)


@pytest.mark.parametrize("curve", [*TREES.values(), *library_curves(formulas=False)])
def test_values_agree_with_the_plain_formulas(curve):
    v = np.linspace(-150, 100, 101)
    np.testing.assert_allclose(curve(v), [plain_curve(curve, u) for u in v], rtol=1e-12)


@pytest.mark.parametrize("curve", TREES.values(), ids=TREES)
def test_tree_survives_being_taken_apart_and_written_down(curve):
    assert curve.with_leaves(curve.leaves()) == curve
    assert curve_from_dict(curve_to_dict(curve)) == curve


@pytest.mark.parametrize("curve", [*TREES.values(), *library_curves()])
def test_text_of_a_curve_is_its_formula(curve):
    text = str(curve).replace("·", "*").replace("^", "**")
    v = np.array([-71.3, -33.1, 12.7])
    value = np.array([eval(text, {"v": u, "exp": np.exp}) for u in v.tolist()])
    np.testing.assert_allclose(value, curve(v), rtol=2e-4)  # numbers are shown with six digits


def test_shapes_follow_the_voltage():
    curve = TREES["quotient"]
    assert curve(-65.0).shape == ()
    assert curve([[-65.0], [0.0]]).shape == (2, 1)
    assert Constant(2.0)(np.zeros(3)).tolist() == [2.0, 2.0, 2.0]


@pytest.mark.parametrize("arguments", [(1, 0, 0), (float("nan"), 0, 1), (1, float("inf"), 1)])
def test_impossible_parameters_are_refused(arguments):
    with pytest.raises(InputError, match=r"k = 0 mV|must be finite"):
        Linoid(*arguments)


def test_text_in_place_of_a_number_is_refused():
    with pytest.raises(InputError, match="a = 'fast' must be a number"):
        Exponential("fast", 0, 1)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="neither a curve"):
        Sigmoid(1, 0, 1) + "x"  # type: ignore[operator]


def test_unknown_form_names_the_nearest():
    with pytest.raises(DocumentError, match='did you mean "linoid"'):
        curve_from_dict({"form": "lineoid", "a": 1, "v0": 0, "k": 1})


def test_power_of_a_sum_is_a_power():
    assert isinstance((Constant(1.0) + Constant(2.0)) ** 2, Power)
    assert float(((Constant(1.0) + Constant(2.0)) ** 2)(0.0)) == 9.0
