"""`pyhodgkin fit` and `pyhodgkin show`: from files to a folder, and back."""

from __future__ import annotations

import csv
import json
from dataclasses import replace

import numpy as np
import pytest
from test_cli import assert_one_line_error, run

import pyhodgkin as ph
from pyhodgkin.cli import report, sources
from pyhodgkin.errors import SolveError
from pyhodgkin.results.fit_result import FitResult


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Voltage-clamp recordings of a squid axon whose potassium conductance is 30 mS/cm²."""
    folder = tmp_path_factory.mktemp("recordings")
    cell = ph.library.get("squid_axon", k__g=30.0)
    for level in (-40, -20, 0, 20):
        protocol = ph.VoltageClamp.step(level, start=2.0, stop=12.0, t_end=15.0)
        solution = ph.simulate(cell, protocol, saveat=0.1)
        recording = ph.Recording.from_solution(solution, noise=0.1, current_unit="uA/cm2")
        recording.to_csv(folder / f"step{level}.csv")
    return folder


def arguments(folder, out, *more) -> list:
    train = [folder / "step-40.csv", folder / "step0.csv"]
    test = ["--test", folder / "step20.csv"]
    return ["fit", *train, *test, "--model", "squid_axon", "--out", out, *more]


@pytest.fixture(scope="module")
def fitted(folder, tmp_path_factory):
    """The folder of a finished fit of one conductance."""
    from pyhodgkin.cli import main

    out = tmp_path_factory.mktemp("fits") / "run"
    assert main([str(a) for a in arguments(folder, out, "--train", "k.g")]) == 0
    return out


def test_fit_finds_a_conductance(fitted):
    assert ph.document.load(fitted / "model.json").channel("k").g == pytest.approx(30.0, rel=1e-3)
    result = FitResult.load(fitted)
    assert float(result.train_error.mean("mae")[0]) < 0.15


def test_the_folder_holds_plain_files(fitted):
    names = {path.name for path in fitted.iterdir()}
    assert {"model.json", "summary.json", "history.csv", "errors.csv"} <= names
    assert {"loss.png", "fit_training.png", "fit_test.png"} <= names
    with open(fitted / "errors.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["role"] for row in rows] == ["training", "training", "test"]
    assert all(float(row["mae"]) < 0.15 and row["unit"] == "uA/cm2" for row in rows)


def test_show_prints_what_fit_printed(capsys, fitted):
    code, out, _ = run(capsys, "show", fitted)
    assert code == 0
    for part in ("finished", "training", "test", "mean of 2", "fit_test.png"):
        assert part in out
    (fitted / "loss.png").unlink()
    assert run(capsys, "show", fitted, "--redraw", "--published", "squid_axon")[0] == 0
    assert (fitted / "loss.png").exists()


def test_the_learned_document_is_a_model(capsys, fitted, tmp_path):
    command = ("simulate", fitted, "--step", 10, "--t-end", 20, "--dt", 0.1)
    assert run(capsys, *command, "--out", tmp_path / "again")[0] == 0


def test_fit_of_a_gate_with_several_starts(capsys, folder, tmp_path, monkeypatch):
    from fit_stub import StubBackend

    monkeypatch.setattr(ph.backends, "get", lambda *_: StubBackend())
    gate = ("--gate", "n", "--hidden", 4, "--form", "residual", "--seeds", 3, 5)
    halves = ("--heldout", 0.5, "--mask-steps", 1, "--thin", 2)
    code, out, _ = run(capsys, *arguments(folder, tmp_path / "run", *gate, *halves))
    assert code == 3  # what the stub predicts explains no recording
    for part in ("every start", "best start", "held out MAE", "test MAE"):
        assert part in out
    result = FitResult.load(tmp_path / "run")
    assert result.seeds == (3, 5) and result.neuron.gate("n").kinetics.form == "residual"
    assert result.neuron.gate("n").kinetics.network.layers == (1, 4, 2)
    names = {path.name for path in (tmp_path / "run").iterdir()}
    assert {"kinetics.png", "fit_heldout.png"} <= names
    used = [p for p in result.predictions if not p.heldout]
    assert len(used) == 1 and not used[0].mask.all() and len(used[0].t) == 76


def test_resume_of_a_finished_run_changes_nothing(capsys, folder, fitted):
    before = ph.document.load(fitted / "model.json")
    again = arguments(folder, fitted, "--train", "k.g", "--resume")
    assert run(capsys, *again)[0] == 0
    assert ph.document.load(fitted / "model.json") == before


@pytest.mark.parametrize(
    ("more", "part"),
    [
        (["--gate", "q"], "unknown gate"),
        (["--train", "zz.g"], "unknown parameter"),
        (["--gate", "n", "--form", "residul"], 'did you mean "residual"'),
        (["--gate", "n", "--activation", "tan"], "tan"),
        (["--train", "k.g", "--loss", "msee"], "msee"),
        (["--train", "k.g", "--seeds", "0"], "--seeds 0"),
        (["--train", "k.g", "--heldout", "1.5"], "fraction"),
        (["--train", "k.g", "--heldout", "missing.csv"], "missing.csv"),
        (["--train", "k.g", "--thin", "0"], "--thin"),
    ],
)
def test_bad_input_is_one_line_and_nothing_is_written(capsys, folder, tmp_path, more, part):
    out = tmp_path / "run"
    assert_one_line_error(run(capsys, *arguments(folder, out, *more)), part)
    assert not out.exists()


def test_the_recordings_are_named_before_the_first_long_computation(
    capsys, folder, tmp_path, monkeypatch
):
    said = []

    def stopped(*_, **__):
        said.append(capsys.readouterr().out)
        raise SolveError("stopped")

    monkeypatch.setattr(ph, "propose", stopped)
    monkeypatch.setattr("pyhodgkin.fitting.run.trainer.Trainer.run", stopped)
    files = [folder / f"step{level}.csv" for level in (-40, -20, 0)]
    more = ("--heldout", 0.34, "--test", folder / "step20.csv", "--out", tmp_path / "run")
    for model in ((), ("--model", "squid_axon", "--train", "k.g")):
        assert run(capsys, "fit", *files, *more, *model)[0] == 2
    assert len(said) == 2
    for text in said:
        assert [line.split(":")[0] for line in text.splitlines()[:4]] == [
            "step-40", "step-20", "step0", "step20"
        ]  # fmt: skip
        roles = [line.split(": ")[1].split(",")[0] for line in text.splitlines()[:4]]
        assert roles == ["training", "training", "held out", "test"]


def test_a_recording_without_units_is_refused(capsys, tmp_path):
    path = tmp_path / "bare.csv"
    np.savetxt(path, np.zeros((9, 3)), delimiter=",", header="t,v,i", comments="")
    command = ("fit", path, "--model", "squid_axon", "--train", "k.g", "--clamp", "voltage")
    result = run(capsys, *command, "--out", tmp_path / "run")
    assert_one_line_error(result, "bare.csv", "unit")


@pytest.mark.parametrize(
    ("content", "part"), [(None, "holds no run"), ("{", "not JSON"), ("[]", "not the summary")]
)
def test_show_of_no_run_is_one_line(capsys, tmp_path, content, part):
    if content is not None:
        (tmp_path / "summary.json").write_text(content)
    assert_one_line_error(run(capsys, "show", tmp_path), part)
    assert_one_line_error(run(capsys, "show", tmp_path / "missing"), "missing")


def test_show_of_a_simulation(capsys, tmp_path):
    command = ("simulate", "squid_axon", "--step", 7, "--t-end", 30, "--dt", 0.1)
    assert run(capsys, *command, "--out", tmp_path / "run")[0] == 0
    code, out, _ = run(capsys, "show", tmp_path / "run")
    assert code == 0 and "spikes" in out and "trace.png" in out


def test_arguments_of_one_file():
    path, given = sources.split("a/b.npz:voltage=V_mV,current=2,dt=dt_ms,rate=1e4")
    assert path == "a/b.npz"
    assert given == {"voltage": "V_mV", "current": 2, "dt": "dt_ms", "rate": 1e4}
    with pytest.raises(ph.errors.UnknownNameError, match='did you mean "voltage"'):
        sources.split("b.npz:voltag=V")
    with pytest.raises(ph.errors.InputError, match="give dt=value"):
        sources.split("b.npz:dt=")


def test_exit_codes_of_a_fit(fitted):
    result = FitResult.load(fitted)
    assert report.exit_code(result) == 0
    assert report.exit_code(replace(result, status=ph.Status.INTERRUPTED)) == 130
    failed = replace(result, scores=np.array([np.inf]), status=ph.Status.MAX_STEPS)
    with pytest.raises(SolveError, match="no start has a finite loss"):
        report.exit_code(failed)


def test_the_summary_is_json(fitted):
    assert json.loads((fitted / "summary.json").read_text())["status"] == "SUCCESS"
