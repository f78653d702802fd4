"""What a solve leaves behind: the accepted steps of every element, and the samples inside them."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from ...solution.voltage_steps import Collector, VoltageSteps
from .arrays import as_tensor, stacked
from .merged import Merged, Merger


@dataclass
class Tape:
    """The accepted steps, packed to the front: (N, K, Q), states (N, S, K, Q).

    `count` (K, Q) says how many steps of a element are real; the rest repeat its last one, so that
    they can be computed along without harm. Memory is steps × states, nothing more.
    """

    t: Tensor
    h: Tensor
    t_next: Tensor
    piece: Tensor
    y: Tensor
    count: Tensor

    @property
    def length(self) -> int:
        return len(self.t)


class Recorder:
    """Collects steps while a solve runs; rejected ones are dropped when a chunk is packed."""

    def __init__(self, keep: bool) -> None:
        self.keep = keep
        self._rows: list[tuple[Tensor, ...]] = []
        self._chunks: list[tuple[Tensor, ...]] = []

    def add(self, accepted: Tensor, *row: Tensor) -> None:
        if self.keep:
            self._rows.append((accepted, *row))
            if len(self._rows) == 256:
                self._pack()

    def _pack(self) -> None:
        if self._rows:
            accepted, *arrays = (stacked(x) for x in zip(*self._rows, strict=True))
            self._chunks.append(_to_front(accepted, arrays))
            self._rows = []

    def tape(self) -> Tape | None:
        """All accepted steps, or None when none was kept."""
        self._pack()
        if not self._chunks:
            return None
        accepted, *arrays = (torch.cat(x) for x in zip(*self._chunks, strict=True))
        self._chunks = []
        accepted, *arrays = _to_front(accepted, arrays)
        count = accepted.sum(0)
        if len(accepted) == 0:
            return None
        *rows, y = arrays
        last = (count - 1).clamp(min=0)
        source = torch.minimum(torch.arange(len(y), device=y.device).view(-1, 1, 1), last)
        t, h, t_next, piece = (x.gather(0, source) for x in rows)
        # A element without any step must not be computed along with the size of a rejected one.
        h = torch.where(count > 0, h, 1e-9)
        return Tape(t, h, t_next, piece, _take(y, source), count)


def _take(y: Tensor, source: Tensor) -> Tensor:
    return y.gather(0, source.unsqueeze(1).expand(-1, y.shape[1], -1, -1))


def _to_front(accepted: Tensor, arrays: list[Tensor]) -> tuple[Tensor, ...]:
    """Accepted rows of each element first, in order; rows that no element needs are cut."""
    longest = int(accepted.sum(0).max()) if accepted.numel() else 0
    if bool(accepted.all()):
        return (accepted, *arrays)
    order = torch.argsort((~accepted).to(torch.int8), dim=0, stable=True)[:longest]
    out = [_take(x, order) if x.dim() == 4 else x.gather(0, order) for x in arrays]
    return (accepted.gather(0, order), *out)


class Sampler:
    """Values at the times `saveat` (T,) from the polynomials inside the steps.

    Each element may instead have its own times, (T, K, Q). A sample at t belongs to the step with
    t_start < t <= t_end.
    """

    def __init__(
        self,
        saveat: Tensor,
        y0: Tensor,
        t0: Tensor,
        n_bounded: int,
        voltage: VoltageRecorder | None = None,
    ) -> None:
        self.voltage = voltage
        self.merger: Merger | None = None
        self._merged: list[tuple[Merged, Tensor] | None] = []
        self.own = saveat.dim() == 3
        self.saveat = saveat.permute(1, 2, 0).contiguous() if self.own else saveat
        self.n_bounded = n_bounded
        self.elements = y0.shape[1] * y0.shape[2]
        n_times = saveat.shape[0]
        self.out = torch.full((n_times, *y0.shape), float("nan"), dtype=y0.dtype, device=y0.device)
        early = saveat <= t0 if self.own else saveat.view(-1, 1, 1) <= t0
        self.out = torch.where(early.unsqueeze(1), y0, self.out)
        self.flat = self.out.permute(1, 2, 3, 0).reshape(len(y0), -1)
        self._rows: list[tuple[Tensor, ...]] = []
        self._waiting = 0

    def add(
        self,
        accepted: Tensor,
        t: Tensor,
        t_next: Tensor,
        h: Tensor,
        y: Tensor,
        dense: Tensor,
        merged: Merged | None = None,
        piece: Tensor | None = None,
    ) -> None:
        """Queue a step of all elements; a chunk of them is sampled at once.

        Some may be over many pieces of the stimulus from `piece` on, by `merged`.
        """
        self._rows.append((accepted, t, t_next, h, y, dense))
        self._merged.append(None if merged is None or piece is None else (merged, piece))
        self._waiting += math.prod(dense.shape)
        if len(self._rows) >= 128 or self._waiting > 4_000_000:
            self.flush()

    def flush(self) -> None:
        """Sample the queued steps."""
        if not self._rows:
            return
        accepted, t, t_next, h, y, dense = (stacked(x) for x in zip(*self._rows, strict=True))
        merged, self._merged = self._merged, []
        self._rows, self._waiting = [], 0
        if self.voltage is not None:
            self.voltage.add(accepted, t, h, y[:, 0], dense[:, :, 0])
        step, element, place = self.owners(accepted, t, t_next)
        if len(step) == 0:
            return
        n = t.shape[0]
        t, h = t.reshape(n, -1)[step, element], h.reshape(n, -1)[step, element]
        times = self.times(element, place)
        theta = ((times - t) / h).to(y.dtype)
        y = y.flatten(2)[step, :, element]
        dense = dense.flatten(3)[step, :, :, element]
        samples = self.clamp(polynomial(theta, y, dense))
        if self.merger is not None:
            self._add_residual(samples, self.merger, merged, step, element, t, times)
        self.flat[:, element * self.n_times + place] = samples.t()

    def _add_residual(
        self,
        samples: Tensor,
        merger: Merger,
        merged: list[tuple[Merged, Tensor] | None],
        step: Tensor,
        element: Tensor,
        t: Tensor,
        times: Tensor,
    ) -> None:
        """What a merged stimulus leaves out of the voltage inside of its steps, see `merged`."""
        rows = []
        for found in merged:
            if found is None:
                rows.append(torch.zeros((5, self.elements), dtype=t.dtype, device=t.device))
            else:
                (count, _, p), piece = found
                parts = [as_tensor(x).flatten() for x in (count, p.offset, p.slope, p.bend, piece)]
                rows.append(torch.stack([x.to(t.dtype) for x in parts]))
        rough = torch.stack(rows)[step, :, element]
        own = rough[:, 0] > 0
        if bool(own.any()):
            q = merger.residual(element[own], t[own], times[own], rough[own, 1:])
            samples[own, 0] += q.to(samples.dtype)

    @property
    def n_times(self) -> int:
        return self.saveat.shape[-1]

    def times(self, element: Tensor, place: Tensor) -> Tensor:
        return (
            self.saveat.reshape(-1, self.n_times)[element, place]
            if self.own
            else self.saveat[place]
        )

    def clamp(self, y: Tensor) -> Tensor:
        """Samples (M, S) with the bounded gates in [0, 1]."""
        n = self.n_bounded
        return torch.cat([y[:, :1], y[:, 1 : 1 + n].clamp(0.0, 1.0), y[:, 1 + n :]], 1) if n else y

    def owners(self, accepted: Tensor, t: Tensor, t_next: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Step, element and place in `saveat` of every sample inside the steps (N, K, Q)."""
        if self.own:
            elements = t.shape[1] * t.shape[2]
            times = self.saveat.reshape(elements, -1)
            first = torch.searchsorted(
                times, t.reshape(len(t), elements).t().contiguous(), right=True
            ).t()
            last = torch.searchsorted(
                times, t_next.reshape(len(t), elements).t().contiguous(), right=True
            ).t()
        else:
            first = torch.searchsorted(self.saveat, t.contiguous(), right=True).flatten(1)
            last = torch.searchsorted(self.saveat, t_next.contiguous(), right=True).flatten(1)
        n_inside = ((last - first) * accepted.flatten(1)).flatten()
        owner = torch.repeat_interleave(torch.arange(len(n_inside), device=t.device), n_inside)
        before = torch.cumsum(n_inside, 0) - n_inside
        place = torch.arange(len(owner), device=t.device) - before[owner] + first.flatten()[owner]
        elements = t[0].numel()
        return owner // elements, owner % elements, place

    def result(self, shape: tuple[int, ...]) -> Tensor:
        """All samples, (T, S, K, Q)."""
        self.flush()
        return self.flat.view(*shape, self.n_times).permute(3, 0, 1, 2)


class VoltageRecorder:
    """The accepted steps in which the voltage rises, for spike times that need no samples."""

    def __init__(self, elements: int) -> None:
        self._collector = Collector(elements)

    def add(self, accepted: Tensor, t: Tensor, h: Tensor, v: Tensor, dense: Tensor) -> None:
        """Steps (N, K, Q), `dense` (N, p, K, Q)."""
        c = torch.cat([v.unsqueeze(1), dense], 1).movedim(1, -1).flatten(1, 2).double()
        chosen = accepted.flatten(1) & rising(c)
        element, step = torch.nonzero(chosen.t(), as_tuple=True)
        parts = (
            element,
            t.flatten(1)[step, element],
            h.flatten(1)[step, element],
            c[step, element],
        )
        element, start, size, coefficients = (x.cpu().numpy() for x in parts)
        self._collector.add(element, start, size, coefficients)

    def result(self) -> VoltageSteps:
        """All of them, element by element."""
        return self._collector.result()


def rising(c: Tensor) -> Tensor:
    """Whether polynomials, their coefficients in the last axis, rise anywhere in their steps."""
    places = torch.linspace(0.0, 1.0, 9, dtype=c.dtype, device=c.device)
    powers = places ** torch.arange(c.shape[-1], device=c.device).unsqueeze(-1)
    return ((c @ powers).diff(dim=-1) > 0).any(-1)


def polynomial(theta: Tensor, y: Tensor, dense: Tensor) -> Tensor:
    """y + Σ_p θ^p c_p for M samples: theta (M,), y (M, S), dense (M, p, S)."""
    theta = theta.unsqueeze(-1)
    total = dense[:, -1]
    for p in range(dense.shape[1] - 2, -1, -1):
        total = total * theta + dense[:, p]
    return y + total * theta
