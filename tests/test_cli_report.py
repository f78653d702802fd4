"""`pyhodgkin show run --html`: the report of a run's folder."""

from __future__ import annotations

import json

import pytest
from test_cli import assert_one_line_error, run
from test_cli_fit import arguments, fitted, folder  # noqa: F401
from test_report import read

import pyhodgkin as ph


def test_the_report_of_a_folder(capsys, fitted, tmp_path):  # noqa: F811
    code, out, _ = run(capsys, "show", fitted, "--html", tmp_path / "fit.html")
    assert code == 0 and "fit.html" in out
    page = read(tmp_path / "fit.html")
    kept = json.loads((fitted / "summary.json").read_text())["settings"]["provenance"]
    assert kept["command"].startswith("pyhodgkin fit ") and kept["command"] in page.text
    assert "--model squid_axon" in kept["command"] and kept["folder"] in page.text
    assert len(kept["data"]) == 2 and all(row["file_sha256"] for row in kept["data"])
    assert kept["versions"]["torch"]
    test = [row for row in ph.cli.show.rows_of(fitted / "errors.csv") if row["role"] == "test"]
    assert len(test) == 1 and f"{test[0]['mae']:.4g}" in page.text
    result = ph.FitResult.load(fitted)
    assert f"{result.neuron.channel('k').g:.6g}" in page.text


def test_by_default_it_is_a_file_of_the_run(capsys, fitted, folder):  # noqa: F811
    assert run(capsys, "show", fitted, "--html")[0] == 0
    assert (fitted / "report.html").exists()
    assert "report.html" in json.loads((fitted / "run.json").read_text())["files"]
    assert not ph.storage.folders.look(fitted).foreign


@pytest.mark.parametrize("name", ["report.pdf", "report"])
def test_another_ending_is_refused(capsys, fitted, tmp_path, name):  # noqa: F811
    assert_one_line_error(run(capsys, "show", fitted, "--html", tmp_path / name), ".html")
    assert not (tmp_path / name).exists()


def test_what_holds_no_fit_is_refused(capsys, folder, tmp_path):  # noqa: F811
    step = ("--step", 10, "--t-end", 20, "--dt", 0.1, "--out", tmp_path / "sim")
    assert run(capsys, "simulate", "squid_axon", *step)[0] == 0
    for place in (tmp_path / "sim", folder / "step0.csv", tmp_path / "nowhere", folder):
        assert_one_line_error(run(capsys, "show", place, "--html", tmp_path / "x.html"))
        assert not (tmp_path / "x.html").exists()
