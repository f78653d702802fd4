"""Sweeps, windows and commands chosen on the command line."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys

import numpy as np
import pytest
from test_cli import assert_one_line_error, run

import pyhodgkin as ph
from pyhodgkin.cli import fit, sources
from pyhodgkin.errors import InputError

LEVELS = (-40.0, -20.0, 0.0, 20.0)
T = np.arange(121) * 0.1


def sweep(level, index):
    clamp = ph.VoltageClamp.step(level, start=2.0, stop=10.0, t_end=12.0, holding=-80.0)
    current = np.where(clamp(T) > -80, level + 100.0, 0.0) + 0.1 * np.sin(T)
    return ph.Recording(T, clamp, current=current, current_unit="uA/cm2", name=f"sweep {index}")


@pytest.fixture(scope="module")
def cell(tmp_path_factory):
    path = tmp_path_factory.mktemp("cell") / "cell.csv"
    ph.RecordingSet(sweep(level, i) for i, level in enumerate(LEVELS)).to_csv(path)
    return path


def options(*arguments):
    parser = argparse.ArgumentParser()
    fit.add_arguments(parser)
    return parser.parse_args([*map(str, arguments), "--out", "x"])


def names(role, *arguments):
    given = options(*arguments)
    if role == "heldout":
        return fit.heldout_of(given).names
    if role == "test":
        return fit.test_of(given).names
    return sources.read_all(given.recordings, given, "train").names


@pytest.mark.parametrize(
    "arguments",
    [
        ["{}", "--sweeps", "0", "2"],
        ["{}", "--sweeps", "0,2"],
        ["{}", "--sweeps", "0", "-2"],
        ["{}", "--sweeps", "sweep 0", "sweep 2"],
        ["{}", "--sweeps", "0:4", "--exclude", "1", "sweep 3"],
        ["{}", "--exclude", "1", "3"],
        ["{}", "--exclude", "1", "--test-sweeps", "3"],
        ["{}", "--heldout-sweeps", "1", "--test-sweeps", "3"],
        ["{}[0,2]"],
        ["{}[0, 2]"],
        ["{}[sweep 0,sweep 2]"],
        ["{}[0]", "{}[2]"],
        ["{}:sweeps=0+2"],
        ["{}:sweeps=0;2"],
        ["{}:exclude=1+3"],
        ["{}[0,2]:temperature=20"],
    ],
)
def test_ways_to_choose_sweeps(cell, arguments):
    given = [a.replace("{}", str(cell)) for a in arguments]
    assert names("train", *given) == ("sweep 0", "sweep 2")


def test_sweeps_of_each_role(cell):
    roles = ("--exclude", 1, "--heldout-sweeps", 2, "--test-sweeps", "3")
    assert names("train", cell, *roles) == ("sweep 0",)
    assert names("heldout", cell, *roles) == ("sweep 2",)
    assert names("test", cell, *roles) == ("sweep 3",)
    files = (cell, "--sweeps", 0, "--heldout", f"{cell}[2]", "--test", f"{cell}[3]")
    assert [names(r, *files) for r in ("train", "heldout", "test")] == [
        ("sweep 0",),
        ("sweep 2",),
        ("sweep 3",),
    ]
    with pytest.raises(InputError, match="--test and --test-sweeps: give one"):
        names("test", cell, "--test", cell, "--test-sweeps", 3)


def test_a_file_with_brackets_in_its_name(cell, tmp_path):
    path = tmp_path / "cell[1].csv"
    path.write_bytes(cell.read_bytes())
    assert len(names("train", path)) == 4 and names("train", f"{path}[1]") == ("sweep 1",)


@pytest.mark.parametrize(
    ("more", "parts"),
    [
        (["--sweeps", "4"], ["--sweeps: there is no sweep 4", '0 "sweep 0"']),
        (["--sweeps", "sweep 9"], ['no sweep is called "sweep 9"', "did you mean"]),
        (["--sweeps", "0", "0"], ["twice"]),
        (["--exclude", "0:4"], ["leave no sweep"]),
        (["--window", "50", "60"], ["window from 50 to 60 ms holds 0 samples"]),
        (["--step", "5"], ["--step: give --start"]),
        (["--start", "5"], ["--start 5: give --step as well"]),
        (["--step", "0", "--start", "2"], ["give --holding"]),
        (["--step", "0", "--start", "50", "--holding", "-80"], ["--start 50 ms: the step begins"]),
        (["--step", "0", "--start", "2", "--stop", "50", "--holding", "-80"], ["--stop 50 ms"]),
        (["--step", "0", "1", "--start", "2", "--holding", "-80"], ["2 entries and 4 sweeps"]),
    ],
)
def test_what_cannot_be_chosen_is_one_line(capsys, cell, tmp_path, more, parts):
    command = ["fit", cell, "--clamp", "voltage", "--model", "squid_axon", "--train", "k.g"]
    assert_one_line_error(run(capsys, *command, "--out", tmp_path / "run", *more), *parts)
    assert not (tmp_path / "run").exists()


def test_a_column_of_sweeps_is_no_sweep(capsys, cell, tmp_path):
    command = ["fit", f"{cell}:sweep=0", "--clamp", "voltage", "--model", "squid_axon"]
    assert_one_line_error(run(capsys, *command, "--out", tmp_path / "run"), "give --sweeps 0")


def test_window(cell):
    given = options(cell, "--window", 2, 6)
    first = sources.read_all(given.recordings, given, "train")[0]
    assert len(first) == 41 and first.t_offset == pytest.approx(2.0)


def bare(folder, **columns):
    path = folder / "bare.csv"
    rows = [
        ",".join(columns),
        *(",".join(f"{x:.6g}" for x in row) for row in zip(*columns.values(), strict=True)),
    ]
    path.write_text("\n".join(rows))
    return path


def test_a_command_that_is_not_in_the_file(tmp_path):
    path = bare(tmp_path, **{"t (ms)": T, "Trace #1 (mV)": -65 + T, "Trace #2 (mV)": -60 + T})
    step = ("--clamp", "current", "--current-unit", "pA", "--start", 2, "--stop", 10, "--step")
    given = options(path, *step, 100)
    for item in sources.read_all(given.recordings, given, "train"):
        assert item.protocol == ph.CurrentClamp(ph.Step(2.0, 10.0, 100.0), 12.0, "pA")
    given = options(path, *step, 100, 200)
    found = sources.read_all(given.recordings, given, "train")
    assert [r.command.max() for r in found] == [100.0, 200.0]
    json_file = tmp_path / "protocol.json"
    json_file.write_text(json.dumps(ph.CurrentClamp.step(7.0, 2.0, None, 12.0).to_dict()))
    given = options(path, "--clamp", "current", "--protocol", json_file)
    assert sources.read_all(given.recordings, given, "train")[0].command.max() == 7.0


def test_a_voltage_step_that_is_not_in_the_file(tmp_path):
    path = bare(tmp_path, **{"t (ms)": T, "i (pA)": 10 + T})
    step = ("--clamp", "voltage", "--start", 2, "--step", 20, "--holding", -80)
    given = options(path, *step)
    (item,) = sources.read_all(given.recordings, given, "train")
    assert item.command[[0, -1]].tolist() == [-80.0, 20.0] and item.current_unit == "pA"


def test_show_lists_the_sweeps_of_a_file(capsys, cell):
    code, text, _ = run(capsys, "show", cell)
    assert code == 0
    for part in ("sweep 3", "voltage", "121", "-80 to 20 mV"):
        assert part in text.replace("\n", " ")
    code, text, _ = run(capsys, "show", f"{cell}[1]")
    assert code == 0 and "sweep 1" in text and "sweep 3" not in text


@pytest.mark.parametrize("module", ["pyhodgkin", "pyhodgkin.cli"])
def test_sweeps_of_a_fit(cell, tmp_path, module):
    command = [sys.executable, "-m", module, "fit", cell, "--sweeps", 0, 2, "--test-sweeps", 3]
    command += ["--clamp", "voltage", "--model", "squid_axon", "--train", "k.g"]
    command += ["--backend", "torch", "--out", tmp_path / "run"]
    done = subprocess.run([str(x) for x in command], capture_output=True, text=True)
    lines = [line for line in done.stdout.splitlines() if line.startswith("sweep")]
    assert [line[:17] for line in lines] == [
        "sweep 0: training", "sweep 2: training", "sweep 3: test, vo",
    ], done.stderr  # fmt: skip
    rows = (tmp_path / "run" / "errors.csv").read_text()
    assert "sweep 3" in rows and "sweep 1" not in rows
