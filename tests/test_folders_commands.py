"""Folders of runs in show, evaluate and demo."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from fit_stub import run as fit
from test_cli import assert_one_line_error, run

from pyhodgkin import FitResult
from pyhodgkin.cli import demo
from pyhodgkin.errors import DocumentError
from pyhodgkin.storage import folders

STEP = ("simulate", "squid_axon", "--step", 7, "--t-end", 20, "--dt", 0.1, "--out")


@pytest.fixture
def fitted(tmp_path) -> Path:
    fit(out=tmp_path / "run")
    return tmp_path / "run"


# -- show ----------------------------------------------------------------------------------


def test_show_of_a_fit_that_a_simulation_was_written_over(capsys, tmp_path, fitted):
    """As the first version left it."""
    run(capsys, *STEP, tmp_path / "simulated")
    for path in (tmp_path / "simulated").iterdir():
        shutil.copy(path, fitted)
    (fitted / "run.json").unlink()
    assert_one_line_error(
        run(capsys, "show", fitted), "protocols.json, summary.csv", "written over"
    )
    with pytest.raises(DocumentError, match="not the neuron of the fit"):
        FitResult.load(fitted)


def test_show_of_a_fit_that_has_not_ended(capsys, fitted):
    for name in ("summary.json", "fit.npz", "model.json", "history.csv", "run.json"):
        (fitted / name).unlink()
    assert_one_line_error(run(capsys, "show", fitted), "has not ended", "--resume")


def test_show_names_where_a_killed_run_left_the_one_before(capsys, fitted):
    fitted.rename(fitted.with_name("run.replaced-0123abcd"))
    assert_one_line_error(run(capsys, "show", fitted), "run.replaced-0123abcd")


# -- evaluate ------------------------------------------------------------------------------


def test_an_evaluation_belongs_to_the_fit_that_it_judges(capsys, tmp_path, fitted):
    simulated = tmp_path / "simulated"
    assert run(capsys, *STEP, simulated)[0] == 0
    judge = (
        "evaluate",
        fitted,
        simulated / "trace.csv",
        "--clamp",
        "current",
        "--backend",
        "torch",
    )
    assert run(capsys, *judge)[0] == 0
    assert folders.look(fitted).kind == "fit" and not folders.look(fitted).foreign
    assert_one_line_error(run(capsys, *judge), "holds an evaluation", "--overwrite")
    assert run(capsys, *judge, "--overwrite")[0] == 0
    assert "evaluation" in run(capsys, "show", fitted)[1]
    assert_one_line_error(run(capsys, *judge, "--out", simulated), "a simulation")
    apart = ("--out", tmp_path / "judged")
    assert run(capsys, *judge, *apart)[0] == 0
    assert_one_line_error(run(capsys, *judge, *apart), "an evaluation", "--overwrite")
    assert run(capsys, *judge, *apart, "--overwrite")[0] == 0
    code, out, _ = run(capsys, "show", tmp_path / "judged")
    assert code == 0 and "an evaluation" in out and "rmse" in out


# -- demo ----------------------------------------------------------------------------------


def test_the_demo_runs_twice(capsys, tmp_path, monkeypatch):
    def small(options, folder):
        result = fit(out=folder)
        (folder / "spikes.png").write_text(str(options.seed))
        return result

    monkeypatch.setattr(demo, "demonstrate", small)
    monkeypatch.setattr(demo.report, "exit_code", lambda result: 0)  # of made up data
    monkeypatch.chdir(tmp_path)
    for seed, name in enumerate(("pyhodgkin-demo", "pyhodgkin-demo-2", "pyhodgkin-demo-3")):
        code, out, _ = run(capsys, "demo", "--seed", seed)
        assert code == 0 and f"written to {name}\n" in out
        assert (tmp_path / name / "spikes.png").read_text() == str(seed)
        assert json.loads((tmp_path / name / "run.json").read_text())["kind"] == "demo"
    assert run(capsys, "demo", "--seed", 9, "--overwrite")[0] == 0
    assert Path("pyhodgkin-demo/spikes.png").read_text() == "9"
    assert len(list(tmp_path.iterdir())) == 3
    code, out, _ = run(capsys, "show", "pyhodgkin-demo")
    assert code == 0 and "a demo" in out
