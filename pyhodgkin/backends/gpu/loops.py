"""The steps of `methods` with their stages as a loop, for neurons whose networks make long code.

The coefficients are read from a table: of each stage its row of `a`, of the second matrix, its time
and its weight of the slope of the stimulus. A stage that is still to come counts as zero.
"""

from __future__ import annotations

import numpy as np

from ..tableau import ExplicitTableau, RosenbrockTableau
from .methods import Calls, Tableau
from .printing import number, weighted


def table(tableau: Tableau) -> np.ndarray:
    """The coefficients (stages, 2 stages + 2)."""
    n = len(tableau.c)
    found = np.zeros((n, 2 * n + 2))
    for i, row in enumerate(tableau.a):
        found[i, : len(row)] = row
    found[:, 2 * n] = tableau.c
    if isinstance(tableau, RosenbrockTableau):
        for i, row in enumerate(tableau.c_matrix):
            found[i, n : n + len(row)] = row
        found[:, 2 * n + 1] = tableau.d
    return found


def coefficient(n: int, column: int) -> str:
    """The code that reads a number of the row ``stage`` of the table."""
    return f"tl.load(tableau + stage * {2 * n + 2} + {column})"


def coefficients(n: int, name: str, first: int, count: int) -> list[str]:
    """Several of them, to variables that begin with `name`."""
    return [f"{name}{q} = {coefficient(n, first + q)}.to(F)" for q in range(count)]


def stage_sum(name: str, count: int, j: int) -> str:
    """The sum of the stages of a state with the weights in variables that begin with `name`."""
    return " + ".join(f"{name}{q} * k{q}_{j}" for q in range(count))


def _stimulus(calls: Calls, n: int) -> list[str]:
    text = calls.stimulus("t + node * step", 0)
    return [f"node = {coefficient(n, 2 * n)}", *text] if text else []


def _kept(calls: Calls, n: int, first: int, found: str) -> list[str]:
    """Put the result of a stage where it belongs."""
    return [
        line
        for q in range(first, n)
        for line in calls.each(f"k{q}_{{j}} = tl.where(stage == {q}, {found}{{j}}, k{q}_{{j}})")
    ]


def explicit_loop(tableau: ExplicitTableau, calls: Calls) -> list[str]:
    """A step of an explicit pair, with its first stage where that is not there."""
    n = len(tableau.c)
    text = [line for q in range(1, n) for line in calls.each(f"k{q}_{{j}} = 0.0 * h_step")]
    text += calls.each("new{j} = y{j}")
    if calls.clamped:
        text.append("stage = 0")
    else:
        text += ["stage = 1 - tl.max((live & ~fresh).to(tl.int32), 0)"]
        text += calls.each("k0_{j} = tl.where(fresh, k0_{j}, 0.0)")
    inner = coefficients(n, "a", 0, n - 1)
    for j in range(calls.states):
        inner.append(f"new{j} = y{j} + h_step * ({stage_sum('a', n - 1, j)})")
    inner += [*_stimulus(calls, n), calls.call("right_hand_side", "g", "new")]
    first = "stage == 0" if calls.clamped else "(stage == 0) & ~fresh"
    inner += calls.each(f"k0_{{j}} = tl.where({first}, g{{j}}, k0_{{j}})")
    inner += [*_kept(calls, n, 1, "g"), "stage += 1"]
    text += [f"while stage < {n}:", *(f"    {line}" for line in inner)]
    if not calls.clamped:
        text.append("fresh = live")
    for j in range(calls.states):
        text.append(f"error{j} = h_step * ({weighted(tableau.b_error, calls.stages(n, j))})")
    return text


def rosenbrock_loop(tableau: RosenbrockTableau, calls: Calls) -> list[str]:
    """A step of a Rosenbrock method; the last stage is the estimate of its error."""
    n = len(tableau.c)
    text = ["inverse_h = 1.0 / h_step", f"shift = inverse_h / {number(tableau.gamma)}"]
    text += [*calls.stimulus("t", 0), calls.call("factored", "r", "y")]
    if calls.moving:
        text += [calls.call("by_stimulus", "slope", "y"), *calls.stimulus("t", 1)]
        text += calls.each("slope{j} = slope{j} * u * h_step")
        text += calls.each(f"r{{j}} = {number(tableau.d[0])} * slope{{j}} + r{{j}}")
    text.append(calls.call("solved", "k0_", "r"))
    text += [line for q in range(1, n) for line in calls.each(f"k{q}_{{j}} = 0.0 * h_step")]
    text += [*calls.each("at{j} = y{j}"), "stage = 1"]
    inner = [*coefficients(n, "a", 0, n - 1), *coefficients(n, "b", n, n - 1)]
    for j in range(calls.states):
        inner.append(f"at{j} = y{j} + ({stage_sum('a', n - 1, j)})")
    inner += [*_stimulus(calls, n), calls.call("right_hand_side", "r", "at")]
    for j in range(calls.states):
        inner.append(f"r{j} = ({stage_sum('b', n - 1, j)}) * inverse_h + r{j}")
    if calls.moving:
        inner.append(f"by_slope = {coefficient(n, 2 * n + 1)}.to(F)")
        inner += calls.each("r{j} = by_slope * slope{j} + r{j}")
    inner += [calls.call("solved", "g", "r"), *_kept(calls, n, 1, "g"), "stage += 1"]
    text += [f"while stage < {n}:", *(f"    {line}" for line in inner)]
    text += calls.each(f"new{{j}} = at{{j}} + k{n - 1}_{{j}}")
    return text + calls.each(f"error{{j}} = k{n - 1}_{{j}}")
