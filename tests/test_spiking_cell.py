"""Real cells that spike: spike trains compared, searches without a gradient, stages taken back."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

import pyhodgkin as ph
from pyhodgkin.backends import get
from pyhodgkin.backends.loss import Loss
from pyhodgkin.errors import FitWarning, InputError, UnknownNameError
from pyhodgkin.fitting.modes import SpikeTrains
from pyhodgkin.fitting.modes.spike_trains import miscounts, stretches
from pyhodgkin.fitting.prepared_recordings import left_out
from pyhodgkin.fitting.problem import Problem
from pyhodgkin.fitting.run.undo import kept_or_undone
from pyhodgkin.fitting.schedules.choose import choose
from pyhodgkin.fitting.tied_gates import TiedGates
from pyhodgkin.numerics.spike_distance import train_distance
from pyhodgkin.numerics.spikes import upward_crossings
from pyhodgkin.optimize.cmaes import CMAES
from pyhodgkin.proposal.general import general, spike_threshold
from pyhodgkin.proposal.passive import Passive
from pyhodgkin.recordings.denoise import levels
from pyhodgkin.recordings.sampling import around_spikes, for_simulation


def cell() -> ph.Neuron:
    """A squid axon as a small cell: nS, pF, pA."""
    return ph.library.get("squid_axon").whole_cell(area=1000.0, unit="pA")


def sweeps(noise: float = 0.1, t_end: float = 60.0) -> list[ph.Recording]:
    clamps = ph.CurrentClamp.family([60.0, 90.0, 120.0], 5.0, t_end - 10, t_end, unit="pA")
    solutions = ph.simulate(cell(), clamps, saveat=0.05, backend="torch")
    return [
        ph.Recording.from_solution(s, noise=noise, seed=i, name=f"sweep {i}")
        for i, s in enumerate(solutions)
    ]


def counts(neuron: ph.Neuron, recordings, backend: str = "torch") -> list[tuple[int, int]]:
    rows = ph.evaluate(neuron, recordings, backend=backend).rows()
    return [(row["spikes_measured"], row["spikes_predicted"]) for row in rows]


# -- how far trains are apart ---------------------------------------------------------


def test_a_spike_too_many_costs_as_much_as_one_missing():
    train = np.array([10.0, 30.0, 50.0])
    more = np.array([10.0, 20.0, 30.0, 40.0, 50.0])
    found = train_distance(train, [train[1:2], more], 5.0)
    assert found.tolist() == [2.0, 2.0]


def test_the_right_number_at_wrong_times_is_closer_than_silence():
    train = np.array([10.0, 30.0, 50.0])
    late, silent = train_distance(train, [train + 80.0, train[:0]], 5.0)
    assert late < silent == 3.0
    nearer = train_distance(train, [train + 40.0], 5.0)[0]
    assert nearer < late


def test_the_pairing_of_the_distance_is_the_cheapest():
    rng = np.random.default_rng(0)
    a, b = np.sort(rng.uniform(0, 50, 4)), np.sort(rng.uniform(0, 50, 5))

    def cheapest(i: int, j: int) -> float:
        if i == len(a) or j == len(b):
            return float(len(a) - i + len(b) - j)
        apart = abs(a[i] - b[j])
        pair = apart / (apart + 3.0) + cheapest(i + 1, j + 1)
        return min(pair, 1.0 + cheapest(i + 1, j), 1.0 + cheapest(i, j + 1))

    assert train_distance(a, [b], 3.0)[0] == pytest.approx(cheapest(0, 0))


def test_spikes_are_counted_between_the_changes_of_the_stimulus():
    measured, edges = np.array([10.0, 60.0]), np.array([0.0, 50.0, np.inf])
    elsewhere, extra = np.array([10.0, 12.0]), np.array([10.0, 60.0, 70.0])
    found = miscounts(measured, [measured, elsewhere, extra], edges)
    assert found == pytest.approx([0.0, 2 / np.sqrt(2), 1 / np.sqrt(2)])
    clamp = ph.CurrentClamp.step(9.0, 30.0, 60.0, 100.0, unit="pA")
    recording = ph.Recording(np.arange(100.0), clamp, v=np.zeros(100))
    assert stretches(recording).tolist() == [0.0, 30.0, 60.0, np.inf]
    assert miscounts(measured[:0], [extra], np.array([0.0, np.inf])) == pytest.approx([3.0])


@pytest.mark.parametrize("backend", ["torch", pytest.param("julia", marks=pytest.mark.julia)])
def test_a_spike_too_many_is_in_the_loss_of_either_engine(backend):
    neuron, (recording, *_) = cell(), sweeps(noise=0.0)
    few = ph.Recording(
        recording.t, recording.protocol, v=np.where(recording.t > 25.0, -65.0, recording.data)
    )
    missing = sum(counts(neuron, [few])[0]) - 2 * counts(neuron, [few])[0][0]
    assert missing > 0
    values = [
        get(backend).value_and_grad(neuron, [few], neuron.theta, loss, mode="simulation").value
        for loss in (Loss(spikes=0.1), Loss(spikes=0.1, extra=1.0))
    ]
    each = 0.1 * 25.0 * missing / counts(neuron, [few])[0][0]
    assert float(values[1] - values[0]) == pytest.approx(each, rel=1e-6)


def test_extra_must_not_be_negative():
    with pytest.raises(InputError, match="extra"):
        Loss(extra=-1.0)


# -- the search -----------------------------------------------------------------------


def test_a_search_goes_on_from_its_state_as_it_would_have():
    def values(k, x):
        return np.sum((x - 1.0) ** 2, axis=-1)

    def run(optimizer, steps):
        for _ in range(steps):
            x = optimizer.ask()
            optimizer.tell(values(0, x), np.zeros(x.shape), 0.0)
        return optimizer

    whole = run(CMAES(np.zeros((1, 4)), values, 0.3), 20)
    part = run(CMAES(np.zeros((1, 4)), values, 0.3), 8)
    again = CMAES(np.zeros((1, 4)), values, 0.3)
    again.restore(part.state())
    assert np.array_equal(run(again, 12).point, whole.point)


def test_gates_move_as_a_whole():
    neuron = general(Passive(100.0, 5.0, -65.0, -65.0, ()), -45.0, "pA")
    block = TiedGates(neuron, neuron.layout.select(["conductances", "rates"]))
    names = [neuron.layout.names[i] for i in block.indices]
    assert names.count("na.g") == 1 and len(names) == len(set(names)) + 0
    phi = np.zeros((1, len(names)))
    phi[0, next(i for i, n in enumerate(names) if n.startswith("na.m") and n.endswith("v0"))] = 0.5
    moved = neuron.with_theta(block.apply(phi, neuron.theta[None])[0])
    v = np.linspace(-80.0, 20.0, 11)
    for curve in ("x_inf", "tau"):
        before = getattr(neuron.gate("m").kinetics, curve)(v)
        after = getattr(moved.gate("m").kinetics, curve)(v + 5.0)
        assert np.allclose(before, after, rtol=1e-9)
    assert np.array_equal(moved.gate("n").kinetics.x_inf(v), neuron.gate("n").kinetics.x_inf(v))


def test_a_search_finds_spikes_that_a_silent_start_lacks():
    recordings = sweeps(t_end=40.0)
    silent = cell().with_parameters(na__g=0.2 * cell().channel("na").g)
    assert all(p == 0 for _, p in counts(silent, recordings))
    stage = ph.Stage(SpikeTrains(20.0), "cmaes", 15, lr=0.3, options={"rtol": 1e-4})
    found = ph.fit(
        silent, recordings, trainable="conductances", schedule=stage, backend="torch",
        progress=False,
    )  # fmt: skip
    assert all(abs(m - p) <= 1 for m, p in counts(found.neuron, recordings))
    assert any("measured/predicted" in line for line in found.log)


def test_spike_trains_are_of_current_clamp():
    clamp = ph.VoltageClamp(-65.0, 1.0)
    recording = ph.Recording([0, 1], clamp, current=[0, 0], current_unit="pA")
    with pytest.raises(InputError, match="voltage clamp"):
        ph.fit(cell(), recording, trainable="k.g", schedule=ph.Stage("spikes", "cmaes", 2))
    with pytest.raises(InputError, match="cmaes"):
        ph.Stage("spikes", "lbfgs")
    with pytest.raises(UnknownNameError, match="sampling"):
        ph.Stage(sampling="some")


# -- stages taken back ----------------------------------------------------------------


def test_a_stage_that_loses_the_spikes_is_taken_back():
    recordings, neuron = sweeps(t_end=40.0), cell()
    problem = Problem(get("torch"), neuron, recordings)
    silent = neuron.with_parameters(na__g=0.2 * neuron.channel("na").g).theta
    stage = ph.Stage("simulation", undo=True)
    kept, lines = kept_or_undone(problem, stage, neuron.theta[None], silent[None])
    assert np.array_equal(kept[0], neuron.theta) and "taken back" in lines[0]
    kept, lines = kept_or_undone(problem, stage, silent[None], neuron.theta[None])
    assert np.array_equal(kept[0], neuron.theta) and "taken back" not in lines[0]
    both = kept_or_undone(
        problem, stage, np.stack([neuron.theta, silent]), silent[None].repeat(2, 0)
    )
    assert np.array_equal(both[0], [neuron.theta, silent])


def test_half_of_a_stage_is_kept_where_it_goes_too_far():
    recordings, neuron = sweeps(noise=0.0, t_end=40.0), cell()
    problem = Problem(get("torch"), neuron, recordings)
    na = neuron.channel("na").g
    few, many = (neuron.with_parameters(na__g=f * na).theta for f in (0.5, 1.5))
    stage = ph.Stage("simulation", undo=True)
    kept, lines = kept_or_undone(problem, stage, few[None], many[None])
    assert np.allclose(kept[0], neuron.theta)
    assert any("0.5 of its way" in line for line in lines)


def test_a_fit_takes_back_what_a_square_of_v_makes_of_spikes():
    recordings, neuron = sweeps(t_end=40.0), cell()
    flat = ph.Loss(v_clip=-60.0, scale=0.1)  # its minimum is a silent neuron
    fitted = ph.fit(
        neuron, recordings, trainable="na.g", backend="torch", progress=False,
        schedule=ph.Stage("simulation", "adamw", 10, lr=0.5, loss=flat, undo=True),
    )  # fmt: skip
    assert all(abs(m - p) <= 1 for m, p in counts(fitted.neuron, recordings))


def test_what_is_left_out_of_a_stage_decides_whether_it_is_kept():
    recordings, neuron = sweeps(t_end=40.0), cell()
    problem = Problem(get("torch"), neuron, [*recordings, recordings[0]])
    stage = ph.Stage("simulation", undo=True, leave_out=(1, 2))
    assert left_out(4, stage.leave_out) == [1, 3] and left_out(3, stage.leave_out) == []
    _, lines = kept_or_undone(problem, stage, neuron.theta[None], 1.0 * neuron.theta[None])
    assert "left out" in lines[0] and "taken back" in lines[1]  # nothing was gained there


def test_a_silent_result_is_warned_of_and_says_so():
    recordings, neuron = sweeps(t_end=40.0), cell()
    silent = neuron.with_parameters(na__g=0.2 * neuron.channel("na").g)
    stage = ph.Stage("simulation", "lbfgs", 1)
    with pytest.warns(FitWarning, match="silent"):
        result = ph.fit(silent, recordings, trainable="l.g", schedule=stage, backend="torch",
                        progress=False)  # fmt: skip
    assert result.goodness is not None and result.goodness.verdict == "silent"
    with warnings.catch_warnings():
        warnings.simplefilter("error", FitWarning)
        fine = ph.fit(neuron, recordings, trainable="l.g", schedule=stage, backend="torch",
                      progress=False)  # fmt: skip
    assert fine.goodness is not None and fine.goodness.verdict == "explains"


# -- what is chosen -------------------------------------------------------------------


def test_cells_in_pa_with_noise_have_stages_of_their_own_and_a_clamped_start():
    neuron, recordings = cell(), sweeps(noise=0.03)
    indices = neuron.layout.select(["conductances", "rates"])
    stages, reason = choose(None, neuron, recordings, indices, noise=levels(recordings, None))
    assert "real cell" in reason
    assert [x.mode.name for x in stages][:3] == ["clamped", "clamped", "spikes"]
    assert stages[-1].undo and stages[-1].loss.extra == 1.0
    # Neither noise-free recordings nor those per area are taken for real ones.
    clean = sweeps(noise=0.0)
    assert "real cell" not in choose(None, neuron, clean, indices, noise=(0.0,) * 3)[1]


def test_little_noise_leaves_the_clamped_start():
    axon = ph.library.get("squid_axon")
    clamp = ph.CurrentClamp.step(10.0, start=2.0, stop=20.0, t_end=25.0)
    solution = ph.simulate(axon, clamp, saveat=0.05, backend="torch")
    for noise, first in ((0.03, "clamped"), (0.5, "observer")):
        recording = ph.Recording.from_solution(solution, noise=noise, seed=1)
        indices = axon.layout.select("conductances")
        stages, reason = choose(None, axon, [recording], indices, noise=levels([recording], None))
        assert stages[0].mode.name == first and stages[-1].mode.name == "simulation", reason


def test_fewer_samples_keep_the_spikes():
    recording = sweeps()[2]
    few, driving = for_simulation(recording), around_spikes(recording)
    assert len(few) < 0.4 * len(recording) and len(driving) < 0.7 * len(recording)
    for part in (few, driving):
        before = upward_crossings(recording.t, recording.data, 0.0, 1.0)
        after = upward_crossings(part.t, part.data, 0.0, 1.0)
        assert len(before) == len(after) and np.max(np.abs(before - after)) < 0.1
        assert float(part.t[0]) == float(recording.t[0])


def test_the_threshold_of_spikes_is_where_v_begins_to_rise():
    assert -60.0 < spike_threshold(sweeps(noise=0.02)) < -35.0
