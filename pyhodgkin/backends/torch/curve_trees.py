"""Trees of curves on arrays of either kind: values, and slopes by the voltage where asked for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ...neuron.functions import Formula, Function, Number, Reference, Voltage
from ...neuron.rates import Curve, Leaf, Power, Product, Sum
from ...neuron.tabulated import Tabulated
from .arrays import Constants, of
from .linoids import psi, psi_slope

Pair = tuple[Tensor, "Tensor | None"]
# Arguments of an exponential are held below this, by the bytes of a number.
LARGEST = {8: 700.0, 4: 80.0}


def needs_voltage(curve: Curve) -> bool:
    """Whether a curve is not made of elementary ones alone."""
    if isinstance(curve, (Voltage, Tabulated, Formula, Number)):
        return True
    return any(needs_voltage(part) for part in curve.children())


class Tree:
    """A curve, evaluated from the values of its leaves and v."""

    def __init__(self, curve: Curve) -> None:
        self.curve = curve
        self._tables: dict[int, Constants] = {}
        self._find_tables(curve)

    def _find_tables(self, curve: Curve) -> None:
        if isinstance(curve, Tabulated) and id(curve) not in self._tables:
            held = self._tables[id(curve)] = Constants()
            held["rows"], held["knots"] = curve.rows, np.array(curve.v)
        for part in curve.children():
            self._find_tables(part)

    def __call__(self, leaves: Iterator[Pair], v: Pair) -> Pair:
        return self._at(self.curve, leaves, v, {})

    def _at(self, curve: Curve, leaves: Iterator[Pair], v: Pair, known: dict[str, Pair]) -> Pair:
        if isinstance(curve, Leaf):
            return next(leaves)
        if isinstance(curve, Formula):
            own = {parameter.name: next(leaves) for parameter in curve.parameters}
            return self._at(curve.body, leaves, v, own)
        if isinstance(curve, Reference):
            return known[curve.name]
        if isinstance(curve, Voltage):
            return v
        if isinstance(curve, Number):
            zero = v[0] * 0.0
            return zero + curve.value, None if v[1] is None else zero
        if isinstance(curve, Tabulated):
            return self._table(curve, v)
        parts = [self._at(part, leaves, v, known) for part in curve.children()]
        if isinstance(curve, Function):
            return _FUNCTIONS[curve.name](*parts)
        if isinstance(curve, Power):
            return _power(parts[0], curve.exponent)
        total = parts[0]
        combined = _sum if isinstance(curve, Sum) else _product
        assert isinstance(curve, (Sum, Product))
        for other in parts[1:]:
            total = combined(total, other)
        return total

    def _table(self, curve: Tabulated, v: Pair) -> Pair:
        x, along = v
        held = self._tables[id(curve)].like(x)
        if type(x) is np.ndarray:
            row = held["rows"][np.searchsorted(held["knots"], x, side="right")]
        else:
            row = held["rows"][
                torch.searchsorted(held["knots"], x.detach().contiguous(), right=True)
            ]
        u = x - row[..., 0]
        c1, c2, c3 = row[..., 2], row[..., 3], row[..., 4]
        value = row[..., 1] + u * (c1 + u * (c2 + u * c3))
        slope = None if along is None else (c1 + u * (2.0 * c2 + u * (3.0 * c3))) * along
        return _exp((value, slope)) if curve.scale == "log" else (value, slope)


def _times(slope: Tensor | None, factor: Any) -> Tensor | None:
    return None if slope is None else slope * factor


def _sum(a: Pair, b: Pair) -> Pair:
    return a[0] + b[0], None if a[1] is None or b[1] is None else a[1] + b[1]


def _product(a: Pair, b: Pair) -> Pair:
    if a[1] is None or b[1] is None:
        return a[0] * b[0], None
    return a[0] * b[0], a[1] * b[0] + a[0] * b[1]


def _power(x: Pair, exponent: float) -> Pair:
    base, slope = x
    if slope is not None:
        slope = exponent * base ** (exponent - 1.0) * slope
    return base**exponent, slope


def _exp(x: Pair) -> Pair:
    xp = of(x[0])
    value = xp.exp(xp.at_most(x[0], LARGEST[x[0].itemsize]))
    if x[1] is None:
        return value, None
    return value, xp.where(x[0] < LARGEST[x[0].itemsize], value, xp.zeros_like(value)) * x[1]


def _log(x: Pair) -> Pair:
    value = np.log(x[0]) if type(x[0]) is np.ndarray else torch.log(x[0])
    return value, None if x[1] is None else x[1] / x[0]


def _tanh(x: Pair) -> Pair:
    t = of(x[0]).tanh(x[0])
    return t, _times(x[1], 1.0 - t * t)


def _linoid(x: Pair) -> Pair:
    return psi(-x[0]), None if x[1] is None else x[1] * -psi_slope(-x[0])


def _choice(a: Pair, b: Pair, yes: Pair, no: Pair) -> Pair:
    xp, below = of(a[0]), a[0] < b[0]
    value = xp.where(below, yes[0], no[0])
    if yes[1] is None or no[1] is None:
        return value, None
    return value, xp.where(below, yes[1], no[1])


def _negative(x: Pair) -> Pair:
    return -x[0], None if x[1] is None else -x[1]


_FUNCTIONS: dict[str, Any] = {
    "exp": _exp,
    "log": _log,
    "tanh": _tanh,
    "linoid": _linoid,
    "abs": lambda x: _choice(x, (x[0] * 0.0, x[1]), _negative(x), x),
    "min": lambda a, b: _choice(a, b, a, b),
    "max": lambda a, b: _choice(a, b, b, a),
    "choice": _choice,
}
