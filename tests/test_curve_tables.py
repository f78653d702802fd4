"""Curves given by knots: values, slopes, what is refused."""

from __future__ import annotations

import numpy as np
import pytest
from curved_cells import EVEN, UNEVEN, bell

from pyhodgkin.errors import InputError
from pyhodgkin.rates import Tabulated

V = np.array([-199.3, -123.4, -88.8, -71.2, -55.3, -40.7, -11.1, 0.9, 33.3, 79.9, 155.5])


def slope_of(curve, v, h=1e-3):
    return (8.0 * (curve(v + h) - curve(v - h)) - curve(v + 2 * h) + curve(v - 2 * h)) / (12.0 * h)


@pytest.mark.parametrize("knots", [EVEN, UNEVEN, UNEVEN[:3], EVEN[:2]])
def test_slopes_are_those_of_fritsch_and_carlson(knots):
    interpolate = pytest.importorskip("scipy.interpolate")
    values = np.sin(knots / 15.0) + 0.01 * knots
    table, v = Tabulated(knots, values), np.linspace(knots[0], knots[-1], 333)
    other = interpolate.PchipInterpolator(knots, values)
    np.testing.assert_allclose(table(v), other(v), rtol=0, atol=1e-13)
    np.testing.assert_allclose(table.slope(v[:-1]), other(v[:-1], 1), rtol=0, atol=1e-12)


@pytest.mark.parametrize("scale", ["linear", "log"])
@pytest.mark.parametrize("outside", ["constant", "linear"])
def test_a_table_goes_through_its_knots_and_its_slope_is_continuous(scale, outside):
    table = Tabulated(UNEVEN, bell(UNEVEN), scale=scale, outside=outside)
    np.testing.assert_allclose(table(UNEVEN), bell(UNEVEN), rtol=1e-14)
    near = 1e-9
    inner = UNEVEN if outside == "linear" else UNEVEN[1:-1]
    np.testing.assert_allclose(table.slope(inner - near), table.slope(inner + near), atol=1e-7)
    np.testing.assert_allclose(table.slope(V), slope_of(table, V), rtol=1e-7, atol=1e-9)
    ends = np.array([-500.0, 500.0])
    if outside == "constant":
        np.testing.assert_array_equal(table(ends), table(UNEVEN[[0, -1]]))
        assert not table.slope(ends).any()
    else:
        inside = (lambda v: np.log(table(v))) if scale == "log" else table
        first, last = np.array(table.slopes)[[0, -1]]
        expected = inside(UNEVEN[[0, -1]]) + np.array([first, last]) * (ends - UNEVEN[[0, -1]])
        np.testing.assert_allclose(inside(ends), expected, rtol=1e-12)


def test_a_table_is_monotone_where_its_values_are():
    values = np.array([0.0, 0.0, 0.01, 0.9, 0.91, 1.0, 1.0])
    table = Tabulated(np.array([-100.0, -80, -60, -59, -20, 0, 50]), values)
    found = table(np.linspace(-110.0, 60.0, 5000))
    assert (np.diff(found) >= 0.0).all() and found.min() == 0.0 and found.max() == 1.0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (([0.0], [1.0]), "it needs from 2"),
        (([0.0, 1.0], [1.0]), "values has 1 numbers; v has 2"),
        (([0.0, 1.0, 1.0], [1.0, 2.0, 3.0]), r"v\[1\] = 1, v\[2\] = 1 mV"),
        (([0.0, np.nan], [1.0, 2.0]), r"v\[1\] = nan must be finite"),
        (([0.0, 1.0], [1.0, np.inf]), r"values\[1\] = inf"),
        (([0.0, 1.0], ["a", "b"]), "values must be a list of numbers"),
        (([[0.0, 1.0]], [1.0, 2.0]), "shape"),
        (([0.0, 1.0], [1.0, 2.0], [0.0]), "slopes has 1"),
        (([0.0, 1.0], [1.0, 0.0], None, "log"), r"values\[1\] = 0; .* must be > 0"),
        (([0.0, 1.0], [1.0, 2.0], None, "square"), '"linear" or "log"'),
        (([0.0, 1.0], [1.0, 2.0], None, "log", "zero"), '"constant" or "linear"'),
    ],
)
def test_bad_tables_are_refused(arguments, said):
    with pytest.raises(InputError, match=said):
        Tabulated(*arguments)
