"""The verb `simulate`: batches of every kind, shapes, samples, and what it refuses."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from neurons import SQUID, black_box_neuron, learned_neuron
from torch_neurons import with_n

from pyhodgkin import CurrentClamp, Status, VoltageClamp, library, simulate
from pyhodgkin.errors import InputError, UnknownNameError

CLAMP = CurrentClamp.step(10.0, start=1.0, stop=15.0, t_end=15.0)
SAVE = 0.1


def alone(neuron, protocol, **options):
    return simulate(neuron, protocol, saveat=SAVE, **options)


# -- batches ----------------------------------------------------------------------------


def test_a_call_without_sequences_has_no_batch_axis():
    solution = alone(SQUID, CLAMP)
    assert solution.y.shape == (151, 4) and not solution.batched
    assert solution.status.shape == () and solution.stats["n_steps"].shape == ()
    assert solution.stats["n_steps"] > 0 and solution.stats["n_f_evals"] > 0
    assert solution.currents["na"].shape == (151,)


def test_a_batch_of_protocols_equals_each_alone():
    protocols = CurrentClamp.family([0.0, 8.0, 20.0], 1.0, 12.0, 15.0)
    batch = simulate(SQUID, protocols, saveat=SAVE)
    assert batch.y.shape == (3, 151, 4) and batch.status.shape == (3,)
    for i, protocol in enumerate(protocols):
        np.testing.assert_allclose(batch.y[i], alone(SQUID, protocol).y, rtol=0, atol=1e-9)
    assert len(np.unique(batch.stats["n_steps"])) == 3  # each has its own steps


def test_individual_parameters_equal_each_neuron_alone():
    values = [90.0, 120.0, 150.0]
    batch = simulate(SQUID, CLAMP, parameters={"na.g": values, "c_m": 1.1}, saveat=SAVE)
    for i, g in enumerate(values):
        one = alone(SQUID.with_parameters(na__g=g, c_m=1.1), CLAMP)
        np.testing.assert_allclose(batch.y[i], one.y, rtol=0, atol=1e-9)
        np.testing.assert_allclose(batch.currents["na"][i], one.currents["na"], atol=1e-6)
        np.testing.assert_allclose(batch[i].currents["na"], one.currents["na"], atol=1e-6)
        probability = batch.open_probability["na"][i]
        np.testing.assert_allclose(probability, one.gates["m"] ** 3 * one.gates["h"], atol=1e-9)


def test_neurons_and_protocols_go_element_by_element():
    neurons = [SQUID, SQUID.with_parameters(k__g=30.0)]
    protocols = CurrentClamp.family([7.0, 9.0], 1.0, 12.0, 15.0)
    batch = simulate(neurons, protocols, saveat=SAVE)
    for i in range(2):
        one = alone(neurons[i], protocols[i])
        np.testing.assert_allclose(batch.y[i], one.y, rtol=0, atol=1e-9)
        np.testing.assert_array_equal(batch[i].stimulus, one.stimulus)


def test_theta_in_place_of_neurons():
    cells = [SQUID, SQUID.with_parameters(l__g=0.4)]
    theta = np.stack([cell.theta for cell in cells])
    np.testing.assert_array_equal(
        simulate(SQUID, CLAMP, theta=theta, saveat=SAVE).y,
        simulate(cells, CLAMP, saveat=SAVE).y,
    )
    np.testing.assert_array_equal(alone(SQUID, CLAMP, theta=theta[1]).y, alone(cells[1], CLAMP).y)


def test_neurons_of_different_temperature_and_rest():
    """Temperature is part of the equations: the batch is as each alone, in the order given."""
    warm = [replace(SQUID, temperature=t, v_rest=v) for t, v in ((6.3, -65), (18.5, -70))]
    neurons = [warm[0], warm[1], replace(warm[0], temperature=12.0), warm[1]]
    protocols = CurrentClamp.family([8.0, 10.0, 12.0, 14.0], 1.0, 12.0, 15.0)
    batch = simulate(neurons, protocols, saveat=SAVE)
    for i in range(4):
        one = alone(neurons[i], protocols[i])
        np.testing.assert_allclose(batch.y[i], one.y, rtol=0, atol=1e-9)
        assert batch.stats["n_steps"][i] == one.stats["n_steps"]
    assert not np.allclose(batch.y[1], simulate(SQUID, protocols[1], saveat=SAVE).y, atol=1.0)


def test_neurons_that_start_elsewhere():
    neurons = [SQUID, replace(SQUID, initial=(("n", 0.5),)), replace(SQUID, v_rest=-60.0)]
    batch = simulate(neurons, CLAMP, saveat=SAVE)
    for i, neuron in enumerate(neurons):
        np.testing.assert_allclose(batch.y[i, 0], neuron.initial_state(), rtol=1e-14)
        np.testing.assert_allclose(batch.y[i], alone(neuron, CLAMP).y, rtol=0, atol=1e-9)
    clamp = VoltageClamp.step(0.0, 2.0, 10.0, 15.0)
    batch = simulate(neurons, clamp, saveat=SAVE)
    for i, neuron in enumerate(neurons):
        # The last bit of a start at rest decides how long the first step is.
        np.testing.assert_allclose(batch.y[i], alone(neuron, clamp).y, rtol=0, atol=1e-6)


def test_starts_of_one_and_of_each():
    start = SQUID.initial_state(-60.0)
    starts = np.stack([start, SQUID.initial_state(-70.0)])
    batch = simulate(SQUID, CLAMP, y0=starts, saveat=SAVE)
    assert batch.y.shape == (2, 151, 4)
    np.testing.assert_array_equal(batch.y[:, 0], starts)
    np.testing.assert_allclose(batch.y[0], alone(SQUID, CLAMP, y0=start).y, rtol=0, atol=1e-9)
    both = simulate(SQUID, CLAMP, y0=starts, parameters={"na.g": [110.0, 120.0]}, saveat=SAVE)
    np.testing.assert_allclose(both.y[1], batch.y[1], rtol=0, atol=1e-9)
    with_protocols = simulate(SQUID, [CLAMP, CLAMP], y0=starts, saveat=SAVE)
    np.testing.assert_allclose(with_protocols.y, batch.y, rtol=0, atol=1e-9)


def test_batches_of_one():
    assert simulate([SQUID], CLAMP, saveat=SAVE).y.shape == (1, 151, 4)
    assert simulate(SQUID, [CLAMP], saveat=SAVE).y.shape == (1, 151, 4)
    assert simulate(SQUID, CLAMP, theta=SQUID.theta[None], saveat=SAVE).y.shape == (1, 151, 4)
    assert simulate(SQUID, CLAMP, y0=SQUID.initial_state()[None], saveat=SAVE).y.shape[0] == 1
    two = simulate(SQUID, [CLAMP, CLAMP], theta=SQUID.theta[None], saveat=SAVE)
    assert two.y.shape == (2, 151, 4)


def test_states_come_in_the_order_of_the_neuron():
    """The engine groups gates by kind; what comes back follows `neuron.states`."""
    cell = learned_neuron()
    solution = alone(cell, CLAMP)
    np.testing.assert_allclose(solution.y[0], cell.initial_state(), rtol=1e-12)
    np.testing.assert_array_equal(solution.gates["h"], solution.y[:, cell.states.index("h")])
    with pytest.raises(UnknownNameError):
        solution.gates["q"]
    assert solution.currents["x"].shape == solution.t.shape  # a network with a fast gate


def test_a_black_box_has_states_and_no_currents():
    solution = alone(black_box_neuron(), CLAMP)
    assert solution.y.shape == (151, 4) and list(solution.currents) == []


# -- samples ----------------------------------------------------------------------------


def test_forms_of_saveat():
    times = np.array([0.0, 0.3, 7.77, 15.0])
    solution = simulate(SQUID, CLAMP, saveat=times)
    np.testing.assert_array_equal(solution.t, times)
    fine = simulate(SQUID, CLAMP, saveat=0.01)
    np.testing.assert_allclose(solution.y, fine.y[np.rint(times / 0.01).astype(int)], atol=1e-7)
    np.testing.assert_allclose(simulate(SQUID, CLAMP).t, 0.05 * np.arange(301))
    np.testing.assert_allclose(simulate(SQUID, CLAMP, saveat=4.0).t, [0.0, 4.0, 8.0, 12.0])
    late = simulate(SQUID, CLAMP, saveat=[10.0])
    np.testing.assert_allclose(late.y[0], fine.y[1000], atol=1e-7)
    start = simulate(SQUID, CLAMP, saveat=[0.0])
    np.testing.assert_allclose(start.y[0], SQUID.initial_state(), rtol=1e-14)
    assert start.status == Status.SUCCESS


def test_long_protocols_are_not_sampled_without_end():
    assert len(simulate(SQUID, CurrentClamp.constant(0.0, 4000.0)).t) == 20_001


def test_samples_do_not_change_the_solve():
    few, many = (simulate(SQUID, CLAMP, saveat=s) for s in (5.0, 0.01))
    assert few.stats == many.stats
    np.testing.assert_allclose(few.y, many.y[::500], rtol=0, atol=1e-12)


@pytest.mark.parametrize(
    ("saveat", "message"),
    [
        (0.0, "spacing"),
        (99.0, "spacing"),
        ([], "finite times"),
        ([0.0, np.nan], "finite times"),
        ([0.0, 2.0, 1.0], "increase"),
        ([-1.0, 2.0], "increase"),
        ([0.0, 16.0], "after t_end"),
        ([[0.0, 1.0]], "finite times"),
    ],
)
def test_bad_saveat(saveat, message):
    with pytest.raises(InputError, match=message):
        simulate(SQUID, CLAMP, saveat=saveat)


# -- voltage clamp ----------------------------------------------------------------------


def test_under_voltage_clamp_the_voltage_is_the_command():
    clamp = VoltageClamp.steps([0, 5, 10], [-80.0, 20.0, -40.0], 15.0)
    solution = alone(SQUID, clamp)
    np.testing.assert_array_equal(solution.v, clamp(solution.t))
    np.testing.assert_allclose(solution.y[0], SQUID.initial_state(-80.0), rtol=1e-14)
    # Between steps every gate relaxes exponentially.
    n, kinetics = solution.gates["n"][50:100], SQUID.gate("n").kinetics
    x_inf, tau = float(kinetics.x_inf(20.0)), float(kinetics.tau(20.0))
    expected = x_inf + (n[0] - x_inf) * np.exp(-(solution.t[50:100] - 5.0) / tau)
    np.testing.assert_allclose(n, expected, atol=1e-6)


# -- refusals ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"neuron": []}, "empty"),
        ({"protocol": []}, "empty"),
        ({"neuron": ["squid_axon"]}, "give a Neuron"),
        ({"protocol": [10.0]}, "CurrentClamp or a VoltageClamp"),
        ({"neuron": [SQUID, library.get("wang_buzsaki")]}, "other equations"),
        ({"neuron": [with_n("rates", seed=1), with_n("rates", seed=1, bound=5.0)]}, "other eq"),
        ({"neuron": [with_n("rates"), with_n("steady_state")]}, "other equations"),
        ({"protocol": [CLAMP, VoltageClamp.constant(0.0, 15.0)]}, "all current clamp or all"),
        ({"neuron": [SQUID] * 2, "protocol": [CLAMP] * 3}, "2 parameter sets, 3 protocols"),
        ({"neuron": [SQUID] * 2, "theta": SQUID.theta}, "single neuron"),
        ({"theta": SQUID.theta[:-1]}, "last axis"),
        ({"theta": np.full_like(SQUID.theta, np.nan)}, "is not finite"),
        ({"parameters": {"na.g": -1.0}}, "na.g = -1"),
        ({"parameters": {"c_m": [1.0, 0.0]}}, "must be positive"),
        ({"parameters": {"na.g": [1.0, 2.0], "k.g": [1.0, 2.0, 3.0]}}, "k.g has 3 values for 2"),
        ({"parameters": {"na.g": [[1.0]]}}, "give a number or"),
        ({"parameters": {"na.gg": 1.0}}, 'did you mean "na.g"'),
        ({"y0": [-65.0, 0.3]}, "y0 has shape"),
        ({"y0": [-65.0, 0.3, np.nan, 0.5]}, "m = nan is NaN or infinite"),
        ({"y0": [-1e101, 0.3, 0.5, 0.5]}, r"v = -1e\+101 is NaN or infinite, or beyond 1e\+100"),
        ({"y0": [-65.0, 0.3, 1.2, 0.5]}, "gate m = 1.2"),
        ({"y0": np.tile(SQUID.initial_state(), (3, 1)), "protocol": [CLAMP] * 2}, "sizes"),
        ({"solver": "rodas5"}, 'did you mean "rodas5p"'),
        ({"rtol": 0.0}, "between 0 and 1"),
        ({"max_steps": 0}, "max_steps"),
        ({"dt": 0.0}, "must be positive"),
        ({"dtype": "float16"}, "dtype"),
        ({"neuron": black_box_neuron(), "solver": "exponential"}, "conductance-based"),
        (
            {"neuron": black_box_neuron(), "protocol": VoltageClamp.constant(0.0, 5.0)},
            "injected current is not known",
        ),
    ],
)
def test_one_clear_error(arguments, message):
    call = {"neuron": SQUID, "protocol": CLAMP, **arguments}
    with pytest.raises(InputError, match=message):
        simulate(**call)
