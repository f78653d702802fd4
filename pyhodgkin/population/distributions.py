"""The distributions: normal, log-normal, uniform, and that of measured values."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from ..errors import InputError
from ..numerics.arrays import FloatArray
from .distribution import (
    Distribution,
    check_finite,
    given,
    normal_cdf,
    normal_inverse,
    one_of,
)


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
        check_finite(self)
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
        mean = given(self, "mean")
        sd = self._width(mean)
        if self.low is None and self.high is None:
            return mean + sd * z
        low, high = self._limits(mean)
        u = np.clip(low + (high - low) * normal_cdf(z), 1e-300, np.nextafter(1.0, 0.0))
        x = mean + sd * np.asarray(normal_inverse(u), dtype=np.float64)
        return np.clip(x, self.low, self.high)

    @property
    def moments(self) -> tuple[float, float]:
        """Mean and standard deviation, of what is left where it is cut off."""
        if self.low is None and self.high is None:
            mean = given(self, "mean")
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
        check_finite(self)
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
        return given(self, "mean") * np.exp(math.sqrt(variance) * z - 0.5 * variance)

    @property
    def moments(self) -> tuple[float, float]:
        """Mean and standard deviation."""
        mean = given(self, "mean")
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
        check_finite(self)
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
        low, high = given(self, "low"), given(self, "high")
        return low + (high - low) * normal_cdf(z)

    def below(self, bound: float) -> float:
        """The probability of a value below `bound`."""
        low, high = given(self, "low"), given(self, "high")
        return min(max((bound - low) / (high - low), 0.0), 1.0)

    @property
    def moments(self) -> tuple[float, float]:
        """Mean and standard deviation."""
        low, high = given(self, "low"), given(self, "high")
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
