"""Solutions: access, spike times, conversion."""

from __future__ import annotations

import json
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

import pyhodgkin as ph
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


# -- the currents of the neuron -------------------------------------------------------------


def with_neural_current():
    """The squid axon with an unknown current that has a gate of its own."""
    squid = ph.library.get("squid_axon")
    gate = replace(squid.gate("n"), name="w")
    network = ph.Network.create((2, 6, 1), seed=3)
    return squid.with_channel(ph.NeuralCurrent("x", network, (gate,), scale=5.0))


@pytest.fixture(scope="module", params=["current", "voltage"])
def neural(request):
    clamp = {
        "current": CurrentClamp.step(10.0, 1.0, 6.0, 8.0),
        "voltage": VoltageClamp.step(-10.0, start=1.0, stop=6.0, t_end=8.0, holding=-70.0),
    }[request.param]
    return ph.simulate(with_neural_current(), clamp, saveat=0.1, backend="torch")


def by_hand(neuron, y):
    """Σ of the currents from the equations, one written out for each channel."""
    v, names = y[..., 0], neuron.states
    x = {name: y[..., names.index(name)] for name in names}
    na, k, leak = (neuron.channel(name) for name in ("na", "k", "l"))
    net = neuron.channel("x")
    inputs = np.stack([(v - net.v_shift) / net.v_scale, x["w"]], axis=-1)
    return {
        "na": na.g * x["m"] ** 3 * x["h"] * (v - na.e),
        "k": k.g * x["n"] ** 4 * (v - k.e),
        "l": leak.g * (v - leak.e),
        "x": net.scale * net.network(inputs)[..., 0],
    }


def test_a_solution_made_by_hand_has_every_current_of_its_neuron(neural, tmp_path):
    cell = neural.neuron
    made = Solution(neural.t, neural.y, cell, neural.protocol)
    expected = by_hand(cell, neural.y)
    kept = Solution.load(made.save(tmp_path / "made.npz"))
    batch = Solution(neural.t, np.stack([neural.y, neural.y]), cell, neural.protocol)
    for found in (neural, made, kept, batch[1]):
        assert set(found.currents) == set(expected)
        assert list(found.open_probability) == list(neural.open_probability)
        assert "x" not in found.open_probability  # a network that has no open probability
        for name, values in expected.items():
            np.testing.assert_allclose(found.currents[name], values, rtol=1e-12, atol=1e-12)
    if neural.protocol.kind == "voltage":
        recording = Recording.from_solution(made)
        np.testing.assert_allclose(recording.current, sum(expected.values()), rtol=1e-12)
        np.testing.assert_allclose(recording.current, Recording.from_solution(neural).current)


def test_currents_follow_the_parameters_of_each_element(neural):
    cell = neural.neuron
    theta = np.stack([cell.theta, cell.with_parameters(na__g=60.0).theta])
    y = np.stack([neural.y, neural.y])
    made = Solution(neural.t, y, cell, neural.protocol, theta=theta)
    np.testing.assert_allclose(made.currents["na"][1], 0.5 * made.currents["na"][0])
    np.testing.assert_allclose(made[1].currents["na"], 0.5 * made.currents["na"][0])
    np.testing.assert_array_equal(made.currents["x"][1], made.currents["x"][0])
    with pytest.raises(InputError, match=r"theta has shape \(3, \d+\)"):
        Solution(neural.t, y, cell, neural.protocol, theta=np.stack([cell.theta] * 3))
    with pytest.raises(InputError, match="theta has shape"):
        Solution(neural.t, neural.y, cell, neural.protocol, theta=cell.theta[:-1])


def test_currents_handed_in_are_completed_and_kept(neural, tmp_path):
    cell, own = neural.neuron, 7.0 * np.ones_like(neural.t)
    made = Solution(neural.t, neural.y, cell, neural.protocol, {"k": own}, theta=cell.theta)
    kept = Solution.load(made.save(tmp_path / "made.npz"))
    for found in (made, kept):
        np.testing.assert_array_equal(found.currents["k"], own)
        assert list(found.currents) == [channel.name for channel in cell.channels]
        np.testing.assert_array_equal(found.currents["x"], neural.currents["x"])
    with pytest.raises(UnknownNameError, match='unknown current "ka"; did you mean'):
        Solution(neural.t, neural.y, cell, neural.protocol, {"ka": own})
    with pytest.raises(InputError, match=r"current k has shape \(4,\)"):
        Solution(neural.t, neural.y, cell, neural.protocol, {"k": own[:4]})
    with pytest.raises(UnknownNameError, match='unknown channel "x"'):
        Solution(neural.t, neural.y, cell, neural.protocol, open_probability={"x": own})


def test_currents_are_those_of_states_that_were_replaced(neural):
    moved = replace(neural, y=neural.y + 0.0 * neural.y + np.eye(len(neural.neuron.states))[0])
    np.testing.assert_allclose(
        moved.currents["l"] - neural.currents["l"], neural.neuron.channel("l").g
    )


def test_a_current_that_cannot_be_computed_is_said_to_be_missing():
    strange = SimpleNamespace(name="pump", gates=())
    cell = SimpleNamespace(name="cell", states=("v",), channels=(strange,))
    arguments = (T, states()[:, :1], cell, VoltageClamp.constant(-20.0, 10.0))
    with pytest.raises(InputError, match='currents: "pump" is missing'):
        Solution(*arguments)
    made = Solution(*arguments, currents={"pump": T})
    np.testing.assert_array_equal(Recording.from_solution(made, current_unit="nA").current, T)


def test_a_black_box_has_no_current_under_voltage_clamp():
    box = ph.NeuralRightHandSide(ph.Network.create((4, 8, 4)), stimulus_scale=None)
    cell = ph.Neuron("box", right_hand_side=box)
    y = np.concatenate([states(), states()[:, 1:2]], axis=1)
    made = Solution(T, y, cell, VoltageClamp.constant(-20.0, 10.0))
    assert dict(made.currents) == {} and "current" not in made._repr_html_()
    with pytest.raises(InputError, match='neuron "box" has no ionic currents'):
        Recording.from_solution(made, current_unit="nA")
    with pytest.raises(InputError, match='neuron "box" has no ionic currents'):
        made.plot()
