"""Expressions of names as trees that are simplified while they are built."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping

from ..errors import InputError

MOST_DEPTH, MOST_SIZE = 100, 20_000


class Node:
    """A number, a name, or an operation: sum, product, power, function, choice.

    Attributes
    ----------
    op : {"num", "ref", "add", "mul", "pow", "call", "choice", "same"}
        ``choice`` is (a, b, p, q): p where a < b, else q; ``same``: p where a = b, else q.
    data : float or str or None
        The number, the name, the exponent of a power, the name of a function.
    args : tuple of Node
    free : frozenset of str
        The names inside.
    size : int
        Number of nodes, those that occur twice counted twice.

    Examples
    --------
    >>> x = ref("v") - (-40.0)
    >>> str(x * 2.0 / x)
    '2 (40 + v) (40 + v)^-1'
    """

    __slots__ = ("_hash", "args", "data", "depth", "free", "op", "size")

    def __init__(self, op: str, data: float | str | None, args: tuple[Node, ...] = ()) -> None:
        self.op, self.data, self.args = op, data, args
        self.size = 1 + sum(x.size for x in args)
        self.depth = 1 + max((x.depth for x in args), default=0)
        if self.size > MOST_SIZE or self.depth > MOST_DEPTH:
            raise InputError(
                f"its expression has {self.size} parts in {self.depth} levels; the limits are "
                f"{MOST_SIZE} and {MOST_DEPTH}"
            )
        inside = frozenset((data,)) if op == "ref" and isinstance(data, str) else frozenset()
        self.free: frozenset[str] = inside.union(*(x.free for x in args))
        self._hash = hash((op, data, args))

    def __hash__(self) -> int:
        return self._hash

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        if not isinstance(other, Node) or self._hash != other._hash:
            return False
        return (self.op, self.data) == (other.op, other.data) and self.args == other.args

    @property
    def value(self) -> float | None:
        """The number, of a number."""
        return self.data if self.op == "num" else None  # type: ignore[return-value]

    def __add__(self, other: Node | float) -> Node:
        return add(self, as_node(other))

    def __sub__(self, other: Node | float) -> Node:
        return add(self, -as_node(other))

    def __mul__(self, other: Node | float) -> Node:
        return mul(self, as_node(other))

    def __truediv__(self, other: Node | float) -> Node:
        return mul(self, power(as_node(other), num(-1.0)))

    def __neg__(self) -> Node:
        return mul(num(-1.0), self)

    def __str__(self) -> str:
        inner = [f"({x})" if x.op == "add" else str(x) for x in self.args]
        if self.op == "num":
            return f"{self.data:g}"
        if self.op == "ref":
            return str(self.data)
        if self.op == "pow":
            return f"{inner[0]}^{self.data:g}"
        if self.op == "add":
            return " + ".join(map(str, self.args))
        return (
            " ".join(inner) if self.op == "mul" else f"{self.data or self.op}({', '.join(inner)})"
        )


def num(value: float) -> Node:
    if not math.isfinite(value):
        raise InputError("has a number that is not finite")
    return Node("num", float(value))


def ref(name: str) -> Node:
    return Node("ref", name)


def as_node(value: Node | float) -> Node:
    return value if isinstance(value, Node) else num(value)


def _flat(op: str, args: tuple[Node, ...]) -> Iterator[Node]:
    for x in args:
        if x.op == op:
            yield from x.args
        else:
            yield x


def add(*args: Node) -> Node:
    total, rest = 0.0, []
    for x in _flat("add", args):
        if x.value is not None:
            total += x.value
        else:
            rest.append(x)
    if total != 0.0 or not rest:
        rest.insert(0, num(total))
    return rest[0] if len(rest) == 1 else Node("add", None, tuple(rest))


def mul(*args: Node) -> Node:
    total, rest = 1.0, []
    for x in _flat("mul", args):
        if x.value is not None:
            total *= x.value
        else:
            rest.append(x)
    if total == 0.0:
        return num(0.0)
    if total != 1.0 or not rest:
        rest.insert(0, num(total))
    return rest[0] if len(rest) == 1 else Node("mul", None, tuple(rest))


def power(base: Node, exponent: Node) -> Node:
    """base^exponent; of a negative base only with a whole number."""
    p = exponent.value
    if p is None:
        if base.value == 1.0:
            return num(1.0)
        return Node("call", "power", (base, exponent))
    if p == 0.0:
        return num(1.0)
    if p == 1.0:
        return base
    if base.value is not None:
        return num(_number(lambda: base.value**p, f"{base.value:g}^{p:g}"))  # type: ignore[operator]
    if base.op == "mul" and p == int(p):
        return mul(*(power(x, exponent) for x in base.args))
    if base.op == "pow" and (p == int(p) and float(base.data) == int(base.data)):  # type: ignore[arg-type]
        return power(base.args[0], num(float(base.data) * p))  # type: ignore[arg-type]
    return Node("pow", p, (base,))


FUNCTIONS: dict[str, Callable[[float], float]] = {
    "exp": lambda x: math.exp(min(x, 700.0)),
    "log": math.log,
    "tanh": math.tanh,
    "abs": abs,
    "linoid": lambda x: x / -math.expm1(-x) if x else 1.0,
}


def call(name: str, x: Node) -> Node:
    """A function of one argument, one of `FUNCTIONS`."""
    if x.value is not None:
        given = x.value
        return num(_number(lambda: FUNCTIONS[name](given), f"{name}({given:g})"))
    return Node("call", name, (x,))


def _number(compute: Callable[[], float], text: str) -> float:
    try:
        value = compute()
    except (ArithmeticError, ValueError):
        raise InputError(f"has {text}, which is no finite number") from None
    if isinstance(value, complex) or not math.isfinite(value):
        raise InputError(f"has {text}, which is no finite number")
    return float(value)


def choice(op: str, a: Node, b: Node, yes: Node, no: Node) -> Node:
    """`yes` where a < b (op "choice") or a = b (op "same"), else `no`."""
    if yes == no:
        return yes
    if yes.value == 0.0 and no.op == "call" and no.data == "exp" and no.args[0] == a:
        if op == "choice" and b.value is not None and b.value <= -50.0:
            return no  # exp(x) where it is no more than a rounding error
    if a.value is not None and b.value is not None:
        return yes if (a.value < b.value if op == "choice" else a.value == b.value) else no
    return Node(op, None, (a, b, yes, no))


def rebuilt(x: Node, args: tuple[Node, ...]) -> Node:
    """The same operation of other arguments, simplified."""
    if x.op == "add":
        return add(*args)
    if x.op == "mul":
        return mul(*args)
    if x.op == "pow":
        return power(args[0], num(float(x.data)))  # type: ignore[arg-type]
    if x.op == "call":
        return power(*args) if x.data == "power" else call(str(x.data), args[0])
    return choice(x.op, *args) if x.op in ("choice", "same") else x


def put(x: Node, values: Mapping[str, Node | float]) -> Node:
    """The expression with other expressions in the place of names."""
    known: dict[int, Node] = {}

    def inner(x: Node) -> Node:
        if x.free.isdisjoint(values):
            return x
        if x.op == "ref":
            return as_node(values[str(x.data)])
        if id(x) not in known:
            known[id(x)] = rebuilt(x, tuple(inner(part) for part in x.args))
        return known[id(x)]

    return inner(x)


def walk(x: Node) -> Iterator[Node]:
    """Every different part of an expression, itself included."""
    seen, left = set(), [x]
    while left:
        x = left.pop()
        if id(x) not in seen:
            seen.add(id(x))
            yield x
            left.extend(x.args)


def linear(x: Node, name: str) -> tuple[float, float] | None:
    """(p, q) where the expression is p + q·name with numbers p and q, else None.

    Examples
    --------
    >>> linear((ref("v") + 40.0) * 0.5, "v")
    (20.0, 0.5)
    """
    if x.value is not None:
        return x.value, 0.0
    if x.op == "ref":
        return (0.0, 1.0) if x.data == name else None
    if x.op not in ("add", "mul"):
        return None
    found = [linear(part, name) for part in x.args]
    if any(part is None for part in found):
        return None
    parts = [part for part in found if part is not None]
    if x.op == "add":
        return sum(p for p, _ in parts), sum(q for _, q in parts)
    p, q = parts[0]
    for a, b in parts[1:]:
        if q and b:
            return None
        p, q = p * a, p * b + q * a
    return p, q
