"""Cells, ends of windows and spike times: the same on both engines, and right by differences."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from engines import CELLS, JULIA, TORCH, current_clamp, options, times, uneven, voltage_clamp
from neurons import SQUID

import pyhodgkin as ph
from pyhodgkin.backends.batch_elements import Ends
from pyhodgkin.backends.loss import Loss
from pyhodgkin.errors import InputError

BOTH = [pytest.param(JULIA, marks=pytest.mark.julia), TORCH]
RECORDS = {
    "current": [current_clamp("step", uneven(30, 6.0)), current_clamp("ramp", uneven(20, 5.0))],
    "voltage": [voltage_clamp("step", uneven(30, 6.0)), voltage_clamp("ramp", uneven(20, 5.0))],
}
STARTS = np.array([[-60.0, 0.4, 0.1, 0.5], [-70.0, 0.3, 0.05, 0.6]])
WEIGHT = np.array([1e-2, 1.0, 2.0, 3.0])
TARGET = np.array([[-50.0, 0.5, 0.2, 0.3], [-65.0, np.nan, np.nan, np.nan]])


@pytest.fixture(params=BOTH, ids=["julia", "torch"])
def engine(request):
    return request.param


def near(found, expected, rtol):
    np.testing.assert_allclose(found, expected, rtol=rtol, atol=rtol * np.abs(expected).max())


@pytest.mark.parametrize("mode", ["simulation", "clamped"])
@pytest.mark.parametrize("kind", RECORDS)
def test_cells_are_as_if_each_were_alone(engine, kind, mode):
    cell, records = CELLS["residual"], RECORDS[kind][:1] * 2 + RECORDS[kind][1:]
    cells = np.array([1, 0, 1])
    theta = cell.theta * (1.0 + 0.01 * np.arange(1, 5).reshape(2, 2, 1))
    start = np.array([cell.initial_state(-60.0 - i) for i in range(3)])
    common = {"mode": mode, "options": options(rtol=1e-8)}
    found = engine.value_and_grad(
        cell, records, theta, Loss(scale=9.0), y0=start, cells=cells, **common
    )
    seen = engine.predict(cell, records, theta, y0=start, cells=cells, **common)
    assert found.gradient.shape == theta.shape and found.statuses.shape == (2, 3)
    gradient = np.zeros_like(theta)
    for k in range(2):
        for r, c in enumerate(cells):
            alone = engine.value_and_grad(
                cell, [records[r]], theta[k, c], Loss(scale=9.0), y0=start[r : r + 1], **common
            )
            gradient[k, c] += alone.gradient / 3
            near(found.per_recording[k, r], alone.value, 1e-6)
            near(found.gradient_y0[k, r], alone.gradient_y0[0] / 3, 1e-5)
            one = engine.predict(cell, [records[r]], theta[k, c], y0=start[r : r + 1], **common)
            near(seen[r][k], one[0], 1e-6)
    near(found.gradient, gradient, 1e-5)
    single = engine.value_and_grad(
        cell, records, theta[0], Loss(scale=9.0), y0=start, cells=cells, **common
    )
    assert single.gradient.shape == theta.shape[1:] and single.value.shape == ()
    near(single.gradient, found.gradient[0], 1e-8)


@pytest.mark.parametrize("mode", ["simulation", "clamped"])
def test_a_cell_that_fails_fails_its_set_alone(engine, mode):
    cell, records = CELLS["residual"], RECORDS["current"]
    theta = np.repeat(np.repeat(cell.theta[None, None], 2, 0), 2, 1)
    theta[1, 0, cell.layout.select("c_m")] = np.nan
    theta[1, 0, cell.layout.select("k.g")] = np.nan
    found = engine.value_and_grad(cell, records, theta, Loss(), mode=mode, cells=np.array([0, 1]))
    assert np.isfinite(found.value[0]) and found.value[1] == np.inf
    assert found.gradient[0].any() and not found.gradient[1].any()


@pytest.mark.parametrize("kind", RECORDS)
def test_ends_and_their_gradients(engine, kind):
    records, how = RECORDS[kind], options(rtol=1e-9)

    def call(start, target=TARGET):
        return engine.value_and_grad(
            SQUID, records, SQUID.theta, Loss(scale=50.0), y0=start, options=how,
            ends=Ends(WEIGHT, target),
        )  # fmt: skip

    found = call(STARTS)
    free = engine.value_and_grad(
        SQUID, records, SQUID.theta, Loss(scale=50.0), y0=STARTS, options=how
    )
    missed = np.nan_to_num(found.y_end - TARGET)
    near(found.per_recording, free.per_recording + np.sum(WEIGHT * missed**2, -1), 1e-9)
    for row, state in ((0, 0), (0, 1), (1, 0), (0, 3)):
        step = np.zeros_like(STARTS)
        step[row, state] = 1e-4
        slope = (call(STARTS + step).value - call(STARTS - step).value) / 2e-4
        np.testing.assert_allclose(found.gradient_y0[row, state], slope, rtol=1e-4, atol=1e-6)
        if kind == "current":
            slope = (call(STARTS, TARGET + step).value - call(STARTS, TARGET - step).value) / 2e-4
            by_target = Ends(WEIGHT, TARGET).by_target(found.y_end)[row, state]
            np.testing.assert_allclose(by_target, slope, rtol=1e-4, atol=1e-6)


@pytest.mark.julia
@pytest.mark.parametrize("kind", RECORDS)
def test_ends_are_the_same_on_both(kind):
    cell, records = CELLS["learned"], RECORDS[kind]
    start = np.array([cell.initial_state(v) for v in (-60.0, -70.0)])
    rng = np.random.default_rng(3)
    start, target = (rng.normal(start, 0.01, (2, *start.shape)) for _ in range(2))
    ends = Ends(np.linspace(0.5, 2.0, start.shape[-1]), target)
    theta = np.stack([cell.theta, 1.01 * cell.theta])
    common = {"y0": start, "options": options(), "ends": ends}
    ours, theirs = (
        e.value_and_grad(cell, records, theta, Loss(scale=50.0), **common) for e in (JULIA, TORCH)
    )
    near(ours.value, theirs.value, 1e-6)
    near(ours.y_end, theirs.y_end, 1e-6)
    near(ours.gradient, theirs.gradient, 1e-5)
    near(ours.gradient_y0, theirs.gradient_y0, 1e-5)


def spiking():
    """A recording of two spikes, and the same cell a little different."""
    clamp = ph.CurrentClamp.step(12.0, 1.0, 26.0, 28.0)
    trace = ph.simulate(SQUID, clamp, saveat=times(28.0), backend="torch")
    return ph.Recording.from_solution(trace), SQUID.with_parameters(k__g=37.0, na__g=118.0)


def test_spike_times(engine):
    recording, cell = spiking()
    with_term, without = Loss(scale=30.0, spikes=0.7, threshold=-10.0), Loss(scale=30.0)

    def call(theta, loss=with_term):
        return engine.value_and_grad(cell, [recording], theta, loss, options=options(rtol=1e-9))

    theta = cell.theta
    found, plain = call(theta), call(theta, without)
    (v,) = engine.predict(cell, [recording], theta, options=options(rtol=1e-9))

    def at(v):
        i = np.flatnonzero((v[:-1] < -10.0) & (v[1:] >= -10.0))
        return recording.t[i] + 0.1 * (-10.0 - v[i]) / (v[i + 1] - v[i])

    assert len(at(v)) == len(at(recording.v)) == 2
    term = 0.7 * np.mean((at(v) - at(recording.v)) ** 2)
    np.testing.assert_allclose(found.value - plain.value, term, rtol=1e-5)
    for name in ("k.g", "na.m.alpha.a"):
        i, step = cell.layout.select(name), np.zeros_like(theta)
        step[i] = 1e-5 * theta[i]
        slope = (call(theta + step).value - call(theta - step).value) / (2 * step[i])
        np.testing.assert_allclose(found.gradient[i], slope, rtol=1e-3)


def test_above_the_ceiling_only_the_time_counts(engine):
    recording, cell = spiking()
    high = recording.data > -30.0
    other = replace(recording, v=np.where(high, 10.0, recording.data))
    loss = Loss("huber", scale=1.0, delta=2.0, v_clip=-30.0)
    found = engine.value_and_grad(cell, [recording], cell.theta, loss, options=options(rtol=1e-9))
    again = engine.value_and_grad(cell, [other], cell.theta, loss, options=options(rtol=1e-9))
    assert found.value == again.value
    below = engine.predict(cell, [recording], cell.theta, options=options(rtol=1e-9))[0]
    r = np.abs(np.minimum(below, -30.0) - np.minimum(recording.data, -30.0))
    expected = np.mean(np.where(r <= 2.0, 0.5 * r**2, 2.0 * (r - 1.0)))
    np.testing.assert_allclose(found.value, expected, rtol=1e-6)
    i, step = cell.layout.select("na.g"), np.zeros_like(cell.theta)
    step[i] = 1e-4 * cell.theta[i]
    ahead, behind = (
        engine.value_and_grad(cell, [recording], x, loss, options=options(rtol=1e-9)).value
        for x in (cell.theta + step, cell.theta - step)
    )
    np.testing.assert_allclose(found.gradient[i], (ahead - behind) / (2 * step[i]), rtol=1e-2)


def test_a_spike_that_is_missing_costs_the_width_of_the_window(engine):
    recording, cell = spiking()
    quiet = replace(recording, protocol=ph.CurrentClamp.constant(0.0, 28.0))
    loss = [Loss(scale=30.0, spikes=s, match_window=4.0) for s in (0.0, 0.5)]
    found = [engine.value_and_grad(cell, [quiet], cell.theta, x) for x in loss]
    np.testing.assert_allclose(found[1].value - found[0].value, 0.5 * 16.0)
    np.testing.assert_array_equal(found[0].gradient, found[1].gradient)
    late = recording.masked(recording.t < 2.0)
    found = [engine.value_and_grad(cell, [late], cell.theta, x).value for x in loss]
    assert found[0] == found[1]


def test_as_many_spikes_as_can_be_are_paired(engine):
    recording, cell = spiking()
    (v,) = engine.predict(cell, [recording], cell.theta, options=options(rtol=1e-9))

    def at(v):
        i = np.flatnonzero((v[:-1] < -10.0) & (v[1:] >= -10.0))
        return recording.t[i] + 0.1 * (-10.0 - v[i]) / (v[i + 1] - v[i])

    first, second = at(v)
    # The second of these is nearest to the first spike, which the first alone can be paired with.
    data = np.full(len(v), -65.0)
    for time in (first - 1.5, first + 1.0):
        data[np.abs(recording.t - time) < 0.25] = 20.0
    measured, window = at(data), second - first - 0.5
    assert len(measured) == 2 and measured[0] > 0.2
    loss = [Loss(scale=30.0, spikes=s, threshold=-10.0, match_window=window) for s in (0.0, 1.0)]
    changed = replace(recording, v=data)
    plain, found = (
        engine.value_and_grad(cell, [changed], cell.theta, x, options=options(rtol=1e-9)).value
        for x in loss
    )
    np.testing.assert_allclose(found - plain, np.mean((at(v) - measured) ** 2), rtol=1e-5)


@pytest.mark.julia
def test_spike_times_are_the_same_on_both():
    recording, cell = spiking()
    theta = np.stack([cell.theta, 1.001 * cell.theta])
    loss = Loss("huber", spikes=0.3, threshold=-20.0)
    ours, theirs = (
        e.value_and_grad(cell, [recording], theta, loss, options=options()) for e in (JULIA, TORCH)
    )
    near(ours.value, theirs.value, 1e-6)
    near(ours.gradient, theirs.gradient, 1e-5)


def test_what_cannot_be_asked(engine):
    records, ends = RECORDS["current"], Ends(WEIGHT, TARGET)
    ask = engine.value_and_grad
    with pytest.raises(InputError, match="ends"):
        ask(SQUID, records, SQUID.theta, Loss(), mode="clamped", ends=ends)
    with pytest.raises(InputError, match="targets"):
        ask(SQUID, records[:1], SQUID.theta, Loss(), y0=STARTS[:1], ends=ends)
    with pytest.raises(InputError, match="cells"):
        ask(SQUID, records, SQUID.theta[None], Loss(), cells=np.array([0, 1]))
    with pytest.raises(InputError, match="one whole number"):
        ask(SQUID, records, SQUID.theta[None], Loss(), cells=[0])
    with pytest.raises(InputError, match="weight"):
        Ends(WEIGHT[:2], TARGET)
    with pytest.raises(InputError, match="spikes"):
        Loss(spikes=-1.0)
    with pytest.raises(InputError, match="match_window"):
        Loss(match_window=0.0)
