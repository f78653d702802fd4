"""The steady state of a neuron whose states are coupled, at a known voltage."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..numerics.arrays import FloatArray, Indices
from .program_numpy import NumpyFunctions
from .program_values import ProgramValues

if TYPE_CHECKING:
    from .neuron import Neuron
    from .tables import Tables

ITERATIONS, HALVINGS = 60, 12
CLOSE = 1e-13  # relative to each state


def held_states(tables: Tables) -> np.ndarray:
    """Which states (S,) the search leaves alone: v, those without a steady state, those given."""
    return (tables.program.held > 0) | np.isfinite(tables.initial)


def steady_state(neuron: Neuron, v: float) -> FloatArray:
    """The state (S,) at `v` (mV) at which all others stand still.

    By Newton's method with halved steps, from gates at their steady state where calcium is at
    rest. Given starts (`neuron.initial`) stay, and the others are at their steady state with them.

    Examples
    --------
    >>> import pyhodgkin as ph
    >>> pool = ph.CalciumPool(ca_inf=1e-4, tau=10.0, k=1e-4, sources=("l",))
    >>> cell = ph.Neuron("cell", (ph.leak(0.1, -70.0),), calcium=pool)
    >>> [round(float(x), 7) for x in steady_state(cell, -71.0)]
    [-71.0, 0.0002]
    """
    tables = neuron.tables
    f, values = NumpyFunctions(tables, neuron.theta), ProgramValues(tables)
    start = values.outputs(f, [float(v)] * values.states, tables.program.start.tolist())
    y = np.array([float(x) for x in start])
    given = np.isfinite(tables.initial)
    y[given] = tables.initial[given]
    y[0] = float(v)
    moving = np.flatnonzero(~held_states(tables))
    if not len(moving):
        return y
    seeds = np.eye(values.states)
    slopes, matrix = _linear(values, f, y, seeds, moving)
    for _ in range(ITERATIONS):
        step = -np.linalg.solve(matrix, slopes)
        if not np.isfinite(step).all():
            break
        size, before = 1.0, _distance(slopes, matrix)
        new, new_slopes, new_matrix = y, slopes, matrix
        for _ in range(HALVINGS):
            new = y.copy()
            new[moving] += size * step
            new_slopes, new_matrix = _linear(values, f, new, seeds, moving)
            after = _distance(new_slopes, new_matrix)
            if after <= before:
                break
            size *= 0.5
        y, slopes, matrix = new, new_slopes, new_matrix
        if (np.abs(step) <= CLOSE * np.abs(y[moving])).all():
            break
    return y


def _linear(
    values: ProgramValues, f: NumpyFunctions, y: FloatArray, seeds: FloatArray, moving: Indices
) -> tuple[FloatArray, FloatArray]:
    with np.errstate(all="ignore"):
        slopes, rows = values.jacobian(f, list(y), 0.0, list(seeds))
    matrix = np.array(rows)[np.ix_(moving, moving)]
    return np.array([float(x) for x in slopes])[moving], matrix


def _distance(slopes: FloatArray, matrix: FloatArray) -> float:
    """How far the states are from standing still, in units of their own relaxation."""
    found = float(np.abs(slopes / np.diagonal(matrix)).max())
    return found if np.isfinite(found) else np.inf
