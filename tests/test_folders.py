"""The folder of a run belongs to one run: refused, resumed, or replaced as a whole."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from fit_stub import recording
from fit_stub import run as fit
from test_cli import assert_one_line_error, run

import pyhodgkin as ph
from pyhodgkin import FitResult
from pyhodgkin.errors import InputError
from pyhodgkin.storage import claims, folders

STEP = ("simulate", "squid_axon", "--step", 7, "--t-end", 20, "--dt", 0.1, "--out")


def content(folder: Path) -> dict[str, bytes]:
    """Every file below `folder`."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


@pytest.fixture
def fitted(tmp_path) -> Path:
    fit(out=tmp_path / "run")
    return tmp_path / "run"


# -- the exit code, by both names of the command -------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["fit", "no_such.csv", "--model", "squid_axon", "--out", "never"], 2),
        (["models", "squid"], 2),
        (["simulate", "--nope"], 2),
        (["evaluate", "squid_axon", "no_such.csv"], 2),
        (["show", "no_such_run"], 2),
        (["no_such_command"], 2),
        (["models"], 0),
    ],
)
def test_the_module_exits_as_the_command_does(arguments, code, tmp_path):
    line = "import sys; from pyhodgkin.cli import main; sys.exit(main())"
    for command in (["-m", "pyhodgkin"], ["-m", "pyhodgkin.cli"], ["-c", line]):
        done = subprocess.run([sys.executable, *command, *arguments], cwd=tmp_path, text=True,
                              capture_output=True)  # fmt: skip
        assert done.returncode == code, done.stderr
    assert not list(tmp_path.iterdir())


# -- refused -------------------------------------------------------------------------------


def test_a_simulation_is_not_written_into_the_folder_of_a_fit(capsys, fitted):
    before = content(fitted)
    assert_one_line_error(run(capsys, *STEP, fitted), "holds another run", "a fit", "--overwrite")
    assert content(fitted) == before
    assert FitResult.load(fitted).success and run(capsys, "show", fitted)[0] == 0


def test_no_run_is_written_into_that_of_another(capsys, tmp_path, fitted):
    assert run(capsys, *STEP, tmp_path / "simulated")[0] == 0
    before = content(tmp_path)
    shorter = (*STEP[:-1], "--t-end", 10, "--out", tmp_path / "simulated")
    assert_one_line_error(run(capsys, *shorter), "a simulation", "--overwrite")
    with pytest.raises(InputError, match="holds another run"):
        fit(out=tmp_path / "simulated")
    with pytest.raises(InputError, match="no fit to resume"):
        fit(out=tmp_path / "simulated", resume=True)
    with pytest.raises(InputError, match="resume=True to go on"):
        fit(out=fitted)
    assert content(tmp_path) == before


def test_a_refused_run_computes_nothing(capsys, fitted, monkeypatch):
    monkeypatch.setattr(ph.backends, "get", lambda *_: pytest.fail("an engine was started"))
    assert run(capsys, *STEP, fitted)[0] == 2


@pytest.mark.parametrize("more", [[], ["--overwrite"]])
def test_files_of_other_origin_are_never_touched(capsys, tmp_path, more):
    (tmp_path / "thesis.tex").write_text("years of work")
    assert_one_line_error(run(capsys, *STEP, tmp_path, *more), "thesis.tex", "not of a run")
    assert content(tmp_path) == {"thesis.tex": b"years of work"}


def test_a_file_beside_a_run_keeps_it_from_being_replaced(capsys, fitted):
    (fitted / "notes.txt").write_text("mine")
    (fitted / "trace.png").write_text("mine too, though a simulation has that name")
    before = content(fitted)
    wrong = run(capsys, *STEP, fitted, "--overwrite")
    assert_one_line_error(wrong, "notes.txt, trace.png", "not of a run")
    assert content(fitted) == before
    fit(out=fitted, resume=True)
    assert (fitted / "notes.txt").read_text() == "mine"
    assert_one_line_error(run(capsys, *STEP, fitted, "--overwrite"), "notes.txt, trace.png")


def test_a_folder_of_an_older_version_is_known_by_its_files(capsys, fitted):
    (fitted / "run.json").unlink()
    assert_one_line_error(run(capsys, *STEP, fitted), "a fit", "--overwrite")


def test_a_file_is_no_folder(capsys, tmp_path):
    (tmp_path / "file").write_text("here first")
    for out in (tmp_path / "file", tmp_path / "file" / "run"):
        assert_one_line_error(run(capsys, *STEP, out), "is a file, not a folder")


# -- replaced ------------------------------------------------------------------------------


def test_overwrite_replaces_a_run_whole(capsys, fitted):
    assert run(capsys, *STEP, fitted, "--overwrite")[0] == 0
    names = {path.name for path in fitted.iterdir()}
    assert "trace.csv" in names and not names & {"summary.json", "fit.npz", "checkpoints"}
    assert [path.name for path in fitted.parent.iterdir()] == ["run"]
    code, out, _ = run(capsys, "show", fitted)
    assert code == 0 and "a simulation" in out and "spikes" in out
    fit(out=fitted, overwrite=True)
    assert FitResult.load(fitted).success and not (fitted / "trace.csv").exists()
    assert [path.name for path in fitted.parent.iterdir()] == ["run"]


def test_more_runs_than_before_leave_none_behind(capsys, tmp_path):
    command = (*STEP[:3], 5, 7, 9, *STEP[4:], tmp_path / "run")
    assert run(capsys, *command)[0] == 0
    assert run(capsys, *STEP, tmp_path / "run", "--overwrite")[0] == 0
    assert not list((tmp_path / "run").glob("*_2*"))


def test_a_simulation_that_fails_leaves_what_was_there(capsys, fitted, monkeypatch):
    before = content(fitted)

    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(ph.plot, "trace", full)
    for out in (fitted, fitted.parent / "a" / "new"):
        assert run(capsys, *STEP, out, "--overwrite")[0] == 2
    assert content(fitted) == before
    assert [path.name for path in fitted.parent.iterdir()] == ["run"]


@pytest.mark.parametrize(("at", "in_one_step"), [(1, True), (1, False), (2, False)])
def test_a_swap_that_fails_loses_nothing(fitted, monkeypatch, at, in_one_step):
    if not in_one_step:
        monkeypatch.setattr(claims, "exchange", lambda a, b: False)
    before, rename, calls = content(fitted), os.rename, []

    def failing(source, target):
        calls.append(source)
        if len(calls) == at:
            raise OSError(5, "Input/output error")
        rename(source, target)

    monkeypatch.setattr(claims.os, "rename", failing)
    with pytest.raises(OSError, match="Input/output"):
        with claims.writing(fitted, "simulation", overwrite=True) as folder:
            (folder / "trace.csv").write_text("t,v\n")
    assert content(fitted) == before


def test_a_file_that_comes_while_the_run_is_made_is_kept(fitted):
    with pytest.raises(InputError, match=r"notes\.txt"):
        with claims.writing(fitted, "simulation", overwrite=True):
            (fitted / "notes.txt").write_text("mine")
    assert (fitted / "notes.txt").exists() and FitResult.load(fitted).success


def test_an_interrupted_fit_keeps_the_run_that_it_was_to_replace(fitted):
    from fit_stub import StubBackend

    def press(n):
        if n == 13:
            raise KeyboardInterrupt

    before = content(fitted)
    result = fit(recordings=recording(5), backend=StubBackend(on_call=press), out=fitted,
                 overwrite=True)  # fmt: skip
    (kept,) = folders.replaced(fitted)
    assert content(kept) == before and any(str(kept) in line for line in result.log)
    assert FitResult.load(fitted).status == ph.Status.INTERRUPTED


def test_the_folder_one_is_in_is_not_replaced(capsys, fitted, monkeypatch):
    monkeypatch.chdir(fitted)
    before = content(fitted)
    assert_one_line_error(run(capsys, *STEP, ".", "--overwrite"), "the folder you are in")
    assert content(fitted) == before


def test_an_empty_folder_stays_the_one_it_is(capsys, tmp_path, monkeypatch):
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    assert run(capsys, *STEP, tmp_path / "link")[0] == 0
    assert (tmp_path / "link").is_symlink() and (tmp_path / "real" / "trace.csv").exists()
    assert not [path for path in (tmp_path / "real").iterdir() if path.name.startswith(".")]
    assert run(capsys, *STEP, tmp_path / "link", "--overwrite")[0] == 0
    assert (tmp_path / "link").is_symlink() and (tmp_path / "real" / "trace.csv").exists()
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path / "empty")
    assert run(capsys, *STEP, ".")[0] == 0 and Path("trace.csv").exists()


def test_resume_and_overwrite_exclude_each_other(fitted):
    with pytest.raises(InputError, match="go on with the run, or replace it"):
        fit(out=fitted, resume=True, overwrite=True)
    with pytest.raises(InputError, match="overwrite=True needs out="):
        fit(overwrite=True)


# -- save ----------------------------------------------------------------------------------


def test_a_result_is_saved_over_itself_only(tmp_path):
    first, second = fit(), fit(recordings=recording(4))
    first.save(tmp_path / "run")
    first.save(tmp_path / "run")
    with pytest.raises(InputError, match=r"folder = .* holds another run"):
        second.save(tmp_path / "run")
    second.save(tmp_path / "run", overwrite=True)
    assert FitResult.load(tmp_path / "run").log == second.log
