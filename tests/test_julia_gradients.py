"""Both engines give the same losses, gradients and predictions."""

from __future__ import annotations

import numpy as np
import pytest
from engines import (
    CELLS,
    CURRENT,
    JULIA,
    NO_CURRENT,
    NOT_LINEAR,
    SOLVERS,
    TORCH,
    VOLTAGE,
    current_clamp,
    gradients_apart,
    options,
    uneven,
    voltage_clamp,
)
from neurons import SQUID
from torch_neurons import FORMS, scattered_theta

import pyhodgkin as ph
from pyhodgkin.backends.base import SolveOptions
from pyhodgkin.backends.loss import Loss
from pyhodgkin.errors import InputError
from pyhodgkin.status import Status

pytestmark = pytest.mark.julia
SLOW = pytest.mark.slow

WITHIN = 1e-5
RTOL = {"rodas5p": 1e-9, "tsit5": 1e-10, "rodas4p": 1e-8}
SHORT, LATE = uneven(40, 6.0), uneven(60, 9.0, seed=1)


def recordings(kind, i=0):
    """Two of unequal length, with other times and masks, of the protocols in turn."""
    make, names = (current_clamp, CURRENT) if kind == "current" else (voltage_clamp, VOLTAGE)
    names = list(names)
    return [make(names[i % len(names)], SHORT), make(names[(i + 1) % len(names)], LATE)]


def same_gradients(cell, records, theta=None, y0=None, loss=None, mode="simulation", how=None):
    theta = cell.theta if theta is None else theta
    loss = Loss(scale=50.0) if loss is None else loss
    common = {"mode": mode, "y0": y0, "options": how or options()}
    ours, theirs = (e.value_and_grad(cell, records, theta, loss, **common) for e in (JULIA, TORCH))
    assert not ours.statuses.any() and not theirs.statuses.any()
    np.testing.assert_allclose(ours.value, theirs.value, rtol=1e-6)
    np.testing.assert_allclose(ours.per_recording, theirs.per_recording, rtol=1e-6)
    assert ours.gradient.shape == theirs.gradient.shape == np.shape(theta)
    assert gradients_apart(cell, ours.gradient, theirs.gradient) < WITHIN
    assert (ours.gradient_y0 is None) == (theirs.gradient_y0 is None) == (y0 is None)
    if y0 is not None:
        size = np.abs(theirs.gradient_y0).max(axis=(-2, -1), keepdims=True)
        assert np.all(np.abs(ours.gradient_y0 - theirs.gradient_y0) <= WITHIN * size)
    predicted = [e.predict(cell, records, theta, **common) for e in (JULIA, TORCH)]
    for found, expected, record in zip(*predicted, records, strict=True):
        assert found.shape == expected.shape == (*np.shape(theta)[:-1], len(record))
        size = np.ptp(expected, axis=-1, keepdims=True)
        assert np.all(np.abs(found - expected) <= 1e-6 * size)
    return ours


PAIRS = [
    pytest.param(name, solver, i, marks=() if i % 3 == j else SLOW)
    for i, name in enumerate(CELLS)
    for j, solver in enumerate(SOLVERS)
]


@pytest.mark.parametrize(("name", "solver", "i"), PAIRS)
def test_from_voltages(name, solver, i):
    if (name, solver) == ("free_x", "tsit5"):
        pytest.skip("its gate goes to -17, its conductance to 3e6 mS/cm²: too stiff to be explicit")
    how = options(solver, RTOL[solver])
    same_gradients(CELLS[name], recordings("current", i), how=how)


@pytest.mark.parametrize(("name", "solver", "i"), PAIRS)
def test_from_currents(name, solver, i):
    cell, records = CELLS[name], recordings("voltage", i)
    if name in NO_CURRENT:
        for engine in (JULIA, TORCH):
            with pytest.raises(InputError, match="current"):
                engine.value_and_grad(cell, records, cell.theta, Loss(), options=options())
        return
    how = options(solver, RTOL[solver])
    same_gradients(cell, records, how=how, loss=Loss())


@pytest.mark.parametrize("kind", ["current", "voltage"])
@pytest.mark.parametrize("name", CELLS)
def test_under_a_known_voltage(name, kind):
    cell, records = CELLS[name], recordings(kind, len(name))
    if name in NOT_LINEAR:
        for engine in (JULIA, TORCH):
            with pytest.raises(InputError, match="simulation"):
                engine.value_and_grad(cell, records, cell.theta, Loss(), mode="clamped")
        return
    same_gradients(cell, records, mode="clamped", loss=Loss())


@pytest.mark.parametrize("mode", ["simulation", "clamped"])
@pytest.mark.parametrize("kind", ["current", "voltage"])
@pytest.mark.parametrize("loss", [Loss("mae", 40.0), Loss("huber", delta=0.3), Loss("mse")])
def test_losses_and_modes(loss, kind, mode):
    same_gradients(CELLS["residual"], recordings(kind, 3), mode=mode, loss=loss)


@pytest.mark.parametrize("mode", ["simulation", "clamped"])
@pytest.mark.parametrize("kind", ["current", "voltage"])
@pytest.mark.parametrize("name", ["squid_axon", "learned"])
def test_parameter_sets_and_starts(name, kind, mode):
    cell, records = CELLS[name], recordings(kind)
    theta = scattered_theta(cell, 3, 0.01)
    start = np.stack([cell.initial_state(v) for v in (-70.0, -60.0)])
    each = start + 0.01 * np.random.default_rng(0).random((3, *start.shape))
    alone = same_gradients(cell, records, theta[1], each[1], mode=mode)
    batch = same_gradients(cell, records, theta, each, mode=mode)
    np.testing.assert_array_equal(batch.gradient[1], alone.gradient)
    np.testing.assert_array_equal(batch.gradient_y0[1], alone.gradient_y0)
    np.testing.assert_array_equal(batch.value[1], alone.value)
    shared = same_gradients(cell, records, theta, start, mode=mode)
    assert shared.gradient_y0.shape == each.shape


@pytest.mark.parametrize("scale", [None, 20.0])
@pytest.mark.parametrize("name", ["squid_axon", "learned", "wang_buzsaki"])
def test_currents_as_voltages_under_a_known_voltage(name, scale):
    """Cells with states alone, with networks, and with a gate without a state."""
    cell = CELLS[name] if name in CELLS else ph.library.get(name)
    records = recordings("current") + recordings("voltage", 2)
    loss = Loss("huber", scale, delta=0.1, observer_conductance=2.0)
    theta = scattered_theta(cell, 2, 0.01)
    same_gradients(cell, records, theta, mode="clamped", loss=loss)


def test_recordings_of_both_clamps_under_a_known_voltage():
    """Groups of one clamp each, the masks and lengths of all different."""
    records = recordings("current") + recordings("voltage", 2) + [current_clamp("sum")]
    cell = CELLS["rates"]
    theta = scattered_theta(cell, 2, 0.01)
    start = np.stack([cell.initial_state(v) for v in (-70.0, -60.0, -80.0, -75.0, -65.0)])
    same_gradients(cell, records, theta, mode="clamped")
    same_gradients(cell, records, theta, start, mode="clamped")


def test_the_default_solver_and_its_default_tolerances():
    records = recordings("current")
    ours = JULIA.value_and_grad(SQUID, records, SQUID.theta, Loss(scale=50.0))
    tight = TORCH.value_and_grad(SQUID, records, SQUID.theta, Loss(scale=50.0), options=options())
    assert gradients_apart(SQUID, ours.gradient, tight.gradient) < 1e-3
    same_gradients(SQUID, records, how=options("auto"))


def test_a_recording_of_its_own_length_and_sampling():
    """Samples at jumps, at the start and long after it, much data and little."""
    t = np.array([0.0, 3.0, 6.05, 9.0])
    same_gradients(SQUID, [voltage_clamp("steps", t), voltage_clamp("step", np.array([1.0, 11.9]))])
    same_gradients(SQUID, [current_clamp("sum", t), current_clamp("step", np.array([7.0, 7.01]))])


# -- failures ------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["simulation", "clamped"])
@pytest.mark.parametrize("kind", ["current", "voltage"])
@pytest.mark.parametrize("y0", [False, True])
def test_failed_sets_are_the_same(kind, mode, y0):
    theta = np.stack([SQUID.theta] * 3)
    theta[1, SQUID.layout["na.g"].start] = np.inf
    theta[2, SQUID.layout["k.n.alpha.v0"].start] = np.nan
    start = np.stack([SQUID.initial_state(v) for v in (-70.0, -60.0)]) if y0 else None
    found = [
        engine.value_and_grad(
            SQUID, recordings(kind), theta, Loss(scale=50.0), mode=mode, y0=start, options=options()
        )
        for engine in (JULIA, TORCH)
    ]
    np.testing.assert_array_equal(found[0].statuses, found[1].statuses)
    for one in found:
        assert one.failed.tolist() == [False, True, True]
        assert np.isinf(one.value[1:]).all() and not one.gradient[1:].any()
        assert not y0 or not one.gradient_y0[1:].any()
    assert gradients_apart(SQUID, found[0].gradient[0], found[1].gradient[0]) < WITHIN


def test_one_failed_recording_fails_its_set():
    how = SolveOptions("rodas5p", max_steps=150)
    records = [current_clamp("step", SHORT[:5]), current_clamp("chirp")]
    found = [
        engine.value_and_grad(SQUID, records, SQUID.theta, Loss(), options=how)
        for engine in (JULIA, TORCH)
    ]
    for one in found:
        assert one.statuses.tolist() == [Status.SUCCESS, Status.MAX_STEPS]
        assert np.isinf(one.value) and np.isfinite(one.per_recording[0])
        assert np.isinf(one.per_recording[1]) and not one.gradient.any()
    for a, b in zip(*(e.predict(SQUID, records, SQUID.theta, options=how) for e in (JULIA, TORCH)),
                    strict=True):  # fmt: skip
        assert np.isnan(a[-1]) == np.isnan(b[-1])


@pytest.mark.parametrize("what", ["mode", "y0", "dtype"])
def test_bad_input_is_the_same_error(what):
    said = {"mode": {"mode": "known"}, "y0": {"y0": np.zeros((2, 3))},
            "dtype": {"options": {"dtype": "float16"}}}[what]  # fmt: skip
    kinds = []
    for engine in (JULIA, TORCH):
        with pytest.raises(InputError) as error:
            if "options" in said:
                said = {"options": SolveOptions(**said["options"])}
            engine.value_and_grad(SQUID, recordings("current"), SQUID.theta, Loss(), **said)
        kinds.append(error.type)
    assert kinds[0] is kinds[1]


@pytest.mark.parametrize("form", ["residual", "current_with_gates"])
def test_masked_samples_may_be_anything(form):
    """The data of samples that are not used changes nothing."""
    first = current_clamp("step")
    v = np.where(first.mask, first.v, 1e6)
    second = ph.Recording(first.t, first.protocol, v=v, mask=first.mask)
    cell = FORMS[form]
    a, b = (
        JULIA.value_and_grad(cell, [r], cell.theta, Loss(scale=9.0), options=options(rtol=1e-6))
        for r in (first, second)
    )
    np.testing.assert_array_equal(a.gradient, b.gradient)
    assert a.value == b.value
