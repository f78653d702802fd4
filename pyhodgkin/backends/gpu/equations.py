"""The equations of a neuron as graphs: its right-hand side, its steady state, its Jacobian."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from ...neuron.tables import GateKind, Tables
from .curves import curves
from .derivatives import tangents
from .gates import Law, free_rate, laws
from .graph import Graph, Node, Value, whole_power
from .networks import layers_of, network
from .rows import Rows

UNBOUNDED = [GateKind.FREE, GateKind.INSTANTANEOUS]


def bounded(tables: Tables) -> list[bool]:
    """Which states are gates that cannot leave [0, 1]."""
    found = np.zeros(len(tables.states), dtype=bool)
    found[tables.gate_state[np.isin(tables.gate_kind, UNBOUNDED, invert=True)]] = True
    return found.tolist()


@dataclass
class Equations:
    """The right-hand side of a neuron in terms of ``y0``, ``y1``, …, ``u`` and rows ``p…``.

    Under voltage clamp `u` is the slope of the command.
    """

    tables: Tables
    clamped: bool
    graph: Graph = field(default_factory=Graph)

    def __post_init__(self) -> None:
        self.rows = Rows.of(self.tables)
        self.y = [self.graph.name(f"y{j}") for j in range(len(self.tables.states))]
        self.u = self.graph.name("u")
        self.slopes = self._black_box() if self.tables.is_black_box else self._conductances()

    def row(self, row: int) -> Node:
        return self.graph.name(f"p{row}")

    def _laws(self, v: Node) -> list[Law]:
        return laws(self.tables, curves(self.tables, self.rows, self.row, v), v)

    def _conductances(self) -> list[Node]:
        tables, y = self.tables, self.y
        v, slopes, gates = y[0], [self.u] * len(y), []
        for g, law in enumerate(self._laws(v)):
            if law.x is not None:
                gates.append(law.x)
                continue
            state = int(tables.gate_state[g])
            x = y[state]
            gates.append(x)
            if law.a is None or law.s is None:
                slopes[state] = free_rate(tables, v, x, g)
            else:
                slopes[state] = law.a - law.s * x
        if not self.clamped:
            total = self._ionic_current(v, gates)
            slopes[0] = (self.u - total) * self.row(self.rows.inverse_c)
        return slopes

    def _ionic_current(self, v: Node, gates: Sequence[Node]) -> Value:
        tables = self.tables
        total: Value = 0.0
        for i, (g, e) in enumerate(tables.channel_places.tolist()):
            open_ = self.row(g)
            first, last = tables.channel_bounds[i : i + 2]
            for gate, p in tables.factors[first:last].tolist():
                open_ = open_ * whole_power(gates[gate], p)
            total = open_ * (v - self.row(e)) + total
        for i, net in enumerate(tables.current_network.tolist()):
            scale, shift, inverse = tables.current_numbers[i].tolist()
            first, last = tables.current_bounds[i : i + 2]
            own = [gates[g] for g in tables.current_gates[first:last]]
            total = scale * network(tables, net, [(v - shift) * inverse, *own])[0] + total
        return total

    def _black_box(self) -> list[Node]:
        shift, scale, rate = self.tables.box_numbers.tolist()
        inputs = [(x - a) / b for x, a, b in zip(self.y, shift, scale, strict=True)]
        if layers_of(self.tables, 0)[0] > len(inputs):
            inputs.append(self.u * self.tables.box_stimulus)
        found = network(self.tables, 0, inputs)
        slopes = [x * r for x, r in zip(found, rate, strict=True)]
        return [self.u, *slopes[1:]] if self.clamped else slopes

    def steady_state(self) -> list[Node]:
        """Every gate at its steady state at ``y0``, or where it starts on its own."""
        tables, v = self.tables, self.y[0]
        found = [v] * len(self.y)
        if tables.is_black_box:
            shift = tables.box_numbers[0].tolist()
            found = [v, *(v * 0.0 + self.graph.constant(x) for x in shift[1:])]
        else:
            for g, law in enumerate(self._laws(v)):
                if tables.gate_kind[g] != GateKind.INSTANTANEOUS:
                    known = law.a is not None and law.s is not None
                    level = law.a / law.s if known else self.graph.constant(0.5)  # type: ignore[operator]
                    found[int(tables.gate_state[g])] = level
        for j, own in enumerate(tables.initial.tolist()):
            if j > 0 and not math.isnan(own):
                found[j] = self.graph.constant(own)
        return found

    # -- derivatives --------------------------------------------------------------------------

    def column(self, j: int) -> list[Value]:
        """Derivatives of the right-hand side by the state `j`."""
        return tangents(self.graph, {self.y[j].index: 1.0}, self.slopes)

    def by_stimulus(self) -> list[Value]:
        """Derivatives of the right-hand side by ``u``."""
        return tangents(self.graph, {self.u.index: 1.0}, self.slopes)
