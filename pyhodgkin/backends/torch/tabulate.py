"""Curves of the voltage spread from the nodes of a grid to many samples, on tensors."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor
from torch.nn import functional

from ...numerics.arrays import FloatArray, Indices
from ...numerics.voltage_table import SPACING, grid_of


class Table:
    """Where to evaluate curves of the voltage, and how to get them at N voltages from there.

    Parameters
    ----------
    v : array (N,)
        Voltages of interest, mV.
    spacing : float
        Distance of the grid's nodes, mV; None for the distinct voltages themselves.
    dtype, device
        Of the values that will be spread.

    Attributes
    ----------
    nodes : Tensor (G,)
        Evaluate the curves here. The distinct voltages themselves when they are no more than
        the grid would have nodes, and then nothing is interpolated.

    Examples
    --------
    >>> table = Table(np.linspace(-80.0, 40.0, 10_001))
    >>> len(table.nodes), table.exact
    (485, False)
    >>> curve = torch.exp(table.nodes / 20.0)
    >>> truth = torch.exp(torch.linspace(-80.0, 40.0, 10_001, dtype=torch.float64) / 20.0)
    >>> bool((table.spread(curve) / truth - 1.0).abs().max() < 1e-12)
    True
    """

    def __init__(
        self,
        v: ArrayLike,
        spacing: float | None = SPACING,
        dtype: torch.dtype = torch.float64,
        device: str | torch.device = "cpu",
    ) -> None:
        grid = grid_of(v, spacing)
        self.exact = grid.exact
        self.nodes = torch.as_tensor(grid.nodes, dtype=dtype, device=device)
        self._forward = _Weights(grid.index, grid.weight, dtype, device)
        self._backward = self._forward.transposed(len(grid.nodes))

    def spread(self, values: Tensor) -> Tensor:
        """Values (..., N) at the voltages, from `values` (..., G) at the nodes; differentiable."""
        columns = values.reshape(-1, values.shape[-1]).t()
        spread = _Spread.apply(columns, self._forward, self._backward)
        return spread.t().reshape(*values.shape[:-1], -1)


class _Weights:
    """A sparse matrix by rows: row i is the weighted sum of some rows of what it multiplies.

    Sums of gathered rows are the one sparse product that torch computes fast on every machine.
    """

    def __init__(
        self,
        index: Indices,
        weight: FloatArray,
        dtype: torch.dtype,
        device: str | torch.device,
        starts: Indices | None = None,
    ) -> None:
        self._numpy = index, weight
        self.index = torch.as_tensor(index, device=device)
        self.weight = torch.as_tensor(weight, dtype=dtype, device=device)
        self.starts = None if starts is None else torch.as_tensor(starts, device=device)

    def transposed(self, rows: int) -> _Weights:
        index, weight = self._numpy
        flat = index.ravel()
        order = np.argsort(flat, kind="stable")
        starts = np.searchsorted(flat[order], np.arange(rows))
        source = order // index.shape[1]
        return _Weights(
            source, weight.ravel()[order], self.weight.dtype, self.weight.device, starts
        )

    def __matmul__(self, x: Tensor) -> Tensor:
        return functional.embedding_bag(
            self.index, x.contiguous(), self.starts, mode="sum", per_sample_weights=self.weight
        )


class _Spread(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, weights: _Weights, transposed: _Weights) -> Tensor:
        ctx.weights, ctx.transposed = weights, transposed
        return weights @ x

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Tensor) -> tuple[Tensor | None, ...]:
        return _Spread.apply(grad_outputs[0], ctx.transposed, ctx.weights), None, None
