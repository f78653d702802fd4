"""The curves of a neuron at one voltage, as a graph."""

from __future__ import annotations

from collections.abc import Callable

from ...neuron.curves import Power, Product, Sum
from ...neuron.tables import LEAF_FORMS, NODE_KINDS, Tables
from .graph import Node, exponential, linoid, logistic, power
from .rows import Rows


def curves(tables: Tables, rows: Rows, row: Callable[[int], Node], v: Node) -> list[Node]:
    """Values of all curves at `v`; `row` gives a parameter by its row."""
    found = [_leaf(tables, rows, row, v, i) for i in range(len(tables.leaf_form))]
    for n, kind in enumerate(tables.node_kind):
        first, last = tables.node_bounds[n : n + 2]
        children = [found[i] for i in tables.children[first:last]]
        found.append(_composed(NODE_KINDS[kind], children, float(tables.node_exponent[n])))
    return found


def _leaf(tables: Tables, rows: Rows, row: Callable[[int], Node], v: Node, i: int) -> Node:
    form, a = LEAF_FORMS[tables.leaf_form[i]], row(int(tables.leaf_place[i]))
    if form == "constant":
        return a
    z = v * row(rows.inverse(i)) + row(rows.shift(i))
    if form == "linoid":
        return row(rows.height(i)) * linoid(z)
    return a * (exponential(z) if form == "exponential" else logistic(z))


def _composed(kind: type, children: list[Node], exponent: float) -> Node:
    total = children[0]
    if kind is Power:
        return power(total, exponent)
    assert kind in (Sum, Product)
    for child in children[1:]:
        total = total + child if kind is Sum else total * child
    return total
