"""The command line: what it prints and writes, and one line for what is wrong."""

from __future__ import annotations

import itertools
import json
import subprocess
import sys

import numpy as np
import pytest

import pyhodgkin as ph
from pyhodgkin.cli import app, main


def run(capsys, *arguments: str) -> tuple[int, str, str]:
    code = main([str(argument) for argument in arguments])
    out, err = capsys.readouterr()
    return code, out, err


def assert_one_line_error(result: tuple[int, str, str], *parts: str) -> None:
    code, _, err = result
    assert code == 2
    assert err.startswith("pyhodgkin: error: ") and err.count("\n") == 1, err
    for part in parts:
        assert part in err


def test_version_of_the_installed_command():
    command = [sys.executable, "-m", "pyhodgkin.cli", "--version"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == f"pyhodgkin {ph.__version__}"


def test_help_names_every_command(capsys):
    code, out, _ = run(capsys, "--help")
    assert code == 0 and all(command.NAME in out for command in app.COMMANDS)


@pytest.mark.parametrize("command", [command.NAME for command in app.COMMANDS])
def test_help_of_a_command_shows_examples(capsys, command):
    code, out, _ = run(capsys, command, "--help")
    assert code == 0 and "examples:" in out and f"pyhodgkin {command}" in out


def test_help_starts_no_engine():
    code = (
        "import sys; from pyhodgkin.cli import main; main(['simulate', '--help']);"
        "print([m for m in ('torch', 'juliacall', 'matplotlib') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize(
    "arguments", [[], ["simulat"], ["simulate"], ["simulate", "squid_axon", "--step", "x"]]
)
def test_a_wrong_command_line_is_one_line(capsys, arguments):
    assert_one_line_error(run(capsys, *arguments), "--help")


def test_models_lists_the_library(capsys):
    code, out, _ = run(capsys, "models")
    assert code == 0
    for name in ph.library.names():
        assert name in out
    assert "10.1113/jphysiol.1952.sp004764" in out and "rest (mV)" in out


def test_models_says_which_cell_each_is(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "120")
    _, out, _ = run(capsys, "models")
    flat = " ".join(out.split())
    for part in (
        "herg_beattie hERG (Kv11.1) potassium current",
        "squid_axon Squid giant axon",
        "squid_axon µA/cm² 6.3 -65 ",
        "squid_axon 10.1113/jphysiol.1952.sp004764",
        "herg_beattie nA - -80 ",
        "herg_beattie 10.1113/JP275733",
        "pospischil_rs µA/cm² 36 -70.57 ",
        "pospischil_rs 10.1007/s00422-008-0263-8",
    ):
        assert part in flat, out
    (row,) = [r for r in ph.library.describe() if r["name"] == "squid_axon"]
    assert (row["unit"], row["temperature"]) == ("µA/cm²", "6.3 °C")


def test_models_prints_equations(capsys):
    code, out, _ = run(capsys, "models", "squid_axon")
    assert code == 0 and str(ph.library.get("squid_axon")).strip() == out.strip()


def test_an_unknown_model_names_the_nearest(capsys):
    assert_one_line_error(run(capsys, "models", "squid_axn"), 'did you mean "squid_axon"?')


def test_traceback_is_shown_when_asked_for():
    with pytest.raises(ph.errors.UnknownNameError):
        main(["models", "squid_axn", "--traceback"])


def test_a_fault_of_the_package_says_so(capsys, monkeypatch):
    monkeypatch.setattr("pyhodgkin.neuron.library.names", lambda: 1 / 0)
    code, _, err = run(capsys, "models")
    assert code == 1 and "ZeroDivisionError" in err and "--traceback" in err


def test_ctrl_c_is_one_line(capsys, monkeypatch):
    def interrupt():
        raise KeyboardInterrupt

    monkeypatch.setattr("pyhodgkin.neuron.library.names", interrupt)
    assert run(capsys, "models") == (130, "", "pyhodgkin: error: interrupted\n")


def test_simulate_writes_plain_files(capsys, tmp_path):
    out = tmp_path / "run"
    command = ["simulate", "squid_axon", "--step", 3, 7, "--t-end", 50, "--dt", 0.1, "--out", out]
    code, text, _ = run(capsys, *command)
    assert code == 0 and "spikes" in text and "success" in text
    wanted = {"model.json", "protocols.json", "summary.csv", "trace.png"}
    wanted |= {
        f"{name}_{i}.{end}"
        for i in (1, 2)
        for name, end in (
            ("trace", "csv"),
            ("gates", "png"),
            ("currents", "png"),
            ("open_probabilities", "png"),
        )
    }
    found = {path.name for path in out.iterdir()}
    assert wanted <= found and not any(name.startswith(".") for name in found)
    table = np.genfromtxt(out / "trace_2.csv", delimiter=",", names=True)
    protocol = ph.CurrentClamp.step(7.0, 10.0, None, 50.0)
    exact = ph.simulate(ph.library.get("squid_axon"), protocol, saveat=table["t_ms"])
    assert np.allclose(table["v_mV"], exact.v, atol=0.5)
    assert np.allclose(table["n"], exact.gates["n"], atol=0.01)


def test_what_simulate_wrote_goes_back_in(capsys, tmp_path):
    first, second = tmp_path / "first", tmp_path / "second"
    common = ("--dt", 0.1, "--out")
    steps = ("--step", 7, "--t-end", 30)
    assert run(capsys, "simulate", "squid_axon", *steps, *common, first)[0] == 0
    again = (first / "model.json", "--protocol", first / "protocols.json")
    assert run(capsys, "simulate", *again, *common, second)[0] == 0
    assert (first / "trace.csv").read_text() == (second / "trace.csv").read_text()
    (recording,) = ph.read(first / "trace.csv", clamp="current")
    assert recording.protocol([0.0, 20.0]) == pytest.approx([0.0, 7.0])


def test_simulate_under_voltage_clamp(capsys, tmp_path):
    levels = ("--clamp", -60, 0, "--holding", -80, "--t-end", 30, "--dt", 0.1)
    assert run(capsys, "simulate", "squid_axon", *levels, "--out", tmp_path / "run")[0] == 0
    (recording,) = ph.read(tmp_path / "run" / "trace_2.csv", clamp="voltage")
    assert recording.command[[0, -1]] == pytest.approx([-80.0, 0.0])


def test_a_clamp_reports_peak_and_steady_currents(capsys, tmp_path):
    levels = ("--clamp", -40, 20, "--start", 5, "--stop", 25, "--t-end", 40, "--dt", 0.05)
    code, out, _ = run(capsys, "simulate", "squid_axon", *levels, "--out", tmp_path / "run")
    assert code == 0 and "spike" not in out
    for part in ("peak (µA/cm²)", "steady (µA/cm²)", "i_na", "i_k", "i_l", "total"):
        assert part in out
    table = np.genfromtxt(tmp_path / "run" / "summary.csv", delimiter=",", names=True, dtype=None,
                          encoding="utf-8", deletechars="")  # fmt: skip
    protocols = ph.VoltageClamp.family([-40, 20], holding=-80, start=5, stop=25, t_end=40)
    solution = ph.simulate(ph.library.get("squid_axon"), protocols, saveat=0.05)
    during = (solution.t >= 5) & (solution.t < 25)
    for i in (0, 1):
        i_na = solution.currents["na"][i][during]
        assert table["i_na_peak_(uA/cm2)"][i] == pytest.approx(i_na.min(), rel=1e-3)
        i_k = solution.currents["k"][i][during]
        assert table["i_k_steady_(uA/cm2)"][i] == pytest.approx(i_k[-1], rel=1e-3)
    code, shown, _ = run(capsys, "show", tmp_path / "run")
    assert code == 0 and "i_na" in shown and "spike" not in shown


@pytest.mark.parametrize(
    ("text", "part"),
    [("{", "is not JSON"), ('{"kind": "currant"}', 'did you mean "current"')],
)
def test_a_wrong_protocol_is_one_line_and_nothing_is_written(capsys, tmp_path, text, part):
    path, out = tmp_path / "protocol.json", tmp_path / "run"
    path.write_text(text)
    result = run(capsys, "simulate", "squid_axon", "--protocol", path, "--out", out)
    assert_one_line_error(result, part, "protocol.json")
    assert not out.exists()


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (["squid_axn", "--step", "7"], 'did you mean "squid_axon"?'),
        (["missing.json", "--step", "7"], "missing.json"),
        (["squid_axon", "--protocol", "missing.json"], "missing.json"),
        (["squid_axon", "--step", "7", "--dt", "0"], "--dt"),
        (["squid_axon", "--step", "7", "--t-end", "-1"], "--t-end"),
        (["squid_axon", "--step", "7", "--solver", "rodas"], "rodas"),
        (["squid_axon", "--step", "nan"], "--step"),
    ],
)
def test_bad_input_is_one_line_and_nothing_is_written(capsys, tmp_path, arguments, part):
    out = tmp_path / "run"
    assert_one_line_error(run(capsys, "simulate", *arguments, "--out", out), part)
    assert not out.exists()


def test_a_document_names_itself_as_such(capsys, tmp_path):
    path = tmp_path / "model.json"
    path.write_text(json.dumps({"some": "thing"}))
    result = run(capsys, "simulate", path, "--step", 7, "--out", tmp_path / "run")
    assert_one_line_error(result, "model.json")


def rows_under(printed: str, header: str) -> list[list[str]]:
    """The words of the lines of a printed table, found by a part of its header."""
    lines = printed.splitlines()
    first = next(i for i, line in enumerate(lines) if header in line) + 2
    return [line.split() for line in itertools.takewhile(str.strip, lines[first:])]


def test_demo_learns_the_gates(capsys, tmp_path, monkeypatch):
    monkeypatch.setenv("COLUMNS", "120")
    code, out, _ = run(capsys, "demo", "--out", tmp_path / "demo")
    assert code == 0
    for _, before, learned, _, _, _, tau in rows_under(out, "x_inf before"):
        assert float(before) > 0.3 and float(learned) < 0.05 and float(tau) < 1.5
    for _, spikes, learned, _ in rows_under(out, "largest shift"):
        assert int(spikes) > 0 and abs(int(spikes) - int(learned)) <= 1
    found = {path.name for path in (tmp_path / "demo").iterdir()}
    wanted = {"model.json", "history.csv", "errors.csv", "kinetics.png", "spikes.png", "loss.png"}
    assert wanted <= found
    assert run(capsys, "show", tmp_path / "demo")[0] == 0


def test_the_unit_of_a_current_is_that_of_the_user(capsys, tmp_path):
    common = ("--current-unit", "nA", "--t-end", 30, "--dt", 0.1, "--out")
    clamp = ("simulate", "herg_beattie", "--clamp", 0)
    assert run(capsys, *clamp, *common, tmp_path / "clamp")[0] == 0
    assert ph.read(tmp_path / "clamp" / "trace.csv", clamp="voltage")[0].unit == "nA"
    step = ("simulate", "squid_axon", "--step", 7)
    assert_one_line_error(run(capsys, *step, *common, tmp_path / "step"), "area")
    assert run(capsys, *step, "--area", 1e5, *common, tmp_path / "step")[0] == 0
    assert ph.read(tmp_path / "step" / "trace.csv", clamp="current")[0].protocol.unit == "nA"
    wrong = run(capsys, *step, "--current-unit", "mV", "--out", tmp_path / "wrong")
    assert_one_line_error(wrong, "mV")
