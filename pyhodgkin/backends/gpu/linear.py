"""(shift·I - J) u = r as graphs: an arrowhead by elimination, a full matrix by its inverse.

What is prepared once a step are the *factors* ``m0``, ``m1``, …; a solve is a product with them.
"""

from __future__ import annotations

from collections.abc import Sequence

from .equations import Equations
from .graph import Graph, Node, Value, larger


def n_factors(equations: Equations) -> int:
    s = len(equations.y)
    return s * s if equations.tables.is_black_box else 3 * (s - 1) + 1


def factors(equations: Equations) -> list[Value]:
    """The factors, as functions of the state, the stimulus and ``shift``."""
    shift = equations.graph.name("shift")
    columns = [equations.column(j) for j in range(len(equations.y))]
    if equations.tables.is_black_box:
        return _inverse(columns, shift)
    row = [column[0] for column in columns]
    over, inverses = [], []
    pivot = shift - row[0]
    for j in range(1, len(columns)):
        inverse = 1.0 / (shift - columns[j][j])
        inverses.append(inverse)
        over.append(row[j] * inverse)
        pivot = pivot - over[-1] * columns[0][j]
    return [*over, *columns[0][1:], *inverses, 1.0 / pivot]


def solution(states: int, black_box: bool) -> tuple[Graph, list[Value]]:
    """u as functions of ``r…`` and ``m…``."""
    graph = Graph()
    r = [graph.name(f"r{j}") for j in range(states)]
    if black_box:
        m = [graph.name(f"m{i}") for i in range(states * states)]
        return graph, [_dot(m[i * states : (i + 1) * states], r) for i in range(states)]
    n = states - 1
    m = [graph.name(f"m{i}") for i in range(3 * n + 1)]
    over, column, inverse, last = m[:n], m[n : 2 * n], m[2 * n : 3 * n], m[-1]
    v: Value = r[0]
    for j in range(n):
        v = over[j] * r[j + 1] + v
    v = v * last
    return graph, [v, *((column[j] * v + r[j + 1]) * inverse[j] for j in range(n))]


def _dot(row: Sequence[Value], r: Sequence[Value]) -> Value:
    total: Value = 0.0
    for a, b in zip(row, r, strict=True):
        total = a * b + total
    return total


def _inverse(columns: Sequence[Sequence[Value]], shift: Node) -> list[Value]:
    """The inverse of shift·I - J, row by row, by Gauss and Jordan with row pivots."""
    s = len(columns)
    rows: list[list[Value]] = [
        [-columns[j][i] + (shift if i == j else 0.0) for j in range(s)]
        + [1.0 if i == j else 0.0 for j in range(s)]
        for i in range(s)
    ]
    for i in range(s):
        for k in range(i + 1, s):  # the largest of the column goes to the diagonal
            one, other = rows[i], rows[k]
            a, b = other[i], one[i]
            rows[i] = [larger(a, b, q, p) for p, q in zip(one, other, strict=True)]
            rows[k] = [larger(a, b, p, q) for p, q in zip(one, other, strict=True)]
        inverse = 1.0 / rows[i][i]
        rows[i] = [x * inverse for x in rows[i]]
        for k in range(s):
            if k != i:
                off = rows[k][i]
                rows[k] = [x - off * p for x, p in zip(rows[k], rows[i], strict=True)]
    return [x for row in rows for x in row[s:]]
