"""Neurons as values: composing them, their flat parameter vector, and refusals of bad input."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from neurons import ALL, SQUID, black_box_neuron, learned_neuron
from numpy_rhs import black_box, rhs

import pyhodgkin as ph
from pyhodgkin import (
    Channel,
    Gate,
    Network,
    NeuralCurrent,
    NeuralKinetics,
    NeuralRightHandSide,
    Neuron,
    RateKinetics,
    leak,
)
from pyhodgkin.errors import InputError, UnknownNameError
from pyhodgkin.neuron.rates import Exponential, Linoid
from pyhodgkin.neuron.serialise import from_dict, to_dict


def test_a_neuron_is_composed_in_a_few_lines():
    n = RateKinetics(alpha=Linoid(0.01, -55, 10), beta=Exponential(0.125, -65, -80))
    cell = Neuron(
        "mine",
        (
            SQUID.channel("na"),
            Channel("k", g=36, e=-77, gates=(Gate("n", n, power=4),)),
            leak(0.3, -54.3),
        ),
    )
    assert cell.states == ("v", "m", "h", "n")
    y = cell.initial_state()
    np.testing.assert_allclose(rhs(cell, 0.0)(0.0, y), np.zeros(4), atol=5e-2)


def test_states_follow_the_channels_and_skip_instantaneous_gates():
    assert SQUID.states == ("v", "n", "m", "h")
    assert ph.library.get("wang_buzsaki").states == ("v", "h", "n")
    assert learned_neuron().states == ("v", "n", "m", "h", "w")
    assert black_box_neuron().states == ("v", "n", "m", "h")


@pytest.mark.parametrize("name", ALL)
def test_layout_names_every_element_of_theta(name):
    neuron = ALL[name]
    layout = neuron.layout
    assert neuron.theta.shape == (layout.size,) and neuron.theta.dtype == np.float64
    assert len(layout.names) == len(set(layout.names)) == layout.size
    starts = [entry.start for entry in layout]
    assert starts == list(np.cumsum([0, *(entry.size for entry in layout)])[:-1])


@pytest.mark.parametrize("name", ALL)
def test_theta_makes_a_round_trip(name):
    neuron = ALL[name]
    assert neuron.with_theta(neuron.theta) == neuron
    moved = neuron.theta * (1.0 + 1e-3 * np.cos(np.arange(neuron.layout.size)))
    again = neuron.with_theta(moved)
    assert np.array_equal(again.theta, moved)
    assert again.layout.names == neuron.layout.names and again.states == neuron.states


@pytest.mark.parametrize("name", ALL)
def test_every_parameter_counts(name):
    """A parameter that no equation used would be a hole in the layout."""
    neuron = ALL[name]
    theta = neuron.theta
    initial = neuron.initial_state()
    states = [initial * 0.9 + 0.02, initial * 0.5 + 0.1]
    before = [rhs(neuron, 3.0)(0.0, y) for y in states]
    for entry in neuron.layout:
        changed = theta.copy()
        changed[entry.slice] = changed[entry.slice] * 1.01 + 1e-3
        cell = neuron.with_theta(changed)
        after = [rhs(cell, 3.0)(0.0, y) for y in states]
        assert not np.array_equal(before, after), entry.name


def test_layout_has_names_units_and_groups():
    layout = SQUID.layout
    assert layout.names[:3] == ["c_m", "k.g", "k.e"]
    assert layout["na.m.alpha.v0"].unit == "mV" and layout["k.g"].unit == "mS/cm²"
    assert layout["c_m"].transform == "log" and layout["k.e"].transform == "identity"
    assert "na.h.beta.k" in layout and "na.h.beta.q" not in layout
    learned = learned_neuron().layout
    assert learned["k.n.network.weight0"].shape == (5, 1)
    assert learned["na.m.prior.alpha.a"].group == "rates"
    assert "x.network.bias1" in learned and "x.w.network.weight1" in learned


def names(neuron, patterns) -> set[str]:
    return {neuron.layout.names[i] for i in neuron.layout.select(patterns)}


def test_select_by_group_name_and_pattern():
    assert names(SQUID, "conductances") == {"k.g", "na.g", "l.g"}
    assert names(SQUID, "reversals") == {"k.e", "na.e", "l.e"}
    assert names(SQUID, "physical") == {"c_m", "k.g", "k.e", "na.g", "na.e", "l.g", "l.e"}
    assert names(SQUID, ["na.g", "k.*.beta.a"]) == {"na.g", "k.n.beta.a"}
    assert names(SQUID, "networks") == set()
    learned = learned_neuron()
    assert len(learned.layout.select("networks")) == sum(
        entry.size for entry in learned.layout if "network" in entry.name
    )
    nine = names(ph.library.get("herg_beattie"), ["kr.g", "rates"])
    assert nine == {
        "kr.g",
        *(f"kr.{gate}.{rate}.{p}" for gate in "ar" for rate in ("alpha", "beta") for p in "ak"),
    }


def test_select_refuses_what_matches_nothing():
    with pytest.raises(UnknownNameError, match='did you mean "conductances"'):
        SQUID.layout.select("conductance")
    with pytest.raises(UnknownNameError, match=r'did you mean "na\.g"'):
        SQUID.layout.select("na_g")


def test_replace_gate_keeps_the_rest():
    network = NeuralKinetics("steady_state", Network.create((1, 4, 2)))
    cell = ph.library.get("squid_axon", temperature=18.5).replace_gate("n", network)
    gate = cell.gate("n")
    assert gate.power == 4 and gate.kinetics is network
    assert gate.rate_factor(cell.temperature) == 1.0  # learned at the recording's temperature
    assert cell.gate("m").rate_factor(cell.temperature) == pytest.approx(3.0**1.22)
    prior = NeuralKinetics("residual", Network.create((1, 4, 2)), prior=SQUID.gate("n").kinetics)
    warm = ph.library.get("squid_axon", temperature=18.5).replace_gate("n", prior)
    assert warm.gate("n").rate_factor(18.5) == pytest.approx(3.0**1.22)


def test_channels_come_and_go():
    lts = ph.library.get("pospischil_lts")
    assert lts.without_channel("cat").states == ("v", "m", "h", "n", "p")
    more = SQUID.with_channel(lts.channel("km"))
    assert more.states == ("v", "n", "m", "h", "p")
    assert SQUID.replace_channel("l", leak(1.0, -60.0)).channel("l") == leak(1.0, -60.0)
    seed = ph.library.get("hodgkinmodel_jl")
    assert seed.without_channel("k").initial == (("m", 0.03), ("h", 0.75))


def test_single_parameters_are_read_and_set_by_name():
    cell = SQUID.with_parameters(na__g=100.0, c_m=0.5)
    assert (cell.parameter("na.g"), cell.parameter("c_m"), cell.c_m) == (100.0, 0.5, 0.5)
    weight = learned_neuron().parameter("k.n.network.weight0")
    assert isinstance(weight, np.ndarray) and weight.shape == (5, 1)
    with pytest.raises(UnknownNameError, match=r'did you mean "na\.g"'):
        SQUID.with_parameters(na_g=100.0)


def test_initial_state_is_the_steady_state_unless_told_otherwise():
    y = SQUID.initial_state(-30.0)
    kinetics = [SQUID.gate(name).kinetics for name in SQUID.states[1:]]
    assert y[0] == -30.0 and y[1:].tolist() == [float(k.x_inf(-30.0)) for k in kinetics]
    assert ph.library.get("hodgkinmodel_jl").initial_state().tolist() == [-70.2, 0.25, 0.03, 0.75]
    free = SQUID.replace_gate("n", NeuralKinetics("free", Network.create((2, 4, 1))))
    assert free.initial_state()[1] == 0.5
    assert black_box_neuron().initial_state().tolist() == [-65.0, 0.5, 0.5, 0.5]


def test_black_box_equation():
    box = black_box_neuron().right_hand_side
    assert box is not None
    y = np.array([-50.0, 0.4, 0.1, 0.6])
    z = np.array([(-50 + 40) / 50, -0.2, -0.8, 0.2, 0.7])
    expected = np.array(box.scale) * box.network(z)
    np.testing.assert_allclose(black_box(box, y, 7.0), expected, rtol=1e-12)


def test_neurons_are_values():
    again = ph.library.get("squid_axon")
    assert again == SQUID and hash(again) == hash(SQUID)
    with pytest.raises(dataclasses.FrozenInstanceError):
        SQUID.c_m = 2.0  # type: ignore[misc]


K = SQUID.gate("n").kinetics


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: Channel("k", g=-36.0, e=-77.0), r'channel "k": g = -36 mS/cm².*zero or positive'),
        (lambda: Channel("k", g=float("nan"), e=-77.0), 'channel "k": g = nan must be finite'),
        (lambda: Channel("k", g="36 mS", e=-77.0), "must be a number"),  # type: ignore[arg-type]
        (lambda: Channel("k", g=36.0, e=float("inf")), "e = inf must be finite"),
        (lambda: Channel("k+", g=36.0, e=-77.0), "letters, digits and underscores"),
        (lambda: Gate("n", K, power=0), "power = 0"),
        (lambda: Gate("n", K, power=1.5), "power = 1.5"),  # type: ignore[arg-type]
        (lambda: Gate("n", K, q10=0.0), "q10 = 0"),
        (lambda: Gate("n", "fast"), "kinetics is of type str"),  # type: ignore[arg-type]
        (lambda: Neuron("x"), "either channels or right_hand_side"),
        (lambda: Neuron("x", (leak(1, -70),), c_m=0.0), "c_m = 0 µF/cm² must be positive"),
        (lambda: Neuron("x", (leak(1, -70),), v_rest=float("nan")), "v_rest = nan must be finite"),
        (lambda: Neuron("x", (leak(1, -70), leak(2, -60))), 'channel name "l" is used twice'),
        (
            lambda: Neuron("x", (Channel("a", 1, 0, (Gate("n", K),)), SQUID.channel("k"))),
            'gate name "n" is used twice',
        ),
        (lambda: Neuron("x", (Channel("a", 1, 0, (Gate("v", K),)),)), 'gate name "v"'),
        (lambda: NeuralCurrent("x", Network.create((2, 4, 1))), "needs 1 .* and 1"),
        (lambda: NeuralCurrent("x", Network.create((1, 4, 1)), scale=0.0), "must be positive"),
        (
            lambda: NeuralRightHandSide(Network.create((4, 8, 3)), stimulus_scale=None),
            "needs 4 and 4",
        ),
        (lambda: NeuralRightHandSide(Network.create((4, 8, 4))), "needs 5 and 4"),
        (lambda: NeuralRightHandSide(Network.create((4, 8, 4))), "stimulus_scale=None"),
        (lambda: NeuralRightHandSide(Network.create((2, 2)), states=("n", "v")), '"v" first'),
        (lambda: NeuralRightHandSide(Network.create((2, 2)), states=("v", "n")), "give 2 values"),
        (lambda: SQUID.with_theta(np.ones(3)), r"shape \(3,\); this neuron needs \(25,\)"),
    ],
)
def test_impossible_neurons_are_refused(build, message):
    with pytest.raises(InputError, match=message):
        build()


@pytest.mark.parametrize(
    ("ask", "nearest"),
    [
        (lambda: ph.library.get("pospischil_lts").gate("un"), "u"),
        (lambda: SQUID.channel("naa"), "na"),
        (lambda: SQUID.replace_gate("mm", K), "m"),
        (lambda: SQUID.without_channel("kk"), "k"),
        (lambda: dataclasses.replace(SQUID, initial=(("hh", 0.5),)), "h"),
    ],
)
def test_unknown_parts_name_the_nearest(ask, nearest):
    with pytest.raises(UnknownNameError, match=f'did you mean "{nearest}"'):
        ask()


def test_theta_with_a_nan_names_the_parameter():
    theta = SQUID.theta
    theta[SQUID.layout["na.e"].slice] = np.nan
    with pytest.raises(InputError, match=r"parameter na\.e is not finite"):
        SQUID.with_theta(theta)


def test_a_right_hand_side_sees_the_stimulus_unless_told_otherwise():
    box = NeuralRightHandSide(Network.create((5, 8, 4), seed=0))
    blind = NeuralRightHandSide(Network.create((4, 8, 4), seed=0), stimulus_scale=None)
    clamps = [ph.CurrentClamp.constant(x, 2.0) for x in (0.0, 20.0)]
    for right_hand_side, sees in ((box, True), (blind, False)):
        assert right_hand_side.sees_stimulus is sees
        neuron = Neuron("box", right_hand_side=right_hand_side)
        rest, pushed = ph.simulate(neuron, clamps, backend="torch", saveat=1.0)
        assert bool(np.abs(rest.y - pushed.y).max() > 1e-3) is sees
        # A document says which, so that older ones keep their meaning.
        data, arrays = to_dict(neuron)
        assert data["right_hand_side"]["stimulus_scale"] == (10.0 if sees else None)
        back = from_dict(data, arrays).right_hand_side
        assert back.stimulus_scale == right_hand_side.stimulus_scale
