"""What formulas are made of besides sums, products and powers: v, numbers, functions, choices."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike

from ..errors import InputError
from ..numerics.arrays import FloatArray
from ..numerics.elementary import LARGEST_EXPONENT, exponential, linoid
from .curves import Curve, Leaf, Power, Product, Sum, finite

Pair = tuple[FloatArray, FloatArray]


@dataclass(frozen=True)
class Voltage(Curve):
    """v itself, mV."""

    form: ClassVar[str] = "voltage"

    @property
    def is_symbol(self) -> bool:
        return True

    def value_and_slope(self, v: ArrayLike) -> Pair:
        v = np.array(v, dtype=np.float64)
        return v, np.ones_like(v)

    def __str__(self) -> str:
        return "v"


@dataclass(frozen=True)
class Number(Curve):
    """A fixed number: unlike that of a `Constant` its value is no parameter of the neuron."""

    value: float
    form: ClassVar[str] = "number"

    def __post_init__(self) -> None:
        object.__setattr__(self, "value", finite("number", self.value))

    @property
    def is_symbol(self) -> bool:
        return self.value >= 0

    def value_and_slope(self, v: ArrayLike) -> Pair:
        v = np.asarray(v, dtype=np.float64)
        return np.full_like(v, self.value), np.zeros_like(v)

    def __str__(self) -> str:
        return f"{self.value:g}"


def _exp(x: Pair) -> Pair:
    value = exponential(x[0])
    return value, np.where(x[0] < LARGEST_EXPONENT, value, 0.0) * x[1]


def _log(x: Pair) -> Pair:
    return np.log(x[0]), x[1] / x[0]


def _tanh(x: Pair) -> Pair:
    t = np.tanh(x[0])
    return t, (1.0 - t * t) * x[1]


def _linoid(x: Pair) -> Pair:
    value, slope = linoid(x[0])
    return value, slope * x[1]


def _choice(a: Pair, b: Pair, yes: Pair, no: Pair) -> Pair:
    below = a[0] < b[0]
    return np.where(below, yes[0], no[0]), np.where(below, yes[1], no[1])


def _abs(x: Pair) -> Pair:
    return _choice(x, (0.0 * x[0], x[1]), (-x[0], -x[1]), x)


# By name: how many curves a function takes, whether it is smooth, and its value and slope.
FUNCTIONS: dict[str, tuple[int, bool, Callable[..., Pair]]] = {
    "exp": (1, True, _exp),
    "log": (1, True, _log),
    "tanh": (1, True, _tanh),
    "linoid": (1, True, _linoid),
    "abs": (1, False, _abs),
    "min": (2, False, lambda a, b: _choice(a, b, a, b)),
    "max": (2, False, lambda a, b: _choice(a, b, b, a)),
    "choice": (4, False, _choice),
}


@dataclass(frozen=True)
class Function(Curve):
    """A function of one or several curves.

    Parameters
    ----------
    name : {"exp", "log", "tanh", "linoid", "abs", "min", "max", "choice"}
        ``linoid(x)`` is x/(1 - exp(-x)), 1 at x = 0; ``choice(a, b, p, q)`` is p where a < b and q
        elsewhere. The exponential is held at its value at 700.
    of : tuple of Curve
        Its arguments.

    Examples
    --------
    >>> print(Function("choice", (Voltage(), Number(-40.0), Number(1.0), Voltage())))
    (1 if v < -40 else v)
    """

    name: str
    of: tuple[Curve, ...]

    def __post_init__(self) -> None:
        wanted = FUNCTIONS[self.name][0]
        if len(self.of) != wanted:
            raise InputError(f"{self.name}() takes {wanted} arguments, not {len(self.of)}")

    @property
    def form(self) -> str:  # type: ignore[override]
        return self.name

    @property
    def is_symbol(self) -> bool:
        return True

    @property
    def is_smooth(self) -> bool:
        return FUNCTIONS[self.name][1] and all(x.is_smooth for x in self.of)

    def children(self) -> tuple[Curve, ...]:
        return self.of

    def with_leaves(self, leaves: Iterator[Leaf]) -> Curve:
        return replace(self, of=tuple(x.with_leaves(leaves) for x in self.of))

    def value_and_slope(self, v: ArrayLike) -> Pair:
        with np.errstate(all="ignore"):
            return FUNCTIONS[self.name][2](*(x.value_and_slope(v) for x in self.of))

    def __str__(self) -> str:
        if self.name == "choice":
            a, b, yes, no = map(str, self.of)
            return f"({yes} if {a} < {b} else {no})"
        return f"{self.name}({', '.join(map(str, self.of))})"


@dataclass(frozen=True)
class Parameter(Leaf):
    """A named parameter of a formula: the constant `a`, called `name` in the neuron."""

    a: float
    name: str
    form: ClassVar[str] = "constant"

    @classmethod
    def parameter_names(cls) -> tuple[str, ...]:
        return ("a",)

    @property
    def is_symbol(self) -> bool:
        return True

    def value_and_slope(self, v: ArrayLike) -> Pair:
        return Number(self.a).value_and_slope(v)

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True)
class Reference(Curve):
    """A parameter of the formula around it, by name."""

    name: str
    form: ClassVar[str] = "parameter"

    @property
    def is_symbol(self) -> bool:
        return True

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True)
class Formula(Curve):
    """A curve with parameters of its own, each of which may occur several times in it.

    `pyhodgkin.rates.formula` makes one from text.

    Parameters
    ----------
    body : Curve
        With a `Reference` wherever a parameter stands.
    parameters : tuple of Parameter
    """

    body: Curve
    parameters: tuple[Parameter, ...] = ()
    form: ClassVar[str] = "formula"

    def __post_init__(self) -> None:
        object.__setattr__(self, "_filled", filled(self.body, {p.name: p for p in self.parameters}))

    @property
    def filled(self) -> Curve:
        """The body with its parameters in their places."""
        return self._filled  # type: ignore[attr-defined]

    @property
    def is_symbol(self) -> bool:
        return self.body.is_symbol and not self.parameters

    @property
    def is_smooth(self) -> bool:
        return self.body.is_smooth

    def leaves(self) -> Iterator[Leaf]:
        yield from self.parameters

    def with_leaves(self, leaves: Iterator[Leaf]) -> Curve:
        taken = tuple(next(leaves) for _ in self.parameters)
        return Formula(self.body, taken)  # type: ignore[arg-type]

    def value_and_slope(self, v: ArrayLike) -> Pair:
        with np.errstate(all="ignore"):
            return self.filled.value_and_slope(v)

    def __str__(self) -> str:
        given = ", ".join(f"{p.name} = {p.a:g}" for p in self.parameters)
        return f"{self.body}" + (f"    ({given})" if given else "")

    def __repr__(self) -> str:
        return f"<formula {self}>"


def filled(curve: Curve, by_name: dict[str, Parameter]) -> Curve:
    """`curve` with parameters in the place of references."""
    if isinstance(curve, Reference):
        if curve.name not in by_name:
            raise InputError(f'formula: "{curve.name}" is no parameter of it')
        return by_name[curve.name]
    parts = tuple(filled(part, by_name) for part in curve.children())
    return rebuilt(curve, parts)


def rebuilt(curve: Curve, parts: tuple[Curve, ...]) -> Curve:
    """The same curve of other parts."""
    if isinstance(curve, Power):
        return Power(parts[0], curve.exponent)
    if isinstance(curve, Sum):
        return Sum(parts)
    if isinstance(curve, Product):
        return Product(parts)
    if isinstance(curve, Function):
        return Function(curve.name, parts)
    return curve


def parameter_paths(path: str, curve: Curve) -> Iterator[tuple[Leaf, dict[str, str]]]:
    """The leaves of a curve with the full name of each of their parameters.

    Examples
    --------
    >>> from pyhodgkin.neuron.rates import Exponential
    >>> [names for _, names in parameter_paths("k.n.alpha", 2.0 * Exponential(1, 0, 5))]
    [{'a': 'k.n.alpha.0.a'}, {'a': 'k.n.alpha.1.a', 'v0': 'k.n.alpha.1.v0', 'k': 'k.n.alpha.1.k'}]
    """
    whole = isinstance(curve, (Leaf, Formula))
    for i, leaf in enumerate(curve.leaves()):
        own = path if whole else f"{path}.{i}"
        if isinstance(leaf, Parameter):
            yield leaf, {"a": f"{own}.{leaf.name}"}
        else:
            yield leaf, {name: f"{own}.{name}" for name in leaf.parameter_names()}
