"""Rate laws on tensors: all leaves of a neuron evaluated as one vector, with their slopes.

Arrays are (leaf, K, Q): K parameter sets, Q cells or steps that share each set.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor

from ...neuron.rates import LINOID_SERIES, Curve, Leaf, Power, Product, Sum

FORMS = ("exponential", "sigmoid", "linoid", "constant")
LARGEST_EXPONENT = {torch.float64: 700.0, torch.float32: 85.0}


class _EvenSlope(torch.autograd.Function):
    """d/dy of y·coth(y), with its own derivative given in closed form."""

    @staticmethod
    def forward(ctx: Any, y: Tensor) -> Tensor:
        ctx.save_for_backward(y)
        return _even_slope(y)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Tensor:  # type: ignore[override]
        (y,) = ctx.saved_tensors
        small = y.abs() < LINOID_SERIES
        z = torch.where(small, torch.ones_like(y), y)
        u = z / torch.tanh(z)
        closed = 2.0 * (1.0 - u * _even_slope(z) / z)
        w2 = torch.where(small, y * y, torch.zeros_like(y))
        series = 2 / 3 + w2 * (-4 / 15 + w2 * (12 / 189 - w2 * 56 / 4725))
        return grad * torch.where(small, series, closed)


class _Even(torch.autograd.Function):
    """y·coth(y), whose automatic derivative would be 0/0 near zero."""

    @staticmethod
    def forward(ctx: Any, y: Tensor) -> Tensor:
        ctx.save_for_backward(y)
        return _even(y)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Tensor:  # type: ignore[override]
        (y,) = ctx.saved_tensors
        return grad * _EvenSlope.apply(y)


def _even(y: Tensor) -> Tensor:
    # The shift is lost in rounding unless y is zero, where it makes the ratio exactly 1.
    z = y + 1e-30
    return z / torch.tanh(z)


def _even_slope(y: Tensor) -> Tensor:
    small = y.abs() < LINOID_SERIES
    z = torch.where(small, torch.ones_like(y), y)
    u = z / torch.tanh(z)
    w = torch.where(small, y, torch.zeros_like(y))
    w2 = w * w
    series = w * (2 / 3 + w2 * (-4 / 45 + w2 * (12 / 945 - w2 * 8 / 4725)))
    return torch.where(small, series, (u - u * u + z * z) / z)


def even(y: Tensor) -> Tensor:
    """y·coth(y), smooth through zero, twice differentiable."""
    return _Even.apply(y) if torch.is_grad_enabled() else _even(y)


def even_slope(y: Tensor) -> Tensor:
    """The derivative of `even`, once more differentiable."""
    return _EvenSlope.apply(y) if torch.is_grad_enabled() else _even_slope(y)


class LeafTable:
    """The leaves of many curves, sorted by form, and where each came from.

    `places` maps (curve key, leaf number) to a row of the table; `a`, `v0`, `k` are indices
    into the flat parameter vector.
    """

    def __init__(self, curves: Iterable[tuple[str, Curve, dict[str, int]]]) -> None:
        found: dict[str, list[tuple[tuple[str, int], dict[str, int]]]] = {f: [] for f in FORMS}
        for key, curve, starts in curves:
            for i, leaf in enumerate(curve.leaves()):
                path = key if leaf is curve else f"{key}.{i}"
                at = {name: starts[f"{path}.{name}"] for name in leaf.parameter_names()}
                found[leaf.form].append(((key, i), at))
        rows = [row for form in FORMS for row in found[form]]
        self.counts = [len(found[form]) for form in FORMS]
        self.places = {place: i for i, (place, _) in enumerate(rows)}
        moving = rows[: len(rows) - self.counts[3]]
        self.a = torch.tensor([at["a"] for _, at in rows], dtype=torch.long)
        self.v0 = torch.tensor([at["v0"] for _, at in moving], dtype=torch.long)
        self.k = torch.tensor([at["k"] for _, at in moving], dtype=torch.long)

    def __len__(self) -> int:
        return len(self.a)

    def unpack(self, theta: Tensor) -> dict[str, Tensor]:
        """Parameters (leaf, K, 1) of the leaves from `theta` (K, P)."""
        n_exp, n_sig, n_lin, n_const = self.counts
        pick = theta.t().unsqueeze(-1)
        a, v0, k = pick[self.a], pick[self.v0], pick[self.k]
        half = torch.ones(len(self.v0), 1, 1, dtype=theta.dtype, device=theta.device)
        half[n_exp + n_sig :] = 0.5
        lin = slice(n_exp + n_sig, n_exp + n_sig + n_lin)
        factor = torch.cat([a[: n_exp + n_sig], a[lin] * k[lin], a[len(a) - n_const :]])
        return {"leaf.factor": factor, "leaf.v0": v0, "leaf.inverse_k": half / k}

    def values(self, v: Tensor, p: dict[str, Tensor]) -> Tensor:
        """Values (leaf, K, Q) at `v` (K, Q)."""
        return self._unit(self._scaled(v, p), v) * p["leaf.factor"]

    def values_and_slopes(self, v: Tensor, p: dict[str, Tensor]) -> tuple[Tensor, Tensor]:
        """Values and derivatives with respect to v, (leaf, K, Q) each."""
        n_exp, n_sig, n_lin, n_const = self.counts
        x = self._scaled(v, p)
        unit = self._unit(x, v)
        slopes = [unit[:n_exp]]
        if n_sig:
            s = unit[n_exp : n_exp + n_sig]
            slopes.append(s * (1.0 - s))
        if n_lin:
            slopes.append(1.0 + even_slope(x[n_exp + n_sig :]))
        slope = torch.cat(slopes) * p["leaf.inverse_k"]
        if n_const:
            slope = torch.cat([slope, torch.zeros_like(unit[len(unit) - n_const :])])
        return unit * p["leaf.factor"], slope * p["leaf.factor"]

    def _scaled(self, v: Tensor, p: dict[str, Tensor]) -> Tensor:
        return (v - p["leaf.v0"]) * p["leaf.inverse_k"]

    def _unit(self, x: Tensor, v: Tensor) -> Tensor:
        n_exp, n_sig, n_lin, n_const = self.counts
        parts = []
        if n_exp:
            parts.append(torch.exp(x[:n_exp].clamp(max=LARGEST_EXPONENT[v.dtype])))
        if n_sig:
            parts.append(torch.sigmoid(x[n_exp : n_exp + n_sig]))
        if n_lin:
            y = x[n_exp + n_sig :]
            parts.append(y + even(y))
        if n_const:
            parts.append(torch.ones(n_const, *v.shape, dtype=v.dtype, device=v.device))
        return parts[0] if len(parts) == 1 else torch.cat(parts)


class CurveProgram:
    """A tree of curves, evaluated from the rows of a `LeafTable`."""

    def __init__(self, key: str, curve: Curve, table: LeafTable) -> None:
        self.curve = curve
        self.rows = [table.places[key, i] for i, _ in enumerate(curve.leaves())]

    @property
    def row(self) -> int | None:
        """The row of the table that is the whole curve, if it is a single leaf."""
        return self.rows[0] if isinstance(self.curve, Leaf) else None

    def value(self, values: Tensor) -> Tensor:
        """Value (K, Q) of the curve."""
        return _evaluate(self.curve, iter([(values[r], None) for r in self.rows]))[0]

    def value_and_slope(self, values: Tensor, slopes: Tensor) -> tuple[Tensor, Tensor]:
        """Value and derivative with respect to v, (K, Q) each."""
        pairs: list[_Pair] = [(values[r], slopes[r]) for r in self.rows]
        value, slope = _evaluate(self.curve, iter(pairs))
        assert slope is not None
        return value, slope


_Pair = tuple[Tensor, "Tensor | None"]


def _evaluate(curve: Curve, rows: Any) -> _Pair:
    if isinstance(curve, Sum):
        pairs = [_evaluate(term, rows) for term in curve.terms]
        value, slope = pairs[0]
        for other, other_slope in pairs[1:]:
            value = value + other
            slope = None if slope is None or other_slope is None else slope + other_slope
        return value, slope
    if isinstance(curve, Product):
        pairs = [_evaluate(factor, rows) for factor in curve.factors]
        value, slope = pairs[0]
        for other, other_slope in pairs[1:]:
            if slope is not None and other_slope is not None:
                slope = slope * other + value * other_slope
            value = value * other
        return value, slope
    if isinstance(curve, Power):
        base, slope = _evaluate(curve.base, rows)
        if slope is not None:
            slope = curve.exponent * base ** (curve.exponent - 1.0) * slope
        return base**curve.exponent, slope
    return next(rows)
