"""Distributions of a parameter over the cells of a population.

Each is a monotone function of a standard normal number, so that correlated normal numbers make
correlated parameters (a Gaussian copula).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from statistics import NormalDist
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike

from ..errors import InputError, unknown
from ..numerics.arrays import FloatArray

_STANDARD = NormalDist()
_cdf: Callable[..., Any] = np.frompyfunc(lambda z: 0.5 * math.erfc(-z / math.sqrt(2.0)), 1, 1)
_inverse: Callable[..., Any] = np.frompyfunc(_STANDARD.inv_cdf, 1, 1)
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
        >>> Distribution.from_dict(Normal(sd=1.0).to_dict())
        Normal(sd=1)
        """
        values = dict(data)
        name = str(values.pop("distribution", None))
        if name not in Distribution.kinds:
            raise unknown("distribution", name, Distribution.kinds)
        return Distribution.kinds[name](**values)


@dataclass(frozen=True, repr=False)
class Normal(Distribution):
    """A normal distribution, cut off at `low` and `high` where these are given.

    Parameters
    ----------
    mean : float, optional
        Default: the value of the neuron. Of the distribution before it is cut off.
    sd, cv : float, optional
        Standard deviation, in the unit of the parameter, or relative to the size of the mean;
        give one. Of the distribution before it is cut off.
    low, high : float, optional
        Values lie between these: the probability outside is spread over the inside.

    Raises
    ------
    InputError
        For numbers that make no distribution.

    Examples
    --------
    >>> Normal(mean=-77.0, sd=2.0).moments
    (-77.0, 2.0)
    >>> cut = Normal(mean=1.0, cv=1.0, low=0.0)
    >>> bool(cut.of_normal(np.array([-8.0]))[0] >= 0.0)
    True
    """

    mean: float | None = None
    sd: float | None = None
    cv: float | None = None
    low: float | None = None
    high: float | None = None

    def __post_init__(self) -> None:
        _finite(self)
        one_of(self, "sd", "cv")
        if self.low is not None and self.high is not None and not self.low < self.high:
            raise InputError(f"{self}: low must be less than high")
        # Rounding of a cut far from the mean would leave few different values.
        if self.mean is not None and self._inside(self.mean) < 1e-9:
            raise InputError(f"{self}: nearly nothing of the distribution is between low and high")

    def _width(self, mean: float) -> float:
        return self.sd if self.sd is not None else (self.cv or 0.0) * abs(mean)

    def _limits(self, mean: float) -> tuple[float, float]:
        sd = self._width(mean)
        low = 0.0 if self.low is None else float(normal_cdf((self.low - mean) / sd))
        high = 1.0 if self.high is None else float(normal_cdf((self.high - mean) / sd))
        return low, high

    def _inside(self, mean: float) -> float:
        if (self.low is None and self.high is None) or self._width(mean) == 0.0:
            return 1.0
        low, high = self._limits(mean)
        return high - low

    def around(self, value: float, name: str) -> Distribution:
        """See `Distribution.around`."""
        found = replace(self, mean=value) if self.mean is None else self
        if found._width(found.mean or 0.0) == 0.0:
            raise InputError(
                f"vary: {name}: cv = {self.cv:g} of a mean of zero is no spread; give sd ="
            )
        return found

    def of_normal(self, z: FloatArray) -> FloatArray:
        """See `Distribution.of_normal`."""
        mean = _given(self, "mean")
        sd = self._width(mean)
        if self.low is None and self.high is None:
            return mean + sd * z
        low, high = self._limits(mean)
        u = np.clip(low + (high - low) * normal_cdf(z), 1e-300, np.nextafter(1.0, 0.0))
        x = mean + sd * np.asarray(_inverse(u), dtype=np.float64)
        return np.clip(x, self.low, self.high)

    @property
    def moments(self) -> tuple[float, float]:
        """Mean and standard deviation, of what is left where it is cut off."""
        if self.low is None and self.high is None:
            mean = _given(self, "mean")
            return mean, self._width(mean)
        return super().moments


@dataclass(frozen=True, repr=False)
class LogNormal(Distribution):
    """A log-normal distribution: values are positive, and multiply rather than add.

    Parameters
    ----------
    mean : float, optional
        Arithmetic mean, positive; default: the value of the neuron.
    cv : float
        Standard deviation over mean. The logarithm has the variance log(1 + cv²).

    Raises
    ------
    InputError
        For a mean that is not positive, or a cv that is not.

    Examples
    --------
    >>> spread = LogNormal(mean=120.0, cv=0.2)
    >>> spread.moments
    (120.0, 24.0)
    >>> spread.of_normal(np.zeros(1)).round(3)
    array([117.67])
    """

    mean: float | None = None
    cv: float | None = None

    def __post_init__(self) -> None:
        _finite(self)
        if self.cv is None or self.cv <= 0:
            raise InputError(f"{self}: give cv =, the standard deviation over the mean, above 0")
        if self.mean is not None and self.mean <= 0:
            raise InputError(f"{self}: the mean must be positive; Normal(sd=…) may be negative")

    def around(self, value: float, name: str) -> Distribution:
        """See `Distribution.around`."""
        if self.mean is None and value <= 0:
            raise InputError(
                f"vary: {name} = {value:g} of the neuron is not positive, and a LogNormal is: give "
                "its mean =, or use Normal(sd=…)"
            )
        return replace(self, mean=value) if self.mean is None else self

    def of_normal(self, z: FloatArray) -> FloatArray:
        """See `Distribution.of_normal`."""
        variance = math.log1p((self.cv or 0.0) ** 2)
        return _given(self, "mean") * np.exp(math.sqrt(variance) * z - 0.5 * variance)

    @property
    def moments(self) -> tuple[float, float]:
        """Mean and standard deviation."""
        mean = _given(self, "mean")
        return mean, mean * (self.cv or 0.0)


@dataclass(frozen=True, repr=False)
class Uniform(Distribution):
    """All values between two bounds alike.

    Parameters
    ----------
    low, high : float, optional
        In the unit of the parameter.
    spread : float, optional
        In place of both: the value of the neuron, and so much of it to both sides
        (0.2: ±20 %).

    Raises
    ------
    InputError
        Unless there is either a spread, or low < high.

    Examples
    --------
    >>> Uniform(spread=0.2).around(120.0, "na.g")
    Uniform(low=96, high=144)
    """

    low: float | None = None
    high: float | None = None
    spread: float | None = None

    def __post_init__(self) -> None:
        _finite(self)
        if self.spread is not None:
            if self.low is not None or self.high is not None or self.spread <= 0:
                raise InputError(f"{self}: give low and high, or a spread above 0 alone")
        elif self.low is None or self.high is None or not self.low < self.high:
            raise InputError(f"{self}: give low < high, or spread = (0.2: ±20 %)")

    def around(self, value: float, name: str) -> Distribution:
        """See `Distribution.around`."""
        if self.spread is None:
            return self
        if value == 0:
            raise InputError(
                f"vary: {name}: spread = {self.spread:g} of a value of zero is none; give low, high"
            )
        half = self.spread * abs(value)
        return Uniform(value - half, value + half)

    def of_normal(self, z: FloatArray) -> FloatArray:
        """See `Distribution.of_normal`."""
        low, high = _given(self, "low"), _given(self, "high")
        return low + (high - low) * normal_cdf(z)

    def below(self, bound: float) -> float:
        """The probability of a value below `bound`."""
        low, high = _given(self, "low"), _given(self, "high")
        return min(max((bound - low) / (high - low), 0.0), 1.0)

    @property
    def moments(self) -> tuple[float, float]:
        """Mean and standard deviation."""
        low, high = _given(self, "low"), _given(self, "high")
        return 0.5 * (low + high), (high - low) / math.sqrt(12.0)


@dataclass(frozen=True, repr=False)
class Empirical(Distribution):
    """Measured values, each drawn as often as any other (a bootstrap).

    Parameters
    ----------
    values : array (N,)
        Finite, at least one.

    Examples
    --------
    >>> Empirical([30.0, 36.0, 45.0]).of_normal(np.array([-1.0, 0.0, 1.0]))
    array([30., 36., 45.])
    """

    values: tuple[float, ...]

    def __post_init__(self) -> None:
        found = np.asarray(self.values, dtype=np.float64)
        if found.ndim != 1 or len(found) == 0 or not np.isfinite(found).all():
            raise InputError("Empirical: give finite values (N,), at least one")
        object.__setattr__(self, "values", tuple(sorted(found.tolist())))

    def around(self, value: float, name: str) -> Distribution:
        """See `Distribution.around`."""
        return self

    def of_normal(self, z: FloatArray) -> FloatArray:
        """See `Distribution.of_normal`."""
        values = np.array(self.values)
        place = (normal_cdf(z) * len(values)).astype(np.intp)
        return values[np.minimum(place, len(values) - 1)]

    def below(self, bound: float) -> float:
        """The share of values below `bound`."""
        return float(np.mean(np.array(self.values) < bound))

    @property
    def moments(self) -> tuple[float, float]:
        """Mean and standard deviation."""
        return float(np.mean(self.values)), float(np.std(self.values))

    def __repr__(self) -> str:
        return f"Empirical({len(self.values)} values)"


def _given(distribution: Distribution, name: str) -> float:
    value = getattr(distribution, name)
    if value is None:
        raise InputError(f"{distribution}: give {name} =, or use it in a Population")
    return value


def _finite(distribution: Distribution) -> None:
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
