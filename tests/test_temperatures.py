"""The temperature of recordings: neurons are taken to it by their q10, or it is refused."""

import csv
import warnings
from dataclasses import replace

import pytest

import pyhodgkin as ph
from pyhodgkin.errors import RecordingError, RecordingWarning
from pyhodgkin.neuron.kinetics import NeuralKinetics
from pyhodgkin.neuron.networks import Network
from pyhodgkin.recordings.temperatures import at_recordings

AXON = ph.library.get("squid_axon")  # 6.3 deg C, q10 3
CLAMP = ph.CurrentClamp.step(10.0, start=1.0, stop=6.0, t_end=8.0)
FAMILY = ph.VoltageClamp.step(0.0, start=1.0, stop=6.0, t_end=8.0)


def recorded(protocol=CLAMP, celsius=16.3, stated=True, **changes):
    cell = replace(AXON, temperature=celsius).with_parameters(**changes)
    trace = ph.simulate(cell, protocol, saveat=0.1, backend="torch")
    name = f"at {celsius:g}"
    known = {"temperature": celsius} if stated else {}
    return ph.Recording.from_solution(trace, current_unit="uA/cm2", name=name, **known)


@pytest.mark.parametrize("protocol", [CLAMP, FAMILY])
def test_evaluate_takes_the_neuron_to_the_recording(protocol):
    with pytest.warns(RecordingWarning, match=r"from 6.3 °C to 16.3 °C.*n, m, h times 3"):
        found = ph.evaluate(AXON, recorded(protocol), backend="torch")
    assert found.rows()[0]["rmse"] < 1e-3
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        unstated = ph.evaluate(AXON, recorded(protocol, stated=False), backend="torch")
    assert unstated.rows()[0]["rmse"] > 1.0


def test_evaluate_takes_each_recording_at_its_own_temperature():
    with pytest.warns(RecordingWarning):
        found = ph.evaluate(AXON, [recorded(celsius=c) for c in (6.3, 12.0, 16.3)], backend="torch")
    assert max(row["rmse"] for row in found.rows()) < 1e-3


def test_fit_takes_the_neuron_to_the_recording():
    with pytest.warns(RecordingWarning, match="times 3"):
        result = ph.fit(
            AXON.with_parameters(k__g=30.0),
            recorded(FAMILY),
            trainable="k.g",
            backend="torch",
            progress=False,
        )
    assert result.neuron.temperature == 16.3
    assert result.neuron.channel("k").g == pytest.approx(36.0, abs=0.01)
    assert any("16.3 °C" in line for line in result.log)


def test_adapt_and_identifiability_do_so_too():
    recording = recorded(CLAMP, k__g=33.0)
    with pytest.warns(RecordingWarning, match="times 3") as said:
        result = ph.adapt(AXON, recording, trainable="k.g", backend="torch")
    assert len(said) == 1
    assert result.neuron.channel("k").g == pytest.approx(33.0, abs=0.05)
    with pytest.warns(RecordingWarning, match="times 3"):
        ph.identifiability(AXON, recording, trainable="k.g", noise=1.0, backend="torch")


def test_recordings_of_different_temperature_are_refused_in_one_fit():
    two = [recorded(FAMILY, celsius=c) for c in (6.3, 16.3)]
    said = r'recordings are at 6.3 °C \("at 6.3"\) and at 16.3 °C \("at 16.3"\)'
    with pytest.raises(RecordingError, match=said):
        ph.fit(AXON, two, trainable="k.g", backend="torch")
    with pytest.raises(RecordingError, match=said):
        ph.fit(AXON, two[0], heldout=two[1], trainable="k.g", backend="torch")


def test_a_recording_without_a_temperature_changes_nothing():
    plain = recorded(FAMILY, stated=False)
    assert at_recordings(AXON, [plain]) == (AXON, "")
    mixed, note = at_recordings(AXON, [plain, replace(plain, temperature=16.3)])
    assert mixed.temperature == 16.3 and "times 3" in note


def test_the_bath_may_vary_a_little():
    plain = recorded(FAMILY, stated=False)
    sweeps = [replace(plain, temperature=t) for t in (22.0, 22.2, 22.4)]
    assert at_recordings(AXON, sweeps)[0].temperature == pytest.approx(22.2)


def test_gates_without_a_q10():
    plain = recorded(FAMILY, stated=False)
    warm = replace(plain, temperature=36.0)
    cell = replace(ph.library.get("wang_buzsaki"), temperature=22.0)
    with pytest.raises(RecordingError, match=r"h, n has no q10 .*t_ref=22"):
        ph.evaluate(cell, warm, backend="torch")
    same, note = at_recordings(cell, [replace(plain, temperature=22.0)])
    assert same == cell and note == ""
    # It does not say what its temperature is: nothing disagrees.
    unknown = ph.library.get("wang_buzsaki")
    assert at_recordings(unknown, [warm])[1] == ""


def test_what_is_learned_is_learned_at_the_temperature_of_the_recording():
    network = NeuralKinetics("steady_state", Network.create((1, 4, 2), seed=0))
    cell = AXON.replace_gate("n", network)
    warm = replace(recorded(FAMILY, stated=False), temperature=16.3)
    taken, note = at_recordings(cell, [warm], cell.layout.select("networks"))
    assert taken.temperature == 16.3 and "rates of m, h times 3" in note
    with pytest.raises(RecordingError, match="n has no q10"):
        at_recordings(cell, [warm])
    with pytest.raises(RecordingError, match="n has no q10"):
        at_recordings(taken, [replace(warm, temperature=30.0)])


def test_a_neuron_without_its_own_temperature_starts_from_that_of_its_gates():
    cell = ph.library.get("traub_miles")  # gates at 36 deg C, q10 3
    plain = recorded(FAMILY, stated=False)
    taken, note = at_recordings(cell, [replace(plain, temperature=26.0)])
    assert taken.gate("m").rate_factor(taken.temperature) == pytest.approx(1 / 3)
    assert "from the t_ref of its gates to 26 °C" in note


def test_a_passive_membrane_has_no_temperature():
    cell = ph.Neuron("passive", (ph.leak(0.3, -65.0),), temperature=20.0)
    plain = recorded(FAMILY, stated=False)
    several = [replace(plain, temperature=t) for t in (20.0, 35.0)]
    assert at_recordings(cell, several) == (cell, "")


def test_the_command_line_scores_tests_at_their_temperature(tmp_path, capsys):
    from pyhodgkin.cli.app import main

    for celsius in (6.3, 16.3):
        recorded(FAMILY, celsius=celsius).to_csv(tmp_path / f"{celsius:g}.csv")
    command = ["fit", str(tmp_path / "6.3.csv"), "--model", "squid_axon", "--train", "k.g"]
    command += ["--test", str(tmp_path / "16.3.csv"), "--backend", "torch"]
    assert main([*command, "--out", str(tmp_path / "run")]) == 0
    assert "from 6.3 °C to 16.3 °C" in capsys.readouterr().err
    with open(tmp_path / "run" / "errors.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [float(row["rmse"]) < 0.5 for row in rows] == [True, True]
    # A network that is learned at one temperature cannot be scored at another: told at once.
    learned = [*command[:4], "--gate", "n", *command[6:], "--out", str(tmp_path / "net")]
    assert main(learned) == 2
    assert "n has no q10" in capsys.readouterr().err
    assert not (tmp_path / "net").exists()


def test_candidates_are_proposed_at_the_temperature_of_the_recordings():
    from pyhodgkin._propose import _at
    from pyhodgkin.proposal.candidates import Candidate

    names = ("squid_axon", "wang_buzsaki", "pospischil_ib")
    library = [Candidate(name, ph.library.get(name)) for name in names]
    lines = []
    found = _at(library, 16.3, lines.append)
    assert [(c.name, c.neuron.temperature) for c in found] == [
        ("squid_axon", 16.3),
        ("wang_buzsaki", 16.3),
    ]
    assert "squid_axon: at 16.3 °C" in lines[0] and "pospischil_ib: left out" in lines[1]
    assert _at(library, None, lines.append) == library and len(lines) == 2
