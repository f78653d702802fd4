"""Units of current on the command line: refused, or converted by --area and --capacitance."""

import json

import numpy as np
import pytest
from test_cli import assert_one_line_error, run

import pyhodgkin as ph
from pyhodgkin import document

AXON = ph.library.get("squid_axon")
T_END = ("--t-end", 20, "--dt", 0.1, "--backend", "torch")


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """A trace of the axon, as a density and as that of a whole cell of 1000 µm²."""
    folder = tmp_path_factory.mktemp("units")
    trace = ph.simulate(
        AXON, ph.CurrentClamp(ph.Step(5.0, None, 10.0), 20.0), saveat=0.1, backend="torch"
    )
    pico = ph.CurrentClamp(ph.Step(5.0, None, 100.0), 20.0, "pA")
    ph.Recording(trace.t, pico, v=trace.v, name="cell").to_csv(folder / "cell.csv")
    ph.Recording.from_solution(trace, name="patch").to_csv(folder / "patch.csv")
    hand = AXON.with_parameters(c_m=10.0, k__g=360.0, na__g=1200.0, l__g=3.0)
    document.save(hand, folder / "hand.json")
    document.save(AXON.whole_cell(area=1000.0), folder / "cell.json")
    return folder


def table(text):
    return [line for line in text.splitlines() if line.startswith(("cell", "patch"))]


def test_evaluate(capsys, files):
    common = ("--backend", "torch", "--clamp", "current")
    cell, patch = files / "cell.csv", files / "patch.csv"
    wrong = run(capsys, "evaluate", "squid_axon", cell, *common)
    assert_one_line_error(wrong, "--area")
    assert "per area" in wrong[2] and "of a whole cell, in pA" in wrong[2]
    assert "--capacitance" in wrong[2] and "area=" not in wrong[2] and "(…" not in wrong[2]
    for size in (("--area", 1000), ("--capacitance", 10)):
        code, out, _ = run(capsys, "evaluate", "squid_axon", cell, *size, *common)
        assert code == 0 and float(table(out)[0].split()[1]) < 1e-3
    for model in ("hand.json", "cell.json"):
        code, out, _ = run(capsys, "evaluate", files / model, cell, *common)
        assert code == 0 and float(table(out)[0].split()[1]) < 1e-3
    assert run(capsys, "evaluate", files / "cell.json", patch, *common)[0] == 0
    twice = run(capsys, "evaluate", "squid_axon", cell, "--area", 1, "--capacitance", 1, *common)
    assert_one_line_error(twice, "--capacitance")
    assert_one_line_error(
        run(capsys, "evaluate", "squid_axon", cell, "--area", -1, *common), "--area"
    )


def test_evaluate_what_was_read_as_a_density(capsys, files):
    source = f"{files / 'cell.csv'}:area=1000"
    code, out, _ = run(capsys, "evaluate", "squid_axon", source, "--backend", "torch")
    assert code == 0 and float(table(out)[0].split()[1]) < 1e-3


def test_fit(capsys, files, tmp_path):
    command = ("fit", files / "cell.csv", "--model", "squid_axon", "--train", "k.g")
    command = (*command, "--backend", "torch", "--out", tmp_path / "run")
    assert_one_line_error(run(capsys, *command), "--area")
    assert not (tmp_path / "run").exists()
    mixed = ("--test", files / "patch.csv", "--area", 1000)
    assert_one_line_error(run(capsys, *command, *mixed), "mix currents in pA and µA/cm²")
    assert run(capsys, *command, "--area", 1000)[0] == 0
    cell = document.load(tmp_path / "run")
    assert (cell.current_unit, cell.area) == ("pA", 1000.0)
    assert cell.channel("k").g == pytest.approx(360.0, rel=1e-3)


@pytest.mark.parametrize(
    ("arguments", "amplitude", "unit"),
    [
        (("squid_axon", "--step", 10), 10.0, "uA/cm2"),
        (("squid_axon", "--step", 100, "--current-unit", "pA", "--area", 1000), 100.0, "pA"),
        (("squid_axon", "--step", 0.1, "--current-unit", "nA", "--capacitance", 10), 0.1, "nA"),
        (("cell.json", "--step", 100), 100.0, "pA"),
        (("hand.json", "--step", 100, "--current-unit", "pA"), 100.0, "pA"),
    ],
)
def test_simulate_steps(capsys, files, tmp_path, arguments, amplitude, unit):
    model = files / arguments[0] if arguments[0].endswith(".json") else arguments[0]
    command = ("simulate", model, *arguments[1:], "--start", 5, *T_END, "--out", tmp_path / "run")
    code, out, error = run(capsys, *command)
    assert code == 0, error
    (found,) = ph.read(tmp_path / "run" / "trace.csv", clamp="current")
    (known,) = ph.read(files / "patch.csv", clamp="current")
    assert found.protocol.unit == unit and found.command.max() == amplitude
    np.testing.assert_allclose(found.v, known.v, atol=1e-6)
    assert f"command ({unit})" in out or unit in out
    assert document.load(tmp_path / "run").current_unit == unit
    header = (tmp_path / "run" / "trace.csv").read_text().splitlines()[0]
    assert f"current_{unit}" in header and f"i_na_{unit}" in header
    again = ("simulate", tmp_path / "run", "--protocol", tmp_path / "run" / "protocols.json")
    assert run(capsys, *again, *T_END[2:], "--out", tmp_path / "again")[0] == 0


@pytest.mark.parametrize(
    ("arguments", "unit"),
    [
        (("squid_axon", "--clamp", 0), "uA/cm2"),
        (("squid_axon", "--clamp", 0, "--area", 1000), "pA"),
        (("squid_axon", "--clamp", 0, "--area", 1000, "--current-unit", "nA"), "nA"),
        (("herg_beattie", "--clamp", 0), "nA"),
        (("herg_beattie", "--clamp", 0, "--current-unit", "pA"), "pA"),
        (("hand.json", "--clamp", 0, "--current-unit", "pA"), "pA"),
    ],
)
def test_simulate_clamps(capsys, files, tmp_path, arguments, unit):
    model = files / arguments[0] if arguments[0].endswith(".json") else arguments[0]
    command = ("simulate", model, *arguments[1:], *T_END, "--out", tmp_path / "run")
    code, _, error = run(capsys, *command)
    assert code == 0, error
    assert ph.read(tmp_path / "run" / "trace.csv", clamp="voltage")[0].unit == unit


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("squid_axon", "--step", 100, "--current-unit", "pA"), "--area"),
        (("squid_axon", "--step", 100, "--area", 1000), "--current-unit pA or nA"),
        (("cell.json", "--step", 100, "--current-unit", "pA", "--area", 900), "--area"),
        (("squid_axon", "--clamp", 0, "--current-unit", "nA"), "--area"),
        (("squid_axon", "--step", 1, "--current-unit", "mV", "--area", 1), "mV"),
    ],
)
def test_simulate_refuses(capsys, files, tmp_path, arguments, said):
    model = files / arguments[0] if arguments[0].endswith(".json") else arguments[0]
    command = ("simulate", model, *arguments[1:], *T_END, "--out", tmp_path / "run")
    assert_one_line_error(run(capsys, *command), said)
    assert not (tmp_path / "run").exists()


def test_whole_cell_protocols_from_a_file(capsys, files, tmp_path):
    pico = ph.CurrentClamp(ph.Step(5.0, None, 100.0), 20.0, "pA")
    path = tmp_path / "protocol.json"
    path.write_text(json.dumps(pico.to_dict()))
    command = ("simulate", "squid_axon", "--protocol", path, *T_END[2:])
    assert_one_line_error(run(capsys, *command, "--out", tmp_path / "a"), "--area")
    assert run(capsys, *command, "--area", 1000, "--out", tmp_path / "b")[0] == 0
