"""The time loops: an adaptive one with its own step size for every lane, and a fixed-step one."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ...status import Status
from ..base import SolveOptions
from .arrays import as_tensor, of
from .kinetics import Params
from .merged import Merger
from .steps import Method
from .stimulus import Stimulus
from .system import System
from .tape import Recorder, Sampler, Tape, VoltageRecorder

SAFETY, SHRINK, GROW = 0.9, 0.2, 5.0
# A step is too small when it is a few roundings of t, or as good as nothing, ms.
ROUNDING, SMALLEST = 16 * 2.0**-52, 1e-32
# `max_steps` holds for each second, and for each so many breakpoints.
SECOND, MANY = 1000.0, 100
# Lanes up to which numpy's cheaper operations beat torch's faster arithmetic.
FEW = 1024


@dataclass
class Run:
    """Result of a time loop: samples (T, S, K, Q), statistics (K, Q) and the tape."""

    samples: Tensor
    n_steps: Tensor
    n_rejected: Tensor
    n_f_evals: Tensor
    status: Tensor
    tape: Tape | None


class _Lanes:
    """The moving state of a solve; every array is (K, Q) but `y`."""

    def __init__(
        self, system: System, stimulus: Stimulus, y0: Tensor, t0: Tensor, t1: Tensor
    ) -> None:
        xp = of(y0)
        self.system, self.stimulus = system, stimulus
        self.t, self.t1 = t0, t1
        self.y = y0
        self.piece: Any = stimulus.first(t0)
        self.pieces = stimulus.pieces(self.piece)
        self.end = stimulus.end(self.piece, t1)
        self.status = xp.zeros_like(self.piece)
        self.running = self.t < t1
        self.n_steps = xp.zeros_like(self.piece)
        self.n_rejected = xp.zeros_like(self.piece)
        self.enter()

    def enter(self) -> None:
        """Under voltage clamp the voltage is the command, at every step and where it jumps."""
        if self.system.clamped:
            v = self.stimulus.command(self.pieces, self.t)
            self.y = of(v).cat([v[None], self.y[1:]])

    def next_piece(self, crossed: Tensor, count: Tensor | None = None) -> None:
        """Go on to the next piece where it was `crossed`, or over `count` of them at once."""
        moved: Any = crossed & (self.t < self.t1)
        if count is not None:
            moved = moved * of(count).maximum(count, of(count).ones_like(count))
            moved = moved.astype(np.int64) if type(moved) is np.ndarray else moved.long()
        self.piece = self.piece + moved
        self.pieces = self.stimulus.pieces(self.piece)
        self.end = self.stimulus.end(self.piece, self.t1)
        self.enter()


def march(
    system: System,
    method: Method,
    p: Params,
    y0: Tensor,
    t0: Tensor,
    t1: Tensor,
    saveat: Tensor,
    stimulus: Stimulus,
    options: SolveOptions,
    keep: bool = False,
    voltage: VoltageRecorder | None = None,
) -> Run:
    """Integrate every lane from `t0` to `t1` (K, Q); few lanes on the CPU go in numpy."""
    shape = tuple(y0.shape)
    sampler = Sampler(saveat, _entered(system, y0, t0, stimulus), t0, system.n_bounded, voltage)
    recorder = Recorder(keep)
    few = y0.device.type == "cpu" and y0.shape[1] * y0.shape[2] <= FEW
    with np.errstate(all="ignore"):
        if few:
            arrays: Any = {name: x.numpy() for name, x in p.items()}
            start: list[Any] = [y0.numpy(), t0.numpy(), t1.numpy()]
        else:
            arrays, start = p, [y0, t0, t1]
        lanes = _Lanes(system, stimulus, *start)
        if method.adaptive:
            if voltage is not None and not keep:
                sampler.merger = Merger.of(system, stimulus, arrays, lanes.t1, options)
            _adaptive(lanes, method, arrays, options, sampler, recorder)
        else:
            _fixed(lanes, method, arrays, options, sampler, recorder)
    counts = [as_tensor(x) for x in (lanes.n_steps, lanes.n_rejected, lanes.status)]
    evaluations = (counts[0] + counts[1]) * method.evaluations
    samples = sampler.result(shape)
    return Run(samples, counts[0], counts[1], evaluations, counts[2], recorder.tape())


def _entered(system: System, y0: Tensor, t0: Tensor, stimulus: Stimulus) -> Tensor:
    """The start as the samples see it: under voltage clamp at the command."""
    if not system.clamped:
        return y0
    v = stimulus.command(stimulus.pieces(stimulus.first(t0)), t0)
    return torch.cat([v[None], y0[1:]])


def _adaptive(
    lanes: _Lanes,
    method: Method,
    p: Params,
    options: SolveOptions,
    sampler: Sampler,
    recorder: Recorder,
) -> None:
    """Every lane with its own steps, of a size that keeps the estimated error in bounds."""
    xp, system = of(lanes.y), lanes.system
    atol = np.full((len(lanes.y), 1, 1), options.atol)
    atol[0] *= options.v_scale
    atol = xp.convert(atol, lanes.y)
    exponent = -1.0 / (method.error_order + 1)
    h = _first_step(lanes, p, atol, options, method.error_order)
    one = xp.ones_like(h)
    iteration = 0
    while bool(lanes.running.any()):
        iteration += 1
        end, pieces, merged = lanes.end, lanes.pieces, None
        crossed = h >= (end - lanes.t) * (1.0 - 1e-6)
        if sampler.merger is not None and bool(crossed.any()):
            merged = sampler.merger(lanes.t, h, lanes.piece, pieces)
            if merged is not None:
                end = xp.where(merged.count > 0, merged.end, end)
                pieces = merged.pieces
        left = end - lanes.t
        # A lane that has stopped takes no part, but must not divide by zero either.
        step_h = xp.where(lanes.running, xp.where(crossed, left, h), one)
        step = method(system, p, lanes.y, lanes.t, step_h, lanes.stimulus, pieces)
        assert step.error is not None
        size = xp.maximum(abs(lanes.y), abs(step.y))
        ratio = step.error / (atol + options.rtol * size)
        norm = ((ratio * ratio).sum(0) / len(ratio)) ** 0.5
        finite = xp.isfinite(norm)
        accepted = (norm <= 1.0) & lanes.running
        t_next = xp.where(crossed, end, lanes.t + step_h)
        sampler.add(accepted, lanes.t, t_next, step_h, lanes.y, step.dense, merged, lanes.piece)
        recorder.add(accepted, lanes.t, step_h, t_next, lanes.piece, lanes.y)
        factor = xp.clip(SAFETY * xp.at_least(norm, 1e-10) ** exponent, SHRINK, GROW)
        proposed = step_h * xp.where(finite, factor, SHRINK * one)
        # A step cut short by a breakpoint says little about the next one: never shrink for it.
        h = xp.where(accepted & crossed, xp.maximum(h, proposed), proposed)
        if options.dt_max is not None:
            h = xp.at_most(h, options.dt_max)
        lanes.y = xp.where(accepted, step.y, lanes.y)
        lanes.t = xp.where(accepted, t_next, lanes.t)
        lanes.enter()
        lanes.n_steps += accepted
        lanes.n_rejected += lanes.running & ~accepted
        _judge(lanes, h, finite, accepted, options, iteration)
        if merged is not None and sampler.merger is not None:
            sampler.merger.rejected(lanes.running & ~accepted, merged.count)
        crossed = accepted & crossed
        if bool(crossed.any()):
            lanes.next_piece(crossed, None if merged is None else merged.count)


def _judge(
    lanes: _Lanes,
    h: Tensor,
    finite: Tensor,
    accepted: Tensor,
    options: SolveOptions,
    iteration: int,
) -> None:
    """Stop the lanes that have arrived, and those that cannot go on, with the reason."""
    xp = of(lanes.y)
    lanes.running = lanes.running & (lanes.t < lanes.t1)
    stuck = lanes.running & ~accepted & (h <= xp.at_least(ROUNDING * abs(lanes.t), SMALLEST))
    if bool(stuck.any()):
        reason = xp.where(finite, int(Status.STEP_UNDERFLOW), int(Status.NONFINITE))
        lanes.status = xp.where(stuck, reason, lanes.status)
        lanes.running = lanes.running & ~stuck
    if iteration >= options.max_steps:
        spent = lanes.running & (iteration >= _limit(lanes, options))
        lanes.status = xp.where(spent, int(Status.MAX_STEPS), lanes.status)
        lanes.running = lanes.running & ~spent


def _limit(lanes: _Lanes, options: SolveOptions) -> Tensor:
    """Steps that each lane may have taken to get where it is; see `SolveOptions.max_steps`."""
    return options.max_steps * (1.0 + of(lanes.y).floor(lanes.t / SECOND) + lanes.piece // MANY)


def _first_step(
    lanes: _Lanes, p: Params, atol: Tensor, options: SolveOptions, order: int
) -> Tensor:
    """A first step in the spirit of Hairer, Nørsett & Wanner, Solving ODEs I, section II.4."""
    xp = of(lanes.y)
    drive = lanes.stimulus.drive(lanes.pieces, lanes.t)
    f = lanes.system.rhs(lanes.y, drive, p)
    scale = atol + options.rtol * abs(lanes.y)
    d0 = ((lanes.y / scale) ** 2).mean(0) ** 0.5
    d1 = xp.at_least(((f / scale) ** 2).mean(0) ** 0.5, 1e-12)
    # The error of the first step goes like h^(order + 1): bring it near the tolerance.
    h = xp.convert(xp.minimum(0.01 * d0 / d1, d1 ** (-1.0 / (order + 1))), lanes.t)
    h = xp.where(xp.isfinite(h) & (h > 0), h, 1e-6 * xp.ones_like(h))
    if options.dt_max is not None:
        h = xp.at_most(h, options.dt_max)
    return xp.minimum(xp.at_least(h, 1e-28), xp.at_least(lanes.t1 - lanes.t, 1e-12))


def _fixed(
    lanes: _Lanes,
    method: Method,
    p: Params,
    options: SolveOptions,
    sampler: Sampler,
    recorder: Recorder,
) -> None:
    """Steps of `dt`, shortened so that they divide each piece of the stimulus."""
    xp = of(lanes.y)
    n_left, h = _divide(lanes, options.dt)
    total = math.ceil(float((lanes.t1 - lanes.t).max()) / options.dt - 1e-9) + lanes.stimulus.count
    parts = 1 + math.floor(float(lanes.t1.max()) / SECOND) + (lanes.stimulus.count - 1) // MANY
    for _ in range(min(total, options.max_steps * parts)):
        crossed = n_left == 1
        step = method(lanes.system, p, lanes.y, lanes.t, h, lanes.stimulus, lanes.pieces)
        t_next = xp.where(crossed, lanes.end, lanes.t + h)
        sampler.add(lanes.running, lanes.t, t_next, h, lanes.y, step.dense)
        recorder.add(lanes.running, lanes.t, h, t_next, lanes.piece, lanes.y)
        lanes.y = xp.where(lanes.running, step.y, lanes.y)
        lanes.t = xp.where(lanes.running, t_next, lanes.t)
        lanes.enter()
        lanes.n_steps += lanes.running
        n_left = n_left - 1
        lanes.running = lanes.running & (lanes.t < lanes.t1)
        if bool(crossed.any()):
            if not bool(lanes.running.any()):
                break
            lanes.next_piece(crossed & lanes.running)
            n_new, h_new = _divide(lanes, options.dt)
            n_left, h = xp.where(crossed, n_new, n_left), xp.where(crossed, h_new, h)
    lanes.status = xp.where(lanes.running, int(Status.MAX_STEPS), lanes.status)
    bad = ~xp.isfinite(lanes.y).all(0)
    lanes.status = xp.where(bad, int(Status.NONFINITE), lanes.status)


def _divide(lanes: _Lanes, dt: float) -> tuple[Tensor, Tensor]:
    """How many steps are left in the piece of each lane, and their size."""
    xp = of(lanes.y)
    left = xp.at_least(lanes.end - lanes.t, 1e-12)
    n = xp.at_least(xp.ceil(left / dt - 1e-9), 1.0)
    return n, left / n
