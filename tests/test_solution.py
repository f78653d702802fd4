"""Solutions: access, spike times, conversion."""

from __future__ import annotations

import json
from types import SimpleNamespace

import numpy as np
import pytest

from pyhodgkin import Recording, Solution, Status
from pyhodgkin.errors import InputError, UnknownNameError
from pyhodgkin.numerics.spikes import upward_crossings
from pyhodgkin.protocols import CurrentClamp, VoltageClamp
from pyhodgkin.solution.solution import NamedArrays

T = np.linspace(0.0, 10.0, 101)


def gate(name, power, kinetics=None):
    return SimpleNamespace(name=name, power=power, kinetics=kinetics)


CELL = SimpleNamespace(
    name="cell",
    states=("v", "n", "h"),
    channels=(
        SimpleNamespace(name="k", g=36.0, e=-77.0, gates=(gate("n", 4),)),
        SimpleNamespace(name="a", g=2.0, e=50.0, gates=(gate("h", 1),)),
        SimpleNamespace(name="l", g=0.3, e=-54.0, gates=()),
    ),
)


def states(batch=None):
    v = 100 * np.sin(T)
    one = np.stack([v, 0.5 + 0.1 * np.cos(T), np.full_like(T, 0.25)], axis=-1)
    return one if batch is None else np.stack([one * (1 + k) for k in range(batch)])


def test_names_reach_the_states():
    solution = Solution(T, states(), CELL, CurrentClamp.step(5.0, 2.0, 8.0, 10.0))
    y = solution.y
    np.testing.assert_array_equal(solution.v, y[:, 0])
    np.testing.assert_array_equal(solution.gates["n"], y[:, 1])
    np.testing.assert_array_equal(solution.stimulus, np.where((T >= 2) & (T < 8), 5.0, 0.0))
    np.testing.assert_allclose(solution.open_probability["k"], y[:, 1] ** 4)
    np.testing.assert_allclose(solution.currents["k"], 36 * y[:, 1] ** 4 * (y[:, 0] + 77))
    np.testing.assert_allclose(solution.currents["l"], 0.3 * (y[:, 0] + 54))
    assert list(solution.currents) == ["k", "a", "l"] and list(solution.gates) == ["n", "h"]
    with pytest.raises(UnknownNameError, match='unknown gate "nn"; did you mean "n"'):
        solution.gates["nn"]
    with pytest.raises(UnknownNameError, match='unknown current "na"'):
        solution.currents["na"]


def test_instantaneous_gates_follow_the_voltage():
    kinetics = SimpleNamespace(x_inf=lambda v: 1 / (1 + np.exp(-v / 10)))
    channel = SimpleNamespace(name="na", g=1.0, e=50.0, gates=(gate("m", 3, kinetics),))
    cell = SimpleNamespace(name="cell", states=("v",), channels=(channel,))
    solution = Solution(T, states()[:, :1], cell, CurrentClamp.constant(0.0, 10.0))
    expected = kinetics.x_inf(solution.v) ** 3
    np.testing.assert_allclose(solution.open_probability["na"], expected)


def test_batch_and_its_elements():
    protocols = [CurrentClamp.constant(a, 10.0) for a in (1.0, 2.0, 3.0)]
    currents = {"k": lambda: np.arange(3.0)[:, None] * np.ones(101)}
    solution = Solution(
        T, states(3), CELL, protocols, currents, {"n_steps": np.array([7, 8, 9])}, [0, 1, 0]
    )
    assert len(solution) == 3 and solution.v.shape == (3, 101)
    np.testing.assert_array_equal(solution.stimulus[:, 0], [1.0, 2.0, 3.0])
    np.testing.assert_array_equal(solution.success, [True, False, True])
    assert "max_steps" in solution.message and "element 1" in solution.message
    assert repr(solution) == (
        "Solution(cell, 3 x 101 samples of v n h in 0 to 10 ms, 1 of 3 failed)"
    )
    one = solution[-1]
    assert not one.batched and one.protocol is protocols[2] and one.success
    assert one.stats["n_steps"] == 9 and one.currents["k"][0] == 2.0
    np.testing.assert_array_equal(one.gates["n"], solution.gates["n"][2])
    assert [s.stats["n_steps"] for s in solution] == [7, 8, 9]
    assert repr(solution[1]).endswith("MAX_STEPS)")
    with pytest.raises(IndexError):
        solution[3]
    with pytest.raises(InputError, match="no batch axis"):
        one[0]
    with pytest.raises(TypeError):
        len(one)


def test_shapes_are_checked():
    with pytest.raises(InputError, match=r"y has shape \(101, 2\)"):
        Solution(T, states()[:, :2], CELL, CurrentClamp.constant(0.0, 10.0))


def test_every_status_says_what_to_do():
    for status in Status:
        assert len(status.message) > 20
    assert Status(1) is Status.MAX_STEPS and Status.SUCCESS == 0


def test_named_arrays_are_computed_once():
    calls = []
    arrays = NamedArrays("gate", {"n": lambda: calls.append(1) or np.ones(2)})
    assert "n" in arrays and len(calls) == 0
    assert arrays["n"] is arrays["n"] and len(calls) == 1
    assert repr(arrays) == "{n}"


# -- spike times --------------------------------------------------------------------------


def test_crossings_of_a_sinusoid():
    t = np.arange(0, 50, 0.05)
    times = upward_crossings(t, np.sin(t - 1.0), 0.5)
    expected = 1.0 + np.arcsin(0.5) + 2 * np.pi * np.arange(len(times))
    np.testing.assert_allclose(times, expected, atol=2e-7)
    assert len(times) == 8


def test_crossings_converge_with_the_fourth_order():
    errors = []
    for n in (200, 400, 800):
        t = np.linspace(0, 10, n + 1) ** 1.1  # unevenly spaced
        times = upward_crossings(t, np.sin(1.3 * t - 0.7), 0.4)
        k = np.arange(len(times))
        exact = (0.7 + np.arcsin(0.4) + 2 * np.pi * k) / 1.3
        errors.append(np.abs(times - exact).max())
    assert errors[0] / errors[1] > 8 and errors[1] / errors[2] > 8


def test_crossings_at_the_edges_and_beside_failures():
    assert upward_crossings([0, 1], [-1, 1]) == pytest.approx([0.5])
    assert upward_crossings([0, 1, 2], [-1, 1, 5])[0] == pytest.approx(0.6180339887)
    assert len(upward_crossings([0, 1], [1, 2])) == 0
    assert upward_crossings([0, 1], [-1, 0]) == pytest.approx([1.0])
    v = np.sin(T - 1.0)
    v[13:] = np.nan
    assert upward_crossings(T, v) == pytest.approx([1.0], abs=1e-3)
    v = np.where(T < 1.1, -1.0, np.where(T < 1.2, 1.0, np.nan))
    assert upward_crossings(T, v)[0] == pytest.approx(1.05)


def test_spike_times_of_the_reference(reference_data):
    """The reference has a sample every 0.05 ms; its spike times come from far finer steps."""
    arrays = np.load(reference_data / "hh1952_reference.npz")
    runs = json.loads((reference_data / "hh1952_reference.json").read_text())["runs"]
    assert len(runs) == 13
    for name, run in runs.items():
        expected = run["spike_times_0mV_ms"]
        spikes = upward_crossings(arrays["t_ms"], arrays[f"{name}_V"])
        assert len(spikes) == len(expected), name
        np.testing.assert_allclose(spikes, expected, atol=1e-3, err_msg=name)


# -- elsewhere ----------------------------------------------------------------------------


def test_to_xarray_names_dimensions_and_units():
    pytest.importorskip("xarray")
    protocol = CurrentClamp(2.0, 10.0, unit="pA")
    solution = Solution(T, states(2), CELL, protocol, stats={"n_steps": np.array([3, 4])})
    data = solution.to_xarray()
    assert data["v"].dims == ("batch", "time") and data["v"].attrs["units"] == "mV"
    assert data["i_k"].attrs["units"] == "pA" and data["stimulus"].attrs["units"] == "pA"
    assert data["time"].attrs["units"] == "ms" and data["n_steps"].dims == ("batch",)
    np.testing.assert_array_equal(data["open_k"].values, solution.open_probability["k"])
    assert solution[0].to_xarray()["v"].dims == ("time",)


def test_synthetic_recordings():
    protocol = CurrentClamp.step(5.0, 2.0, 8.0, 10.0)
    solution = Solution(T, states(), CELL, protocol)
    noisy = Recording.from_solution(solution, noise=0.5, seed=1, name="made")
    assert noisy.name == "made" and noisy.protocol is protocol
    assert 0.3 < np.std(noisy.v - solution.v) < 0.7
    np.testing.assert_array_equal(Recording.from_solution(solution).v, solution.v)
    clamp = Solution(T, states(), CELL, VoltageClamp.constant(-20.0, 10.0))
    total = sum(clamp.currents[name] for name in ("k", "a", "l"))
    made = Recording.from_solution(clamp, current_unit="nA")
    np.testing.assert_allclose(made.current, total)


def test_plot_draws_the_trace():
    solution = Solution(T, states(), CELL, CurrentClamp.step(5.0, 2.0, 8.0, 10.0))
    figure = solution.plot()
    assert len(figure.axes) >= 1
