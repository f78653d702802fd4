"""The order of parameters has one owner: Julia lowers a document to the tables of Python."""

from __future__ import annotations

import json

import numpy as np
import pytest
from neurons import SQUID
from test_lowering import CASES

import pyhodgkin as ph
from pyhodgkin.backends.julia.arrays import julia_view
from pyhodgkin.backends.julia.convert import system_of
from pyhodgkin.backends.julia.session import Session
from pyhodgkin.backends.julia.start import session
from pyhodgkin.errors import InputError
from pyhodgkin.neuron import neural_forms
from pyhodgkin.neuron.serialise import to_dict

pytestmark = pytest.mark.julia


@pytest.fixture(scope="module")
def run() -> Session:
    return session()


def same_tables(run: Session, system, neuron) -> None:
    """`system`, made in Julia, has the tables of `neuron`, array by array."""
    found, ours = run.call("tables", system), neuron.tables
    for name, expected in ours.arrays().items():
        got = julia_view(run.call("table", found, name))
        assert (got.shape, got.dtype) == (expected.shape, expected.dtype), name
        # q10 and log(tau_max/tau_min) come from two libraries of elementary functions.
        within = 4e-16 if name == "gate_numbers" else 0.0
        np.testing.assert_allclose(got, expected, rtol=within, atol=0.0, err_msg=name)
    for name in ("name", "v_rest", "c_m", "size", "box_stimulus"):
        assert run.call("table", found, name) == getattr(ours, name)
    assert run.call("state_names", found).split() == list(ours.states)


@pytest.mark.parametrize("name", CASES)
def test_julia_lowers_a_document_to_the_same_tables(run, name):
    document, _ = to_dict(CASES[name])
    same_tables(run, run.call("system_of", json.dumps(document)), CASES[name])


@pytest.mark.parametrize("name", CASES)
def test_tables_go_over_and_come_back(run, name):
    same_tables(run, system_of(CASES[name]), CASES[name])


def test_a_form_that_is_a_python_function_is_refused_by_name(run):
    neural_forms.register("test_julia_form", lambda n1, n2, numbers, f: (f.exp(n1), f.exp(n2)))
    try:
        kinetics = ph.NeuralKinetics("test_julia_form", ph.Network.create((1, 3, 2)))
        cell, clamp = SQUID.replace_gate("n", kinetics), ph.CurrentClamp.constant(5.0, t_end=2.0)
        with pytest.raises(InputError, match=r'gate "n": form = "test_julia_form".*"torch"'):
            ph.simulate(cell, clamp, backend="julia")
        recording = ph.Recording.from_solution(ph.simulate(SQUID, clamp, backend="julia"))
        stage = ph.Stage("clamped", "adamw", 2)
        with pytest.raises(InputError, match=r'form = "test_julia_form".*"torch"'):
            ph.fit(cell, [recording], schedule=stage, backend="julia", progress=False)
    finally:
        neural_forms.unregister("test_julia_form")
