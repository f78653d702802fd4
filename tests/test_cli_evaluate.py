"""`pyhodgkin evaluate`: from recordings and a model to a table, files and a figure."""

from __future__ import annotations

import csv
import json

import pytest
from fit_stub import run as fitted
from test_cli import assert_one_line_error, run

import pyhodgkin as ph


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Three sweeps of a squid axon, and its document."""
    folder = tmp_path_factory.mktemp("recordings")
    cell = ph.library.get("squid_axon", k__g=30.0)
    clamps = [ph.CurrentClamp.step(a, start=2.0, stop=20.0, t_end=25.0) for a in (8, 12, 16)]
    solved = ph.simulate(cell, clamps, saveat=0.1, backend="torch")
    for i, solution in enumerate(solved):
        ph.Recording.from_solution(solution).to_csv(folder / f"sweep{i}.csv")
    ph.document.save(cell, folder / "model.json")
    return folder


def arguments(folder, *more):
    model, sweep = folder / "model.json", folder / "sweep0.csv"
    return ["evaluate", model, sweep, "--clamp", "current", "--backend", "torch", *more]


def test_it_writes_a_table_json_and_a_figure(capsys, folder, tmp_path):
    out = tmp_path / "judged"
    held = ("--heldout", folder / "sweep1.csv", folder / "sweep2.csv")
    code, text, _ = run(
        capsys, *arguments(folder, *held, "--gamma-window", 4, "--thin", 2, "--out", out)
    )
    assert code == 0
    # A document does not say what its neuron was trained on, if on anything.
    assert "training" not in text
    for part in ("-- recordings", "-- held out", "mean of 2", "within 4 ms", "written to"):
        assert part in text
    with open(out / "evaluation.csv", newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["role"] for row in rows] == ["recordings", "held out", "held out"]
    assert all(float(row["gamma"]) == pytest.approx(1.0) for row in rows)
    assert all(float(row["rmse"]) < 0.05 and row["unit"] == "mV" for row in rows)
    data = json.loads((out / "evaluation.json").read_text("utf-8"))
    assert data["rules"]["gamma_window"] == 4.0 and len(data["rows"]) == 3
    assert (out / "evaluation.png").stat().st_size > 1000


def test_a_document_without_out_writes_nothing(capsys, folder, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, text, _ = run(capsys, *arguments(folder))
    assert code == 0 and "-- recordings" in text and "written" not in text
    assert "training" not in text
    assert not list(tmp_path.iterdir())


def test_the_folder_of_a_fit_gets_the_evaluation(capsys, folder, tmp_path):
    fitted(seeds=2).save(tmp_path)
    command = ("evaluate", tmp_path, "--heldout", folder / "sweep1.csv", "--starts", "all")
    code, text, _ = run(capsys, *command, "--clamp", "current", "--backend", "torch")
    assert code == 0 and "seed 0" in text and "seed 1" in text
    assert (tmp_path / "evaluation.csv").exists()
    with open(tmp_path / "evaluation.csv", newline="", encoding="utf-8") as file:
        assert len(list(csv.DictReader(file))) == 2


@pytest.mark.parametrize(
    ("more", "part"),
    [
        (["--gamma-window", "0"], "--gamma-window"),
        (["--heldout", "1.5"], "fraction"),
        (["--heldout", "missing.csv"], "missing.csv"),
        (["--starts", "some"], "--starts"),
    ],
)
def test_bad_input_is_one_line_and_nothing_is_written(capsys, folder, tmp_path, more, part):
    out = tmp_path / "judged"
    assert_one_line_error(run(capsys, *arguments(folder, *more, "--out", out)), part)
    assert not out.exists()


def test_no_recording_at_all_is_one_line(capsys, folder):
    command = ("evaluate", folder / "model.json", "--backend", "torch")
    assert_one_line_error(run(capsys, *command), "give RECORDING")
