"""The currents of a solution."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from test_solution import states

import pyhodgkin as ph
from pyhodgkin import Recording, Solution
from pyhodgkin.errors import InputError, UnknownNameError
from pyhodgkin.protocols import CurrentClamp, VoltageClamp

T = np.linspace(0.0, 10.0, 101)


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
