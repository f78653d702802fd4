"""Curves of the membrane potential, and the sums, products and powers of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike

from ..errors import InputError
from ..numerics.arrays import FloatArray


class Curve:
    """A function of the membrane potential; combine curves and numbers with ``+ * / **``.

    Examples
    --------
    >>> from pyhodgkin.neuron.rates import Exponential, Sigmoid
    >>> tau = 1.0 / (Exponential(0.07, -65, -20) + Sigmoid(1, -35, 10))
    >>> round(float(tau(-65.0)), 4)
    8.516
    """

    form: ClassVar[str] = ""

    @property
    def is_symbol(self) -> bool:
        """Whether its text needs no brackets within a formula."""
        return False

    @property
    def is_smooth(self) -> bool:
        """Whether all its derivatives are continuous."""
        return all(child.is_smooth for child in self.children())

    @property
    def fraction(self) -> tuple[str, str] | None:
        """Its text as numerator and denominator, where it is written so."""
        return None

    def __call__(self, v: ArrayLike) -> FloatArray:
        """Value at `v` (mV)."""
        return self.value_and_slope(v)[0]

    def slope(self, v: ArrayLike) -> FloatArray:
        """Derivative with respect to `v`, per mV."""
        return self.value_and_slope(v)[1]

    def value_and_slope(self, v: ArrayLike) -> tuple[FloatArray, FloatArray]:
        raise NotImplementedError  # every node below defines it

    def children(self) -> tuple[Curve, ...]:
        return ()

    def leaves(self) -> Iterator[Leaf]:
        """The elementary curves of the tree, in reading order."""
        for child in self.children():
            yield from child.leaves()

    def with_leaves(self, leaves: Iterator[Leaf]) -> Curve:
        """The same tree with its leaves replaced, in reading order."""
        return self  # every node with leaves defines it

    def __add__(self, other: Curve | float) -> Curve:
        return Sum((self, as_curve(other)))

    def __radd__(self, other: float) -> Curve:
        return Sum((as_curve(other), self))

    def __mul__(self, other: Curve | float) -> Curve:
        return Product((self, as_curve(other)))

    def __rmul__(self, other: float) -> Curve:
        return Product((as_curve(other), self))

    def __truediv__(self, other: Curve | float) -> Curve:
        return Product((self, Power(as_curve(other), -1.0)))

    def __rtruediv__(self, other: float) -> Curve:
        inverse = Power(self, -1.0)
        return inverse if other == 1 else Product((as_curve(other), inverse))

    def __pow__(self, exponent: float) -> Curve:
        return Power(self, float(exponent))


@dataclass(frozen=True)
class Leaf(Curve):
    """An elementary curve: its fields are its parameters."""

    def leaves(self) -> Iterator[Leaf]:
        yield self

    def with_leaves(self, leaves: Iterator[Leaf]) -> Curve:
        return next(leaves)

    @classmethod
    def parameter_names(cls) -> tuple[str, ...]:
        return tuple(f.name for f in fields(cls))

    def __post_init__(self) -> None:
        for name in self.parameter_names():
            value = finite(f"{type(self).__name__}: {name}", getattr(self, name))
            object.__setattr__(self, name, value)
        if getattr(self, "k", 1.0) == 0.0:
            raise InputError(f"{type(self).__name__}: k = 0 mV; the slope factor cannot be zero")


@dataclass(frozen=True)
class Constant(Leaf):
    """The constant `a`."""

    a: float
    form: ClassVar[str] = "constant"

    @property
    def is_symbol(self) -> bool:
        return self.a >= 0

    def value_and_slope(self, v: ArrayLike) -> tuple[FloatArray, FloatArray]:
        v = np.asarray(v, dtype=np.float64)
        return np.full_like(v, self.a), np.zeros_like(v)

    def __str__(self) -> str:
        return f"{self.a:g}"


@dataclass(frozen=True)
class Sum(Curve):
    """The sum of `terms`."""

    terms: tuple[Curve, ...]
    form: ClassVar[str] = "sum"

    def children(self) -> tuple[Curve, ...]:
        return self.terms

    def with_leaves(self, leaves: Iterator[Leaf]) -> Curve:
        return Sum(tuple(term.with_leaves(leaves) for term in self.terms))

    def value_and_slope(self, v: ArrayLike) -> tuple[FloatArray, FloatArray]:
        parts = [term.value_and_slope(v) for term in self.terms]
        return sum_of(p[0] for p in parts), sum_of(p[1] for p in parts)

    def __str__(self) -> str:
        return " + ".join(str(term) for term in self.terms).replace("+ -", "- ")


@dataclass(frozen=True)
class Product(Curve):
    """The product of `factors`."""

    factors: tuple[Curve, ...]
    form: ClassVar[str] = "product"

    def children(self) -> tuple[Curve, ...]:
        return self.factors

    def with_leaves(self, leaves: Iterator[Leaf]) -> Curve:
        return Product(tuple(factor.with_leaves(leaves) for factor in self.factors))

    def value_and_slope(self, v: ArrayLike) -> tuple[FloatArray, FloatArray]:
        value, slope = self.factors[0].value_and_slope(v)
        for factor in self.factors[1:]:
            other, other_slope = factor.value_and_slope(v)
            value, slope = value * other, slope * other + value * other_slope
        return value, slope

    def __str__(self) -> str:
        over, under, sign = [], [], ""
        for factor in self.factors:
            if factor.form == "number" and str(factor) == "-1":
                sign = "" if sign else "-"
                continue
            if isinstance(factor, Power) and factor.exponent == -1.0:
                under.append(_grouped(factor.base))
            elif factor.fraction is not None:
                over += [] if factor.fraction[0] == "1" else [factor.fraction[0]]
                under.append(factor.fraction[1])
            else:
                over.append(_grouped(factor) if isinstance(factor, Sum) else str(factor))
        return sign + "·".join(over or ["1"]) + "".join(f"/{text}" for text in under)


@dataclass(frozen=True)
class Power(Curve):
    """`base` to the fixed power `exponent`."""

    base: Curve
    exponent: float
    form: ClassVar[str] = "power"

    def children(self) -> tuple[Curve, ...]:
        return (self.base,)

    def with_leaves(self, leaves: Iterator[Leaf]) -> Curve:
        return Power(self.base.with_leaves(leaves), self.exponent)

    def value_and_slope(self, v: ArrayLike) -> tuple[FloatArray, FloatArray]:
        base, slope = self.base.value_and_slope(v)
        return base**self.exponent, self.exponent * base ** (self.exponent - 1.0) * slope

    def __str__(self) -> str:
        base = _grouped(self.base)
        if self.exponent == -1.0:
            return f"1/{base}"
        inverse = 1.0 / self.exponent if self.exponent else 0.5
        root = abs(self.exponent) < 1 and abs(inverse - round(inverse)) < 1e-9
        return f"{base}^(1/{round(inverse)})" if root else f"{base}^{self.exponent:g}"


def as_curve(value: Curve | float) -> Curve:
    """`value` itself when it is a curve, else the constant."""
    if isinstance(value, Curve):
        return value
    try:
        return Constant(float(value))
    except (TypeError, ValueError):
        raise InputError(
            f"{value!r} is neither a curve of the voltage nor a number: build it from Exponential, "
            "Sigmoid, Linoid, Constant, Tabulated, formula, gaussian and piecewise with + * / ** "
            "(pyhodgkin.rates). Python functions are not supported: write them as a formula in v"
        ) from None


def finite(what: str, value: object) -> float:
    """`value` as a float; an `InputError` that starts with `what` where it is not a number."""
    try:
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        raise InputError(f"{what} = {value!r} must be a number") from None
    if not np.isfinite(number):
        raise InputError(f"{what} = {number} must be finite")
    return number


def sum_of(parts: Iterator[FloatArray]) -> FloatArray:
    total = next(parts)
    for part in parts:
        total = total + part
    return total


def _grouped(curve: Curve) -> str:
    return str(curve) if curve.is_symbol else f"({curve})"
