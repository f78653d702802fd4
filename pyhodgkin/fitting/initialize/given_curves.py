"""Curves of a gate as they may be given: published kinetics, callables, numbers, tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ...errors import InputError
from ...neuron.gates import Gate
from ...neuron.kinetics import Kinetics
from ...numerics.arrays import FloatArray

OUTSIDE = 1e-9  # of x_inf outside [0, 1]: rounding


def gate_curves(curves: Any) -> tuple[Any, Any]:
    """x_inf and tau of what was given, each a callable, a number or an array.

    Examples
    --------
    >>> x_inf, tau = gate_curves({"alpha": lambda v: 0.1 + 0.0 * v, "beta": 0.3})
    >>> x_inf(np.zeros(1)), tau(np.zeros(1))
    (array([0.25]), array([2.5]))
    """
    if isinstance(curves, Gate):
        curves = curves.kinetics
    if isinstance(curves, Kinetics):
        if curves.kind == "instantaneous" or not curves.is_linear:
            raise InputError("curves: an instantaneous or free gate has no time constant to set")
        return curves.x_inf, curves.tau
    if isinstance(curves, Mapping):
        names = set(curves)
        if names == {"x_inf", "tau"}:
            return curves["x_inf"], curves["tau"]
        if names == {"alpha", "beta"}:
            return _of_rates(curves["alpha"], curves["beta"])
        raise InputError(
            f"curves: {sorted(map(str, names))}; give x_inf and tau (ms), or alpha and beta (1/ms)"
        )
    if isinstance(curves, Sequence) and not isinstance(curves, str) and len(curves) == 2:
        return curves[0], curves[1]
    raise InputError(
        f"curves is a {type(curves).__name__}; give a gate, its kinetics, a mapping of x_inf and "
        "tau, or the pair (x_inf, tau)"
    )


def _of_rates(alpha: Any, beta: Any) -> tuple[Any, Any]:
    def total(v: FloatArray) -> FloatArray:
        return values("alpha", alpha, v) + values("beta", beta, v)

    def x_inf(v: FloatArray) -> FloatArray:
        return values("alpha", alpha, v) / total(v)

    def tau(v: FloatArray) -> FloatArray:
        return 1.0 / total(v)

    if not (is_table(alpha) or is_table(beta)):
        return x_inf, tau
    a, b = (np.asarray(c, dtype=float) for c in (alpha, beta))
    return a / (a + b), 1.0 / (a + b)


def is_table(curve: Any) -> bool:
    """Whether it is an array of values."""
    return not callable(curve) and np.ndim(curve) > 0


def check_tables(tables: bool, v: FloatArray | None) -> None:
    """Arrays need the voltages that they are of."""
    if tables and (v is None or len(v) == 2):
        raise InputError("curves: arrays need v=, the voltage of each value, mV (three or more)")


def values(name: str, curve: Any, v: FloatArray) -> FloatArray:
    """The curve at `v` (n,), finite numbers."""
    try:
        out = np.asarray(curve(v) if callable(curve) else curve, dtype=float)
        if out.shape != () and out.shape != v.shape:
            raise ValueError
    except (TypeError, ValueError):
        raise InputError(
            f"curves: {name} must give one number for each of {len(v)} voltages (an array like v)"
        ) from None
    out = np.array(np.broadcast_to(out, v.shape))
    bad = ~np.isfinite(out)
    if bad.any():
        raise InputError(f"curves: {name} is not finite at v = {v[bad][0]:g} mV")
    return out


def gate_at(x_inf: Any, tau: Any, v: FloatArray) -> tuple[FloatArray, FloatArray]:
    """x_inf and tau at `v` (n,), in their ranges."""
    x, times = values("x_inf", x_inf, v), values("tau", tau, v)
    bad = (x < -OUTSIDE) | (x > 1.0 + OUTSIDE)
    if bad.any():
        raise InputError(f"curves: x_inf = {x[bad][0]:g} at v = {v[bad][0]:g} mV is not in [0, 1]")
    if not (times > 0.0).all():
        i = int(np.argmin(times))
        raise InputError(f"curves: tau = {times[i]:g} ms at v = {v[i]:g} mV is not positive")
    return np.clip(x, 0.0, 1.0), times
