"""Rate laws: curves of the membrane potential, built from three elementary forms.

The exponential, the sigmoid and the linoid cover the published conductance-based models;
sums, products and powers of them cover their steady-state and time-constant curves.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike

from ..numerics.arrays import FloatArray
from ..numerics.elementary import LINOID_SERIES as LINOID_SERIES
from ..numerics.elementary import exponential, linoid
from ..numerics.elementary import logistic as logistic
from .curves import Constant as Constant
from .curves import Curve as Curve
from .curves import Leaf as Leaf
from .curves import Power as Power
from .curves import Product as Product
from .curves import Sum as Sum
from .curves import as_curve as as_curve


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

    @property
    def is_symbol(self) -> bool:
        return self.a == 1.0

    def value_and_slope(self, v: ArrayLike) -> tuple[FloatArray, FloatArray]:
        x = (np.asarray(v, dtype=np.float64) - self.v0) / self.k
        value = self.a * exponential(x)
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
        return self.a * s, self.a * s * logistic(-x) / self.k

    def __str__(self) -> str:
        return "/".join(self.fraction)

    @property
    def fraction(self) -> tuple[str, str]:
        return f"{self.a:g}", f"(1 + exp({_shifted(self.v0, -self.k)}))"


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


def _factor(a: float) -> str:
    return "" if a == 1.0 else f"{a:g}·"


def _shifted(v0: float, k: float | None) -> str:
    inner = "v" if v0 == 0.0 else f"(v {'-' if v0 > 0 else '+'} {abs(v0):g})"
    if k is None:
        return inner
    return f"{'-' if k < 0 else ''}{inner}/{abs(k):g}"
