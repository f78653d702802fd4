"""Curves of the calcium concentration: its symbol in formulas, and the Hill function."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, NoReturn, TypeVar

import numpy as np
from numpy.typing import ArrayLike

from ..errors import InputError
from ..numerics.arrays import FloatArray
from .curves import Curve, Leaf
from .functions import Formula, rebuilt

if TYPE_CHECKING:
    from .kinetics import Kinetics

LEAST = 1e-12  # mM: logarithms and powers of the concentration are held here
Pair = tuple[FloatArray, FloatArray]
K = TypeVar("K", bound="Kinetics")


def _unknown(curve: Curve) -> NoReturn:
    raise InputError(
        f"{curve} depends on the calcium concentration: fix it with "
        "pyhodgkin.rates.at_calcium(curve, ca), ca in mM, or kinetics.at_calcium(ca)"
    )


@dataclass(frozen=True)
class Calcium(Curve):
    """The concentration of calcium itself, mM; ``ca`` in a formula.

    Examples
    --------
    >>> tau = 1.0 + 1e-4 / (Calcium() + 1e-4)
    >>> float(at_calcium(tau, 1e-4)(-60.0))
    1.5
    """

    form: ClassVar[str] = "calcium"

    @property
    def is_symbol(self) -> bool:
        return True

    def value_and_slope(self, v: ArrayLike) -> Pair:
        _unknown(self)

    def __str__(self) -> str:
        return "ca"


@dataclass(frozen=True)
class Hill(Leaf):
    """a·caⁿ/(caⁿ + halfⁿ): a saturating function of the calcium concentration.

    Parameters
    ----------
    a : float
        Its limit at high concentrations; 1/ms when the curve is a rate.
    half : float
        Concentration at which it is half of `a`, mM, positive.
    n : float
        Hill coefficient; negative for a curve that falls.

    Examples
    --------
    >>> opening = Hill(1.0, half=5e-4, n=2.0)
    >>> at_calcium(opening, [0.0, 5e-4, 1.0])(-60.0).round(6)
    array([0. , 0.5, 1. ])
    """

    a: float
    half: float
    n: float = 1.0
    form: ClassVar[str] = "hill"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.half <= 0.0 or self.n == 0.0:
            raise InputError(
                f"Hill: half = {self.half:g} mM, n = {self.n:g}; half must be positive, "
                "n must not be 0"
            )

    def value_and_slope(self, v: ArrayLike) -> Pair:
        _unknown(self)

    def at(self, ca: ArrayLike) -> FloatArray:
        """The value at concentrations `ca`, mM."""
        x = self.n * np.log(np.maximum(np.asarray(ca, dtype=np.float64), LEAST) / self.half)
        return self.a / (1.0 + np.exp(-np.clip(x, -700.0, 700.0)))

    def __str__(self) -> str:
        factor = "" if self.a == 1.0 else f"{self.a:g}·"
        return f"{factor}hill(ca; {self.half:g} mM, {self.n:g})"


@dataclass(frozen=True, eq=False)
class _Held(Curve):
    """A value that does not depend on the voltage; an array meets that of v by broadcasting."""

    value: FloatArray

    def value_and_slope(self, v: ArrayLike) -> Pair:
        value = self.value + np.zeros_like(np.asarray(v, dtype=np.float64))
        return value, np.zeros_like(value)


def uses_calcium(curve: Curve) -> bool:
    """Whether a curve depends on the calcium concentration.

    Examples
    --------
    >>> from pyhodgkin.neuron.rates import Sigmoid
    >>> uses_calcium(Sigmoid(1, -30, 5) * Hill(1, 1e-3)), uses_calcium(Sigmoid(1, -30, 5))
    (True, False)
    """
    if isinstance(curve, Formula):
        return uses_calcium(curve.body)
    return isinstance(curve, (Calcium, Hill)) or any(map(uses_calcium, curve.children()))


def at_calcium(curve: Curve, ca: ArrayLike) -> Curve:
    """A curve of v and the calcium concentration as one of v alone, at `ca` (mM).

    Parameters
    ----------
    curve : Curve
    ca : float or array
        mM; an array is broadcast against the voltages that the result is called with.
    """
    level = np.asarray(ca, dtype=np.float64)
    if isinstance(curve, Calcium):
        return _Held(level)
    if isinstance(curve, Hill):
        return _Held(curve.at(level))
    if isinstance(curve, Formula):
        return at_calcium(curve.filled, ca)
    return rebuilt(curve, tuple(at_calcium(part, ca) for part in curve.children()))


def kinetics_at_calcium(kinetics: K, ca: ArrayLike) -> K:
    """`Kinetics.at_calcium`."""
    curves = {role: at_calcium(curve, ca) for role, curve in kinetics.curves().items()}
    return kinetics.with_curves(curves) if curves else kinetics  # type: ignore[return-value]


def calcium_leaves(curve: Curve) -> Iterator[Leaf]:
    """The Hill functions in a curve."""
    return (leaf for leaf in curve.leaves() if isinstance(leaf, Hill))
