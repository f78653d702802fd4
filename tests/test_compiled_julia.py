"""The compiled integrators and Julia in one process: both load LLVM."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

pytestmark = pytest.mark.julia

SOLVE = """
import pyhodgkin as ph
cell = ph.library.get("squid_axon")
clamp = ph.CurrentClamp.step(10.0, start=1.0, stop=9.0, t_end=12.0)

def v(backend):
    return ph.simulate(cell, clamp, backend=backend, rtol=1e-9, atol=1e-11, saveat=[6.0, 12.0]).v

from pyhodgkin.backends.compiled import why_not
"""
ORDERS = {
    "numba first": 'a, b, c = v("torch"), v("julia"), v("torch")\nassert not why_not()',
    "Julia first": 'b, a, c = v("julia"), v("torch"), v("julia")\nassert not why_not()',
}


def run(code: str, **environment: str) -> None:
    code = SOLVE + code + "\nassert max(abs(a - b)) < 1e-4 and max(abs(a - c)) < 1e-4"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr[-2000:]


@pytest.mark.parametrize("order", ORDERS)
def test_both_orders_in_one_process(order):
    pytest.importorskip("numba")
    run(ORDERS[order], PYHODGKIN_COMPILED="1")


def test_beside_julia_the_eager_integrator_is_used_unless_asked_otherwise():
    pytest.importorskip("numba")
    run('b, a, c = v("julia"), v("torch"), v("julia")\nassert "Julia runs" in why_not()')
