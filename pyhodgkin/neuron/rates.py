"""Rate laws: curves of the membrane potential, built from three elementary forms.

The exponential, the sigmoid and the linoid cover the published conductance-based models;
sums, products and powers of them cover their steady-state and time-constant curves.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import DocumentError, InputError, unknown

FloatArray = NDArray[np.float64]

# Below this |x/2| the linoid is evaluated by its series: the closed form loses digits to 0/0.
LINOID_SERIES = 0.05


class Curve:
    """A function of the membrane potential; combine curves and numbers with ``+ * / **``.

    Examples
    --------
    >>> tau = 1.0 / (Exponential(0.07, -65, -20) + Sigmoid(1, -35, 10))
    >>> round(float(tau(-65.0)), 4)
    8.516
    """

    form: ClassVar[str] = ""

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
        raise NotImplementedError  # every node below defines it

    def to_dict(self) -> dict[str, Any]:
        raise NotImplementedError  # every node below defines it

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

    def to_dict(self) -> dict[str, Any]:
        return {"form": self.form, **{n: getattr(self, n) for n in self.parameter_names()}}

    def __post_init__(self) -> None:
        for name in self.parameter_names():
            value = float(getattr(self, name))
            if not np.isfinite(value):
                raise InputError(f"{type(self).__name__}: {name} = {value} must be finite")
            object.__setattr__(self, name, value)
        if getattr(self, "k", 1.0) == 0.0:
            raise InputError(f"{type(self).__name__}: k = 0 mV; the slope factor cannot be zero")


@dataclass(frozen=True)
class Constant(Leaf):
    """The constant `a`."""

    a: float
    form: ClassVar[str] = "constant"

    def value_and_slope(self, v: ArrayLike) -> tuple[FloatArray, FloatArray]:
        v = np.asarray(v, dtype=np.float64)
        return np.full_like(v, self.a), np.zeros_like(v)

    def __str__(self) -> str:
        return f"{self.a:g}"


@dataclass(frozen=True)
class Exponential(Leaf):
    """a·exp((v - v0)/k).

    Parameters
    ----------
    a : float
        Value at `v0`; 1/ms when the curve is a rate.
    v0, k : float
        Reference potential and slope factor, mV.

    Examples
    --------
    >>> float(Exponential(0.125, -65, -80)(-65.0))
    0.125
    """

    a: float
    v0: float
    k: float
    form: ClassVar[str] = "exponential"

    def value_and_slope(self, v: ArrayLike) -> tuple[FloatArray, FloatArray]:
        x = (np.asarray(v, dtype=np.float64) - self.v0) / self.k
        value = self.a * np.exp(np.minimum(x, 700.0))
        return value, value / self.k

    def __str__(self) -> str:
        return f"{_factor(self.a)}exp({_shifted(self.v0, self.k)})"


@dataclass(frozen=True)
class Sigmoid(Leaf):
    """a/(1 + exp(-(v - v0)/k)).

    Parameters
    ----------
    a : float
        Largest value; 1/ms when the curve is a rate, 1 when it is a steady state.
    v0, k : float
        Half-way potential and slope factor, mV (`k` < 0 falls with v).

    Examples
    --------
    >>> float(Sigmoid(1, -35, 10)(-35.0))
    0.5
    """

    a: float
    v0: float
    k: float
    form: ClassVar[str] = "sigmoid"

    def value_and_slope(self, v: ArrayLike) -> tuple[FloatArray, FloatArray]:
        x = (np.asarray(v, dtype=np.float64) - self.v0) / self.k
        s = logistic(x)
        return self.a * s, self.a * s * (1.0 - s) / self.k

    def __str__(self) -> str:
        return f"{self.a:g}/(1 + exp({_shifted(self.v0, -self.k)}))"


@dataclass(frozen=True)
class Linoid(Leaf):
    """a·(v - v0)/(1 - exp(-(v - v0)/k)), smooth through v = v0, where it is a·k.

    Parameters
    ----------
    a : float
        Slope far from `v0`; 1/(ms mV) when the curve is a rate.
    v0, k : float
        Corner potential and its width, mV.

    Examples
    --------
    >>> squid_m = Linoid(0.1, -40, 10)
    >>> float(squid_m(-40.0)), float(squid_m.slope(-40.0))
    (1.0, 0.05)
    """

    a: float
    v0: float
    k: float
    form: ClassVar[str] = "linoid"

    def value_and_slope(self, v: ArrayLike) -> tuple[FloatArray, FloatArray]:
        value, slope = linoid((np.asarray(v, dtype=np.float64) - self.v0) / self.k)
        return self.a * self.k * value, self.a * slope

    def __str__(self) -> str:
        shifted = _shifted(self.v0, None)
        return f"{_factor(self.a)}{shifted}/(1 - exp({_shifted(self.v0, -self.k)}))"


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

    def to_dict(self) -> dict[str, Any]:
        return {"form": self.form, "of": [term.to_dict() for term in self.terms]}

    def __str__(self) -> str:
        return "(" + " + ".join(str(term) for term in self.terms).replace("+ -", "- ") + ")"


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

    def to_dict(self) -> dict[str, Any]:
        return {"form": self.form, "of": [factor.to_dict() for factor in self.factors]}

    def __str__(self) -> str:
        over = [f for f in self.factors if isinstance(f, Power) and f.exponent == -1.0]
        text = "·".join(str(f) for f in self.factors if f not in over) or "1"
        return text + "".join(f"/{f.base}" for f in over)


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

    def to_dict(self) -> dict[str, Any]:
        return {"form": self.form, "of": self.base.to_dict(), "exponent": self.exponent}

    def __str__(self) -> str:
        return f"1/{self.base}" if self.exponent == -1.0 else f"{self.base}^{self.exponent:g}"


LEAVES: dict[str, type[Leaf]] = {c.form: c for c in (Constant, Exponential, Sigmoid, Linoid)}


def curve_from_dict(data: dict[str, Any]) -> Curve:
    """The curve that `Curve.to_dict` wrote."""
    form = data.get("form", "")
    if form in LEAVES:
        return LEAVES[form](**{k: v for k, v in data.items() if k != "form"})
    if form == "sum":
        return Sum(tuple(curve_from_dict(d) for d in data["of"]))
    if form == "product":
        return Product(tuple(curve_from_dict(d) for d in data["of"]))
    if form == "power":
        return Power(curve_from_dict(data["of"]), float(data["exponent"]))
    raise DocumentError(str(unknown("form of curve", str(form), [*LEAVES, "sum", "product", "power"])))


def as_curve(value: Curve | float) -> Curve:
    """`value` itself when it is a curve, else the constant."""
    if isinstance(value, Curve):
        return value
    try:
        return Constant(float(value))
    except (TypeError, ValueError):
        raise InputError(f"{value!r} is neither a curve of the voltage nor a number") from None


def logistic(x: FloatArray) -> FloatArray:
    """1/(1 + exp(-x)) without overflow."""
    return 0.5 * (1.0 + np.tanh(0.5 * x))


def linoid(x: FloatArray) -> tuple[FloatArray, FloatArray]:
    """x/(1 - exp(-x)) and its derivative, exact through 0 and without overflow.

    With y = x/2 the function is y + y·coth(y); near zero the even part is summed as a series.
    """
    y = 0.5 * x
    small = np.abs(y) < LINOID_SERIES
    z = np.where(small, 1.0, y)
    w = np.where(small, y, 0.0)
    w2 = w * w
    even = np.where(
        small,
        1.0 + w2 * (1 / 3 + w2 * (-1 / 45 + w2 * (2 / 945 - w2 / 4725))),
        z / np.tanh(z),
    )
    series = w * (2 / 3 + w2 * (-4 / 45 + w2 * (12 / 945 - w2 * 8 / 4725)))
    even_slope = np.where(small, series, (even - even * even + z * z) / z)
    return y + even, 0.5 * (1.0 + even_slope)


def sum_of(parts: Iterator[FloatArray]) -> FloatArray:
    total = next(parts)
    for part in parts:
        total = total + part
    return total


def _factor(a: float) -> str:
    return "" if a == 1.0 else f"{a:g}·"


def _shifted(v0: float, k: float | None) -> str:
    inner = "v" if v0 == 0.0 else f"(v {'-' if v0 > 0 else '+'} {abs(v0):g})"
    if k is None:
        return inner
    return f"{'-' if k < 0 else ''}{inner}/{abs(k):g}"
