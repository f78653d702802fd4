"""Expressions as text: precedence once, names of functions and powers for each language."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from .expressions import (
    Assignment,
    Call,
    Choice,
    Expression,
    Layer,
    Lookup,
    Negative,
    Number,
    Operation,
    Statement,
    Symbol,
)

_PRECEDENCE = {"+": 1, "-": 1, "*": 2, "/": 2, "^": 4}
_NEGATIVE = 3
_TERMS = 6  # of a sum of a network in one statement


class Printer:
    """Text of expressions; as Python by default.

    Parameters
    ----------
    functions : mapping of str to str
        How functions are called, where their names differ.
    power : str
        The operator of a power; "" for ``pow(a, b)``.

    Examples
    --------
    >>> v = Symbol("v")
    >>> Printer().text(-(v - 3.0) / 2.0 * (v + 1.0) ** 4)
    '-(v - 3.0)/2.0*(v + 1.0)**4'
    """

    def __init__(self, functions: Mapping[str, str] | None = None, power: str = "**") -> None:
        self._functions, self._power = dict(functions or {}), power

    def number(self, value: float) -> str:
        """A number to the last digit but one, which products of round numbers lose."""
        short = f"{value:.15g}"
        close = abs(float(short) - value) <= np.spacing(abs(value))
        text = short if close else repr(float(value))
        return text if set(text) & set(".e") else f"{text}.0"

    def symbol(self, name: str) -> str:
        return name

    def call(self, name: str, argument: str) -> str:
        return f"{self._functions.get(name, name)}({argument})"

    def text(self, x: Expression) -> str:
        return self._within(x, 0)

    def _within(self, x: Expression, outer: int) -> str:
        text, own = self._one(x)
        return f"({text})" if own < outer else text

    def _one(self, x: Expression) -> tuple[str, int]:
        """Text and precedence."""
        if isinstance(x, Number):
            return self.number(x.value), 9 if x.value >= 0 else 1
        if isinstance(x, Symbol):
            return self.symbol(x.name), 9
        if isinstance(x, Call):
            return self.call(x.name, self.text(x.of)), 9
        if isinstance(x, Negative):
            return f"-{self._within(x.of, 2)}", _NEGATIVE if _tight(x.of) else 2
        assert isinstance(x, Operation)
        if x.op == "^":
            return self._raised(x)
        own = _PRECEDENCE[x.op]
        left, right = self._within(x.left, own), self._within(x.right, own + (x.op in "-/"))
        return f"{left} {x.op} {right}" if own == 1 else f"{left}{x.op}{right}", own

    def _raised(self, x: Operation) -> tuple[str, int]:
        whole = isinstance(x.right, Number) and x.right.value == int(x.right.value)
        power = str(int(x.right.value)) if whole and isinstance(x.right, Number) else None
        power = self._within(x.right, 9) if power is None else power
        if not self._power:
            return f"pow({self.text(x.left)}, {power})", 9
        power = f"({power})" if power.startswith("-") else power
        return f"{self._within(x.left, 9)}{self._power}{power}", _PRECEDENCE["^"]


def _tight(x: Expression) -> bool:
    return not isinstance(x, Operation) or x.op == "^"


def unrolled(statements: tuple[Statement, ...]) -> Iterator[Assignment | Choice | Lookup]:
    """Layers as one sum for each unit, in short statements."""
    for statement in statements:
        if isinstance(statement, Layer):
            yield from _layer(statement)
        else:
            yield statement


def _layer(layer: Layer) -> Iterator[Assignment]:
    inputs = [Symbol(name) for name in layer.inputs]
    for name, row, bias in zip(layer.out, layer.weight, layer.bias, strict=True):
        value: Expression = Number(float(bias))
        terms = [float(w) * x for w, x in zip(row, inputs, strict=True)]
        for at in range(0, len(terms), _TERMS):
            for term in terms[at : at + _TERMS]:
                value = value + term
            if at + _TERMS < len(terms):
                yield Assignment(name, value)
                value = Symbol(name)
        yield Assignment(name, activated(layer.activation, value))


def activated(activation: str, x: Expression) -> Expression:
    """The activation function of a network."""
    return x if not activation else Call(activation, x)
