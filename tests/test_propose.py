"""A neuron proposed from recordings alone."""

from __future__ import annotations

import json

import numpy as np
import pytest

import pyhodgkin as ph
from pyhodgkin.cli import main
from pyhodgkin.errors import InputError
from pyhodgkin.proposal.candidates import of_the_size
from pyhodgkin.proposal.passive import passive_membrane


def passive_sweeps(amplitudes=(-40.0, 30.0), noise=0.1, unit="pA", scale=1.0):
    """120 pF, 6 nS, -72 mV: 20 ms."""
    cell = ph.Neuron("cell", (ph.leak(6.0 * scale, -72.0),), c_m=120.0 * scale, v_rest=-72.0)
    steps = [
        ph.CurrentClamp.step(a * scale, 20.0, 120.0, 160.0, unit=unit, baseline=0.0)
        for a in amplitudes
    ]
    solutions = ph.simulate(cell, steps, saveat=0.1, backend="torch")
    return [
        ph.Recording.from_solution(s, noise=noise, seed=i, name=f"{amplitudes[i]:g}")
        for i, s in enumerate(solutions)
    ]


@pytest.fixture(scope="module")
def spiking_sweeps():
    """A fast-spiking cell of 50 pF with half the potassium conductance of the published one."""
    cell = ph.library.get("pospischil_fs").whole_cell(capacitance=50.0, unit="pA")
    cell = cell.with_parameters(k__g=0.5 * cell.channel("k").g)
    amplitudes = (-40.0, 250.0)
    steps = [ph.CurrentClamp.step(a, 10.0, 50.0, 60.0, unit="pA") for a in amplitudes]
    solutions = ph.simulate(cell, steps, saveat=0.1, backend="torch")
    assert len(solutions[1].spike_times()) >= 2
    return [
        ph.Recording.from_solution(s, noise=0.1, seed=i, name=f"{amplitudes[i]:g}")
        for i, s in enumerate(solutions)
    ]


@pytest.mark.parametrize(("unit", "scale"), [("pA", 1.0), ("nA", 1e-3)])
def test_the_passive_membrane_is_found_within_the_noise(unit, scale):
    found = passive_membrane(passive_sweeps(noise=0.5, unit=unit, scale=scale))
    assert found.c == pytest.approx(120.0 * scale, rel=0.03)
    assert found.g == pytest.approx(6.0 * scale, rel=0.03)
    assert found.e == pytest.approx(-72.0, abs=0.2) and found.v_rest == pytest.approx(-72, abs=0.2)


def test_a_large_response_is_left_out_where_a_small_one_exists():
    names = passive_membrane(passive_sweeps((-40.0, 30.0, 150.0))).names
    assert names == ("-40", "30")


def test_a_measured_command_that_is_noisy_and_filtered_is_a_step_too():
    """As rigs record it: 20 points of rise, and noise; one sweep ends before its step."""
    sweeps = []
    for i, sweep in enumerate([*passive_sweeps((-40.0, 30.0)), passive_sweeps((300.0,))[0]]):
        rng = np.random.default_rng(i)
        slow = np.convolve(np.pad(sweep.command, 10, mode="edge"), np.ones(21) / 21, "valid")
        command = slow + rng.normal(0.0, 3.0, len(slow))
        part = ph.Recording(
            sweep.t,
            ph.CurrentClamp.sampled(sweep.t, command, unit="pA"),
            v=sweep.data,
            current_unit="pA",
            name=sweep.name,
        )
        sweeps.append(part if i < 2 else part.window(0.0, 19.0))
    found = passive_membrane(sweeps)
    assert found.names == ("-40", "30")
    assert found.c == pytest.approx(120.0, rel=0.1) and found.g == pytest.approx(6.0, rel=0.05)


def test_measured_commands_are_simulated_in_few_pieces(capsys):
    (plain,) = passive_sweeps((-40.0,))
    noisy = plain.command + np.random.default_rng(0).normal(0.0, 2.0, len(plain))
    clamp = ph.CurrentClamp.sampled(plain.t, noisy, unit="pA")
    sweep = ph.Recording(plain.t, clamp, v=plain.data, current_unit="pA", name="measured")
    proposal = ph.propose(sweep, backend="torch", say=print)
    assert "means over 0.5 ms" in capsys.readouterr().out
    (used,) = proposal.recordings
    assert used.protocol.segments.n_segments < 0.25 * sweep.protocol.segments.n_segments
    assert np.array_equal(used.data, sweep.data) and len(used) == len(sweep)
    assert abs(float(np.mean(used.command - sweep.command))) < 0.2
    assert proposal.neuron.c_m == pytest.approx(120.0, rel=0.1)
    assert ph.propose(plain, backend="torch").recordings == (plain,)


def test_a_sweep_that_ends_within_its_step_is_left_out():
    short = passive_sweeps((300.0,))[0].window(0.0, 24.0)
    assert passive_membrane([short, *passive_sweeps((-100.0,))]).names == ("-100",)


def test_a_cell_held_by_a_current_rests_where_it_was_measured():
    cell = ph.Neuron("cell", (ph.leak(6.0, -50.0),), c_m=120.0, v_rest=-60.0)
    clamp = ph.CurrentClamp.step(-30.0, 20.0, 120.0, 160.0, unit="pA", baseline=-60.0)
    sweep = ph.Recording.from_solution(ph.simulate(cell, clamp, saveat=0.1, backend="torch"))
    found = passive_membrane([sweep])
    assert found.e == pytest.approx(-50.0, abs=0.2) and found.v_rest == pytest.approx(-60.0)
    assert found.holding == pytest.approx(-60.0, rel=0.02)
    neuron = of_the_size(ph.library.get("squid_axon"), found, "pA")
    held = ph.CurrentClamp.constant(found.holding, 30.0, unit="pA")
    v = ph.simulate(neuron, held, backend="torch").v
    assert float(np.ptp(v)) < 0.5


def test_without_a_spike_the_membrane_is_all_that_is_proposed():
    proposal = ph.propose(passive_sweeps(), backend="torch")
    assert proposal.neuron.states == ("v",) and proposal.neuron.current_unit == "pA"
    assert "no recording holds a spike" in str(proposal)
    assert "pF" in str(proposal) and "nS" in str(proposal)


def test_a_candidate_has_the_conductance_and_the_rest_of_the_cell():
    passive = passive_membrane(passive_sweeps())
    cell = of_the_size(ph.library.get("traub_miles"), passive, "pA")
    start = cell.initial_state()
    quiet = ph.simulate(cell, ph.CurrentClamp.constant(0.0, 5.0, unit="pA"), backend="torch")
    assert start[0] == pytest.approx(passive.v_rest)
    assert np.abs(quiet.v - passive.v_rest).max() < 0.01


def test_the_class_of_a_spiking_cell_is_recognised(spiking_sweeps):
    lines = []
    proposal = ph.propose(spiking_sweeps, backend="torch", say=lines.append)
    assert tuple(lines) == proposal.log
    assert "pospischil_fs" in proposal.candidates[0].name
    scores = [c.score for c in proposal.candidates]
    assert scores == sorted(scores) and scores[0] < 0.7 * scores[-1]
    plain = ph.propose(spiking_sweeps, backend="torch", networks=False)
    assert not any(x.kinetics.kind == "neural" for x in plain.neuron.gates)


def test_a_channel_under_voltage_clamp_is_recognised():
    axon = ph.library.get("squid_axon").without_channel("na")
    clamps = ph.VoltageClamp.family([-40, -10, 20], start=2.0, stop=12.0, t_end=15.0)
    solutions = ph.simulate(axon, clamps, saveat=0.1, backend="torch")
    sweeps = [
        ph.Recording.from_solution(s, noise=1.0, seed=i, name=str(i), current_unit="uA/cm2")
        for i, s in enumerate(solutions)
    ]
    proposal = ph.propose(sweeps, backend="torch")
    best = proposal.candidates[0]
    assert best.name == "k_squid_axon"
    assert best.neuron.channel("k_squid_axon").g == pytest.approx(36.0, rel=0.02)
    assert "networks" not in proposal.trainable


@pytest.mark.parametrize(
    ("sweeps", "text"),
    [
        (lambda: [], "empty"),
        (lambda: passive_sweeps()[:1] + passive_sweeps(unit="nA", scale=1e-3)[:1], "nA and pA"),
        (lambda: passive_sweeps((0.0,)), "no current was injected"),
    ],
)
def test_what_it_refuses(sweeps, text):
    with pytest.raises(InputError, match=text):
        ph.propose(sweeps(), backend="torch")


def test_a_current_of_the_wrong_sign_is_told():
    (sweep,) = passive_sweeps((-40.0,))
    wrong = ph.CurrentClamp.step(40.0, 20.0, 120.0, 160.0, unit="pA")
    with pytest.raises(InputError, match="check the sign"):
        ph.propose(ph.Recording(sweep.t, wrong, v=sweep.v), backend="torch")


def test_fit_without_a_model_proposes_one(tmp_path, capsys):
    ph.RecordingSet(passive_sweeps()).to_csv(tmp_path / "cell.csv")
    command = ["fit", str(tmp_path / "cell.csv"), "--clamp", "current", "--backend", "torch"]
    assert main([*command, "--out", str(tmp_path / "run")]) == 0
    said = capsys.readouterr().out
    assert "proposing one" in said and "proposal.json" in said
    proposed = ph.document.load(tmp_path / "run" / "proposal.json")
    assert proposed.c_m == pytest.approx(120.0, rel=0.05)
    # It belongs to the run: --overwrite may replace it.
    listed = json.loads((tmp_path / "run" / "run.json").read_text())["files"]
    assert "proposal.json" in listed
    learned = ph.document.load(tmp_path / "run" / "model.json")
    assert learned.c_m == pytest.approx(120.0, rel=0.01)
    assert main([*command, "--gate", "n", "--out", str(tmp_path / "no")]) == 2
    assert "--gate n: needs --model" in capsys.readouterr().err and not (tmp_path / "no").exists()


def test_a_large_file_is_fitted_in_a_few_recordings(tmp_path, capsys):
    sweeps = passive_sweeps((-60.0, -50.0, -40.0, -30.0, 20.0, 30.0, 40.0))
    ph.RecordingSet(sweeps).to_csv(tmp_path / "cell.csv")
    command = ["fit", str(tmp_path / "cell.csv"), "--clamp", "current", "--backend", "torch"]
    assert main([*command, "--out", str(tmp_path / "run")]) == 0
    assert "trained on what was used of the recordings (5)" in capsys.readouterr().out
    rows = (tmp_path / "run" / "errors.csv").read_text().splitlines()[1:]
    assert len(rows) == 5 and all(",training," in row for row in rows)


def test_in_voltage_clamp_all_recordings_are_fitted():
    cell = ph.Neuron("cell", (ph.leak(5.0, -70.0),), c_m=100.0, v_rest=-70.0)
    levels = range(-120, -50, 10)
    sweeps = [
        ph.Recording.from_solution(
            ph.simulate(
                cell,
                ph.VoltageClamp.step(v, start=2.0, stop=12.0, t_end=15.0, holding=-70.0),
                saveat=0.1,
                backend="torch",
            ),
            noise=1.0,
            current_unit="pA",
            name=f"{v}",
        )
        for v in levels
    ]
    assert list(ph.propose(sweeps, backend="torch", networks=False).recordings) == sweeps
