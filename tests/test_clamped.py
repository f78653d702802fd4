"""Gates under a known voltage by the scan: against scipy, central differences, real data."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy_rhs import total_current, values_of_gates
from scipy_solve import solve

import pyhodgkin as ph
from pyhodgkin.backends.base import SolveOptions
from pyhodgkin.backends.loss import Loss
from pyhodgkin.backends.torch.clamped import measured_current
from pyhodgkin.backends.torch.engine import TorchBackend
from pyhodgkin.backends.voltage_grid import voltage_grid_of
from pyhodgkin.errors import InputError
from pyhodgkin.recordings import Recording
from pyhodgkin.status import Status

OPTIONS = SolveOptions()
STEPS = ph.VoltageClamp.steps([0.0, 5.0, 12.35, 30.0], [-80.0, 20.0, -40.0, -90.0], t_end=40.0)
SINES = ph.VoltageClamp.sines([40.0, 20.0], [40.0, 130.0], t_end=40.0, centre=-40.0)
DRIVEN = ph.CurrentClamp.step(5.0, start=3.0, stop=30.0, t_end=40.0)
EVEN = np.arange(0, 40, 0.1)
NETWORKS = {
    "steady_state": {},
    "rates": {},
    "residual": {"prior": ph.library.get("squid_axon").gate("n").kinetics},
}


def current_of(neuron, protocol, t):
    states = solve(neuron, protocol, t)[0]
    v = protocol(t)
    x = states[:, 1:] if states.shape[1] == len(neuron.states) else states
    return np.array(
        [total_current(neuron, v[i], values_of_gates(neuron, v[i], x[i])) for i in range(len(t))]
    )


def blank(protocol, t=EVEN, **more):
    unit = {"current_unit": "uA/cm2"}
    if protocol.kind == "voltage":
        return Recording(t, protocol, current=np.sin(np.arange(len(t))), **unit, **more)
    return Recording(t, protocol, v=-65 + 30 * np.sin(0.4 * t), **more)


def neural(form, gate="n"):
    cell = ph.library.get("squid_axon")
    network = ph.Network.create((1, 6, 2), seed=3)
    return cell.replace_gate(gate, ph.NeuralKinetics(form, network, **NETWORKS[form]))


def one(neuron, recordings, theta=None, loss=None, y0=None, options=OPTIONS):
    theta = neuron.theta if theta is None else theta
    return TorchBackend().value_and_grad(
        neuron, recordings, theta, loss or Loss(), mode="clamped", y0=y0, options=options
    )


def predicted(neuron, record):
    """The current (T,)."""
    return TorchBackend().predict(neuron, [record], neuron.theta, mode="clamped")[0]


# -- the current ----------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["squid_axon", "wang_buzsaki", "connor_stevens", "herg_beattie"])
def test_current_under_steps_is_exact(name: str) -> None:
    cell = ph.library.get(name)
    current = predicted(cell, blank(STEPS))
    truth = current_of(cell, STEPS, EVEN)
    np.testing.assert_allclose(current, truth, atol=1e-6 * np.abs(truth).max())


@pytest.mark.parametrize("name", ["squid_axon", "wang_buzsaki", "herg_beattie"])
def test_current_under_moving_commands_is_close(name: str) -> None:
    cell = ph.library.get(name)
    current = predicted(cell, blank(SINES))
    truth = current_of(cell, SINES, EVEN)
    assert np.abs(current - truth).max() < 1e-3 * np.abs(truth).max()


def test_the_rule_of_the_middle_is_of_second_order(monkeypatch: pytest.MonkeyPatch) -> None:
    cell = ph.library.get("squid_axon")
    truth, errors = current_of(cell, SINES, EVEN), []
    for move in (2.0, 1.0, 0.5):
        drive = lambda r, move=move: voltage_grid_of(r, move)  # noqa: E731
        monkeypatch.setattr("pyhodgkin.backends.torch.clamped_plan.voltage_grid_of", drive)
        current = predicted(cell, blank(SINES))
        errors.append(np.abs(current - truth).max())
    orders = np.log2(np.divide(errors[:-1], errors[1:]))
    assert np.all(orders > 1.6), (errors, orders)


@pytest.mark.parametrize("form", list(NETWORKS))
def test_current_of_a_network(form: str) -> None:
    cell = neural(form)
    current = predicted(cell, blank(STEPS))
    truth = current_of(cell, STEPS, EVEN)
    np.testing.assert_allclose(current, truth, atol=1e-6 * np.abs(truth).max())


def test_samples_may_be_uneven_and_begin_late() -> None:
    cell = ph.library.get("squid_axon")
    t = np.sort(np.random.default_rng(0).uniform(4, 39, 100))
    current = predicted(cell, blank(STEPS, t))
    truth = current_of(cell, STEPS, t)
    np.testing.assert_allclose(current, truth, atol=1e-6 * np.abs(truth).max())


def test_a_leak_alone_has_no_gates() -> None:
    cell = ph.Neuron("passive", (ph.Channel("l", 0.5, -50.0),))
    current = predicted(cell, blank(STEPS))
    np.testing.assert_allclose(current, 0.5 * (STEPS(EVEN) + 50.0))
    assert one(cell, [blank(STEPS)]).gradient.shape == (3,)


def test_sampled_command_takes_no_more_steps_than_it_needs() -> None:
    t = np.arange(1000) * 0.1
    command = ph.VoltageClamp.sampled(t, -60 + 10 * np.sin(t / 30))
    record = Recording(t, command, current=np.zeros(1000), current_unit="nA")
    assert len(voltage_grid_of(record).h) == 1000
    assert len(voltage_grid_of(record.window(20.0, 80.0)).h) == 601


def test_current_clamp_balances_its_currents() -> None:
    cell = ph.library.get("squid_axon")
    protocol = ph.CurrentClamp.step(10.0, start=5.03, stop=20.0, t_end=25.0)
    t = np.arange(0, 25, 0.025)
    record = Recording(t, protocol, v=solve(cell, protocol, t)[0][:, 0])
    target = measured_current(record, cell.c_m)
    current = predicted(cell, record)
    assert np.abs(current - target).max() < 0.01 * np.abs(target).max()
    found = one(cell, [record])
    assert found.value < 1e-5
    assert one(cell.with_parameters(k__g=30.0), [record]).value > 1e3 * found.value


# -- groups, batches, losses ----------------------------------------------------------------


def test_together_is_one_by_one() -> None:
    cell = neural("rates")
    records = [blank(SINES), blank(ph.CurrentClamp.constant(5.0, 40.0)), blank(SINES, EVEN[:50])]
    records += [blank(STEPS, np.sort(np.random.default_rng(0).uniform(1, 40, 70)))]
    theta = cell.theta * np.random.default_rng(1).uniform(0.95, 1.05, (3, cell.theta.size))
    y0 = np.random.default_rng(2).uniform(0.2, 0.8, (3, 4, 4))
    whole = one(cell, records, theta, y0=y0)
    assert whole.gradient_y0 is not None
    total = np.zeros_like(theta)
    for k in range(3):
        for r, record in enumerate(records):
            part = one(cell, [record], theta[k], y0=y0[k, r : r + 1])
            assert part.gradient_y0 is not None
            np.testing.assert_allclose(whole.per_recording[k, r], part.value, rtol=1e-7)
            np.testing.assert_allclose(4 * whole.gradient_y0[k, r], part.gradient_y0[0], atol=1e-7)
            total[k] += part.gradient / 4
    np.testing.assert_allclose(whole.gradient, total, rtol=1e-6, atol=1e-7 * np.abs(total).max())
    np.testing.assert_allclose(whole.value, whole.per_recording.mean(-1))


@pytest.mark.parametrize("loss", [Loss("mse"), Loss("mae", scale=2.0), Loss("huber", delta=0.3)])
def test_the_loss_is_the_one_asked_for(loss: Loss) -> None:
    cell = ph.library.get("squid_axon")
    record = blank(STEPS).masked_after_steps(3.0)
    from pyhodgkin.fitting.losses import loss_value

    current = predicted(cell, record)
    truth = loss_value(loss, current, record.current, record.mask)
    np.testing.assert_allclose(one(cell, [record], loss=loss).value, truth)


def test_a_current_as_a_voltage_is_what_an_observer_would_be_off() -> None:
    """With gates that hardly move v settles where all currents and the observer's are none."""
    gate = ph.Gate("x", ph.RateKinetics(ph.rates.Constant(1.0), ph.rates.Constant(3.0)))
    cell = ph.Neuron("still", (ph.Channel("a", 2.0, -80.0, (gate,)), ph.Channel("l", 0.5, -60.0)))
    record = blank(ph.CurrentClamp.constant(3.0, t_end=40.0))
    record = replace(record, v=np.full(len(record), -65.0))
    gain, g = 0.7, 2.0 * 0.25 + 0.5
    settled = (3.0 - 80.0 * 2.0 * 0.25 - 60.0 * 0.5 - 65.0 * gain) / (g + gain)
    found = one(cell, [record], loss=Loss(scale=1.0, observer_conductance=gain))
    np.testing.assert_allclose(found.value, (settled + 65.0) ** 2, rtol=1e-9)


@pytest.mark.parametrize("name", ["squid_axon", "wang_buzsaki"])
def test_a_current_as_a_voltage_has_the_gradient_of_its_value(name: str) -> None:
    cell, records = ph.library.get(name), [blank(DRIVEN), blank(STEPS)]
    loss, rng = Loss("huber", delta=0.2, observer_conductance=1.5), np.random.default_rng(0)
    away = rng.normal(size=cell.layout.size) * np.maximum(np.abs(cell.theta), 1e-2)
    slope = one(cell, records, loss=loss).gradient @ away
    up, down = (one(cell, records, cell.theta + s * away, loss).value for s in (1e-6, -1e-6))
    np.testing.assert_allclose(slope, (up - down) / 2e-6, rtol=1e-5)


def test_parameters_beyond_numbers_are_reported_and_spoil_nobody() -> None:
    cell = ph.library.get("squid_axon")
    theta = np.stack([cell.theta, cell.theta])
    theta[1, cell.layout["na.g"].start] = np.inf
    found = one(cell, [blank(STEPS)], theta)
    assert found.statuses.tolist() == [[Status.SUCCESS], [Status.NONFINITE]]
    assert found.value[1] == np.inf and not found.gradient[1].any()
    np.testing.assert_allclose(found.gradient[0], one(cell, [blank(STEPS)]).gradient)


@pytest.mark.parametrize("scale", [1.0, 3.0, 10.0])
def test_wild_networks_keep_gates_in_range(scale: float) -> None:
    network = ph.Network.create((1, 16, 16, 2), seed=4)
    wild = replace(network, weights=tuple(scale * w for w in network.weights))
    # A current that is the gate itself.
    gate = ph.Gate("x", ph.NeuralKinetics("rates", wild))
    channel = ph.Channel("c", 1.0, 1.0, (gate,))
    cell = ph.Neuron("wild", (channel,))
    current = predicted(cell, blank(SINES))
    x = current / (SINES(EVEN) - 1.0)
    assert np.all((x >= -1e-12) & (x <= 1 + 1e-12))


def test_single_precision_is_near() -> None:
    cell = neural("steady_state")
    exact, near = (one(cell, [blank(SINES)], options=SolveOptions(dtype=d))
                   for d in ("float64", "float32"))  # fmt: skip
    np.testing.assert_allclose(near.value, exact.value, rtol=1e-4)
    assert near.gradient.dtype == np.float64


@pytest.mark.parametrize("what", ["free", "box"])
def test_what_is_not_linear_is_refused(what: str) -> None:
    cell = ph.library.get("squid_axon")
    if what == "free":
        cell = cell.replace_gate("n", ph.NeuralKinetics("free", ph.Network.create((2, 4, 1))))
    else:
        box = ph.NeuralRightHandSide(ph.Network.create((4, 4, 4)), stimulus_scale=None)
        cell = ph.Neuron("box", right_hand_side=box)
    with pytest.raises(InputError, match="simulation"):
        one(cell, [blank(STEPS)])
