"""One step of each method as Triton code; the steps of the compiled integrators of the CPU.

A step goes from the state ``y…`` over ``h_step`` to ``new…``; the names of the stages are
``k{stage}_{state}``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ..tableau import ExplicitTableau, RosenbrockTableau
from .printing import number, weighted

Tableau = ExplicitTableau | RosenbrockTableau


@dataclass(frozen=True)
class Calls:
    """How the functions of a neuron are called: `right_hand_side(target, state)` and so on.

    Each gives lines of code that compute a function of the state in variables that begin with
    `state`, under the stimulus ``u``, into variables that begin with `target`. `stimulus(t, order)`
    is the stimulus at a time, or None where it is that of the piece.
    """

    states: int
    call: Callable[[str, str, str], str]
    stimulus: Callable[[str, int], list[str]]
    clamped: bool
    moving: bool

    def each(self, text: str, first: int = 0) -> list[str]:
        """A line for each state: ``{j}`` stands for its place."""
        return [text.replace("{j}", str(j)) for j in range(first, self.states)]

    def names(self, prefix: str) -> str:
        return ", ".join(f"{prefix}{j}" for j in range(self.states))

    def stages(self, count: int, j: int) -> list[str]:
        return [f"k{q}_{j}" for q in range(count)]

    def times(self, node: float) -> str:
        return "t" if node == 0.0 else f"t + {number(node)} * step"


def explicit_step(tableau: ExplicitTableau, calls: Calls) -> list[str]:
    """A step of an explicit pair whose first stage is there; its error to ``error…``."""
    count, text = len(tableau.c), []
    for i in range(1, count):
        target = "new" if i == count - 1 else "at"
        for j in range(calls.states):
            moved = weighted(tableau.a[i], calls.stages(i, j))
            text.append(f"{target}{j} = y{j} + h_step * ({moved})")
        text += calls.stimulus(calls.times(tableau.c[i]), 0)
        text.append(calls.call("right_hand_side", f"k{i}_", target))
    for j in range(calls.states):
        text.append(f"error{j} = h_step * ({weighted(tableau.b_error, calls.stages(count, j))})")
    return text


def rosenbrock_step(tableau: RosenbrockTableau, calls: Calls) -> list[str]:
    """A step of a Rosenbrock method; the last stage is the estimate of its error."""
    count, states = len(tableau.c), range(calls.states)
    text = ["inverse_h = 1.0 / h_step", f"shift = inverse_h / {number(tableau.gamma)}"]
    text += calls.stimulus("t", 0)
    text.append(calls.call("factored", "r", "y"))
    if calls.moving:
        text += [calls.call("by_stimulus", "slope", "y"), *calls.stimulus("t", 1)]
        text += calls.each("slope{j} = slope{j} * u * h_step")
        text += calls.each(f"r{{j}} = {number(tableau.d[0])} * slope{{j}} + r{{j}}")
    text.append(calls.call("solved", "k0_", "r"))
    for i in range(1, count):
        for j in states:
            text.append(f"at{j} = y{j} + ({weighted(tableau.a[i], calls.stages(i, j))})")
        text += calls.stimulus(calls.times(tableau.c[i]), 0)
        text.append(calls.call("right_hand_side", "r", "at"))
        for j in states:
            moved = weighted(tableau.c_matrix[i], calls.stages(i, j))
            text.append(f"r{j} = ({moved}) * inverse_h + r{j}")
        if calls.moving and tableau.d[i] != 0.0:
            text += calls.each(f"r{{j}} = {number(tableau.d[i])} * slope{{j}} + r{{j}}")
        text.append(calls.call("solved", f"k{i}_", "r"))
    text += calls.each(f"new{{j}} = at{{j}} + k{count - 1}_{{j}}")
    return text + calls.each(f"error{{j}} = k{count - 1}_{{j}}")


def dense(tableau: Tableau, calls: Calls, states: int) -> list[str]:
    """The coefficients ``dense{power}_{state}`` of the polynomial inside of a step."""
    text, count = [], len(tableau.c)
    explicit = isinstance(tableau, ExplicitTableau)
    rows = tuple(zip(*tableau.dense, strict=True)) if explicit else tableau.dense
    for p, row in enumerate(rows):
        for j in range(states):
            found = weighted(row, calls.stages(count, j))
            text.append(f"dense{p}_{j} = " + (f"h_step * ({found})" if explicit else found))
    return text


def powers(tableau: Tableau) -> int:
    """How many coefficients the polynomial inside of a step has."""
    explicit = isinstance(tableau, ExplicitTableau)
    return len(tableau.dense[0]) if explicit else len(tableau.dense)


def polynomial(j: int, count: int, part: str) -> str:
    """What a state has changed by after the fraction `part` of a step."""
    total = f"dense{count - 1}_{j}"
    for p in range(count - 2, -1, -1):
        total = f"({total} * {part} + dense{p}_{j})"
    return f"{total} * {part}"
