"""Bad input gets the same error from the Julia engine as from torch, in one line."""

from __future__ import annotations

import numpy as np
import pytest
from neurons import SQUID, black_box_neuron

import pyhodgkin as ph
from pyhodgkin import backends
from pyhodgkin.backends.base import SolveOptions
from pyhodgkin.backends.loss import Loss
from pyhodgkin.errors import InputError, SolveError, UnknownNameError

pytestmark = pytest.mark.julia

STEP = ph.CurrentClamp.step(5.0, start=1.0, stop=4.0, t_end=5.0)
CLAMP = ph.VoltageClamp.step(-10.0, start=1.0, stop=4.0, t_end=5.0)
T = np.arange(0.0, 5.0, 0.5)
V = ph.Recording(T, STEP, v=np.full(10, -65.0))
CURRENT = ph.Recording(T, CLAMP, current=np.arange(10.0), current_unit="uA/cm2")
FREE = SQUID.replace_gate("n", ph.NeuralKinetics("free", ph.Network.create((2, 4, 1))))


def solve(engine, neuron=SQUID, protocols=(STEP,), theta=None, y0=None, **options):
    theta = neuron.theta if theta is None else theta
    return engine.solve(neuron, list(protocols), theta, y0, T, SolveOptions(**options))


def gradient(engine, neuron, recordings, **values):
    return engine.value_and_grad(neuron, recordings, neuron.theta, Loss(), **values)


BAD = {
    "unknown mode": lambda e: gradient(e, SQUID, [V], mode="clamp"),
    "start of the wrong length": lambda e: solve(e, y0=np.zeros(3)),
    "start that is not finite": lambda e: solve(e, y0=np.array([np.nan, 0.1, 0.1, 0.1])),
    "protocols of two kinds": lambda e: solve(e, protocols=(STEP, CLAMP)),
    "protocols that do not fit": lambda e: solve(
        e, protocols=(STEP, STEP), theta=np.tile(SQUID.theta, (3, 1))
    ),
    "recordings of two kinds": lambda e: gradient(e, SQUID, [V, CURRENT], mode="simulation"),
    "a black box under voltage clamp": lambda e: solve(e, black_box_neuron(), (CLAMP,)),
    "a black box that is clamped": lambda e: gradient(e, black_box_neuron(), [V], mode="clamped"),
    "a free gate that is clamped": lambda e: gradient(e, FREE, [V], mode="clamped"),
}


@pytest.mark.parametrize("bad", BAD)
def test_the_same_error_on_both_engines(bad):
    said = []
    for name in ("torch", "julia"):
        with pytest.raises(InputError) as caught:
            BAD[bad](backends.get(name))
        said.append((type(caught.value), str(caught.value)))
        assert "\n" not in str(caught.value)
    assert said[0] == said[1]


def test_an_unknown_solver_is_named_with_those_there_are():
    with pytest.raises(UnknownNameError, match="rodas5p") as caught:
        ph.simulate(SQUID, STEP, solver="rodas5", backend="julia")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "options",
    [{"dtype": "float32", "solver": "vern7"}, {"device": "cuda"}],
    ids=["float32", "cuda"],
)
def test_what_only_torch_can_do_is_said(options):
    with pytest.raises(InputError, match=r'backend ?= ?"torch"'):
        ph.simulate(SQUID, STEP, backend="julia", **options)


def test_a_failed_solve_is_a_status_or_one_error():
    found = ph.simulate(SQUID, STEP, backend="julia", max_steps=5, throw=False)
    assert found.status == ph.Status.MAX_STEPS
    assert np.isnan(found.v[-1]) and np.isfinite(found.v[0])
    with pytest.raises(SolveError, match="max_steps"):
        ph.simulate(SQUID, STEP, backend="julia", max_steps=5)


def test_an_unknown_sensitivity_is_named_with_those_there_are():
    from pyhodgkin.backends.julia.engine import JuliaBackend

    with pytest.raises(UnknownNameError, match="interpolating"):
        JuliaBackend(sensitivity="interpolate")
