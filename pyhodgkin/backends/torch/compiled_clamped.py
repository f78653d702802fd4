"""The rates of gates and their current under a known voltage as compiled functions of theta."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

if TYPE_CHECKING:
    from ..compiled.local import Points


def rates(points: Points, order: np.ndarray, theta: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
    """Opening rate and sum of both of each gate at `v` (n,), (G, K, n) each, for `theta` (K, P).

    `order` (G,) says which gate of the public order each of them is.
    """
    found = _Rates.apply(points, theta, v)
    n_gates = len(order)
    return found[order], found[n_gates + order]


def current(points: Points, order: np.ndarray, theta: Tensor, x: Tensor, v: Tensor) -> Tensor:
    """The ionic current (K, T) at `v` (T,) with gates `x` (G, K, T)."""
    return _Current.apply(points, order, theta, x, v)


class _Rates(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, points: Points, theta: Tensor, v: Tensor) -> Tensor:
        k, n, s = len(theta), len(v), len(points.tables.states)
        y = np.zeros((k, n, s))
        y[:, :, 0] = v.numpy()
        ctx.parts = points, theta.detach().numpy(), y.reshape(-1, s), np.repeat(np.arange(k), n)
        found = points.value("rates", *ctx.parts[1:3], of=ctx.parts[3])
        return torch.from_numpy(found.reshape(k, n, -1)).permute(2, 0, 1)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, bars: Tensor) -> tuple[Tensor | None, ...]:  # type: ignore[override]
        points, theta, y, of = ctx.parts
        rows = bars.permute(1, 2, 0).reshape(len(y), -1).numpy()
        by_theta, _ = points.pullback("rates", theta, y, rows, of=of)
        return None, torch.from_numpy(by_theta), None


class _Current(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, points: Points, order: np.ndarray, theta: Tensor, x: Tensor, v: Tensor
    ) -> Tensor:
        k, n, s = len(theta), len(v), len(points.tables.states)
        y = np.zeros((k, n, s))
        y[:, :, 0] = v.numpy()
        y[:, :, 1 + order] = x.detach().permute(1, 2, 0).numpy()
        own = points, order, theta.detach().numpy(), y.reshape(-1, s), np.repeat(np.arange(k), n)
        ctx.parts = own
        found = points.value("current", own[2], own[3], of=own[4])
        return torch.from_numpy(found.reshape(k, n))

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, bars: Tensor) -> tuple[Tensor | None, ...]:  # type: ignore[override]
        points, order, theta, y, of = ctx.parts
        rows = bars.reshape(-1, 1).numpy()
        by_theta, by_state = points.pullback("current", theta, y, rows, of=of)
        by_gates = by_state.reshape(*bars.shape, -1)[:, :, 1 + order]
        x = torch.from_numpy(by_gates).permute(2, 0, 1)
        return None, None, torch.from_numpy(by_theta), x, None
