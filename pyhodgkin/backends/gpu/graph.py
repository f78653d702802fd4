"""Arithmetic as a graph: an expression is written once, differentiated, and printed as Triton.

A `Graph` holds each operation once, whatever how often it is written. Operations on constants are
done at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple


class Operation(NamedTuple):
    """What a node computes: a name, the nodes it takes, and a number or a name beside them."""

    name: str
    arguments: tuple[int, ...] = ()
    extra: float | int | str | None = None


@dataclass(frozen=True)
class Node:
    """A value of a graph; it is added, multiplied and so on like a number."""

    graph: Graph = field(repr=False)
    index: int

    @property
    def operation(self) -> Operation:
        return self.graph.operations[self.index]

    @property
    def constant(self) -> float | None:
        """Its value where that is known."""
        operation = self.operation
        return float(operation.extra) if operation.name == "constant" else None  # type: ignore[arg-type]

    def __add__(self, other: Value) -> Node:
        return self.graph.apply("+", self, other)

    def __radd__(self, other: Value) -> Node:
        return self.graph.apply("+", other, self)

    def __sub__(self, other: Value) -> Node:
        return self.graph.apply("-", self, other)

    def __rsub__(self, other: Value) -> Node:
        return self.graph.apply("-", other, self)

    def __mul__(self, other: Value) -> Node:
        return self.graph.apply("*", self, other)

    def __rmul__(self, other: Value) -> Node:
        return self.graph.apply("*", other, self)

    def __truediv__(self, other: Value) -> Node:
        return self.graph.apply("/", self, other)

    def __rtruediv__(self, other: Value) -> Node:
        return self.graph.apply("/", other, self)

    def __neg__(self) -> Node:
        return self.graph.apply("-", 0.0, self)


Value = Node | float


class Graph:
    """Operations in the order in which they can be computed.

    Examples
    --------
    >>> graph = Graph()
    >>> x = graph.name("x")
    >>> y = 2.0 * x + x * 2.0
    >>> [operation.name for operation in graph.operations]
    ['name', 'constant', '*', '*', '+']
    """

    def __init__(self) -> None:
        self.operations: list[Operation] = []
        self._known: dict[Operation, int] = {}

    def node(self, operation: Operation) -> Node:
        index = self._known.setdefault(operation, len(self.operations))
        if index == len(self.operations):
            self.operations.append(operation)
        return Node(self, index)

    def name(self, name: str) -> Node:
        """A variable of the code that is printed."""
        return self.node(Operation("name", (), name))

    def constant(self, value: float) -> Node:
        return self.node(Operation("constant", (), float(value)))

    def weight(self, row: int) -> Node:
        """A number that is read from the row `row` of the parameters where it is used."""
        return self.node(Operation("weight", (), row))

    def apply(self, name: str, *values: Value, extra: float | None = None) -> Node:
        """An operation on nodes or numbers."""
        simple = _simplified(name, values)
        if simple is not None:
            return simple if isinstance(simple, Node) else self.constant(simple)
        nodes = [x if isinstance(x, Node) else self.constant(x) for x in values]
        return self.node(Operation(name, tuple(node.index for node in nodes), extra))

    def needed(self, outputs: Iterable[Node]) -> list[int]:
        """The places of the operations that `outputs` are computed from, in order."""
        found = {node.index for node in outputs}
        for index in range(len(self.operations) - 1, -1, -1):
            if index in found:
                found.update(self.operations[index].arguments)
        return sorted(found)


def _simplified(name: str, values: Sequence[Value]) -> Value | None:
    """The result of an operation where it is one of its arguments, or known."""
    known = [x.constant if isinstance(x, Node) else float(x) for x in values]
    if name not in ("+", "-", "*", "/"):
        return None
    (a, b), (p, q) = values, known
    if p is not None and q is not None:
        return {"+": p + q, "-": p - q, "*": p * q}[name] if name != "/" else p / q
    if name in ("+", "-") and q == 0.0:
        return a
    if name == "+" and p == 0.0:
        return b
    if name == "*" and 0.0 in (p, q):
        return 0.0
    if (name == "*" and q == 1.0) or (name == "/" and q == 1.0):
        return a
    return b if name == "*" and p == 1.0 else None


def exponential(x: Node) -> Node:
    return x.graph.apply("exponential", x)


def logistic(x: Node) -> Node:
    return x.graph.apply("logistic", x)


def logarithm(x: Node) -> Node:
    return x.graph.apply("logarithm", x)


def choose(a: Node, b: Node, p: Value, q: Value) -> Node:
    """`p` where a < b, else `q`."""
    return a.graph.apply("choose", a, b, p, q)


def hyperbolic_tangent(x: Node) -> Node:
    return x.graph.apply("hyperbolic_tangent", x)


def softplus(x: Node) -> Node:
    return x.graph.apply("softplus", x)


def linoid(x: Node) -> Node:
    return x.graph.apply("linoid", x)


def within(x: Node, low: float, high: float) -> Node:
    """`x` held between two numbers."""
    return x.graph.apply("within", x, low, high)


def below(x: Node, limit: float, value: Node) -> Node:
    """`value` where `x` is below a limit, else 0."""
    return x.graph.apply("below", x, limit, value)


def larger(a: Value, b: Value, p: Value, q: Value) -> Value:
    """`p` where `a` is larger than `b` in size, else `q`."""
    graph = next((x.graph for x in (a, b) if isinstance(x, Node)), None)
    if graph is None:
        assert not isinstance(a, Node) and not isinstance(b, Node)
        return p if abs(a) > abs(b) else q
    return p if p is q else graph.apply("larger", a, b, p, q)


def power(x: Node, exponent: float) -> Node:
    """`x` to a fixed power; NaN for a negative `x` and a power that is no whole number."""
    n = int(abs(exponent))
    if n == abs(exponent) and n <= 16:
        total: Value = 1.0
        for _ in range(n):
            total = total * x
        return total * x.graph.constant(1.0) if exponent >= 0.0 else 1.0 / (total * _one(x))
    return x.graph.apply("power", x, exponent)


def _one(x: Node) -> Node:
    return x.graph.constant(1.0)


def whole_power(x: Node, n: int) -> Node:
    """xⁿ for a whole number n of at least 1."""
    if n == 4:
        return (x * x) * (x * x)
    total = x
    for _ in range(n - 1):
        total = total * x
    return total
