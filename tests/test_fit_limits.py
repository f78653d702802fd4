"""Limits that a fit reaches are told, and have no standard error."""

from __future__ import annotations

import numpy as np
import pytest
from fit_stub import recording, run

import pyhodgkin as ph
from pyhodgkin.results.active_bounds import active_bounds
from pyhodgkin.results.identifiability import Identifiability

AXON = ph.library.get("squid_axon")
V = (-80.0, 40.0)


def clamped(noise=1.0):
    family = ph.VoltageClamp.family([-40, 0, 40], start=5.0, stop=25.0, t_end=35.0)
    solved = ph.simulate(AXON, family, saveat=0.1, backend="torch")
    more = {"noise": noise, "current_unit": "uA/cm2"}
    return [
        ph.Recording.from_solution(x, seed=i, name=str(i), **more) for i, x in enumerate(solved)
    ]


@pytest.fixture(scope="module")
def at_bound():
    start = AXON.with_parameters(k__g=30.0, na__g=110.0)
    return ph.fit(start, clamped(), trainable=["k.g", "na.g"], bounds={"k.g": (20.0, 34.0)},
                  backend="torch")  # fmt: skip


def test_a_parameter_at_its_bound_is_told_everywhere(at_bound):
    (reached,) = at_bound.active_bounds
    assert (reached.name, reached.kind, reached.limit) == ("k.g", "bound", 34.0)
    for text in (at_bound.message, str(at_bound), "\n".join(at_bound.log)):
        assert "k.g = 34 mS/cm² at its upper bound 34 mS/cm²" in text
    assert "widen the bounds of k.g" in at_bound.message


def test_a_parameter_at_its_bound_has_no_standard_error(at_bound):
    known = at_bound.identifiability
    errors = dict(zip(known.names, known.standard_errors, strict=True))
    assert np.isnan(errors["k.g"]) and 0 < errors["na.g"] < 120
    rows = {row["parameter"]: row for row in known.rows()}
    assert rows["k.g"]["standard_error"] is None and rows["k.g"]["at_bound"]
    assert "at its bound" in known.table() and "k.g at a bound" in known.summary()
    assert "k.g" not in known.undetermined
    again = Identifiability.from_dict(known.to_dict())
    np.testing.assert_array_equal(again.standard_errors, known.standard_errors)
    judged = ph.identifiability(at_bound, clamped(), trainable=["k.g", "na.g"], backend="torch")
    assert np.isnan(judged.standard_errors[0]) and np.isfinite(judged.standard_errors[1])


def test_limits_are_kept_in_the_folder(at_bound, tmp_path):
    at_bound.save(tmp_path)
    loaded = ph.FitResult.load(tmp_path)
    assert loaded.active_bounds == at_bound.active_bounds
    assert loaded.message == at_bound.message


def test_a_parameter_within_its_bounds_is_not_told():
    found = active_bounds(AXON, AXON.theta, AXON.layout.select("k.g"), {"k.g": (20.0, 50.0)}, V)
    assert found == ()


@pytest.mark.parametrize(
    "name, value, ends, word",
    [
        ("k.e", -79.99, (-80.0, -70.0), "lower"),
        ("k.e", -70.01, (-80.0, -70.0), "upper"),
        ("na.g", 100.01, (100.0, 200.0), "lower"),
        ("c_m", 1.9999, (0.5, 2.0), "upper"),
    ],
)
def test_both_ends_of_all_kinds_of_parameters(name, value, ends, word):
    cell = AXON.with_theta(np.where(np.array(AXON.layout.names) == name, value, AXON.theta))
    indices = AXON.layout.select(name)
    (found,) = active_bounds(cell, AXON.theta, indices, {name: ends}, V)
    assert f"{word} bound" in found.text and found.name == name


def test_a_conductance_at_zero_is_told():
    cell = AXON.with_parameters(k__g=1e-3)
    (found,) = active_bounds(cell, AXON.theta, AXON.layout.select("conductances"), {}, V)
    assert (found.name, found.kind) == ("k.g", "zero") and "at zero" in found.text


def with_output(form, bias, **more):
    """The squid axon with a network for n whose second output is `bias` at every voltage."""
    network = ph.Network((np.zeros((3, 1)), np.zeros((2, 3))), (np.zeros(3), np.array(bias)))
    return AXON.replace_gate("n", ph.NeuralKinetics(form, network, **more))


@pytest.mark.parametrize(
    "form, bias, word",
    [
        ("steady_state", [0.5, 8.0], "tau_max = 500 ms"),
        ("steady_state", [0.5, -8.0], "tau_min = 0.02 ms"),
        ("rates", [30.0, 0.0], "alpha"),
        ("rates", [0.0, -30.0], "beta"),
    ],
)
def test_a_network_at_the_end_of_its_range_is_told(form, bias, word):
    cell = with_output(form, bias)
    (found,) = active_bounds(cell, cell.theta, cell.layout.select("networks"), {}, V)
    assert word in found.text and "from -80 to 40 mV" in found.text and found.kind == "range"
    middle = with_output(form, [0.5, 0.5])
    assert active_bounds(middle, middle.theta, middle.layout.select("networks"), {}, V) == ()
    # A network that was not trained is as it was given.
    assert active_bounds(cell, cell.theta, cell.layout.select("k.g"), {}, V) == ()


def test_a_current_that_saturates_is_told():
    network = ph.Network((np.full((3, 1), 50.0), np.ones((1, 3))), (np.zeros(3), np.zeros(1)))
    current = ph.NeuralCurrent("extra", network)
    cell = ph.Neuron("cell", (*AXON.channels, current), v_rest=-65.0)
    (found,) = active_bounds(cell, cell.theta, cell.layout.select("networks"), {}, V)
    assert found.name == "extra" and "largest output" in found.text


def test_a_network_that_reaches_its_range_is_told_by_fit():
    held = run(with_output("steady_state", [0.0, 12.0]), recording())
    assert "tau_max" in held.message and any("limit reached" in line for line in held.log)
