"""The curves of a neuron at one voltage, as a graph."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ...neuron.functions import FUNCTIONS
from ...neuron.tables import LEAF_FORMS, NODE_FORMS, Tables
from .graph import Node, choose, exponential, hyperbolic_tangent, linoid, logarithm, logistic, power
from .rows import Rows


def curves(tables: Tables, rows: Rows, row: Callable[[int], Node], v: Node) -> list[Node]:
    """Values of all curves at `v`; `row` gives a parameter by its row."""
    found = [_leaf(tables, rows, row, v, i) for i in range(len(tables.leaf_form))]
    for n, kind in enumerate(tables.node_kind):
        first, last = tables.node_bounds[n : n + 2]
        children = [found[i] for i in tables.children[first:last]]
        found.append(_composed(NODE_FORMS[kind], children, float(tables.node_exponent[n]), v))
    return found


def _leaf(tables: Tables, rows: Rows, row: Callable[[int], Node], v: Node, i: int) -> Node:
    form, a = LEAF_FORMS[tables.leaf_form[i]], row(int(tables.leaf_place[i]))
    if form == "constant":
        return a
    z = v * row(rows.inverse(i)) + row(rows.shift(i))
    if form == "linoid":
        return row(rows.height(i)) * linoid(z)
    return a * (exponential(z) if form == "exponential" else logistic(z))


def _composed(form: str, children: list[Node], number: float, v: Node) -> Node:
    if form == "number":
        return v.graph.constant(number)
    if form == "voltage":
        return v
    known = [child.constant for child in children]
    if form in FUNCTIONS:
        if all(x is not None for x in known):
            pairs = [(np.float64(x), np.float64(0.0)) for x in known]
            return v.graph.constant(float(FUNCTIONS[form][2](*pairs)[0]))
        return _GRAPHS[form](*children)
    total = children[0]
    if form == "power":
        return power(total, number) if known[0] is None else v.graph.constant(known[0] ** number)
    if form not in ("sum", "product"):
        raise NotImplementedError(f"no kernel for a {form}")
    for child in children[1:]:
        total = total + child if form == "sum" else total * child
    return total


_GRAPHS: dict[str, Callable[..., Node]] = {
    "exp": exponential,
    "log": logarithm,
    "tanh": hyperbolic_tangent,
    "linoid": linoid,
    "choice": choose,
}
