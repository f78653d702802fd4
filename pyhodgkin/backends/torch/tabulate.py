"""Curves of the voltage evaluated at few voltages and spread to many samples.

A recording has 10^5 samples, but kinetics are functions of the voltage alone. Step protocols
visit a handful of voltages: there the curves are evaluated once for each. Otherwise they are
evaluated on an even grid and interpolated by the polynomial through the `ORDER` nearest nodes.

The error of that is at most 0.0049·h⁶·max|f⁽⁶⁾|: Lagrange's remainder in the middle interval of
six nodes h apart. With h = 0.25 mV that is below 1e-9 for a curve that bends over 5 mV or more,
as the logarithms of published rates do, and grows with the sixth power of the steepness: to
some 1e-5 for a network that bends within 1 mV.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor
from torch.nn import functional

ORDER = 6
SPACING = 0.25  # mV


class Table:
    """Where to evaluate curves of the voltage, and how to get them at N voltages from there.

    Parameters
    ----------
    v : array (N,)
        Voltages of interest, mV.
    spacing : float
        Distance of the grid's nodes, mV; see the error above.
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
        spacing: float = SPACING,
        dtype: torch.dtype = torch.float64,
        device: str | torch.device = "cpu",
    ) -> None:
        samples = np.asarray(v, dtype=np.float64)
        distinct, places = np.unique(samples, return_inverse=True)
        low = distinct[0] - (ORDER // 2 - 1) * spacing
        count = int(np.ceil((distinct[-1] - distinct[0]) / spacing)) + ORDER - 1
        self.exact = len(distinct) <= count
        if self.exact:
            nodes, index, weight = distinct, places.reshape(-1, 1), np.ones((len(samples), 1))
        else:
            nodes = low + spacing * np.arange(count)
            index, weight = _lagrange((samples - low) / spacing, count)
        self.nodes = torch.as_tensor(nodes, dtype=dtype, device=device)
        self._forward = _Weights(index, weight, dtype, device)
        self._backward = self._forward.transposed(len(nodes))

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
        index: NDArray[np.intp],
        weight: NDArray[np.float64],
        dtype: torch.dtype,
        device: str | torch.device,
        starts: NDArray[np.intp] | None = None,
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


def _lagrange(
    place: NDArray[np.float64], count: int
) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """The `ORDER` nodes (N, ORDER) around each place on the grid, and their weights."""
    first = np.clip(np.floor(place).astype(np.intp) - (ORDER // 2 - 1), 0, count - ORDER)
    s = place - first
    weight = np.ones((len(place), ORDER))
    for j in range(ORDER):
        for m in range(ORDER):
            if m != j:
                weight[:, j] *= (s - m) / (j - m)
    return first[:, None] + np.arange(ORDER), weight
