"""Whether the kernels are right on this processor: asked once in a process, of each of them.

The vector code of one processor is not that of another, and compilers have faults: a kernel whose
answers to a small problem are wrong is not used, and elements are computed one by one instead.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from ...neuron import library
from ...notices import notice
from ...numerics.arrays import FloatArray
from ...protocols import CurrentClamp, Segments
from ..options import SolveOptions
from .gradient import gradients
from .local import Points
from .solve import Batch, FixedStep, Scheme, Tableau, solve

# The squid axon under 20 µA/cm² with 1, 1.1 and 0.9 times its sodium conductance, from rest: v at
# 1, 2 and 3 ms by the eager integrator at rtol = 1e-11, mV.
FACTORS, TIMES = np.array([1.0, 1.1, 0.9]), np.array([1.0, 2.0, 3.0])
EXPECTED = np.array(
    [
        [-40.98387073, 23.63262161, -24.55181072],
        [-39.01657242, 23.60272997, -23.54159171],
        [-42.7182792, 23.80034982, -25.5626068],
    ]
)
TEXT = (
    "vector code gives wrong numbers on this processor; elements are computed one by "
    "one, in double precision (please report it, with the output of: pyhodgkin doctor)"
)


def _problem(factors: FloatArray) -> Batch:
    cell = library.get("squid_axon")
    theta = np.tile(cell.theta, (len(factors), 1))
    theta[:, cell.layout["na.g"].start] *= factors
    none = np.zeros(len(factors), dtype=np.int64)
    return Batch(
        theta,
        np.arange(len(factors)),
        Segments.stack([CurrentClamp.constant(20.0, 3.0).segments]),
        none,
        np.full(len(factors), cell.v_rest),
        np.zeros((0, len(cell.states))),
        TIMES[None],
        np.full(len(factors), TIMES[-1]),
        False,
    )


@lru_cache(maxsize=16)
def integrator_is_right(dtype: str, scheme: Scheme) -> bool:
    """Whether the kernel for batches gives v of the squid axon in a scheme and a precision."""
    tolerance, rtol = (0.02, 1e-6) if dtype == "float64" else (1.0, 1e-4)
    if isinstance(scheme, FixedStep):
        tolerance = 5.0
    options = SolveOptions(dtype=dtype, rtol=rtol, atol=1e-2 * rtol, dt=0.02)
    found = _solved(scheme, options, True)
    if np.abs(found - EXPECTED).max() < tolerance:
        return True
    # It may be the scheme, one that was registered, and not the kernel.
    return _said(bool(np.abs(found - _solved(scheme, options, False)).max() < tolerance))


def _solved(scheme: Scheme, options: SolveOptions, wide: bool) -> FloatArray:
    tables = library.get("squid_axon").tables
    return solve(tables, scheme, _problem(FACTORS), options, wide=wide).samples[:, :, 0]


@lru_cache(maxsize=1)
def points_are_right() -> bool:
    """Whether values at single states, and their derivatives, are those of the squid axon."""
    cell, v = library.get("squid_axon"), np.linspace(-90.0, 30.0, 11)
    points, theta = Points(cell.tables, wide=True), cell.theta[None]
    y = np.stack([cell.initial_state(x) for x in v])
    level = points.value("steady_state", theta, y)
    place, h = cell.layout["na.g"].start, 1e-6
    up, down = theta.copy(), theta.copy()
    up[0, place] *= 1.0 + h
    down[0, place] *= 1.0 - h
    slope = (points.value("rhs", up, y) - points.value("rhs", down, y))[:, 0].sum()
    slope /= up[0, place] - down[0, place]
    found = points.pullback("rhs", theta, y, np.eye(4)[:1].repeat(11, 0))[0][0, place]
    near = np.abs(level - y).max() < 1e-9 and abs(found - slope) < 1e-5 * abs(slope)
    return _said(bool(near))


@lru_cache(maxsize=16)
def adjoint_is_right(scheme: Tableau) -> bool:
    """Whether the gradient of v at 3 ms by the sodium conductance is its slope."""
    cell, h = library.get("squid_axon"), 1e-5
    options = SolveOptions(rtol=1e-9, atol=1e-11)
    batch = _problem(np.array([1.0, 1.0 + h, 1.0 - h]))
    solved = solve(cell.tables, scheme, batch, options, keep=True)
    assert solved.steps is not None
    bars = np.zeros(solved.samples.shape)
    bars[:, -1, 0] = 1.0
    found = gradients(
        cell.tables, scheme, batch, solved.steps, solved.samples, bars, wide=True
    ).theta[0, cell.layout["na.g"].start]
    v = solved.samples[:, -1, 0]
    slope = (v[1] - v[2]) / (2.0 * h * cell.theta[cell.layout["na.g"].start])
    return _said(bool(abs(found - slope) < 1e-3 * abs(slope)))


@lru_cache(maxsize=1)
def _say() -> None:
    notice(TEXT)


def _said(right: bool) -> bool:
    if not right:
        _say()
    return right
