"""Recordings as tensors for clamped training, made once and used in every pass.

The recordings of a group are laid end to end and are one recurrence: each begins with a step
that lasts for ever, after which nothing remembers the recording before it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from ...neuron.neuron import Neuron
from ...recordings import Recording
from ..base import SolveOptions
from ..loss import default_scale
from ..voltage_grid import balance_of, spacing_for, voltage_grid_of
from .tabulate import Table

# Steps times parameter sets in one pass; some 200 bytes each and gate.
LANES = 2_000_000


@dataclass
class Plan:
    """Some recordings as tensors: everything that does not depend on the parameters.

    `owner` says to which recording (0 … R-1) a sample belongs, `used` which samples the mask
    keeps. `deviation` is that of the measured current, `deviation_v` that of the data. `slope` is
    that of v in current clamp, or None; `weights` (3, T) average there.
    """

    table: Table
    h: Tensor
    starts: Tensor
    places: Tensor
    v: Tensor
    owner: Tensor
    used: Tensor
    target: Tensor
    deviation: list[float]
    deviation_v: list[float]
    counts: Tensor
    slope: Tensor | None
    weights: Tensor | None
    lengths: list[int]


@lru_cache(maxsize=64)
def _plan(
    recordings: tuple[Recording, ...],
    c_m: float,
    spacing: float | None,
    dtype: torch.dtype,
    device: str,
) -> Plan:
    drives = [voltage_grid_of(r) for r in recordings]
    offsets = np.cumsum([0, *(len(d.h) for d in drives)])
    lengths = [len(r) for r in recordings]

    def tensor(parts: list[np.ndarray], kind: torch.dtype = dtype) -> Tensor:
        return torch.as_tensor(np.concatenate(parts, axis=-1), dtype=kind, device=device)

    weights = slope = None
    targets = [r.data for r in recordings]
    measured = targets
    if recordings[0].observed == "v":
        balances = [balance_of(r) for r in recordings]
        weights = tensor([b.weights.T for b in balances])
        slope = tensor([b.slope for b in balances])
        targets = [b.stimulus for b in balances]
        measured = [b.target(c_m) for b in balances]
    masks = [r.mask for r in recordings]
    return Plan(
        table=Table(np.concatenate([d.v for d in drives]), spacing, dtype, device),
        h=tensor([d.h for d in drives]),
        starts=torch.as_tensor(offsets[:-1], device=device),
        places=tensor([d.places + o for d, o in zip(drives, offsets, strict=False)], torch.long),
        v=tensor([d.v_samples for d in drives]),
        owner=tensor([np.full(n, i) for i, n in enumerate(lengths)], torch.long),
        used=torch.as_tensor(np.flatnonzero(np.concatenate(masks)), device=device),
        target=tensor(targets),
        deviation=[default_scale(x[m]) for x, m in zip(measured, masks, strict=True)],
        deviation_v=[default_scale(r.data[r.mask]) for r in recordings],
        counts=torch.as_tensor([int(m.sum()) for m in masks], dtype=dtype, device=device),
        slope=slope,
        weights=weights,
        lengths=lengths,
    )


def passes(
    neuron: Neuron, recordings: Sequence[Recording], k: int, options: SolveOptions
) -> Iterator[tuple[slice, slice, Plan]]:
    """Recordings and parameter sets, in groups that fit the memory."""
    dtype, spacing = getattr(torch, options.dtype), spacing_for(neuron)
    for own in _groups(recordings):
        plan = _plan(tuple(recordings[own]), neuron.c_m, spacing, dtype, options.device)
        most = max(1, LANES // len(plan.h))
        for first in range(0, k, most):
            yield own, slice(first, min(first + most, k)), plan


def _groups(recordings: Sequence[Recording]) -> Iterator[slice]:
    """Consecutive recordings of one clamp, up to `LANES` samples together."""
    first, total = 0, 0
    for i, recording in enumerate(recordings):
        same = recording.observed == recordings[first].observed
        if i > first and (not same or total + len(recording) > LANES):
            yield slice(first, i)
            first, total = i, 0
        total += len(recording)
    yield slice(first, len(recordings))
