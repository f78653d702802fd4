"""The stimulus on tensors: for every element the piece of its protocol that holds now.

Elements are (K, Q) as in `system`; all pieces of all protocols lie in arrays (piece, K, Q).
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import numpy as np
import torch
from torch import Tensor

from ...protocols import Segments
from .arrays import of


@dataclass
class Pieces:
    """A line and J sinusoids: `offset`, `slope` are (…, K, Q), the sinusoids (…, J, K, Q).

    In place of sinusoids there may be a quadratic term, `bend` times the time squared.
    """

    start: Tensor
    offset: Tensor
    slope: Tensor
    amplitude: Tensor | None = None
    omega: Tensor | None = None
    chirp: Tensor | None = None
    phase: Tensor | None = None
    bend: Tensor | None = None

    def value(self, t: Tensor) -> Tensor:
        """Stimulus at `t` (…, K, Q)."""
        tau = t - self.start
        line = self.offset + self.slope * tau
        if self.bend is not None:
            return line + self.bend * tau * tau
        if self.amplitude is None:
            return line
        angle, _ = self._angle(tau)
        return line + (self.amplitude * of(t).sin(angle)).sum(-3)

    def derivative(self, t: Tensor) -> Tensor:
        """Its derivative, per ms."""
        tau = t - self.start
        if self.bend is not None:
            return self.slope + 2.0 * self.bend * tau
        if self.amplitude is None:
            return of(t).broadcast_to(self.slope, tau.shape)
        angle, speed = self._angle(tau)
        return self.slope + (self.amplitude * speed * of(t).cos(angle)).sum(-3)

    def second_derivative(self, t: Tensor) -> Tensor:
        """Its second derivative, per ms²."""
        tau = t - self.start
        if self.amplitude is None:
            return of(t).zeros_like(tau)
        angle, speed = self._angle(tau)
        xp = of(t)
        bend = self.chirp * xp.cos(angle) - speed * speed * xp.sin(angle)
        return (self.amplitude * bend).sum(-3)

    def _angle(self, tau: Tensor) -> tuple[Tensor, Tensor]:
        assert self.omega is not None and self.chirp is not None and self.phase is not None
        tau = tau[..., None, :, :]
        return (
            self.phase + tau * (self.omega + 0.5 * self.chirp * tau),
            self.omega + self.chirp * tau,
        )

    def map(self, change) -> Pieces:
        """The same pieces with every array changed."""
        arrays = {f.name: getattr(self, f.name) for f in fields(self)}
        return replace(self, **{k: change(x) for k, x in arrays.items() if x is not None})


class Stimulus:
    """The protocols of a batch.

    Times and pieces are in double precision whatever that of the states: after a second of
    single precision a spike would be as long as a few roundings of t.

    Parameters
    ----------
    segments : Segments
        Batched, one signal for each element along Q (or along K when Q is 1), or a single one.
    shape : (int, int)
        K and Q.
    clamped : bool
        Under voltage clamp the drive of the equations is the slope of the command.
    """

    def __init__(
        self, segments: Segments, shape: tuple[int, int], like: Tensor, clamped: bool = False
    ) -> None:
        self.clamped = clamped
        self.shape = shape
        self.like = like

        def elements(array) -> Tensor:
            x = torch.as_tensor(array.copy(), dtype=torch.float64, device=like.device)
            x = x.unsqueeze(0) if not segments.batched else x
            x = x.movedim(0, -1)
            if shape[1] == 1 and x.shape[-1] > 1:
                x = x.unsqueeze(-1)
            else:
                x = x.unsqueeze(-2)
            return x.expand(*x.shape[:-2], *shape)

        sines = {}
        if segments.n_sines:
            for name in ("amplitude", "omega", "chirp", "phase"):
                sines[name] = elements(getattr(segments, name))
        self.all = Pieces(
            elements(segments.start), elements(segments.offset), elements(segments.slope), **sines
        )
        self.count = self.all.start.shape[0]
        moving = bool((segments.slope != 0).any()) or segments.n_sines > 0
        self.moving = moving

    def first(self, t0: Tensor) -> Tensor:
        """Index (K, Q) of the piece that holds at `t0` (K, Q)."""
        if type(t0) is np.ndarray:
            return self.first(torch.from_numpy(t0)).numpy()
        return ((self.all.start <= t0).sum(0) - 1).clamp(min=0)

    def pieces(self, index: Tensor) -> Pieces:
        """The pieces `index` (…, K, Q)."""
        if type(index) is np.ndarray:
            return self.pieces(torch.from_numpy(index)).map(lambda x: x.numpy())

        def pick(x: Tensor) -> Tensor:
            if x.dim() == 3:
                place = index if index.dim() == 3 else index.unsqueeze(0)
                out = x.gather(0, place)
                return out if index.dim() == 3 else out[0]
            # Sinusoids (piece, J, K, Q): one gather for each of the J.
            parts = [pick(x[:, j]) for j in range(x.shape[1])]
            return torch.stack(parts, -3)

        return self.all.map(pick)

    def end(self, index: Tensor, t1: Tensor) -> Tensor:
        """When the piece `index` (K, Q) ends, `t1` at the latest."""
        if type(index) is np.ndarray:
            return self.end(torch.from_numpy(index), torch.from_numpy(t1)).numpy()
        following = (index + 1).clamp(max=self.count - 1)
        start = self.all.start.gather(0, following.unsqueeze(0))[0]
        last = index + 1 >= self.count
        return torch.where(last, t1, torch.minimum(start, t1))

    def drive(self, pieces: Pieces, t: Tensor) -> Tensor:
        """What enters the equations at `t` (…, K, Q): the current, or the command's slope."""
        return self._cast(pieces.derivative(t) if self.clamped else pieces.value(t))

    def command(self, pieces: Pieces, t: Tensor) -> Tensor:
        """The value of the protocols at `t`: under voltage clamp the voltage."""
        return self._cast(pieces.value(t))

    def _cast(self, x: Tensor) -> Tensor:
        if self.like.dtype == torch.float64:
            return x
        return x.astype(np.float32) if type(x) is np.ndarray else x.to(self.like.dtype)

    def drive_slope(self, pieces: Pieces, t: Tensor) -> Tensor | None:
        """Time derivative of `drive`, or None where it is zero everywhere."""
        if not self.moving:
            return None
        return self._cast(pieces.second_derivative(t) if self.clamped else pieces.derivative(t))
