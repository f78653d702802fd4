"""Properties of any fit: where it is cut and resumed, in what order recordings are given.

``PYHODGKIN_EXAMPLES=10000 pytest tests/test_properties_fits.py`` tries as many examples of each.
"""

from __future__ import annotations

import tempfile
import warnings

import numpy as np
import pytest
from fit_stub import StubBackend, neural, recording
from hypothesis import given
from hypothesis import strategies as st
from random_cells import between, current_clamps, examples, neurons

import pyhodgkin as ph

TRACES = [recording(k, f"trace{k}", samples=30) for k in range(3)]


class Cut(Exception):
    """Stands for anything that ends a process."""


@st.composite
def stages(draw) -> ph.Stage:
    optimizer = draw(st.sampled_from(["adamw", "lbfgs", "levenberg", "cmaes"]))
    more: dict = {}
    if optimizer == "adamw":
        more = {
            "lr": draw(between(0.005, 0.1)),
            "schedule": draw(st.sampled_from(["cosine", "constant", "halving"])),
            "weight_decay": draw(st.sampled_from([0.0, 0.01])),
            "batch": draw(st.sampled_from([None, 1, 2])),
        }
    mode = draw(st.sampled_from(["clamped", "simulation"]))
    return ph.Stage(mode, optimizer, draw(st.integers(1, 6)), **more)


@st.composite
def runs(draw) -> dict:
    """What a fit depends on; seeds are those of networks that are trained."""
    seeds = draw(st.sampled_from([None, [1], [1, 2]]))
    trainable = [["networks"], ["networks", "k.g"]] + ([["k.g", "na.g"]] if seeds is None else [])
    return {
        "schedule": tuple(draw(st.lists(stages(), min_size=1, max_size=3))),
        "seeds": seeds,
        "heldout": draw(st.sampled_from([None, ["trace2"]])),
        "trainable": draw(st.sampled_from(trainable)),
    }


def fitted(how: dict, on_call=None, traces=TRACES, **more) -> ph.FitResult:
    engine = StubBackend(on_call=on_call)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ph.errors.FitWarning)
        return ph.fit(neural(), traces, backend=engine, progress=False, **how, **more)


@examples(8)
@given(runs(), st.integers(1, 10_000))
def test_a_run_that_is_cut_and_resumed_ends_as_an_unbroken_one(how, at):
    calls: list[int] = []
    whole = fitted(how, on_call=calls.append)

    def cut(n: int) -> None:
        if n == 1 + at % len(calls):
            raise Cut

    with tempfile.TemporaryDirectory() as folder:
        if calls:
            with pytest.raises(Cut):
                fitted(how, on_call=cut, out=folder, checkpoint_every=0.0)
        resumed = fitted(how, out=folder, resume=True)
    np.testing.assert_array_equal(resumed.theta, whole.theta)
    np.testing.assert_array_equal(resumed.scores, whole.scores)
    for name in set(whole.history) - {"seconds"}:
        np.testing.assert_array_equal(resumed.history[name], whole.history[name], err_msg=name)
    assert resumed.log == whole.log


@examples(8)
@given(runs(), st.permutations(range(3)))
def test_the_order_of_recordings_does_not_matter(how, order):
    """To rounding: one step without batches, which are drawn by position."""
    stage = ph.Stage(how["schedule"][0].mode, "adamw", 3, schedule="constant")
    how = {**how, "schedule": (stage,)}
    a = fitted(how)
    b = fitted(how, traces=[TRACES[k] for k in order])
    np.testing.assert_allclose(b.theta, a.theta, rtol=1e-7, atol=1e-9)
    np.testing.assert_allclose(np.sort(b.scores), np.sort(a.scores), rtol=1e-7)


@examples(3)
@given(neurons(), st.lists(current_clamps(), min_size=2, max_size=3), st.data())
def test_the_loss_of_the_torch_engine_does_not_depend_on_the_order(neuron, protocols, data):
    order = data.draw(st.permutations(range(len(protocols))))
    t = np.linspace(0.0, 12.0, 25)
    traces = [ph.Recording(t, p, v=-60.0 + 5.0 * np.sin(t + k)) for k, p in enumerate(protocols)]

    def loss(which: list[ph.Recording]) -> float:
        found = ph.fit(neuron, which, schedule=ph.Stage("clamped", "adamw", 1),
                       trainable="l.g", backend="torch", progress=False)  # fmt: skip
        return float(found.scores.min())

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        np.testing.assert_allclose(loss([traces[k] for k in order]), loss(traces), rtol=1e-7)
