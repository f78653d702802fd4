"""Gradients of the loss through a solve against central differences of the loss."""

from __future__ import annotations

import numpy as np
import pytest
from neurons import SQUID
from torch_neurons import FORMS

from pyhodgkin import CurrentClamp, Recording, Sine, VoltageClamp
from pyhodgkin.backends.base import SolveOptions
from pyhodgkin.backends.loss import Loss
from pyhodgkin.backends.torch.engine import TorchBackend

ENGINE = TorchBackend()
TOLERANCE = {"rodas5p": 1e-5, "rodas4p": 1e-5, "tsit5": 1e-5, "exponential": 1e-7}
WEIGHTS = np.array([1.0, -8.0, 8.0, -1.0]) / 12.0
PLACES = np.array([-2.0, -1.0, 1.0, 2.0])


def options(solver="rodas5p", **other):
    return SolveOptions(solver, rtol=1e-9, atol=1e-10, dt=0.02, **other)


def current_clamp(t_end=3.0, amplitude=50.0, dt=0.1):
    """A spike, measured as a constant: the residual is large and has one sign."""
    t = np.arange(0.0, t_end + dt / 2, dt)
    protocol = CurrentClamp.step(amplitude, 0.5, 1.5, t_end)
    return Recording(t, protocol, v=np.full(len(t), -90.0))


def uneven_clamp():
    """Other times than `current_clamp`, uneven, fewer, and some of them not used."""
    rng = np.random.default_rng(0)
    t = np.sort(rng.uniform(0.3, 2.4, 60))
    mask = rng.random(60) < 0.7
    return Recording(t, CurrentClamp(Sine(30.0, 300.0), 3.0), v=np.full(60, -80.0), mask=mask)


def voltage_clamp(t_end=6.0, seed=0):
    t = np.arange(0.0, t_end, 0.13)
    steps = VoltageClamp.steps([0, 1.3, 4], [-75.0, 10.0 + 5 * seed, -40.0], t_end)
    return Recording(t, steps, current=np.full(len(t), -900.0), current_unit="uA/cm2")


def sine_clamp():
    t = np.linspace(0.05, 4.0, 50)
    wave = VoltageClamp(Sine(40.0, 300.0, baseline=-35.0), 4.0)
    return Recording(t, wave, current=np.full(50, -900.0), current_unit="uA/cm2")


def plain_loss(loss, recordings, predictions):
    """(K,) from predictions (K, T) of each recording, written out again in numpy."""
    each = []
    for recording, predicted in zip(recordings, predictions, strict=True):
        scale = np.std(recording.data[recording.mask]) or 1.0
        r = (predicted - recording.data) / (loss.scale or scale)
        r = abs(r[:, recording.mask])
        if loss.kind == "mse":
            each.append((r**2).mean(1))
        elif loss.kind == "mae":
            each.append(r.mean(1))
        else:
            bent = loss.delta * (r - 0.5 * loss.delta)
            each.append(np.where(r < loss.delta, 0.5 * r**2, bent).mean(1))
    return np.mean(each, axis=0)


def difference(cell, recordings, theta, directions, loss, how, y0=None, y0_directions=None):
    """Derivatives (D,) of the loss along each of `directions` (D, P), by four points."""
    points = theta + (PLACES[:, None, None] * directions).reshape(-1, len(theta))
    start = None
    if y0 is not None:
        moved = y0 + PLACES[:, None, None, None] * y0_directions
        start = moved.reshape(-1, *y0.shape)
    predicted = ENGINE.predict(cell, recordings, points, y0=start, options=how)
    values = plain_loss(loss, recordings, predicted).reshape(4, -1)
    return WEIGHTS @ values


def steps(cell, names):
    """One direction for each parameter in `names`, of a size that suits it."""
    out = np.zeros((len(names), cell.layout.size))
    for row, name in zip(out, names, strict=True):
        entry = cell.layout[name]
        value = cell.theta[entry.slice]
        row[entry.slice] = 2e-3 if entry.unit == "mV" else 1e-4 * np.maximum(abs(value), 1e-2)
    return out


def random_steps(cell, pattern, n=2, size=3e-5, seed=0):
    """`n` random directions of all parameters that match `pattern`."""
    rng = np.random.default_rng(seed)
    out = np.zeros((n, cell.layout.size))
    chosen = cell.layout.select(pattern)
    out[:, chosen] = size * rng.standard_normal((n, len(chosen)))
    return out


def check(cell, recordings, directions, how, tolerance, loss=None, theta=None):
    loss = Loss(scale=50.0) if loss is None else loss
    theta = cell.theta if theta is None else theta
    found = ENGINE.value_and_grad(cell, recordings, theta, loss, options=how)
    assert not found.failed
    value = plain_loss(loss, recordings, ENGINE.predict(cell, recordings, theta[None], options=how))
    np.testing.assert_allclose(found.value, value[0], rtol=1e-10)
    expected = difference(cell, recordings, theta, directions, loss, how)
    np.testing.assert_allclose(directions @ found.gradient, expected, rtol=tolerance)


PHYSICAL = ["c_m", "na.g", "k.g", "l.e", "na.e", "na.m.alpha.v0", "na.h.beta.k", "k.n.beta.a"]


@pytest.mark.parametrize("solver", TOLERANCE)
def test_physical_parameters_through_a_spike(solver):
    recording = current_clamp()
    v = ENGINE.predict(SQUID, [recording], SQUID.theta, options=options(solver))[0]
    assert v.max() > 20.0
    check(SQUID, [recording], steps(SQUID, PHYSICAL), options(solver), TOLERANCE[solver])


@pytest.mark.parametrize("solver", TOLERANCE)
def test_physical_parameters_under_voltage_clamp(solver):
    recordings = [voltage_clamp(), sine_clamp()]
    names = [name for name in PHYSICAL if name != "c_m"]
    loss = Loss(scale=500.0)
    check(SQUID, recordings, steps(SQUID, names), options(solver), TOLERANCE[solver], loss)


NETWORKS = {
    "steady_state": "*.network.*",
    "steady_state_unbounded_tau": "*.network.*",
    "rates": "*.network.*",
    "residual": "*",
    "free_v_x": "*.network.*",
    "free_x": "*.network.*",
    "silu": "*.network.*",
    "softplus": "*.network.*",
    "current": "*.network.*",
    "current_with_gates": "*",
    "learned": "*",
    "composed": "*",
    "box_stimulus": "*",
}


@pytest.mark.parametrize("name", NETWORKS)
def test_every_form_of_network(name):
    cell = FORMS[name]
    directions = random_steps(cell, NETWORKS[name])
    check(cell, [current_clamp()], directions, options(), TOLERANCE["rodas5p"])


@pytest.mark.parametrize("solver", ["rodas4p", "tsit5", "exponential"])
def test_a_network_by_every_solver(solver):
    cell = FORMS["learned"]
    directions = random_steps(cell, "*.network.*")
    tolerance = TOLERANCE[solver]
    check(cell, [current_clamp(2.0)], directions, options(solver), tolerance)


@pytest.mark.parametrize("name", ["residual", "current_with_gates", "box"])
def test_networks_under_voltage_clamp(name):
    cell = FORMS[name]
    if cell.right_hand_side is not None:
        with pytest.raises(ValueError, match="has no current"):
            ENGINE.value_and_grad(cell, [voltage_clamp()], cell.theta, Loss(), options=options())
        return
    directions = random_steps(cell, "*.network.*")
    loss = Loss(scale=500.0)
    check(cell, [voltage_clamp(), sine_clamp()], directions, options(), 1e-5, loss)


@pytest.mark.parametrize("solver", TOLERANCE)
def test_the_initial_state(solver):
    recordings = [current_clamp(), uneven_clamp()]
    how, loss = options(solver), Loss(scale=50.0)
    y0 = np.stack([SQUID.initial_state(-60.0), SQUID.initial_state(-70.0)])
    found = ENGINE.value_and_grad(SQUID, recordings, SQUID.theta, loss, y0=y0, options=how)
    size = np.array([1e-2, 1e-4, 1e-4, 1e-4])
    directions = np.zeros((8, 2, 4))
    directions.reshape(8, 8)[np.diag_indices(8)] = np.tile(size, 2)
    none = np.zeros((8, SQUID.layout.size))
    expected = difference(SQUID, recordings, SQUID.theta, none, loss, how, y0, directions)
    gradient = (directions * found.gradient_y0).sum((1, 2))
    np.testing.assert_allclose(gradient, expected, rtol=TOLERANCE[solver], atol=1e-10)


@pytest.mark.parametrize("solver", ["rodas5p", "exponential"])
@pytest.mark.parametrize("kind", ["mse", "mae", "huber"])
def test_losses_recordings_of_unequal_length_and_masks(kind, solver):
    recordings = [current_clamp(), uneven_clamp()]
    directions = steps(SQUID, ["na.g", "k.n.alpha.v0"])
    loss = Loss(kind, scale=50.0, delta=0.7)
    check(SQUID, recordings, directions, options(solver), TOLERANCE[solver], loss)


def test_the_default_scale_is_the_spread_of_the_data():
    recording = current_clamp()
    data = recording.data + 10.0 * np.sin(recording.t)
    noisy = Recording(recording.t, recording.protocol, v=data)
    check(SQUID, [noisy], steps(SQUID, ["na.g"]), options(), 1e-5, Loss())
