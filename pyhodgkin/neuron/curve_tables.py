"""The curves of a neuron as rows of its flat tables: elementary ones, and what is made of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from ..numerics.arrays import FloatArray
from .curves import Curve, Leaf, Power
from .functions import Formula, Number, Reference, parameter_paths
from .tables import LEAF_FORMS, NODE_FORMS, Integers
from .tabulated import Tabulated


class CurveTables:
    """Collects curves one after the other; numbers of leaves from 0 on, of nodes from -2 down.

    `places` says where each parameter lies in theta, by its name.
    """

    def __init__(self, places: dict[str, int]) -> None:
        self._places = places
        self._leaves: list[tuple[int, int]] = []
        self._nodes: list[tuple[int, float]] = []
        self._children: list[list[int]] = []
        self._tables: list[Tabulated] = []

    def add(self, path: str, curve: Curve) -> int:
        """The number of a curve whose parameters have names that begin with `path`."""
        starts = iter([self._places[paths["a"]] for _, paths in parameter_paths(path, curve)])
        return self._add(curve, starts, {})

    def _add(self, curve: Curve, starts: Iterator[int], known: dict[str, int]) -> int:
        """`known` are the parameters of the formula around it."""
        if isinstance(curve, Leaf):
            self._leaves.append((LEAF_FORMS.index(curve.form), next(starts)))
            return len(self._leaves) - 1
        if isinstance(curve, Formula):
            own = {leaf.name: self._add(leaf, starts, {}) for leaf in curve.parameters}
            return self._add(curve.body, starts, own)
        if isinstance(curve, Reference):
            return known[curve.name]
        if isinstance(curve, Tabulated):
            return self._table(curve)
        if isinstance(curve, Number):
            return self._node("number", (), curve.value)
        children = [self._add(part, starts, known) for part in curve.children()]
        if curve.form in _AS_CHOICES:
            return self._node("choice", _AS_CHOICES[curve.form](self, children))
        return self._node(curve.form, children, curve.exponent if isinstance(curve, Power) else 1.0)

    def _node(self, kind: str, children: Sequence[int] = (), number: float = 1.0) -> int:
        self._nodes.append((NODE_FORMS.index(kind), number))
        self._children.append(list(children))
        return -1 - len(self._nodes)

    def _table(self, curve: Tabulated) -> int:
        self._tables.append(curve)
        found = self._node("table", [self._node("voltage")], float(len(self._tables) - 1))
        return self._node("exp", [found]) if curve.scale == "log" else found

    def absolute(self, x: int) -> list[int]:
        """|x| as a choice."""
        zero, minus = (self._node("number", (), value) for value in (0.0, -1.0))
        return [x, zero, self._node("product", [minus, x]), x]

    @property
    def _order(self) -> Integers:
        """The leaves sorted by form."""
        return np.argsort(table([form for form, _ in self._leaves]), kind="stable")

    def numbering(self) -> Callable[[int], int]:
        """The final number of a curve: leaves sorted by form, then the nodes as they came."""
        number = np.argsort(self._order)
        return lambda curve: int(number[curve]) if curve >= 0 else len(number) - 2 - curve

    def arrays(self) -> dict[str, Integers | FloatArray]:
        order, final = self._order, self.numbering()
        children = [[final(child) for child in row] for row in self._children]
        grids = [(each.v[0], each.inverse_spacing) for each in self._tables]
        return {
            "leaf_form": table([form for form, _ in self._leaves])[order],
            "leaf_place": table([place for _, place in self._leaves])[order],
            "node_kind": table([kind for kind, _ in self._nodes]),
            "node_exponent": np.array([x for _, x in self._nodes], dtype=np.float64),
            "node_bounds": bounds(children),
            "children": joined(children),
            "table_bounds": bounds([each.rows for each in self._tables]),
            "table_grid": np.array(grids, dtype=np.float64).reshape(-1, 2),
            "table_rows": np.concatenate([np.zeros((0, 5)), *(x.rows for x in self._tables)]),
        }


# Functions that are choices (a, b, p, q) of their arguments: p where a < b, else q.
_AS_CHOICES: dict[str, Callable[[CurveTables, list[int]], list[int]]] = {
    "abs": lambda tables, x: tables.absolute(x[0]),
    "min": lambda _, x: [x[0], x[1], x[0], x[1]],
    "max": lambda _, x: [x[0], x[1], x[1], x[0]],
}


def table(rows: Sequence, width: int = 0) -> Integers:
    """Rows of whole numbers as an array."""
    found = np.array(rows, dtype=np.int64)
    return found.reshape(-1, width) if width else found.reshape(-1)


def bounds(rows: Sequence) -> Integers:
    """Where rows begin and end that lie one after the other."""
    return np.cumsum([0, *map(len, rows)], dtype=np.int64)


def joined(rows: Sequence[Sequence[int]]) -> Integers:
    """Rows one after the other."""
    return table([x for row in rows for x in row])
