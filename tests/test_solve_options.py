"""One set of solve options: every verb takes the same names, and so does the command line."""

from __future__ import annotations

import argparse
from dataclasses import fields

import numpy as np
import pytest
from neurons import ENGINES

import pyhodgkin as ph
from pyhodgkin import SolveOptions, upsample_with_model
from pyhodgkin.backends.options import NAMES
from pyhodgkin.cli import evaluate as cli_evaluate
from pyhodgkin.cli import fit as cli_fit
from pyhodgkin.cli import simulate as cli_simulate
from pyhodgkin.cli import solver as cli_solver
from pyhodgkin.cli.app import main
from pyhodgkin.errors import InputError, UnknownNameError

CELL = ph.library.get("squid_axon")
CLAMP = ph.CurrentClamp.step(10.0, start=2.0, stop=12.0, t_end=15.0)
PASSIVE = ph.Neuron("cell", (ph.leak(5.0, -70.0),), c_m=100.0, v_rest=-70.0)
PULSE = ph.CurrentClamp.step(25.0, start=20.0, stop=120.0, t_end=200.0, unit="pA")
EVERY = {
    "solver": "rodas4p",
    "rtol": 1e-5,
    "atol": 1e-7,
    "max_steps": 50_000,
    "dt": 0.02,
    "dt_max": 5.0,
    "dtype": "float64",
    "device": "cpu",
    "v_scale": 20.0,
}


@pytest.fixture(scope="module")
def trace():
    return ph.Recording.from_solution(ph.simulate(CELL, CLAMP, saveat=0.1, backend="torch"))


@pytest.fixture(scope="module")
def small():
    return ph.Recording.from_solution(ph.simulate(PASSIVE, PULSE, backend="torch"))


VERBS = {
    "simulate": lambda trace, small, **how: ph.simulate(CELL, CLAMP, **how).y,
    "fit": lambda trace, small, **how: (
        ph.fit(
            CELL,
            trace,
            trainable="k.g",
            schedule=ph.Stage("simulation", "lbfgs", 2),
            progress=False,
            **how,
        ).theta
    ),
    "evaluate": lambda trace, small, **how: [
        row["rmse"] for row in ph.evaluate(CELL, trace, **how).rows()
    ],
    "adapt": lambda trace, small, **how: (
        ph.adapt(
            CELL, trace, trainable="k.g", schedule=ph.Stage("simulation", steps=2), **how
        ).theta
    ),
    "identifiability": lambda trace, small, **how: (
        ph.identifiability(CELL, trace, trainable="k.g", noise=1.0, **how).information
    ),
    "propose": lambda trace, small, **how: ph.propose(small, **how).neuron.theta,
    "fi_curve": lambda trace, small, **how: (
        ph.fi_curve(CELL, [10.0], duration=20.0, start=5.0, **how).first_spike
    ),
    "rheobase": lambda trace, small, **how: float(
        ph.rheobase(CELL, duration=10.0, start=5.0, tolerance=0.5, **how)
    ),
    "input_resistance": lambda trace, small, **how: float(ph.input_resistance(CELL, **how)),
    "upsample_with_model": lambda trace, small, **how: upsample_with_model(CELL, trace, **how)[0].v,
}


@pytest.mark.parametrize("name", VERBS)
def test_every_verb_takes_the_same_options_in_three_ways(name, trace, small):
    verb = VERBS[name]
    one_by_one = verb(trace, small, backend="torch", **EVERY)
    whole = verb(trace, small, backend="torch", options=SolveOptions(**EVERY))
    rest = SolveOptions(**{**EVERY, "rtol": 1e-3, "v_scale": 1.0})
    mixed = verb(trace, small, backend="torch", options=rest, rtol=1e-5, v_scale=20.0)
    np.testing.assert_array_equal(one_by_one, whole)
    np.testing.assert_array_equal(one_by_one, mixed)


@pytest.mark.parametrize("name", VERBS)
def test_every_verb_refuses_the_same_in_the_same_words(name, trace, small):
    def refused(**how):
        with pytest.raises(InputError) as caught:
            VERBS[name](trace, small, backend="torch", **how)
        return caught.value

    error = refused(v_scal=10.0)
    assert isinstance(error, UnknownNameError)
    assert str(error).startswith(
        'unknown argument or solve option "v_scal"; did you mean "v_scale"? (solve options: solver'
    )
    assert 'did you mean "backend"' in str(refused(bakend="torch"))
    assert "options is a dict; give SolveOptions" in str(refused(options={"rtol": 1e-5}))
    assert "rtol = 2.0, atol" in str(refused(rtol=2.0))
    assert "v_scale = -1.0 mV: must be positive" in str(refused(v_scale=-1.0))


@pytest.mark.parametrize("backend", ENGINES)
def test_the_options_change_the_solve(backend):
    def steps(**how):
        return int(ph.simulate(CELL, CLAMP, backend=backend, **how).stats["n_steps"])

    assert steps() > steps(v_scale=1e6) and steps() > steps(options=SolveOptions(rtol=1e-3))
    assert steps(dt_max=0.05) >= 300


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ({"rtol": "1e-5"}, "rtol = '1e-5': give a number"),
        ({"atol": True}, "atol = True: give a number"),
        ({"max_steps": 0}, "max_steps = 0"),
        ({"max_steps": 1.5}, "max_steps = 1.5: give a whole number"),
        ({"dt": float("nan")}, "dt = nan: give a number"),
        ({"dt_max": 0.0}, "dt_max = 0.0 ms: must be positive"),
        ({"v_scale": None}, "v_scale = None: give a number"),
        ({"solver": 3}, "solver = 3: give its name as text"),
        ({"dtype": "float16"}, 'unknown dtype "float16"'),
    ],
)
def test_values_are_checked(option, message):
    with pytest.raises(InputError) as caught:
        SolveOptions(**option)
    assert message in str(caught.value)


def test_numbers_of_numpy_are_numbers():
    assert SolveOptions(rtol=np.float64(1e-5), max_steps=np.int64(7)).max_steps == 7


# -- the command line -----------------------------------------------------------------------


def test_each_option_has_a_flag():
    assert set(cli_solver.HELP) == set(NAMES) == {f.name for f in fields(SolveOptions)}


@pytest.mark.parametrize("command", [cli_simulate, cli_fit, cli_evaluate])
def test_the_commands_take_the_options_of_the_verbs(command):
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    flags = {action.dest: action for action in parser._actions}
    typed = {"max_steps": "50000"}
    line = []
    for name in NAMES:
        flag = flags[cli_solver.FLAGS.get(name, f"--{name}")[2:].replace("-", "_")]
        line += [flag.option_strings[-1], typed.get(name, str(EVERY[name]))]
    needed = {
        cli_simulate: ["squid_axon", "--step", "1", "--out", "x"],
        cli_fit: ["a.csv", "--out", "x"],
    }
    options = parser.parse_args([*needed.get(command, ["squid_axon", "a.csv"]), *line])
    assert cli_solver.given(options) == EVERY
    nothing = parser.parse_args(needed.get(command, ["squid_axon", "a.csv"]))
    assert cli_solver.given(nothing) == {}


def test_the_command_solves_by_its_options(tmp_path, capsys):
    step = ["simulate", "squid_axon", "--step", "10", "--t-end", "20", "--backend", "torch"]
    steps = []
    for i, more in enumerate(([], ["--v-scale", "1e6"], ["--rtol", "1e-4"])):
        out = tmp_path / f"run{i}"
        assert main([*step, "--out", str(out), *more]) == 0
        head, row = (line.split(",") for line in (out / "summary.csv").read_text().splitlines())
        steps.append(int(row[head.index("steps")]))
    assert steps[0] > steps[1] and steps[0] > steps[2]
    assert main([*step, "--out", str(tmp_path / "none"), "--max-steps", "5"]) == 2
    text = capsys.readouterr().err
    assert "raise --max-steps, loosen --rtol and --atol" in text and "throw" not in text
