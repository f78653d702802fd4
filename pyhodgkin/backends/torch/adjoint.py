"""Gradients of a solve: the discrete adjoint of the steps that were taken.

The steps of a tape are independent of each other once their starts are known. So they are
recomputed many at a time: one batch gives the Jacobian of every step by its state, a short
recursion carries the adjoint backwards through these small matrices, and one more product per
batch gives the gradient of the parameters. A batch holds `BATCH` elements, so the memory beyond the
tape does not grow with the length of the solve. Step sizes are constants of the adjoint.
"""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass

import torch
from torch import Tensor

from .kinetics import Params
from .steps import Method
from .stimulus import Stimulus
from .system import System
from .tape import Sampler, Tape

BATCH = 8192


@dataclass
class Gradients:
    """Gradients of the parameters (as unpacked), of the start (S, K, Q), of the stimulus.

    A compiled adjoint gives that of theta (K, P) instead of those of the parameters as unpacked.
    """

    params: Params
    y0: Tensor
    stimulus: dict[str, Tensor]
    theta: Tensor | None = None


class Adjoint:
    """The backward pass over one tape.

    Parameters
    ----------
    wants_stimulus : bool
        Whether the gradient of the pieces of the stimulus is asked for too.
    """

    def __init__(
        self,
        system: System,
        method: Method,
        p: Params,
        stimulus: Stimulus,
        tape: Tape,
        sampler: Sampler,
        wants_stimulus: bool = False,
    ) -> None:
        self.system, self.method, self.tape, self.sampler = system, method, tape, sampler
        self.p = {k: x.detach().requires_grad_() for k, x in p.items()}
        self.stimulus = stimulus
        self.wants_stimulus = wants_stimulus
        self.inputs = list(self.p.values())
        if wants_stimulus:
            self.pieces = stimulus.all.map(lambda x: x.detach().contiguous().requires_grad_())
            self.stimulus = copy(stimulus)
            self.stimulus.all = self.pieces
            self.inputs += [self.pieces.offset, self.pieces.slope]
        self.totals = [torch.zeros_like(x) for x in self.inputs]
        k, q = tape.count.shape
        self.chunk = max(1, BATCH // (k * q))

    def run(self, cotangent: Tensor) -> Gradients:
        """Gradients for a cotangent (T, S, K, Q) of the samples."""
        tape, n = self.tape, self.tape.length
        adjoint = torch.zeros_like(tape.y[0])
        accepted = torch.arange(n, device=tape.t.device).view(-1, 1, 1) < tape.count
        step, element, place = self.sampler.owners(accepted, tape.t, tape.t_next)
        flat = cotangent.flatten(2)
        for start in range(((n - 1) // self.chunk) * self.chunk, -1, -self.chunk):
            stop = min(start + self.chunk, n)
            here = (step >= start) & (step < stop)
            owners = (step[here] - start, element[here], place[here])
            adjoint = self._chunk(slice(start, stop), accepted, owners, flat, adjoint)
        # What was asked for at or before the start is the start itself.
        early = self._early(cotangent)
        names = list(self.p)
        stimulus = {}
        if self.wants_stimulus:
            stimulus = {"offset": self.totals[-2], "slope": self.totals[-1]}
        return Gradients(dict(zip(names, self.totals, strict=False)), adjoint + early, stimulus)

    def _early(self, cotangent: Tensor) -> Tensor:
        sampler, t0 = self.sampler, self.tape.t[0]
        times = sampler.saveat.permute(2, 0, 1) if sampler.own else sampler.saveat.view(-1, 1, 1)
        mask = (times <= t0).to(cotangent.dtype).unsqueeze(1)
        return (cotangent * mask).sum(0)

    def _chunk(
        self,
        rows: slice,
        accepted: Tensor,
        owners: tuple[Tensor, Tensor, Tensor],
        cotangent: Tensor,
        adjoint: Tensor,
    ) -> Tensor:
        """Carry `adjoint` (S, K, Q) from the end of the steps `rows` to their beginning."""
        n = rows.stop - rows.start
        with torch.enable_grad():
            start, y1, dense = self._recompute(rows)
            # Cotangents that the samples give: to the start of a step and to its polynomial.
            by_start, by_dense = self._from_samples(rows, owners, cotangent, dense)
            real = accepted[rows].unsqueeze(1).to(adjoint.dtype)
            if n == 1:
                end = adjoint.unsqueeze(0) * real
                grads = self._products(start, y1, dense, end, by_dense, self.inputs)
                self._add(grads[1:])
                return torch.where(accepted[rows], grads[0][0], adjoint) + by_start[0]
            jacobian = self._state_jacobian(start, y1)
            inside = self._products(start, y1, dense, None, by_dense, [])[0] + by_start
            ends = torch.empty_like(tape_y(self.tape, rows))
            for i in range(n - 1, -1, -1):
                ends[i] = adjoint
                carried = (jacobian[i] * adjoint.unsqueeze(1)).sum(0)
                adjoint = torch.where(accepted[rows.start + i], carried + inside[i], adjoint)
            grads = self._products(None, y1, dense, ends * real, by_dense, self.inputs)
            self._add(grads)
        return adjoint

    def _recompute(self, rows: slice) -> tuple[Tensor, Tensor, Tensor]:
        """The steps `rows` again: start (n, S, K, Q), new state, polynomial (n, p, S, K, Q)."""
        tape, n = self.tape, rows.stop - rows.start
        k, q = tape.count.shape

        def wide(x: Tensor) -> Tensor:  # (n, K, Q) -> (K, Q n)
            return x.permute(1, 2, 0).reshape(k, q * n)

        start = tape.y[rows].detach().requires_grad_()
        y = start.permute(1, 2, 3, 0).reshape(-1, k, q * n)
        t, h, index = wide(tape.t[rows]), wide(tape.h[rows]), tape.piece[rows]
        pieces = self.stimulus.pieces(index).map(
            lambda x: (
                wide(x) if x.dim() == 3 else torch.stack([wide(x[:, j]) for j in range(x.shape[1])])
            )
        )
        if self.system.clamped:
            y = torch.cat([self.stimulus.command(pieces, t).unsqueeze(0), y[1:]])
        step = self.method(self.system, self.p, y, t, h, self.stimulus, pieces)

        def narrow(x: Tensor) -> Tensor:  # (…, S, K, Q n) -> (n, …, S, K, Q)
            return x.reshape(*x.shape[:-1], q, n).movedim(-1, 0)

        return start, narrow(step.y), narrow(step.dense)

    def _from_samples(
        self, rows: slice, owners: tuple[Tensor, Tensor, Tensor], cotangent: Tensor, dense: Tensor
    ) -> tuple[Tensor, Tensor]:
        tape, (step, element, place) = self.tape, owners
        n, order, s = dense.shape[:3]
        elements = tape.count.numel()
        g = cotangent[place, :, element]
        t = tape.t[rows].reshape(n, -1)[step, element]
        h = tape.h[rows].reshape(n, -1)[step, element]
        theta = ((self.sampler.times(element, place) - t) / h).to(g.dtype)
        g = self._through_clamp(g, rows, step, element, theta, dense)
        by_start = torch.zeros(n * elements, s, dtype=g.dtype, device=g.device)
        by_start.index_add_(0, step * elements + element, g)
        powers = torch.stack([theta**i for i in range(1, order + 1)], 1)
        by_dense = torch.zeros(n * elements, order, s, dtype=g.dtype, device=g.device)
        by_dense.index_add_(0, step * elements + element, powers.unsqueeze(-1) * g.unsqueeze(1))
        shape = tape.count.shape
        return (
            by_start.view(n, *shape, s).movedim(-1, 1),
            by_dense.view(n, *shape, order, s).permute(0, 3, 4, 1, 2),
        )

    def _through_clamp(
        self, g: Tensor, rows: slice, step: Tensor, element: Tensor, theta: Tensor, dense: Tensor
    ) -> Tensor:
        """Nothing flows back through a gate sample that was cut to [0, 1]."""
        n = self.system.n_bounded
        if n == 0 or not bool(g[:, 1 : 1 + n].any()):
            return g
        from .tape import polynomial

        y = self.tape.y[rows].flatten(2)[step, :, element]
        value = polynomial(theta, y, dense.detach().flatten(3)[step, :, :, element])[:, 1 : 1 + n]
        inside = ((value >= 0.0) & (value <= 1.0)).to(g.dtype)
        return torch.cat([g[:, :1], g[:, 1 : 1 + n] * inside, g[:, 1 + n :]], 1)

    def _state_jacobian(self, start: Tensor, y1: Tensor) -> Tensor:
        """d y1[j] / d start[i] as (n, j, i, K, Q)."""
        columns = []
        for j in range(y1.shape[1]):
            (g,) = torch.autograd.grad(
                y1[:, j].sum(), start, retain_graph=True, materialize_grads=True
            )
            columns.append(g)
        return torch.stack(columns, 1)

    def _products(
        self,
        start: Tensor | None,
        y1: Tensor,
        dense: Tensor,
        end: Tensor | None,
        by_dense: Tensor,
        inputs: list[Tensor],
    ) -> list[Tensor]:
        wanted = [*([] if start is None else [start]), *inputs]
        outputs, weights = [dense], [by_dense]
        if end is not None:
            outputs.append(y1)
            weights.append(end)
        return list(
            torch.autograd.grad(
                outputs,
                wanted,
                weights,
                retain_graph=True,
                allow_unused=True,
                materialize_grads=True,
            )
        )

    def _add(self, grads: list[Tensor]) -> None:
        for total, g in zip(self.totals, grads, strict=True):
            total += g


def tape_y(tape: Tape, rows: slice) -> Tensor:
    """The starts of the steps `rows`, (n, S, K, Q)."""
    return tape.y[rows]
