"""Kernels that are wrong on a processor are found out, and elements are computed one by one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from neurons import SQUID
from test_compiled import PROTOCOLS

import pyhodgkin as ph
from pyhodgkin.backends import compiled
from pyhodgkin.backends.loss import Loss
from pyhodgkin.backends.torch.engine import TorchBackend
from pyhodgkin.backends.torch.steps import METHODS

pytestmark = pytest.mark.skipif(bool(compiled.why_not()), reason=compiled.why_not() or "used")


def has_avx512():
    try:
        return "avx512f" in Path("/proc/cpuinfo").read_text()
    except OSError:
        return False


@pytest.mark.xfail(
    has_avx512(), reason="kernels were seen to be wrong on one such processor", strict=False
)
def test_the_kernels_are_right_on_this_processor():
    from pyhodgkin.backends.compiled import check

    for solver in ("tsit5", "rodas5p"):
        for dtype in ("float64", "float32"):
            assert check.integrator_is_right(dtype, METHODS[solver].tableau)
        assert check.adjoint_is_right(METHODS[solver].tableau)
    assert check.points_are_right()


def test_a_wrong_kernel_is_not_used(monkeypatch, capsys):
    from pyhodgkin.backends.compiled import check, solve

    theta = np.tile(SQUID.theta, (5, 1))

    def call():
        return ph.simulate(
            SQUID, PROTOCOLS["step"], theta=theta, backend="torch", solver="tsit5", rtol=1e-9
        )

    expected = call()
    wrong = solve.solve

    def broken(*args, wide=None, **kwargs):
        found = wrong(*args, wide=False, **kwargs)
        if wide:
            found.samples[:] = np.nan
        return found

    check.integrator_is_right.cache_clear()
    check._say.cache_clear()
    monkeypatch.setattr(check, "solve", broken)
    try:
        found = call()
        assert not check.integrator_is_right("float64", METHODS["tsit5"].tableau)
    finally:
        monkeypatch.undo()
        check.integrator_is_right.cache_clear()
    assert "element" in capsys.readouterr().err
    np.testing.assert_allclose(found.y, expected.y, rtol=1e-7, atol=1e-9)


@pytest.mark.slow
@pytest.mark.parametrize("solver", ["tsit5", "rodas5p"])
def test_gradients_one_by_one_are_those_side_by_side(solver, monkeypatch):
    from pyhodgkin.backends.compiled import check

    t = np.linspace(0.0, 12.0, 61)
    data = [ph.Recording(t, PROTOCOLS["step"], v=10.0 * np.sin(t) - 60.0)]
    options = ph.SolveOptions(solver=solver, rtol=1e-7)

    def call():
        loss = Loss("mse", scale=1.0)
        return TorchBackend().value_and_grad(SQUID, data, SQUID.theta, loss, options=options)

    expected = call()
    monkeypatch.setattr(check, "adjoint_is_right", lambda scheme: False)
    monkeypatch.setattr(check, "points_are_right", lambda: False)
    found = call()
    np.testing.assert_allclose(found.gradient, expected.gradient, rtol=1e-9, atol=1e-9)
