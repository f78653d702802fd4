"""Distributions of a parameter over the cells of a population.

Each is a monotone function of a standard normal number, so that correlated normal numbers make
correlated parameters (a Gaussian copula).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, fields
from statistics import NormalDist
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike

from ..errors import InputError, unknown
from ..numerics.arrays import FloatArray

_STANDARD = NormalDist()
_cdf: Callable[..., Any] = np.frompyfunc(lambda z: 0.5 * math.erfc(-z / math.sqrt(2.0)), 1, 1)
normal_inverse: Callable[..., Any] = np.frompyfunc(_STANDARD.inv_cdf, 1, 1)
# Where integrals over a standard normal number are taken; what is outside is less than 1e-16.
GRID = np.linspace(-8.5, 8.5, 20_001)
WEIGHT = np.exp(-0.5 * GRID**2) * (GRID[1] - GRID[0]) / math.sqrt(2.0 * math.pi)


def normal_cdf(z: ArrayLike) -> FloatArray:
    """Φ(z), strictly between 0 and 1."""
    low, high = np.nextafter(0.0, 1.0), np.nextafter(1.0, 0.0)
    return np.clip(np.asarray(_cdf(np.asarray(z, dtype=np.float64)), dtype=np.float64), low, high)


@dataclass(frozen=True)
class Distribution:
    """How a parameter varies over cells; base of `Normal`, `LogNormal`, `Uniform`, `Empirical`."""

    kinds: ClassVar[dict[str, type[Distribution]]] = {}

    def __init_subclass__(cls) -> None:
        Distribution.kinds[cls.__name__] = cls

    def __repr__(self) -> str:
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        given = ", ".join(
            f"{name}={value:g}" for name, value in values.items() if value is not None
        )
        return f"{type(self).__name__}({given})"

    def around(self, value: float, name: str) -> Distribution:
        """With the numbers that were left out taken from the neuron's own `value`.

        Raises
        ------
        InputError
            If the distribution cannot lie around that value; `name` is for the message.
        """
        raise NotImplementedError

    def of_normal(self, z: FloatArray) -> FloatArray:
        """Values for standard normal numbers `z`; increasing in them."""
        raise NotImplementedError

    def below(self, bound: float) -> float:
        """The probability of a value below `bound`."""
        return float(WEIGHT[self.of_normal(GRID) < bound].sum())

    @property
    def moments(self) -> tuple[float, float]:
        """Mean and standard deviation."""
        x = self.of_normal(GRID)
        mean = float(WEIGHT @ x)
        return mean, math.sqrt(max(float(WEIGHT @ (x - mean) ** 2), 0.0))

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers and text, safe for JSON."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return {"distribution": type(self).__name__, **values}

    @staticmethod
    def from_dict(data: dict[str, Any]) -> Distribution:
        """The inverse of `to_dict`.

        Examples
        --------
        >>> from pyhodgkin.population.distributions import Normal
        >>> Distribution.from_dict(Normal(sd=1.0).to_dict())
        Normal(sd=1)
        """
        values = dict(data)
        name = str(values.pop("distribution", None))
        if name not in Distribution.kinds:
            raise unknown("distribution", name, Distribution.kinds)
        return Distribution.kinds[name](**values)


def given(distribution: Distribution, name: str) -> float:
    """A number of a distribution, which must be there."""
    value = getattr(distribution, name)
    if value is None:
        raise InputError(f"{distribution}: give {name} =, or use it in a Population")
    return value


def check_finite(distribution: Distribution) -> None:
    """Raise unless what is given are finite numbers."""
    for field in fields(distribution):
        value = getattr(distribution, field.name)
        if value is None:
            continue
        if isinstance(value, bool) or not isinstance(value, (int, float, np.number)):
            raise InputError(
                f"{type(distribution).__name__}: {field.name} = {value!r} is no number"
            )
        if not math.isfinite(value):
            raise InputError(f"{type(distribution).__name__}: {field.name} = {value} is not finite")
        object.__setattr__(distribution, field.name, float(value))


def one_of(distribution: Distribution, *names: str) -> None:
    """Raise unless exactly one of `names` is given, and is above zero."""
    given = [name for name in names if getattr(distribution, name) is not None]
    if len(given) != 1:
        raise InputError(f"{distribution}: give one of {' or '.join(names)}")
    if getattr(distribution, given[0]) <= 0:
        raise InputError(f"{distribution}: {given[0]} must be above 0")
