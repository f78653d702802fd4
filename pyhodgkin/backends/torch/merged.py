"""Steps over many samples of a stimulus at once.

A recorded or noisy current has a breakpoint at every sample. Where the solution allows for longer
steps, the current u is replaced within a step [t, t + h] by the quadratic ũ with the same first
three moments. The rest moves the voltage by q(s) = ∫_t^s (u - ũ)/c_m, which is zero at both ends
of the step and whose integral over it, and first moment, are zero too. So for v = w + q, with w
the solution under ũ, what q does to the ionic currents cancels to the third order in h, but for
its square; a step is taken only where |q| stays below a bound that shrinks with the tolerance.
Between the ends of the step q is added to the voltage.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from ..base import SolveOptions
from .arrays import of
from .kinetics import Params
from .stimulus import Pieces, Stimulus
from .system import ConductanceSystem, System

# Stimuli with fewer pieces are followed piece by piece.
FEWEST = 500
# Pieces that one step goes over at most.
MOST = 32
# Bound of |q| at the relative tolerance `USUAL`, mV. It falls with the power 3/4 of the tolerance:
# q enters the state at the ends of a step squared, the samples inside times h/4 and the rate of v.
BOUND, USUAL = 0.1, 1e-6
_HALVINGS = 3
# The number of pieces that may be tried grows so much from one step to the next.
GROWTH = 1.2


class Merged(NamedTuple):
    """A step to `end` (K, Q) over `count` pieces, and the stimulus in it; 0 where there is none."""

    count: Any
    end: Any
    pieces: Pieces


class Merger:
    """Finds steps over several pieces of a stimulus of straight lines."""

    def __init__(self, stimulus: Stimulus, inverse_c: Tensor, t1: Any, rtol: float) -> None:
        self.stimulus = stimulus
        self.inverse_c = inverse_c
        self.t1 = t1
        self.bound = BOUND * (rtol / USUAL) ** 0.75
        self.most = of(t1).zeros_like(t1) + MOST
        steps = stimulus.all.start.diff(dim=0)
        self.usual = float(steps[torch.isfinite(steps)].median())
        stimulus.moving = True  # a merged piece has a slope, whatever those of the stimulus have

    @staticmethod
    def of(
        system: System, stimulus: Stimulus, p: Params, t1: Any, options: SolveOptions
    ) -> Merger | None:
        """None where the stimulus is followed piece by piece."""
        plain = isinstance(system, ConductanceSystem) and not system.clamped
        if not plain or stimulus.count < FEWEST or stimulus.all.amplitude is not None:
            return None
        return Merger(stimulus, p["inverse_c"], t1, options.rtol)

    def __call__(self, t: Any, h: Any, piece: Any, pieces: Pieces) -> Merged | None:
        """Steps from `t` (K, Q), in `piece`, up to `h` long; None where no element has one."""
        xp = of(t)
        self.most = xp.at_most(GROWTH * self.most, MOST)
        width = int(min(float(self.most.max()), float(h.max()) / self.usual + 2))
        if width < 2:
            return None
        window = self._window(piece, width)
        knots = xp.minimum(window.start[1:], self.t1)
        inside = (knots <= t + h * (1.0 + 1e-6)) & (window.start[:-1] < self.t1)
        count = xp.minimum(xp.convert(inside.sum(0), t), xp.floor(self.most))
        for _ in range(_HALVINGS):
            end, moments, rough = self._fitted(t, knots, window, count)
            bad = (count >= 2) & (rough > self.bound)
            if not bool(bad.any()):
                break
            count = xp.where(bad, xp.floor(0.5 * count), count)
        else:
            end, moments, rough = self._fitted(t, knots, window, count)
            count = xp.where(rough > self.bound, 0.0 * count, count)
        chosen = count >= 2
        self.most = xp.where(chosen, xp.at_most(2.0 * count, MOST), 1.0 + 0.0 * count)
        if not bool(chosen.any()):
            return None
        a, b, c = moments
        length = xp.where(chosen, end - t, 1.0 + 0.0 * t)
        quadratic = Pieces(
            xp.where(chosen, t, pieces.start),
            xp.where(chosen, 9.0 * a - 36.0 * b + 30.0 * c, pieces.offset),
            xp.where(chosen, (-36.0 * a + 192.0 * b - 180.0 * c) / length, pieces.slope),
            bend=xp.where(chosen, (30.0 * a - 180.0 * b + 180.0 * c) / length**2, 0.0 * t),
        )
        return Merged(xp.where(chosen, count, 0.0 * count), end, quadratic)

    def rejected(self, elements: Any, count: Any) -> None:
        """Steps of these elements over `count` pieces were too long: go over fewer next time."""
        self.most = of(count).where(elements & (count > 0), 0.5 * count, self.most)

    def _window(self, piece: Any, width: int) -> Pieces:
        """The pieces `piece` (K, Q) and the `width` that follow; those past the last start late."""
        numpy = type(piece) is np.ndarray
        ahead = np.arange(width + 1) if numpy else torch.arange(width + 1, device=piece.device)
        index = piece + ahead.reshape(-1, 1, 1)
        last = self.stimulus.count - 1
        xp = of(piece)
        window = self.stimulus.pieces(xp.where(index > last, last + 0 * index, index))
        late = xp.where(index > last, float("inf") + 0.0 * window.start, window.start)
        return Pieces(late, window.offset, window.slope)

    def _fitted(self, t: Any, knots: Any, window: Pieces, count: Any) -> tuple[Any, Any, Any]:
        """End of a step over `count` pieces, moments of the stimulus in it, and the largest |q|."""
        xp = of(t)
        number = xp.convert(np.arange(len(knots)).reshape(-1, 1, 1), t)
        used = number < count
        ends = xp.where(used, knots, t + 0.0 * knots)
        end = _largest(ends)
        length = xp.where(end > t, end - t, 1.0 + 0.0 * t)
        first = xp.maximum(xp.where(used, window.start[:-1], t + 0.0 * knots), t)
        x, part = (first - t) / length, (ends - first) / length
        part = xp.where(used, part, 0.0 * part)
        value = window.offset[:-1] + window.slope[:-1] * xp.where(
            used, first - window.start[:-1], 0.0 * first
        )
        rise = window.slope[:-1] * length
        zeroth = part * (value + 0.5 * rise * part)
        local = part * part * (0.5 * value + rise * part / 3.0)
        second = x * x * zeroth + 2.0 * x * local + part**3 * (value / 3.0 + 0.25 * rise * part)
        a, b, c = zeroth.sum(0), (x * zeroth + local).sum(0), second.sum(0)
        at = x + part
        smooth = (
            (9.0 * a - 36.0 * b + 30.0 * c) * at
            + (-18.0 * a + 96.0 * b - 90.0 * c) * at**2
            + (10.0 * a - 60.0 * b + 60.0 * c) * at**3
        )
        q = xp.where(used, zeroth.cumsum(0) - smooth, 0.0 * smooth)
        return end, (a, b, c), _largest(abs(q)) * length * self.inverse_c

    def residual(self, element: Tensor, t0: Tensor, t: Tensor, rough: Tensor) -> Tensor:
        """q (N,) at times `t` in steps from `t0`; `rough` (N, 4) is the quadratic and the piece."""
        k, j = element // self.t1.shape[1], element % self.t1.shape[1]
        offset, slope, bend, piece = rough.unbind(1)
        index = piece.long() + torch.arange(MOST + 1, device=t.device).unsqueeze(1)
        late = index >= self.stimulus.count
        index = index.clamp(max=self.stimulus.count - 1)
        every = self.stimulus.all
        start = torch.where(late, torch.inf, every.start[index, k, j])
        first = torch.maximum(start[:-1], t0)
        length = (torch.minimum(start[1:], t) - first).clamp(min=0.0)
        used = length > 0
        since = torch.where(used, first - start[:-1], 0.0)
        value, rise = every.offset[index[:-1], k, j], every.slope[index[:-1], k, j]
        whole = torch.where(used, length * (value + rise * (since + 0.5 * length)), 0.0).sum(0)
        tau = t - t0
        smooth = tau * (offset + tau * (0.5 * slope + tau * bend / 3.0))
        inverse_c = torch.as_tensor(self.inverse_c).expand(self.t1.shape)[k, j]
        return (whole - smooth) * inverse_c


def _largest(x: Any) -> Any:
    return x.max(0) if type(x) is np.ndarray else x.amax(0)
