"""Every error of the command line: what was typed, the exit code, and what the one line says.

A line names the argument as it was typed, its value, what is allowed and the nearest name; never
only what numpy, JSON or the operating system says.
"""

from __future__ import annotations

import errno
import json
import os
import shlex

import numpy as np
import pytest
from test_cli import run

import pyhodgkin as ph
from pyhodgkin.cli import wording

SIMULATE = "simulate squid_axon --out run "
FIT = "fit cc.csv --clamp current --model squid_axon --train k.g --out run "
EVALUATE = "evaluate squid_axon cc.csv --clamp current "

# (command, parts of the line); the exit code is 2.
TABLE: list[tuple[str, tuple[str, ...]]] = [
    # -- commands and options
    ("", ("missing: COMMAND",)),
    ("simulat", ('unknown command "simulat"', 'did you mean "simulate"?')),
    ("--verson", ("unknown option --verson", 'did you mean "--version"?')),
    ("models --foo", ("unknown option --foo", "pyhodgkin models --help")),
    ("models squid", ('unknown model "squid"', 'did you mean "squid_axon"?')),
    ("simulate", ("missing: MODEL, --out",)),
    ("simulate squid_axon --step 7 --outt run", ("--outt", 'did you mean "--out"?')),
    ("fit cc.csv --model squid_axon", ("missing: --out", "pyhodgkin fit --help")),
    ("show", ("missing: DIR",)),
    ("doctor --require tourch", ('--require: unknown "tourch"', 'did you mean "torch"?')),
    # -- numbers
    (SIMULATE, ("give one of --step --clamp --protocol",)),
    (SIMULATE + "--step", ("--step needs at least one value",)),
    (SIMULATE + "--dt", ("--dt needs a value",)),
    (SIMULATE + "--step x", ('--step: "x" is not a number',)),
    (SIMULATE + "--step 7,5", ('--step: "7,5"', "write 7.5")),
    (SIMULATE + "--step ''", ("--step: an empty text is not a number",)),
    (SIMULATE + "--step nan", ('--step: "nan" is not a finite number',)),
    (SIMULATE + "--step -inf", ('--step: "-inf" is not a finite number',)),
    (SIMULATE + "--step 1e400", ('--step: "1e400" is not a finite number',)),
    (SIMULATE + "--step 1e9", ("--step: the injected current reaches 1e+09", "pA")),
    (SIMULATE + "--clamp 1e9", ("--clamp: the voltage command reaches 1e+09", "uV")),
    (SIMULATE + "--clamp 0 --holding nan", ('--holding: "nan" is not a finite number',)),
    (SIMULATE + "--step 7 --dt 0", ('--dt: "0" is not above zero',)),
    (SIMULATE + "--step 7 --dt -1e-2", ('--dt: "-1e-2" is not above zero',)),
    (SIMULATE + "--step 7 --dt 1000", ("--dt 1000 ms", "--t-end 100 ms")),
    (SIMULATE + "--step 7 --t-end -1", ('--t-end: "-1" is not above zero',)),
    (SIMULATE + "--step 7 --rtol 2", ("--rtol 2.0", "between 0 and 1")),
    ("demo --seed 1.5", ('--seed: "1.5" is not a whole number',)),
    (FIT + "--seeds 0", ("--seeds 0", "give a number of starts")),
    (FIT + "--seeds 1 1", ("--seeds [1, 1]", "named twice")),
    (FIT + "--hidden 0", ('--hidden: "0" is less than 1',)),
    (FIT + "--thin 0", ('--thin: "0" is less than 1',)),
    (FIT + "--thin 100000", ("--thin 100000", "251 samples", '"cc"')),
    (FIT + "--mask-steps -1", ('--mask-steps: "-1" is below zero',)),
    (FIT + "--temperature warm", ('--temperature "warm" is not a number',)),
    (EVALUATE + "--gamma-window 0", ('--gamma-window: "0" is not above zero',)),
    (EVALUATE + "--threshold nan", ('--threshold: "nan" is not a finite number',)),
    # -- arguments that do not go together
    (SIMULATE + "--step 7 --clamp 3", ("--clamp cannot be given together with --step",)),
    (SIMULATE + "--step 7 --start 50 --stop 20", ("--stop 20 ms", "--start 50 ms")),
    (SIMULATE + "--step 7 --start 500", ("--start 500 ms", "--t-end 100 ms")),
    (SIMULATE + "--step 7 --stop 500", ("--stop 500 ms", "--t-end 100 ms")),
    (FIT + "--resume --overwrite", ("--resume and --overwrite",)),
    # -- names
    ("simulate squid_axn --step 7 --out run", ('did you mean "squid_axon"?',)),
    ("simulate model.jso --step 7 --out run", ('"model.jso"', 'did you mean "model.json"?')),
    (SIMULATE + "--step 7 --solver rodas", ("--solver", '"rodas"', 'did you mean "rodas5p"?')),
    (SIMULATE + "--step 7 --backend tourch", ('--backend: unknown "tourch"', "auto, torch, julia")),
    (SIMULATE + "--step 7 --current-unit mV", ('--current-unit "mV"', "uA/cm2, nA, pA")),
    (FIT + "--gate q", ('--gate: unknown gate "q"', "known: n, m, h")),
    (FIT + "--gate n --form residul", ("--form", 'did you mean "residual"?')),
    (FIT + "--gate n --activation tan", ("--activation", 'did you mean "tanh"?')),
    (FIT + "--train zz.g", ("--train", '"zz.g"', 'did you mean "l.g"?')),
    (FIT + "--loss msee", ("--loss", 'did you mean "mse"?')),
    (FIT + "--clamp curent", ("--clamp", 'did you mean "current"?')),
    (EVALUATE + "--starts some", ('--starts: unknown "some"', "known: best, all")),
    # -- files that are missing
    ("simulate missing.json --step 7 --out run", ("missing.json: there is no such file",)),
    (SIMULATE + "--protocol missing.json", ("missing.json: there is no such file",)),
    (FIT.replace("cc.csv", "missing.csv"), ("missing.csv: there is no such file", "looked in")),
    (FIT.replace("cc.csv", "cd.csv"), ('did you mean "cc.csv"?',)),
    (FIT.replace("cc.csv", "no/cc.csv"), ("there is no folder no either",)),
    (FIT + "--heldout missing.csv", ("missing.csv: there is no such file",)),
    (FIT + "--test missing.csv", ("missing.csv: there is no such file",)),
    (EVALUATE + "--heldout missing.csv", ("missing.csv: there is no such file",)),
    ("show missing", ("missing: there is no such file or folder",)),
    # -- files that are something else
    ("simulate empty.json --step 7 --out run", ("empty.json", "JSON")),
    ("simulate other.json --step 7 --out run", ("other.json: not a document",)),
    ("simulate cc.csv --step 7 --out run", ("cc.csv is a recording, not a model",)),
    (SIMULATE + "--protocol empty.json", ("--protocol: empty.json is empty",)),
    (SIMULATE + "--protocol bad.json", ("bad.json is not JSON", "line 1, column 2")),
    (SIMULATE + "--protocol list.json", ("list.json holds an empty list",)),
    (SIMULATE + "--protocol model.json", ("model.json holds no protocol", '"kind"')),
    (SIMULATE + "--protocol bytes.json", ("bytes.json is not text",)),
    (SIMULATE + "--protocol folder", ("folder: is a folder, not a file",)),
    (FIT.replace("cc.csv", "folder"), ("folder is a folder", "folder/*.csv")),
    (FIT.replace("cc.csv", "empty.csv"), ("empty.csv",)),
    (FIT.replace("cc.csv", "other.json"), ("other.json", ".csv, .tsv")),
    (FIT.replace("cc.csv", "cc.csv:voltag=v"), ('"voltag"', 'did you mean "voltage"?')),
    (FIT + "--voltage zz", ('"zz"', "cc.csv")),
    ("show model.json", ("model.json is a file: give the folder of a run",)),
    ("show folder", ("folder holds no run",)),
    # -- recordings held out
    (FIT + "--heldout 1.5", ("--heldout 1.5", "between 0 and 1")),
    (FIT + "--heldout 0.5", ("one recording cannot be split", "--heldout FILE")),
    (FIT + "--heldout cc.csv", ('--heldout: recording "cc" is also trained on',)),
    ("evaluate squid_axon", ("give RECORDING, or --heldout FILE",)),
    # -- folders
    (SIMULATE.replace("run", "model.json") + "--step 7", ("--out model.json is a file",)),
    (SIMULATE.replace("run", "folder") + "--step 7", ("--out folder", "keep.txt", "move them")),
    ("demo --out model.json", ("--out model.json is a file, not a folder",)),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A recording, a model, and files that are neither."""
    folder = tmp_path_factory.mktemp("messages")
    t = np.linspace(0.0, 25.0, 251)
    clamp = ph.CurrentClamp.step(8.0, start=2.0, stop=20.0, t_end=25.0)
    ph.Recording(t, clamp, v=-65.0 + np.sin(t)).to_csv(folder / "cc.csv")
    ph.document.save(ph.library.get("squid_axon"), folder / "model.json")
    texts = {"empty.json": "", "bad.json": "{", "list.json": "[]", "other.json": '{"a": 1}'}
    for name, text in {**texts, "empty.csv": ""}.items():
        (folder / name).write_text(text)
    (folder / "bytes.json").write_bytes(bytes(range(200, 256)))
    (folder / "folder").mkdir()
    (folder / "folder" / "keep.txt").write_text("mine")
    return folder


@pytest.mark.parametrize(("command", "parts"), TABLE, ids=[command for command, _ in TABLE])
def test_what_is_wrong_is_one_line_in_the_words_typed(capsys, folder, monkeypatch, command, parts):
    monkeypatch.chdir(folder)
    before = sorted(folder.rglob("*"))
    code, out, err = run(capsys, *shlex.split(command))
    assert code == 2 and not out
    assert err.startswith("pyhodgkin: error: ") and err.count("\n") == 1, err
    for part in parts:
        assert part in err, err
    for python in (
        "=True",
        "saveat",
        "t_end",
        "trainable",
        "heldout =",
        "Errno",
        "codec",
        "NoneType",
    ):
        assert python not in err, err
    assert sorted(folder.rglob("*")) == before


def test_a_fault_of_the_package_exits_with_1(capsys, monkeypatch):
    monkeypatch.setattr("pyhodgkin.neuron.library.names", lambda: 1 / 0)
    assert run(capsys, "models")[0] == 1


# -- negative numbers ----------------------------------------------------------------------


@pytest.mark.parametrize("number", ["-1e5", "-1E+5", "-100000", "-.1e6", "-1e5 -2.5e-3"])
def test_negative_numbers_are_no_options(number):
    from pyhodgkin.cli.app import parsed

    options = parsed(shlex.split(SIMULATE + f"--step {number} --holding -7e1"))
    assert options.step[0] == -1e5 and options.holding == -70.0
    options = parsed(shlex.split(EVALUATE + "--threshold -2e1"))
    assert options.threshold == -20.0


# -- the operating system ------------------------------------------------------------------

SYSTEM = [
    (errno.ENOSPC, "the disk is full"),
    (errno.EDQUOT, "quota"),
    (errno.EACCES, "no permission"),
    (errno.EPERM, "no permission"),
    (errno.EROFS, "can only be read"),
    (errno.ENAMETOOLONG, "the name is too long"),
    (errno.EISDIR, "is a folder"),
    (errno.EMFILE, "too many files"),
    (errno.EIO, "the disk reports an error"),
]


@pytest.mark.parametrize(("number", "part"), SYSTEM)
def test_what_the_system_refuses_is_a_sentence(capsys, tmp_path, monkeypatch, number, part):
    def refuses(*_, **__):
        raise OSError(number, os.strerror(number), str(tmp_path / "run" / "trace.csv"))

    monkeypatch.setattr("pyhodgkin.cli.simulate.write", refuses)
    command = ("simulate", "squid_axon", "--step", 7, "--t-end", 12, "--dt", 0.5, "--out")
    code, _, err = run(capsys, *command, tmp_path / "run")
    assert code == 2 and part in err and "trace.csv" in err and "Errno" not in err
    assert not list(tmp_path.iterdir())


def test_a_folder_beside_is_never_named():
    error = OSError(errno.ENOSPC, "", "a/run.partial-0123abcd/trace.csv")
    assert wording.of_system(error).startswith("a/run/trace.csv: the disk is full")


# -- warnings ------------------------------------------------------------------------------


def test_a_warning_is_one_line_and_numpy_is_silent(capsys, monkeypatch):
    import warnings

    def names():
        warnings.warn("saveat = 3 ms is long:\n give less", ph.errors.PlausibilityWarning, 2)
        np.float64(1.0) / np.float64(0.0)
        return []

    monkeypatch.setattr("pyhodgkin.neuron.library.names", names)
    monkeypatch.setattr("pyhodgkin.cli.models.show_table", lambda *_, **__: None)
    code, _, err = run(capsys, "models")
    assert code == 0 and err == "pyhodgkin: warning: --dt 3 ms is long: give less\n"


def test_volts_and_large_currents_are_told(capsys, tmp_path):
    few = ("--t-end", 12, "--dt", 0.5, "--backend", "torch", "--out")
    volts = ("simulate", "squid_axon", "--clamp", -0.05, 0.02, *few, tmp_path / "volts")
    code, _, err = run(capsys, *volts)
    assert code == 0 and err == "pyhodgkin: warning: --clamp -0.05 0.02 mV: are the numbers in V?\n"
    large = ("simulate", "squid_axon", "--step", "-1e5", *few, tmp_path / "large")
    code, _, err = run(capsys, *large)
    assert code == 0 and "warning: --step: the injected current reaches 100000 uA/cm2" in err


def test_every_option_of_a_verb_has_its_name_here():
    """An argument that a verb complains about by its own name is one that a user never typed."""
    import inspect

    from pyhodgkin.cli.app import parsed

    options = wording.options_of(parsed(shlex.split(FIT)).parser)
    python_only = {"neuron", "recordings", "schedule", "penalty", "per_cell", "bounds", "noise",
                   "fit_initial", "checkpoint_every", "progress", "callback", "throw",
                   "options"}  # fmt: skip
    known = {name for name in inspect.signature(ph.fit).parameters if name in options}
    assert {"trainable", "heldout", "loss", "seeds", "backend", "out", "resume"} <= known
    assert not known & python_only


def test_the_record_of_a_run_is_json(capsys, tmp_path):
    command = ("simulate", "squid_axon", "--step", -1e1, "--t-end", 12, "--dt", 0.5, "--out")
    assert run(capsys, *command, tmp_path / "run")[0] == 0
    data = json.loads((tmp_path / "run" / "run.json").read_text())
    assert data["kind"] == "simulation" and "trace.csv" in data["files"]
