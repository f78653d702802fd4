"""The variational equations, integrated in numpy over an engine's local derivatives.

With A and B the derivatives of the right-hand side by the state and along directions in theta, the
state moves by S, dS/dt = A S + B. A gate under a known voltage, dx/dt = a - s x, moves by the
derivatives of its rates.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...numerics.arrays import FloatArray
from ..linearization import Directions
from ..voltage_grid import VoltageGrid
from .directional import Levels, jvp
from .local import LocalDerivatives

FAST = 1e4  # per ms: a gate that is faster follows v as well


def forward_sensitivities(
    local: LocalDerivatives,
    theta: FloatArray,
    t: FloatArray,
    y: FloatArray,
    u: FloatArray,
    directions: Directions,
    start: FloatArray,
) -> FloatArray:
    """How v moves along a trajectory; see `LocalDerivatives.forward_sensitivities`."""
    a = local.jacobians(theta, y, u)
    b = jvp(local, "rhs", theta, y, u, directions)
    if start.shape[1] > b.shape[2]:
        # Initial states come last, and nothing but the start moves with them.
        more = np.zeros((*b.shape[:2], start.shape[1] - b.shape[2]))
        b = np.concatenate([b, more], axis=-1)
    step, push = _steps(t, *calmed(a, b))
    out = np.zeros((len(step) + 1, start.shape[1]))
    moved = start
    out[0] = moved[0]
    for k in range(len(step)):
        moved = step[k] @ moved
        moved += push[k]
        out[k + 1] = moved[0]
    return out


def calmed(a: FloatArray, b: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Rows of `a` (N, S, S) and `b` (N, S, q) of a size that leaves something of the others."""
    fastest = np.maximum(np.abs(np.diagonal(a, axis1=1, axis2=2)), 1e-9)
    calm = np.minimum(1.0, FAST / fastest)[:, :, None]
    return calm * a, calm * b


def _steps(t: FloatArray, a: FloatArray, b: FloatArray) -> tuple[FloatArray, FloatArray]:
    """From each second node to the next S becomes step (S, S) @ S + push (S, q).

    Lobatto's method (IIIA, of order 4) for dS/dt = `a` S + `b`, with the nodes between as its
    middles.
    """
    h, eye = np.diff(t[::2])[:, None, None] / 6.0, np.eye(a.shape[1])
    first, middle, last = a[:-2:2], a[1::2], a[2::2]
    left = np.linalg.inv(eye - h * (last + 2.0 * middle - 3.0 * h * (middle @ last)))
    right = eye + h * (first + 2.0 * middle + 3.0 * h * (middle @ first))
    push = b[:-2:2] + 4.0 * b[1::2] + b[2::2] + 3.0 * h * (middle @ (b[:-2:2] - b[2::2]))
    return left @ right, left @ (h * push)


def gate_sensitivities(
    local: LocalDerivatives,
    theta: FloatArray,
    grid: VoltageGrid,
    before: FloatArray,
    directions: Directions,
    held: NDArray[np.bool_],
    start: FloatArray | None,
) -> FloatArray:
    """How gates under a known voltage move; see `LocalDerivatives.gate_sensitivities`."""
    decay, level, h = steps_of(local, theta, grid)
    levels, g = Levels(grid.v), len(decay)
    slopes = levels.spread(
        jvp(local, "rates", theta, *at_voltages(local, levels.nodes), directions)
    )
    total = local.value("rates", theta, *at_voltages(local, grid.v))[g:].T[:, :, None]
    by_level = (slopes[:, :g] - level.T[:, :, None] * slopes[:, g:]) / total
    keep = decay.T[:, :, None]
    stay = (before - level).T[:, :, None] * h[:, None, None] * keep
    push = (1.0 - keep) * by_level - stay * slopes[:, g:]
    push[0, held] = 0.0
    if start is not None:
        more = np.zeros((*push.shape[:2], start.shape[1] - push.shape[2]))
        push = np.concatenate([push, more], axis=-1)
        push[0] = start
    for k in range(1, len(push)):
        push[k] += keep[k] * push[k - 1]
    return push[grid.places]


def steps_of(
    local: LocalDerivatives, theta: FloatArray, grid: VoltageGrid
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """What is left of each gate after each step (G, N), its level (G, N), and h (N,)."""
    a, s = np.split(local.value("rates", theta, *at_voltages(local, grid.v)), 2)
    # In the first step gates reach their level; nothing is left, and 0·∞ is not a number.
    h = np.concatenate([[0.0], grid.h[1:]])
    decay = np.exp(-s * h)
    decay[:, 0] = 0.0
    return decay, a / s, h


def at_voltages(local: LocalDerivatives, v: FloatArray) -> tuple[FloatArray, FloatArray]:
    """States (S, N) at voltages (N,), all else zero, and no stimulus."""
    return np.concatenate([v[None], np.zeros((len(local.states) - 1, len(v)))]), np.zeros(len(v))
