"""Formulas as trees of values, which each target prints in its own language."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ..numerics.arrays import FloatArray


@dataclass(frozen=True)
class Expression:
    """Base of numbers, symbols, operations and calls; combine them with ``+ - * / **``.

    Examples
    --------
    >>> x = Symbol("v") - (-40.0)
    >>> x.op, x.right
    ('+', Number(value=40.0))
    """

    def __add__(self, other: Any) -> Expression:
        return _sum(self, as_expression(other))

    def __sub__(self, other: Any) -> Expression:
        return _sum(self, _negative(as_expression(other)))

    def __mul__(self, other: Any) -> Expression:
        return _product(self, as_expression(other))

    def __truediv__(self, other: Any) -> Expression:
        other = as_expression(other)
        if other == Number(1.0):
            return self
        if isinstance(other, Number) and other.value < 0:
            return Operation("/", _negative(self), Number(-other.value))
        return Operation("/", self, other)

    def __pow__(self, power: float) -> Expression:
        return self if power == 1 else Operation("^", self, as_expression(power))

    def __radd__(self, other: Any) -> Expression:
        return as_expression(other) + self

    def __rsub__(self, other: Any) -> Expression:
        return as_expression(other) - self

    def __rmul__(self, other: Any) -> Expression:
        return as_expression(other) * self

    def __rtruediv__(self, other: Any) -> Expression:
        return as_expression(other) / self

    def __neg__(self) -> Expression:
        return _negative(self)

    def children(self) -> tuple[Expression, ...]:
        return ()

    def walk(self) -> Iterator[Expression]:
        """This expression and everything inside."""
        yield self
        for child in self.children():
            yield from child.walk()


@dataclass(frozen=True)
class Number(Expression):
    value: float


@dataclass(frozen=True)
class Symbol(Expression):
    name: str


@dataclass(frozen=True)
class Negative(Expression):
    of: Expression

    def children(self) -> tuple[Expression, ...]:
        return (self.of,)


@dataclass(frozen=True)
class Operation(Expression):
    """`op` is one of ``+ - * / ^``."""

    op: str
    left: Expression
    right: Expression

    def children(self) -> tuple[Expression, ...]:
        return self.left, self.right


@dataclass(frozen=True)
class Call(Expression):
    """A function of one argument: exp, tanh, log, sqrt, abs, or `linoid`: x/(1 - exp(-x))."""

    name: str
    of: Expression

    def children(self) -> tuple[Expression, ...]:
        return (self.of,)


@dataclass(frozen=True)
class Assignment:
    """``name = value``, before what comes after it."""

    name: str
    value: Expression


@dataclass(frozen=True, eq=False)
class Layer:
    """A layer of a network: ``out = activation(weight @ inputs + bias)``.

    Parameters
    ----------
    out : tuple of str (n,)
    inputs : tuple of str (m,)
    weight : array (n, m)
    bias : array (n,)
    activation : str
        "" after the last layer.
    """

    out: tuple[str, ...]
    inputs: tuple[str, ...]
    weight: FloatArray
    bias: FloatArray
    activation: str


@dataclass(frozen=True)
class Choice:
    """``name`` is ``yes`` where ``left < right`` and ``no`` elsewhere."""

    name: str
    left: Expression
    right: Expression
    yes: Expression
    no: Expression


@dataclass(frozen=True, eq=False)
class Lookup:
    """``name`` is a piecewise cubic of ``of``.

    Parameters
    ----------
    name : str
    of : Expression
    rows : array (N + 1, 5)
        Below the knots, each interval, above them: where it begins, and the coefficients of the
        powers 0 to 3 from there (`numerics.piecewise_cubic`).
    """

    name: str
    of: Expression
    rows: FloatArray

    def cubic(self, row: int) -> Expression:
        """The polynomial of one interval."""
        start, *c = (float(x) for x in self.rows[row])
        u = self.of - start
        value: Expression = Number(c[3])
        for coefficient in (c[2], c[1], c[0]):
            value = Number(coefficient) if value == Number(0.0) else value * u + coefficient
        return value


Statement = Assignment | Layer | Choice | Lookup


def expressions_of(statement: Assignment | Choice | Lookup) -> tuple[Expression, ...]:
    """The expressions inside a statement, those of every interval of a table included."""
    if isinstance(statement, Assignment):
        return (statement.value,)
    if isinstance(statement, Lookup):
        return (statement.of,)
    return statement.left, statement.right, statement.yes, statement.no


def as_expression(value: Any) -> Expression:
    """`value` itself, or the number."""
    return value if isinstance(value, Expression) else Number(float(value))


def exp(x: Expression) -> Expression:
    return Call("exp", x)


def tanh(x: Expression) -> Expression:
    return Call("tanh", x)


def logistic(x: Expression) -> Expression:
    """1/(1 + exp(-x)) without overflow for any x."""
    return 0.5 * (1.0 + tanh(0.5 * x))


def _negative(x: Expression) -> Expression:
    if isinstance(x, Number):
        return Number(-x.value)
    if isinstance(x, Operation) and x.op in "*/" and isinstance(x.left, (Negative, Number)):
        return Operation(x.op, _negative(x.left), x.right)
    return x.of if isinstance(x, Negative) else Negative(x)


def _sum(left: Expression, right: Expression) -> Expression:
    if isinstance(right, Negative):
        return Operation("-", left, right.of)
    if isinstance(right, Number):
        if right.value == 0.0:
            return left
        if right.value < 0.0:
            return Operation("-", left, Number(-right.value))
    if left == Number(0.0):
        return right
    return Operation("+", left, right)


def _product(left: Expression, right: Expression) -> Expression:
    if left == Number(1.0):
        return right
    if right == Number(1.0):
        return left
    if isinstance(right, Number) and not isinstance(left, Number):
        left, right = right, left
    return Operation("*", left, right)


def renamed(x: Expression, names: Mapping[str, str]) -> Expression:
    """The expression with other names for some symbols."""
    if isinstance(x, Symbol):
        return Symbol(names.get(x.name, x.name))
    if isinstance(x, Operation):
        return Operation(x.op, renamed(x.left, names), renamed(x.right, names))
    if isinstance(x, Negative):
        return Negative(renamed(x.of, names))
    return Call(x.name, renamed(x.of, names)) if isinstance(x, Call) else x
