"""The linoid on tensors, smooth through zero and twice differentiable."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from .arrays import carries_tangent, of, records_gradients

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
        series = 1 / 6 + w2 * (-1 / 60 + w2 * (1 / 1008 - w2 / 21600.0))
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
    series = near * (1 / 6 + w2 * (-1 / 180 + w2 * (1 / 5040 - w2 / 151200.0))) - 0.5
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
