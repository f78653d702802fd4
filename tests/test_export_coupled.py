"""Calcium pools and Markov schemes as code of other simulators; and in these."""

from __future__ import annotations

import ast
import re
from dataclasses import replace

import numpy as np
import pytest
from coupled_cells import every_part, every_part_rhs
from export_runs import SIMULATORS, loaded, runs_like_ours

import pyhodgkin as ph
from pyhodgkin.errors import InputError
from pyhodgkin.export.mechanism import program_of

CELL = every_part()
NAMES = ("pospischil_lts_calcium", "pinsky_rinzel_isopotential", "herg_beattie_markov")
NEURONS = {name: ph.library.get(name) for name in NAMES} | {"every_part": CELL}
HERG = NEURONS["herg_beattie_markov"]
# With a leak, so that the step of current keeps to the voltages of a cell.
RUN = NEURONS | {HERG.name: replace(HERG, channels=(*HERG.channels, ph.leak(0.2, -80.0)))}
UNITS = {x: 1.0 for x in ("mV", "ms", "uA", "cm", "uF", "msiemens")}


class Lazy(dict):
    """The equations of Brian2 as numbers, each found when it is asked for."""

    def __init__(self, equations, **known):
        super().__init__(known)
        lines = [line.rpartition(" : ")[0].split(" = ", 1) for line in equations.splitlines()]
        self.slopes = {x[0][1:-3]: x[1] for x in lines if len(x) == 2 and x[0].endswith("/dt")}
        self.values = {x[0]: x[1] for x in lines if len(x) == 2 and not x[0].endswith("/dt")}

    def __missing__(self, name):
        self[name] = eval(self.values[name], {"__builtins__": {}}, self)
        return self[name]

    def slope(self, state):
        return eval(self.slopes[state], {"__builtins__": {}}, self)


def exprel(x):
    return 1.0 + 0.5 * x if abs(x) < 1e-9 else (np.exp(x) - 1.0) / x


def brian2_as_numbers(folder):
    """The module, where names of Brian2 are numbers and plain functions."""
    (file,) = CELL.export("brian2", folder)
    text = file.read_text().replace("from brian2 import *", "from plain_brian2 import *")
    names = "; ".join(f"{x} = 1.0" for x in (*UNITS, "um"))
    plain = f"{names}\nfrom numpy import *\n\n\ndef Function(f, **options):\n    return f\n"
    (folder / "plain_brian2.py").write_text(plain)
    file.write_text(text)
    return loaded(file)


def test_the_equations_are_those_written_by_hand(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(tmp_path))
    module = brian2_as_numbers(tmp_path)
    net = CELL.channel("k").rate("down").learned
    gate_net = CELL.gate("s").kinetics.network
    rhs = every_part_rhs(
        lambda t: 3.0, lambda z: float(net([[z]])[0, 0]), lambda z: gate_net([[z]])[0]
    )
    rng = np.random.default_rng(5)
    tools = {"exprel": exprel, "int": int, "exp": np.exp, "log": np.log, "tanh": np.tanh, **UNITS}
    tools |= {k: f for k, f in vars(module).items() if re.search(r"_(net\d*|table)$", k)}
    tools |= module.parameters
    for _ in range(20):
        y = np.concatenate([rng.uniform(-90.0, 40.0, 1), rng.uniform(0.05, 0.45, 6),
                            10.0 ** rng.uniform(-5.0, -2.0, 1)])  # fmt: skip
        names = dict(zip(CELL.states, map(float, y), strict=True))
        found = Lazy(module.equations, i_stim=3.0, **tools, **names)
        wanted = rhs(0.0, y)
        slopes = [found.slope(state) for state in CELL.states]
        np.testing.assert_allclose(slopes, wanted, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("to", ["nmodl", "brian2", "jaxley", "julia"])
@pytest.mark.parametrize("name", NEURONS)
def test_files_are_written_whole(name, to, tmp_path):
    for path in NEURONS[name].export(to, tmp_path):
        text = path.read_text(encoding="utf-8")
        if path.suffix == ".py":
            ast.parse(text)
            # jax.numpy has the names of numpy
            assert all(hasattr(np, name) for name in re.findall(r"jnp\.(\w+)", text))
        else:
            assert text.count("{") == text.count("}") and text.count("(") == text.count(")")


def test_neuroml_says_what_it_does_not_write(tmp_path):
    with pytest.raises(InputError, match="has a pool of calcium"):
        NEURONS["pospischil_lts_calcium"].export("neuroml", tmp_path)
    with pytest.raises(InputError, match='"kr" is a Markov scheme'):
        NEURONS["herg_beattie_markov"].export("neuroml", tmp_path)
    assert not list(tmp_path.iterdir())


def test_nmodl_of_calcium_and_schemes(tmp_path):
    files = {path.name: path.read_text() for path in CELL.export("nmodl", tmp_path)}
    assert "USEION ca READ ica WRITE cai VALENCE 2" in files["calcium_pool.mod"]
    assert "USEION ca READ cai WRITE ica" in files["cat.mod"]  # into the pool
    assert "USEION ca READ cai VALENCE 2" in files["kca.mod"]  # a current that calcium opens
    assert "NONSPECIFIC_CURRENT i" in files["kca.mod"] and "USEION" not in files["l.mod"]
    scheme = files["k.mod"]
    assert "~ k_C2 <-> k_C1 (2.0*k_up_rate, k_down_rate)" in scheme
    assert "CONSERVE k_C2 + k_C1 + k_O = 1" in scheme
    assert "SOLVE scheme STEADYSTATE sparse" in scheme and "i = g*(k_O)*(v - e)" in scheme


def test_states_that_the_neuron_gives_are_where_it_starts(tmp_path):
    given = replace(HERG, initial=(("kr_O", 0.25),))
    scheme = program_of(given, "test").schemes[0]
    assert scheme.given and scheme.start[1] == 0.25 and sum(scheme.start) == pytest.approx(1.0)
    text = given.export("nmodl", tmp_path)[0].read_text()
    assert "kr_O = 0.25" in text and "STEADYSTATE" not in text


@pytest.mark.parametrize("to", ["nmodl", "brian2", "jaxley", "julia"])
@pytest.mark.parametrize("name", NEURONS)
def test_simulators_run_it(name, to, tmp_path):
    runs_like_ours(RUN[name], *SIMULATORS[to](RUN[name], tmp_path))
