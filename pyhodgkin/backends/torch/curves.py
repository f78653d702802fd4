"""Rate laws on tensors: all leaves of a neuron evaluated as one vector, with their slopes.

Arrays are (leaf, K, Q): K parameter sets, Q cells or steps that share each set.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor

from ...neuron.rates import Curve, Leaf, Power, Product, Sum
from .arrays import carries_tangent, of, records_gradients

FORMS = ("exponential", "sigmoid", "linoid", "constant")
# Below this size of its argument psi is summed as a series: the quotients lose digits to 0/0.
SERIES = 0.1
# The same where it carries a tangent in forward mode, by the bytes of a number.
DUAL_SERIES = {8: 1e-5, 4: 0.1}
# Arguments of an exponential are held within this: values and slopes of quotients of two rates
# then neither overflow nor vanish, and nothing of interest lies beyond.
LARGEST_EXPONENT = {8: 350.0, 4: 40.0}  # by the bytes of a number


class _Psi(torch.autograd.Function):
    """w/(exp(w) - 1), whose automatic derivative would be 0/0 near zero."""

    @staticmethod
    def forward(ctx: Any, w: Tensor) -> Tensor:
        ctx.save_for_backward(w)
        return _psi(w)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Tensor:  # type: ignore[override]
        (w,) = ctx.saved_tensors
        return grad * _PsiSlope.apply(w)


class _PsiSlope(torch.autograd.Function):
    """Its derivative, with a derivative of its own in closed form."""

    @staticmethod
    def forward(ctx: Any, w: Tensor) -> Tensor:
        ctx.save_for_backward(w)
        return _psi_slope(w)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Tensor:  # type: ignore[override]
        (w,) = ctx.saved_tensors
        small = w.abs() < SERIES
        z = torch.where(small, torch.ones_like(w), w)
        f, slope = _psi(z), _psi_slope(z)
        closed = -(slope * (2.0 * f + z) + f) / z
        w2 = torch.where(small, w * w, torch.zeros_like(w))
        series = 1 / 6 + w2 * (-1 / 60 + w2 * (1 / 1008 - w2 / 21600))
        return grad * torch.where(small, series, closed)


def _psi(w: Tensor) -> Tensor:
    # The shift is lost in rounding unless w is zero, where it makes the ratio exactly 1.
    xp = of(w)
    z = xp.at_most(w, LARGEST_EXPONENT[w.itemsize]) + 1e-30
    return z / xp.expm1(z)


def _psi_slope(w: Tensor) -> Tensor:
    xp, small = of(w), abs(w) < SERIES
    z = xp.where(small, xp.ones_like(w), w)
    f = _psi(z)
    near = xp.where(small, w, xp.zeros_like(w))
    w2 = near * near
    series = near * (1 / 6 + w2 * (-1 / 180 + w2 * (1 / 5040 - w2 / 151200))) - 0.5
    # f·exp(z) is f + z.
    return xp.where(small, series, f * (1.0 - f - z) / z)


def psi(w: Tensor) -> Tensor:
    """w/(exp(w) - 1) to full relative precision, smooth through zero, twice differentiable.

    The linoid x/(1 - exp(-x)) is `psi` of -x.
    """
    if carries_tangent(w):
        # The derivative of the quotient is 0/0 at zero, and loses digits around it.
        small = abs(w) < DUAL_SERIES[w.itemsize]
        w2 = w * w
        series = 1.0 - 0.5 * w + w2 * (1 / 12 + w2 * (-1 / 720 + w2 / 30240))
        return of(w).where(small, series, _psi(w))
    return _Psi.apply(w) if records_gradients(w) else _psi(w)


def psi_slope(w: Tensor) -> Tensor:
    """The derivative of `psi`, once more differentiable."""
    return _PsiSlope.apply(w) if records_gradients(w) else _psi_slope(w)


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
        self.count = sum(self.counts)
        self.places = {place: i for i, (place, _) in enumerate(rows)}
        moving = rows[: len(rows) - self.counts[3]]
        self.a = torch.tensor([at["a"] for _, at in rows], dtype=torch.long)
        self.v0 = torch.tensor([at["v0"] for _, at in moving], dtype=torch.long)
        self.k = torch.tensor([at["k"] for _, at in moving], dtype=torch.long)

    def __len__(self) -> int:
        return self.count

    def unpack(self, theta: Tensor) -> dict[str, Tensor]:
        """Parameters (leaf, K, 1) of the leaves from `theta` (K, P)."""
        n_exp, n_sig, n_lin, n_const = self.counts
        pick = theta.t().unsqueeze(-1)
        a, v0, k = pick[self.a], pick[self.v0], pick[self.k]
        sign = torch.ones(len(self.v0), 1, 1, dtype=theta.dtype, device=theta.device)
        sign[n_exp + n_sig :] = -1.0
        lin = slice(n_exp + n_sig, n_exp + n_sig + n_lin)
        factor = torch.cat([a[: n_exp + n_sig], a[lin] * k[lin], a[len(a) - n_const :]])
        return {"leaf.factor": factor, "leaf.v0": v0, "leaf.inverse_k": sign / k}

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
            slopes.append(psi_slope(x[n_exp + n_sig :]))
        xp = of(v)
        slope = xp.cat(slopes) * p["leaf.inverse_k"]
        if n_const:
            slope = xp.cat([slope, xp.zeros_like(unit[len(unit) - n_const :])])
        return unit * p["leaf.factor"], slope * p["leaf.factor"]

    def _scaled(self, v: Tensor, p: dict[str, Tensor]) -> Tensor:
        return (v - p["leaf.v0"]) * p["leaf.inverse_k"]

    def _unit(self, x: Tensor, v: Tensor) -> Tensor:
        n_exp, n_sig, n_lin, n_const = self.counts
        xp, parts = of(v), []
        limit = LARGEST_EXPONENT[v.itemsize]
        held = xp.clip(x[: n_exp + n_sig], -limit, limit)
        if n_exp:
            parts.append(xp.exp(held[:n_exp]))
        if n_sig:
            parts.append(xp.sigmoid(held[n_exp:]))
        if n_lin:
            parts.append(psi(x[n_exp + n_sig :]))
        if n_const:
            parts.append(xp.full((n_const, *v.shape), 1.0, v))
        return parts[0] if len(parts) == 1 else xp.cat(parts)


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
