"""SurrogateNeuron gates searched from many starts, and networks set to them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import pyhodgkin as ph
from pyhodgkin import Stage
from pyhodgkin.backends import get
from pyhodgkin.backends.base import SolveOptions
from pyhodgkin.backends.loss import Loss
from pyhodgkin.errors import InputError
from pyhodgkin.fitting.initialize.distill import distill_gate
from pyhodgkin.fitting.initialize.multistart import SMALL, learnable_gates, search, sparse, thinned
from pyhodgkin.neuron.channels import NeuralCurrent
from pyhodgkin.neuron.gates import Gate
from pyhodgkin.neuron.kinetics import RateKinetics
from pyhodgkin.neuron.rates import Constant, Sigmoid


def _trace(t_end: float = 30.0) -> ph.Recording:
    clamp = ph.CurrentClamp.step(12.0, start=2.0, stop=t_end - 5.0, t_end=t_end)
    return ph.Recording.from_solution(
        ph.simulate(ph.library.get("squid_axon"), clamp, saveat=0.1, backend="torch")
    )


def _unknown(*gates: str, form: str = "steady_state") -> ph.Neuron:
    cell = ph.library.get("squid_axon")
    for i, gate in enumerate(gates):
        network = ph.Network.create((1, 8, 8, 2), seed=i)
        cell = cell.replace_gate(gate, ph.NeuralKinetics(form, network))
    return cell


@pytest.mark.parametrize("form", ["steady_state", "rates"])
def test_a_search_ends_near_the_gate_and_again_at_the_same(form):
    cell, trace, engine = _unknown("n", form=form), _trace(), get("torch")
    indices, options = cell.layout.select("networks"), SolveOptions()
    args = (engine, cell, [trace], cell.theta, indices)
    theta, loss = search(*args, seed=3, candidates=4, options=options)
    again, _ = search(*args, seed=3, candidates=4, options=options)
    assert np.array_equal(theta, again) and 0 < loss < 1e-3

    def clamped(at):
        kind = Loss("huber", delta=0.02)
        found = engine.value_and_grad(
            cell, [trace], at, kind, mode="clamped", y0=None, options=options
        )
        return float(found.value)

    assert clamped(theta) < 0.05 * clamped(cell.theta)
    unchanged = np.setdiff1d(np.arange(cell.layout.size), indices)
    assert np.array_equal(theta[unchanged], cell.theta[unchanged])


def test_a_stage_that_searches_says_so_and_resumes(tmp_path):
    cell, trace = _unknown("n"), _trace(15.0)
    schedule = [Stage("clamped", "lbfgs", 6, multistart=2)]
    whole = ph.fit(cell, trace, schedule=schedule, seeds=1, backend="torch", progress=False)
    assert any(line.startswith("search: simple gates for n") for line in whole.log)
    arguments = {"seeds": 1, "backend": "torch", "progress": False, "schedule": schedule}
    ph.fit(cell, trace, out=tmp_path / "run", callback=lambda info: info.step >= 3,
           checkpoint_every=0.0, **arguments)  # fmt: skip
    resumed = ph.fit(cell, trace, out=tmp_path / "run", resume=True, **arguments)
    assert np.array_equal(resumed.theta, whole.theta)


def test_what_cannot_be_searched():
    cell = ph.library.get("squid_axon")
    assert learnable_gates(cell, cell.layout.select("all")) == ()
    with pytest.raises(InputError, match="no gate"):
        search(get("torch"), cell, [_trace(15.0)], cell.theta, cell.layout.select("rates"),
               seed=0, candidates=2, options=SolveOptions())  # fmt: skip
    with pytest.raises(InputError, match="multistart = -1"):
        Stage("clamped", multistart=-1)


def test_thinned_recordings_keep_their_protocol():
    trace = _trace()
    (thin,) = thinned([trace], samples=100)
    assert len(thin) == 101 and thin.protocol is trace.protocol
    assert thinned([trace], samples=1_000)[0] is trace


@pytest.mark.slow
def test_several_unknown_gates_are_searched_by_default():
    traces = [_trace(), _trace(25.0)]
    result = ph.fit(
        _unknown("n", "h"), traces, seeds=1, backend="torch", progress=False,
        callback=lambda info: info.stage == 0 and info.step >= 60,
    )  # fmt: skip
    assert "several gates unknown" in result.log[0]
    assert np.all(np.isfinite(result.theta)) and result.scores[0] < 1e-2


def _without_m() -> tuple[ph.Neuron, ph.Neuron, ph.Recording]:
    """A cell that cannot spike, with an M current; one with an unknown current; what it shows."""
    true = ph.library.get("pospischil_rs").without_channel("na").without_channel("k")
    clamp = ph.CurrentClamp.step(3.0, start=5.0, stop=100.0, t_end=150.0)
    trace = ph.Recording.from_solution(ph.simulate(true, clamp, saveat=0.25, backend="torch"))
    slow = Gate("x", ph.NeuralKinetics("steady_state", ph.Network.create((1, 8, 2), seed=0)))
    unknown = NeuralCurrent("unknown", ph.Network.create((2, 8, 1), seed=1), (slow,), scale=5.0)
    blind = true.without_channel("km")
    return blind, blind.with_channel(unknown), trace


def test_a_current_is_searched_as_a_channel(monkeypatch):
    monkeypatch.setattr("pyhodgkin.fitting.initialize.multistart.ROUNDS", ((1.0, 10), (0.5, 20)))
    monkeypatch.setattr("pyhodgkin.fitting.initialize.multistart.LAST", (0.3, 20))
    blind, cell, trace = _without_m()
    indices, options, engine = cell.layout.select("networks"), SolveOptions(), get("torch")
    assert learnable_gates(cell, indices) == ("x",)
    only_gate = cell.layout.select(["unknown.x.network.*"])
    assert learnable_gates(cell, only_gate) == ()  # the current would say something else of it
    theta, loss = search(
        engine, cell, [trace], cell.theta, indices, seed=0, candidates=6, options=options
    )
    (few,) = sparse([trace])
    assert len(few) < len(trace) and few.t[0] == trace.t[0]

    def clamped(neuron):
        found = engine.value_and_grad(
            neuron, [few], neuron.theta, SMALL, mode="clamped", y0=None, options=options
        )
        return float(found.value)

    assert loss < 0.05 * clamped(blind)
    assert clamped(cell.with_theta(theta)) < 0.1 * clamped(blind)
    unchanged = np.setdiff1d(np.arange(cell.layout.size), indices)
    assert np.array_equal(theta[unchanged], cell.theta[unchanged])


def test_a_gate_of_a_current_is_scaled_to_its_whole_range():
    kinetics = ph.NeuralKinetics("steady_state", ph.Network.create((1, 16, 2)))
    v = np.linspace(-90.0, 40.0, 131)
    small = RateKinetics(Sigmoid(0.02, -40.0, 12.0), Constant(1.0))
    size = float(np.max(small.x_inf(v)))
    found = replace(kinetics, network=distill_gate(kinetics, small, v, 0, size))
    assert size < 0.03 and np.allclose(found.x_inf(v), small.x_inf(v) / size, atol=0.01)
    assert np.allclose(found.tau(v), small.tau(v), rtol=0.05)
