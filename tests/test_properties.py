"""Properties that hold for any neuron and protocol: of the equations and of what is kept.

``PYHODGKIN_EXAMPLES=10000 pytest tests/test_properties.py`` tries as many examples of each.
"""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from random_cells import (
    between,
    clamps,
    current_clamps,
    examples,
    neurons,
    recordings,
    voltage_clamps,
)

import pyhodgkin as ph
from pyhodgkin.protocols.protocol import Protocol

EXACT = {"rtol": 1e-8, "atol": 1e-10, "saveat": 0.5}


def solve(neuron, protocol, backend="torch", **options):
    return ph.simulate(neuron, protocol, backend=backend, throw=False, **{**EXACT, **options})


@examples(25)
@given(neurons(), clamps)
def test_gates_stay_between_0_and_1_and_the_solve_succeeds(neuron, protocol):
    found = solve(neuron, protocol, rtol=1e-5, atol=1e-7)
    assert found.success, found.message
    assert np.isfinite(found.y).all()
    assert (found.y[:, 1:] >= -1e-6).all() and (found.y[:, 1:] <= 1.0 + 1e-6).all()


@examples(15)
@given(neurons(), current_clamps(), st.floats(1.0, 11.0))
def test_a_protocol_in_two_parts_is_the_whole(neuron, protocol, cut):
    cut = round(2.0 * cut) / 2.0
    whole = solve(neuron, protocol)
    first = solve(neuron, protocol.between(0.0, cut))
    second = solve(neuron, protocol.between(cut, protocol.t_end), y0=first.y[-1])
    joined = np.concatenate([first.y, second.y[1:]])
    np.testing.assert_allclose(joined, whole.y, rtol=1e-4, atol=1e-3)


@examples(10)
@given(neurons(), between(-10.0, 10.0), between(0.0, 5.0), between(0.5, 5.0))
def test_a_stimulus_that_comes_later_has_the_same_response_later(neuron, level, start, delay):
    delay = round(2.0 * delay) / 2.0
    waited = solve(neuron, ph.CurrentClamp.constant(0.0, delay))
    early = ph.CurrentClamp.step(level, start, start + 4.0, 12.0)
    late = ph.CurrentClamp.step(level, start + delay, start + delay + 4.0, 12.0 + delay)
    then = solve(neuron, early, y0=waited.y[-1])
    whole = solve(neuron, late)
    np.testing.assert_allclose(whole.y[-len(then.t) :], then.y, rtol=1e-4, atol=1e-3)


@examples(15)
@given(neurons(), current_clamps(), st.randoms(use_true_random=False))
def test_the_order_of_channels_does_not_matter(neuron, protocol, random):
    order = list(neuron.channels)
    random.shuffle(order)
    other = replace(neuron, channels=tuple(order))
    a, b = solve(neuron, protocol), solve(other, protocol)
    np.testing.assert_allclose(a.v, b.v, rtol=1e-5, atol=1e-4)


@examples(10)
@given(neurons(), st.lists(current_clamps(), min_size=2, max_size=5), st.data())
def test_the_order_of_a_batch_does_not_matter(neuron, protocols, data):
    order = data.draw(st.permutations(range(len(protocols))))
    a = solve(neuron, protocols)
    b = solve(neuron, [protocols[i] for i in order])
    np.testing.assert_array_equal(a.y[list(order)], b.y)
    alone = solve(neuron, protocols[0])
    np.testing.assert_allclose(a.y[0], alone.y, rtol=1e-6, atol=1e-6)


@examples(10)
@given(neurons(), between(-10.0, 10.0), between(100.0, 1e5))
def test_the_unit_system_does_not_matter(neuron, level, area):
    cell = replace(neuron, current_unit="uA/cm2")
    per_area = ph.CurrentClamp.step(level, 1.0, 9.0, 12.0)
    stated = ph.CurrentClamp.step(0.01 * area * level, 1.0, 9.0, 12.0, unit="pA")
    whole = solve(cell.whole_cell(area=area), stated)
    np.testing.assert_allclose(whole.v, solve(cell, per_area).v, rtol=1e-6, atol=1e-5)


@examples(26)
@given(neurons())
def test_a_document_gives_the_neuron_back_bit_by_bit(neuron):
    with tempfile.TemporaryDirectory() as folder:
        loaded = ph.document.load(ph.document.save(neuron, folder))
    assert loaded == neuron
    np.testing.assert_array_equal(loaded.theta, neuron.theta)


@examples(35)
@given(clamps)
def test_a_protocol_comes_back_from_plain_numbers(protocol):
    import json

    assert Protocol.from_dict(json.loads(json.dumps(protocol.to_dict()))) == protocol


@examples(15)
@given(st.lists(recordings(), min_size=1, max_size=3))
def test_recordings_come_back_from_a_table(items):
    given_ = ph.RecordingSet([r for r in items if r.current_unit == items[0].current_unit])
    back = ph.RecordingSet.from_pandas(given_.to_pandas())
    for a, b in zip(given_, back, strict=True):
        for name in ("t", "data", "mask"):
            np.testing.assert_array_equal(getattr(a, name), getattr(b, name))
        assert (a.protocol, a.name, a.setup, a.temperature) == (
            b.protocol, b.name, b.setup, b.temperature
        )  # fmt: skip


@examples(10)
@given(st.lists(recordings(), min_size=1, max_size=3))
def test_recordings_come_back_from_a_csv_file(items):
    same = [
        r for r in items
        if (r.protocol.kind, r.current_unit) == (items[0].protocol.kind, items[0].current_unit)
    ]  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        ph.RecordingSet(same).to_csv(Path(folder) / "x.csv")
        back = ph.read(Path(folder) / "x.csv")
    for a, b in zip(same, back, strict=True):
        np.testing.assert_array_equal(a.data, b.data)
        np.testing.assert_array_equal(a.mask, b.mask)
        np.testing.assert_array_equal(a.t - a.t[0], b.t)
        assert a.setup == b.setup and a.temperature == b.temperature


@examples(10)
@given(neurons(), current_clamps())
def test_a_solution_comes_back_from_its_file(neuron, protocol):
    found = solve(neuron, protocol)
    with tempfile.TemporaryDirectory() as folder:
        back = ph.Solution.load(found.save(Path(folder) / "x.npz"))
    np.testing.assert_array_equal(back.y, found.y)
    assert back.neuron == found.neuron and back.protocol == found.protocol


@pytest.mark.julia
@examples(10)
@given(neurons(), st.one_of(current_clamps(), voltage_clamps()))
def test_both_engines_give_the_same_trajectory(neuron, protocol):
    a, b = solve(neuron, protocol), solve(neuron, protocol, backend="julia")
    assert a.success and b.success
    np.testing.assert_allclose(a.y, b.y, rtol=1e-5, atol=1e-3)
