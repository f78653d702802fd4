"""Batches for the kernels of `backends.gpu`, and what comes back, as tensors."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ...neuron.tables import Tables
from ...protocols import Segments


@dataclass(frozen=True)
class Batch:
    """B elements of one neuron on a device; times and parameters in double precision.

    Parameters
    ----------
    theta : tensor (K, P)
    set_of, protocol_of : tensor of int (B,)
        The row of `theta`, and the protocol, of each element.
    segments : Segments
        Batched.
    v_start : tensor (B,)
        mV; where an element starts, with its gates at their steady state.
    y_start : tensor (0, S), (1, S) or (B, S)
        States to start from instead, where there are rows.
    saveat : tensor (1, T) or (B, T)
        ms.
    stops : tensor (B,)
        ms.
    clamped : bool
    """

    theta: Tensor
    set_of: Tensor
    protocol_of: Tensor
    segments: Segments
    v_start: Tensor
    y_start: Tensor
    saveat: Tensor
    stops: Tensor
    clamped: bool

    def __len__(self) -> int:
        return len(self.set_of)


@dataclass(frozen=True)
class Steps:
    """Accepted steps: t, h and end (N, 3, B), states (N, S, B), pieces (N, B); `count` of each."""

    numbers: Tensor
    states: Tensor
    pieces: Tensor
    count: Tensor


@dataclass(frozen=True)
class Rising:
    """Steps in which v rises: t, h and the coefficients of v (N, 3 + p, B); `count` of each."""

    numbers: Tensor
    count: Tensor


@dataclass(frozen=True)
class Solved:
    """Samples (T, S, B), NaN where not reached; status, accepted and rejected steps (3, B)."""

    samples: Tensor
    results: Tensor
    steps: Steps | None
    rising: Rising | None


def rows(tables: Tables, theta: Tensor) -> Tensor:
    """The rows that a kernel reads, from parameters (K, P); see `gpu.rows`."""
    from ..gpu.rows import WIDTH

    every = every_row(tables, theta)
    if len(every) == 1:
        return every[0]
    padded = torch.nn.functional.pad(every, (0, 0, 0, -len(every) % WIDTH))
    return padded.reshape(-1, WIDTH, every.shape[1]).transpose(1, 2).contiguous()


def every_row(tables: Tables, theta: Tensor) -> Tensor:
    """The rows (K, R) of parameters (K, P)."""
    from ..gpu.rows import Rows

    places = Rows.of(tables)
    leaf = torch.as_tensor(places.leaf_place, device=theta.device)
    a, v0, k = (theta[:, leaf + i] for i in range(3))
    parts = [theta, 1.0 / k, -v0 / k, a * k]
    if places.c_m >= 0:
        parts.append(1.0 / theta[:, places.c_m : places.c_m + 1])
    return torch.cat(parts, dim=1)
