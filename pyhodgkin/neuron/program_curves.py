"""Curves of v and of the calcium concentration as operations of a program."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from .calcium_curves import LEAST, Calcium, Hill
from .curves import Curve, Leaf, Power, Product, Sum
from .functions import Formula, Function, Number, Reference, Voltage, parameter_paths
from .program import Builder, Op
from .tabulated import Tabulated

_FUNCTIONS = {"exp": Op.EXP, "log": Op.LOG, "tanh": Op.TANH, "linoid": Op.LINOID}
WHOLE_POWERS = 4  # up to which a power is written as products


class Scope(NamedTuple):
    """The operations that are the voltage and the concentration of calcium."""

    v: int
    ca: int | None


class CurveOperations:
    """Adds curves to a program; `places` says where each parameter lies in theta."""

    def __init__(self, build: Builder, places: dict[str, int]) -> None:
        self._build, self._places = build, places
        self._tables: list[Tabulated] = []

    def add(self, path: str, curve: Curve, at: Scope) -> int:
        """The operation that is a curve whose parameters have names that begin with `path`."""
        found = [
            {name: self._build.parameter(self._places[own]) for name, own in paths.items()}
            for _, paths in parameter_paths(path, curve)
        ]
        return self._add(curve, iter(found), {}, at)

    def not_negative(self, ca: int) -> int:
        """A concentration, held from below where logarithms of it are taken."""
        least = self._build.number(LEAST)
        return self._build.choice(ca, least, least, ca)

    def table_arrays(self) -> dict[str, Any]:
        """The tabulated curves, as `Tables` has them."""
        grids = [(each.v[0], each.inverse_spacing) for each in self._tables]
        rows = [each.rows for each in self._tables]
        return {
            "table_bounds": np.cumsum([0, *map(len, rows)], dtype=np.int64),
            "table_grid": np.array(grids, dtype=np.float64).reshape(-1, 2),
            "table_rows": np.concatenate([np.zeros((0, 5)), *rows]),
        }

    def _add(self, curve: Curve, leaves: Any, known: dict[str, int], at: Scope) -> int:
        build = self._build
        if isinstance(curve, Leaf):
            return self._leaf(curve, next(leaves), at)
        if isinstance(curve, Formula):
            own = {leaf.name: next(leaves)["a"] for leaf in curve.parameters}
            return self._add(curve.body, leaves, own, at)
        if isinstance(curve, Reference):
            return known[curve.name]
        if isinstance(curve, Voltage):
            return at.v
        if isinstance(curve, Calcium):
            assert at.ca is not None
            return at.ca
        if isinstance(curve, Number):
            return build.number(curve.value)
        if isinstance(curve, Tabulated):
            return self._table(curve, at)
        parts = [self._add(part, leaves, known, at) for part in curve.children()]
        if isinstance(curve, Function):
            return self._function(curve.name, parts)
        if isinstance(curve, Power):
            return self._power(parts[0], curve.exponent)
        assert isinstance(curve, (Sum, Product))
        if isinstance(curve, Sum):
            return build.sum(parts)
        total = parts[0]
        for part in parts[1:]:
            total = build.multiply(total, part)
        return total

    def _leaf(self, leaf: Leaf, p: dict[str, int], at: Scope) -> int:
        build = self._build
        if leaf.form == "constant":
            return p["a"]
        if isinstance(leaf, Hill):
            assert at.ca is not None
            inside = build.apply(Op.LOG, self.not_negative(at.ca))
            ratio = build.subtract(inside, build.apply(Op.LOG, p["half"]))
            return build.multiply(p["a"], build.apply(Op.LOGISTIC, build.multiply(p["n"], ratio)))
        x = build.divide(build.subtract(at.v, p["v0"]), p["k"])
        if leaf.form == "linoid":
            return build.multiply(build.multiply(p["a"], p["k"]), build.apply(Op.LINOID, x))
        return build.multiply(
            p["a"], build.apply(Op.EXP if leaf.form == "exponential" else Op.LOGISTIC, x)
        )

    def _table(self, curve: Tabulated, at: Scope) -> int:
        if curve not in self._tables:
            self._tables.append(curve)
        found = self._build.apply(Op.TABLE, at.v, self._tables.index(curve))
        return self._build.apply(Op.EXP, found) if curve.scale == "log" else found

    def _power(self, base: int, exponent: float) -> int:
        build = self._build
        if exponent == -1.0:
            return build.divide(build.number(1.0), base)
        if exponent == int(exponent) and 1 <= exponent <= WHOLE_POWERS:
            return build.whole_power(base, int(exponent))
        return build.power(base, exponent)

    def _function(self, name: str, x: list[int]) -> int:
        build = self._build
        if name in _FUNCTIONS:
            return build.apply(_FUNCTIONS[name], x[0])
        return _CHOICES[name](build, x)


def _absolute(build: Builder, x: list[int]) -> int:
    minus = build.times(-1.0, x[0])
    return build.choice(x[0], build.number(0.0), minus, x[0])


# Functions that are choices (a, b, p, q) of their arguments: p where a < b, else q.
_CHOICES: dict[str, Callable[[Builder, list[int]], int]] = {
    "abs": _absolute,
    "min": lambda build, x: build.choice(x[0], x[1], x[0], x[1]),
    "max": lambda build, x: build.choice(x[0], x[1], x[1], x[0]),
    "choice": lambda build, x: build.choice(*x),
}
