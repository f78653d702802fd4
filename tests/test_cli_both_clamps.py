"""`pyhodgkin fit` with files of both clamps."""

from __future__ import annotations

import csv
import json

import pytest
from clamps import in_current_clamp, in_voltage_clamp
from test_cli import assert_one_line_error, run

import pyhodgkin as ph
from pyhodgkin.cli import report


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """One file of each clamp, with two sweeps each, of a cell whose potassium conductance is 30."""
    folder = tmp_path_factory.mktemp("both")
    other = {"k__g": 30.0, "dt": 0.1}
    of_v = [in_current_clamp(a, noise=0.0, **other) for a in (8.0, 14.0)]
    of_current = [in_voltage_clamp(x, noise=0.0, **other) for x in (-40.0, 10.0)]
    ph.RecordingSet(of_v).to_csv(folder / "current_clamp.csv")
    ph.RecordingSet(of_current).to_csv(folder / "voltage_clamp.csv")
    return folder


@pytest.fixture(scope="module")
def fitted(files, tmp_path_factory):
    """The folder of a fit of one conductance to both, in the order in which a shell lists them."""
    from pyhodgkin.cli import main

    out = tmp_path_factory.mktemp("fits") / "run"
    command = ["fit", f"{files}/voltage_clamp.csv[0]", f"{files}/current_clamp.csv[0]",
               "--heldout", f"{files}/voltage_clamp.csv[1]",
               "--test", f"{files}/current_clamp.csv[1]",
               "--model", "squid_axon", "--train", "k.g", "--backend", "torch",
               "--out", str(out)]  # fmt: skip
    assert main(command) == 0
    return out


def test_the_conductance_is_found_and_each_is_scored_in_its_unit(fitted):
    assert ph.document.load(fitted / "model.json").channel("k").g == pytest.approx(30.0, rel=1e-3)
    with open(fitted / "errors.csv", newline="") as file:
        rows = [(row["role"], row["unit"], float(row["rmse"])) for row in csv.DictReader(file)]
    assert [row[:2] for row in rows] == [
        ("training", "uA/cm2"),
        ("training", "mV"),
        ("held out", "uA/cm2"),
        ("test", "mV"),
    ]
    assert all(rmse < 0.5 for *_, rmse in rows)
    assert {"fit_training_current.png", "fit_training_v.png"} <= {p.name for p in fitted.iterdir()}
    log = "\n".join(json.loads((fitted / "summary.json").read_text("utf-8"))["log"])
    assert "voltage clamp and current clamp" in log and "trained on v of 1 in current clamp" in log


def test_show_and_evaluate(capsys, files, fitted):
    code, out, _ = run(capsys, "show", fitted)
    assert code == 0 and "uA/cm2" in out and "mV" in out
    code, out, _ = run(
        capsys, "evaluate", fitted,
        f"{files}/voltage_clamp.csv[0]", f"{files}/current_clamp.csv[0]",
        "--heldout", f"{files}/voltage_clamp.csv[1]", "--backend", "torch",
    )  # fmt: skip
    assert code == 0 and out.count("-- training") == 1 and "uA/cm2" in out and "mV" in out


def test_means_are_of_one_unit(capsys):
    def row(seed, name, unit, mae):
        numbers = dict.fromkeys(("mae", "rmse", "mae_all", "rmse_all"), mae)
        head = {"seed": seed, "best": int(seed == 1), "role": "training", "recording": name}
        return {**head, "unit": unit, **numbers}

    rows = [
        row(seed, name, unit, seed * mae)
        for seed in (1, 2)
        for name, unit, mae in (("a", "mV", 1.0), ("b", "nA", 30.0), ("c", "mV", 4.0))
    ]
    report.show_errors(rows)
    out = capsys.readouterr().out
    every, best = out.split("best start")
    assert "training MAE (mV)" in every and "training MAE (nA)" in every
    assert " 2.5 " in every and " 60 " in every
    (mean,) = [line for line in best.splitlines() if "mean of" in line]
    assert "mean of 2" in mean and "mV" in mean and " 2.5 " in mean


def test_the_clamp_of_each_file_can_be_said(capsys, tmp_path, files):
    """Files of a simulation state no clamp."""
    simulate = ["simulate", "squid_axon", "--backend", "torch", "--dt", "0.1", "--t-end", "12"]
    steps = ["--start", "2", "--stop", "10"]
    assert run(capsys, *simulate, *steps, "--step", "9", "--out", tmp_path / "i")[0] == 0
    clamp = ["--clamp", "10", "--holding", "-65"]
    assert run(capsys, *simulate, *steps, *clamp, "--out", tmp_path / "v")[0] == 0
    command = ["fit", f"{tmp_path}/v/trace.csv:clamp=voltage",
               f"{tmp_path}/i/trace.csv:clamp=current", "--model", "squid_axon",
               "--train", "k.g", "--backend", "torch"]  # fmt: skip
    code, out, _ = run(capsys, *command, "--out", tmp_path / "fit")
    assert code == 0 and "voltage clamp, " in out and "current clamp, " in out
    bare = [text.partition(":clamp")[0] for text in command]
    assert_one_line_error(run(capsys, *bare, "--out", tmp_path / "other"), "clamp")
