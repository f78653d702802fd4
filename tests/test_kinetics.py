"""Kinetics of gates: every form that promises it stays in [0, 1], the prior is the start."""

from __future__ import annotations

import numpy as np
import pytest
from numpy_rhs import gate_slope, steady_state_and_time_constant

import pyhodgkin as ph
from pyhodgkin import (
    InstantaneousKinetics,
    Network,
    NeuralKinetics,
    RateKinetics,
    SteadyStateKinetics,
)
from pyhodgkin.errors import InputError, UnknownNameError
from pyhodgkin.neuron.rates import Exponential, Linoid, Sigmoid

V = np.linspace(-150.0, 100.0, 251)
RATES = RateKinetics(alpha=Linoid(0.01, -55, 10), beta=Exponential(0.125, -65, -80))
STEADY = SteadyStateKinetics(x_inf=Sigmoid(1, -35, 10), tau=5.0)
INSTANT = InstantaneousKinetics(x_inf=Sigmoid(1, -40, 8))


def network(scale: float = 1.0, seed: int = 0, layers=(1, 16, 16, 2)) -> Network:
    drawn = Network.create(layers, seed=seed)
    return drawn.with_arrays([scale * array for array in drawn.arrays()])


def neural_kinetics(scale: float = 1.0, seed: int = 0) -> dict[str, NeuralKinetics]:
    net = network(scale, seed)
    return {
        "steady_state": NeuralKinetics("steady_state", net),
        "steady_state, open tau": NeuralKinetics("steady_state", net, tau_max=None),
        "rates": NeuralKinetics("rates", net),
        "residual of rates": NeuralKinetics("residual", net, prior=RATES),
        "residual of steady_state": NeuralKinetics("residual", net, prior=STEADY),
    }


def test_rates_and_steady_state_are_two_views_of_one_gate():
    np.testing.assert_allclose(RATES.x_inf(V), RATES.alpha(V) * RATES.tau(V), rtol=1e-13)
    np.testing.assert_allclose(STEADY.alpha(V) + STEADY.beta(V), 1 / STEADY.tau(V), rtol=1e-13)
    np.testing.assert_allclose(STEADY.alpha(V) * STEADY.tau(V), STEADY.x_inf(V), rtol=1e-13)


def test_squid_gate_at_rest():
    assert float(RATES.x_inf(-65.0)) == pytest.approx(0.31767691, abs=1e-8)
    assert float(RATES.tau(-65.0)) == pytest.approx(5.45858, abs=1e-5)


@pytest.mark.parametrize("scale", [1.0, 3.0, 10.0])
@pytest.mark.parametrize("form", neural_kinetics())
def test_neural_gates_cannot_leave_the_unit_interval(form, scale):
    for seed in range(20):
        kinetics = neural_kinetics(scale, seed)[form]
        with np.errstate(over="raise", invalid="raise"):
            x_inf, tau = kinetics.x_inf(V), kinetics.tau(V)
        assert np.all((x_inf >= 0) & (x_inf <= 1))
        assert np.all((tau > 0) & np.isfinite(tau))
        assert np.all(kinetics.alpha(V) >= 0) and np.all(kinetics.beta(V) >= 0)


@pytest.mark.parametrize("form", neural_kinetics())
def test_neural_kinetics_agree_with_the_plain_formulas(form):
    kinetics = neural_kinetics(2.0, seed=3)[form]
    plain = [steady_state_and_time_constant(kinetics, v) for v in V]
    np.testing.assert_allclose(kinetics.x_inf(V), [p[0] for p in plain], rtol=1e-12)
    np.testing.assert_allclose(kinetics.tau(V), [p[1] for p in plain], rtol=1e-12)


@pytest.mark.parametrize("prior", [RATES, STEADY], ids=["rates", "steady_state"])
def test_residual_with_a_network_of_zero_is_the_prior(prior):
    zero = Network.create((1, 8, 2), seed=1, zero_last=True)
    kinetics = NeuralKinetics("residual", zero, prior=prior)
    assert np.array_equal(kinetics.alpha(V), prior.alpha(V))
    assert np.array_equal(kinetics.beta(V), prior.beta(V))
    np.testing.assert_allclose(kinetics.x_inf(V), prior.x_inf(V), rtol=1e-14, atol=1e-16)
    np.testing.assert_allclose(kinetics.tau(V), prior.tau(V), rtol=1e-14)


def test_time_constant_keeps_its_range():
    kinetics = NeuralKinetics("steady_state", network(10.0), tau_min=0.1, tau_max=30.0)
    assert kinetics.tau(V).min() >= 0.1 and kinetics.tau(V).max() <= 30.0


def test_free_form_has_no_steady_state_and_says_so():
    free = NeuralKinetics("free", network(layers=(2, 8, 1)))
    with pytest.raises(InputError, match="no steady state"):
        free.x_inf(-65.0)
    assert gate_slope(free, -65.0, 0.5) != gate_slope(free, -20.0, 0.5)
    seed_form = NeuralKinetics("free", network(layers=(1, 8, 1)))
    assert gate_slope(seed_form, -65.0, 0.5) == gate_slope(seed_form, -20.0, 0.5)


def test_instantaneous_gate_has_no_time_constant():
    assert float(INSTANT.x_inf(-40.0)) == 0.5 and float(INSTANT.tau(-40.0)) == 0.0


def test_numbers_stand_for_constant_curves():
    assert STEADY.tau(V).tolist() == [5.0] * len(V)
    assert RateKinetics(alpha=0.5, beta=0.5).x_inf(0.0) == 0.5  # type: ignore[arg-type]


def test_curves_can_be_taken_out_and_put_back():
    for kinetics in (RATES, STEADY, NeuralKinetics("residual", network(), prior=RATES)):
        assert kinetics.with_curves(kinetics.curves()) == kinetics
    residual = NeuralKinetics("residual", network(), prior=RATES)
    assert list(residual.curves()) == ["prior.alpha", "prior.beta"]


def test_unknown_form_names_the_nearest():
    with pytest.raises(UnknownNameError, match='did you mean "residual"'):
        NeuralKinetics("residul", network(), prior=RATES)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"form": "rates", "network": network(layers=(1, 4, 1))}, "needs 1 input, 2 outputs"),
        ({"form": "rates", "network": network(layers=(2, 4, 2))}, "needs 1 input, 2 outputs"),
        ({"form": "free", "network": network(layers=(3, 4, 1))}, "1 or 2 inputs and 1 output"),
        ({"form": "residual", "network": network()}, "give `prior`"),
        ({"form": "rates", "network": network(), "prior": RATES}, "give `prior`"),
        ({"form": "residual", "network": network(), "prior": INSTANT}, "prior must be"),
        ({"form": "steady_state", "network": network(), "tau_min": 9.0, "tau_max": 1.0}, "tau_min"),
        ({"form": "steady_state", "network": network(), "v_scale": 0.0}, "v_scale"),
    ],
)
def test_impossible_neural_kinetics_are_refused(arguments, message):
    with pytest.raises(InputError, match=message):
        NeuralKinetics(**arguments)


def test_networks_are_read_only_and_drawn_from_their_seed():
    a, b = Network.create((1, 8, 2), seed=5), Network.create((1, 8, 2), seed=5)
    assert a == b and a != Network.create((1, 8, 2), seed=6)
    with pytest.raises(ValueError, match="read-only"):
        a.weights[0][0, 0] = 1.0


@pytest.mark.parametrize("activation", ["tanh", "softplus", "silu"])
def test_network_agrees_with_the_plain_formulas(activation):
    from numpy_rhs import network as plain_network

    net = Network.create((3, 7, 5, 2), activation, seed=2)
    x = np.random.default_rng(0).normal(size=(4, 3)) * 30
    np.testing.assert_allclose(net(x), [plain_network(net, row) for row in x], rtol=1e-12)


def test_bad_networks_are_refused():
    with pytest.raises(UnknownNameError, match='did you mean "tanh"'):
        Network.create((1, 2), "tahn")
    with pytest.raises(InputError, match="at least two sizes"):
        Network.create((1,))
    with pytest.raises(InputError, match="layer 1 has weight"):
        Network((np.ones((2, 1)), np.ones((2, 3))), (np.zeros(2), np.zeros(2)))
    with pytest.raises(InputError, match="NaN"):
        Network((np.array([[np.nan]]),), (np.zeros(1),))


def test_rate_factor_of_the_library():
    warm = ph.library.get("squid_axon", temperature=18.5)
    assert warm.gate("m").rate_factor(warm.temperature) == pytest.approx(3.0**1.22)
    assert ph.library.get("wang_buzsaki").gate("h").rate_factor(37.0) == 1.0


def test_kinetics_and_neurons_know_whether_a_voltage_drives_them_linearly():
    axon = ph.library.get("squid_axon")
    assert axon.is_linear_in_gates and all(gate.kinetics.is_linear for gate in axon.gates)
    two, one = ph.Network.create((1, 3, 2)), ph.Network.create((2, 3, 1))
    linear = ph.NeuralKinetics("rates", two)
    free = ph.NeuralKinetics("free", one)
    assert linear.is_linear and not free.is_linear
    assert axon.replace_gate("n", linear).is_linear_in_gates
    assert not axon.replace_gate("n", free).is_linear_in_gates
    box = ph.NeuralRightHandSide(ph.Network.create((4, 4, 4)), stimulus_scale=None)
    assert not ph.Neuron("box", right_hand_side=box).is_linear_in_gates
