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


Statement = Assignment | Layer


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
