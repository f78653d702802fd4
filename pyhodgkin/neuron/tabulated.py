"""Curves of the voltage that are given by knots."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike

from ..errors import InputError
from ..numerics.arrays import FloatArray
from ..numerics.cached import cached_property
from ..numerics.elementary import exponential
from ..numerics.piecewise_cubic import cubic_rows, inverse_spacing, monotone_slopes, value_and_slope
from .curves import Curve

SCALES = ("linear", "log")
OUTSIDE = ("constant", "linear")
MOST_KNOTS = 100_000


@dataclass(frozen=True)
class Tabulated(Curve):
    """The piecewise cubic through values at given voltages; its slope is continuous.

    Parameters
    ----------
    v : array (N,)
        The knots, mV, increasing; at least two. Evenly spaced ones are looked up faster.
    values : array (N,)
        The curve there: 1 for a steady state, ms for a time constant, 1/ms for a rate.
    slopes : array (N,), optional
        Derivatives by v at the knots, of what is interpolated (see `scale`). By default those
        of Fritsch and Carlson: the curve is monotone where the values are.
    scale : {"linear", "log"}
        What is interpolated: the value, or its natural logarithm (values > 0). A time constant
        or a rate stays positive with ``"log"``.
    outside : {"constant", "linear"}
        Beyond the knots: the value at the end, or the straight line with the slope there (of the
        logarithm for ``scale="log"``).

    Raises
    ------
    InputError
        For knots that do not increase, lengths that differ and numbers that are not finite.

    Examples
    --------
    >>> tau = Tabulated([-100, -60, -20, 20], [1.0, 8.0, 2.0, 0.5], scale="log")
    >>> tau([-60.0, -200.0, 20.0])
    array([8. , 1. , 0.5])
    >>> print(tau)
    table(v; 4 knots from -100 to 20 mV, cubic in log)
    """

    v: tuple[float, ...]
    values: tuple[float, ...]
    slopes: tuple[float, ...] = ()
    scale: str = "linear"
    outside: str = "constant"
    form: ClassVar[str] = "tabulated"

    def __init__(
        self,
        v: ArrayLike,
        values: ArrayLike,
        slopes: ArrayLike | None = None,
        scale: str = "linear",
        outside: str = "constant",
    ) -> None:
        if scale not in SCALES:
            raise InputError(f'Tabulated: scale = {scale!r}; it must be "linear" or "log"')
        if outside not in OUTSIDE:
            raise InputError(f'Tabulated: outside = {outside!r}; it must be "constant" or "linear"')
        knots = _numbers("v", v)
        if not 2 <= len(knots) <= MOST_KNOTS:
            raise InputError(
                f"Tabulated: v has {len(knots)} knots; it needs from 2 to {MOST_KNOTS}"
            )
        falling = np.flatnonzero(np.diff(knots) <= 0)
        if falling.size:
            i = int(falling[0])
            raise InputError(
                f"Tabulated: v must increase; v[{i}] = {knots[i]:g}, v[{i + 1}] = "
                f"{knots[i + 1]:g} mV: sort the knots and give each voltage once"
            )
        heights = _numbers("values", values, len(knots))
        if scale == "log" and heights.min() <= 0:
            i = int(np.argmin(heights))
            raise InputError(
                f'Tabulated: values[{i}] = {heights[i]:g}; with scale="log" values must be > 0'
            )
        inside = np.log(heights) if scale == "log" else heights
        if slopes is None or np.size(np.asarray(slopes)) == 0:
            steepness = monotone_slopes(knots, inside)
        else:
            steepness = _numbers("slopes", slopes, len(knots))
        for name, x in (("v", knots), ("values", heights), ("slopes", steepness)):
            object.__setattr__(self, name, tuple(x.tolist()))
        object.__setattr__(self, "scale", scale)
        object.__setattr__(self, "outside", outside)

    @property
    def is_symbol(self) -> bool:
        return True

    @property
    def is_smooth(self) -> bool:
        return False

    @cached_property
    def rows(self) -> FloatArray:
        """(N + 1, 5): below the knots, each interval, above them; see `cubic_rows`."""
        y = np.array(self.values)
        inside = np.log(y) if self.scale == "log" else y
        return cubic_rows(np.array(self.v), inside, np.array(self.slopes), self.outside == "linear")

    @cached_property
    def inverse_spacing(self) -> float:
        """1/mV; 0 where the knots are not evenly spaced."""
        return inverse_spacing(np.array(self.v))

    def value_and_slope(self, v: ArrayLike) -> tuple[FloatArray, FloatArray]:
        value, slope = value_and_slope(self.rows, np.asarray(v, dtype=np.float64))
        if self.scale == "log":
            value = exponential(value)
            slope = value * slope
        return value, slope

    def __str__(self) -> str:
        how = "cubic in log" if self.scale == "log" else "cubic"
        outside = "" if self.outside == "constant" else ", linear outside"
        return (
            f"table(v; {len(self.v)} knots from {self.v[0]:g} to {self.v[-1]:g} mV, {how}{outside})"
        )

    def __repr__(self) -> str:
        return f"<{self}>"


def _numbers(name: str, values: ArrayLike | Sequence[float], length: int | None = None):
    try:
        found = np.array(values, dtype=np.float64)
    except (TypeError, ValueError):
        raise InputError(f"Tabulated: {name} must be a list of numbers") from None
    if found.ndim != 1:
        raise InputError(f"Tabulated: {name} has the shape {found.shape}; it must be a list")
    if length is not None and len(found) != length:
        raise InputError(f"Tabulated: {name} has {len(found)} numbers; v has {length}")
    if not np.isfinite(found).all():
        i = int(np.flatnonzero(~np.isfinite(found))[0])
        raise InputError(f"Tabulated: {name}[{i}] = {found[i]} must be finite")
    return found
