"""The time loops: an adaptive one with its own step size for every lane, and a fixed-step one."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from ...solution import Status
from ..base import SolveOptions
from .kinetics import Params
from .steps import Method
from .stimulus import Stimulus
from .system import System
from .tape import Recorder, Sampler, Tape

SAFETY, SHRINK, GROW = 0.9, 0.2, 5.0


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
    """The moving state of an adaptive solve; every array is (K, Q) but `y`."""

    def __init__(
        self, system: System, y0: Tensor, t0: Tensor, t1: Tensor, stimulus: Stimulus
    ) -> None:
        self.system, self.stimulus = system, stimulus
        self.t, self.t1 = t0.clone(), t1
        self.y = y0
        self.piece = stimulus.first(t0)
        self.pieces = stimulus.pieces(self.piece)
        self.end = stimulus.end(self.piece, t1)
        self.status = torch.zeros_like(self.piece)
        self.running = self.t < t1
        self.n_steps = torch.zeros_like(self.piece)
        self.n_rejected = torch.zeros_like(self.piece)
        self.enter()

    def enter(self) -> None:
        """Under voltage clamp the voltage is the command, at every step and where it jumps."""
        if self.system.clamped:
            v = self.pieces.value(self.t)
            self.y = torch.cat([v.unsqueeze(0), self.y[1:]])

    def next_piece(self, crossed: Tensor) -> None:
        self.piece = torch.where(crossed & (self.t < self.t1), self.piece + 1, self.piece)
        self.pieces = self.stimulus.pieces(self.piece)
        self.end = self.stimulus.end(self.piece, self.t1)
        self.enter()


def adaptive(
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
) -> Run:
    """Integrate every lane from `t0` to `t1` (K, Q) with its own steps."""
    lanes = _Lanes(system, y0, t0, t1, stimulus)
    sampler = Sampler(saveat, lanes.y, t0, system.n_bounded)
    recorder = Recorder(keep)
    atol = torch.full_like(y0[:, :1, :1], options.atol)
    atol[0] *= options.v_scale
    exponent = -1.0 / (method.error_order + 1)
    h = _first_step(lanes, p, atol, options, method.error_order)
    least = 16 * torch.finfo(y0.dtype).eps
    iteration = 0
    while bool(lanes.running.any()):
        iteration += 1
        left = lanes.end - lanes.t
        crossed = h >= left * (1.0 - 1e-6)
        step_h = torch.where(crossed, left, h)
        # A lane that has stopped takes no part, but must not divide by zero either.
        step_h = torch.where(lanes.running, step_h, torch.ones_like(h))
        step = method(system, p, lanes.y, lanes.t, step_h, stimulus, lanes.pieces)
        assert step.error is not None
        size = torch.maximum(lanes.y.abs(), step.y.abs())
        norm = (step.error / torch.add(atol, size, alpha=options.rtol)).square().mean(0).sqrt()
        finite = torch.isfinite(norm)
        accepted = (norm <= 1.0) & lanes.running
        t_next = torch.where(crossed, lanes.end, lanes.t + step_h)
        sampler.add(accepted, lanes.t, t_next, step_h, lanes.y, step.dense)
        recorder.add(accepted, lanes.t, step_h, t_next, lanes.piece, lanes.y)
        factor = (SAFETY * norm.clamp(min=1e-10).pow(exponent)).clamp(SHRINK, GROW)
        factor = torch.where(finite, factor, torch.full_like(factor, SHRINK))
        # A step cut short by a breakpoint says little about the next one: never shrink for it.
        h = torch.where(accepted & crossed, torch.maximum(h, step_h * factor), step_h * factor)
        if options.dt_max is not None:
            h = h.clamp(max=options.dt_max)
        lanes.y = torch.where(accepted, step.y, lanes.y)
        lanes.t = torch.where(accepted, t_next, lanes.t)
        lanes.enter()
        lanes.n_steps += accepted
        lanes.n_rejected += lanes.running & ~accepted
        _judge(lanes, h, finite, accepted, least, options, iteration)
        if bool((accepted & crossed).any()):
            lanes.next_piece(accepted & crossed)
    shape = tuple(y0.shape)
    evaluations = (lanes.n_steps + lanes.n_rejected) * method.evaluations
    return Run(
        sampler.result(shape),
        lanes.n_steps,
        lanes.n_rejected,
        evaluations,
        lanes.status,
        recorder.tape(),
    )


def _judge(
    lanes: _Lanes,
    h: Tensor,
    finite: Tensor,
    accepted: Tensor,
    least: float,
    options: SolveOptions,
    iteration: int,
) -> None:
    """Stop the lanes that have arrived, and those that cannot go on, with the reason."""
    lanes.running = lanes.running & (lanes.t < lanes.t1)
    stuck = lanes.running & ~accepted & (h <= least * lanes.t.abs().clamp(min=1e-3))
    if bool(stuck.any()):
        reason = torch.where(finite, int(Status.STEP_UNDERFLOW), int(Status.NONFINITE))
        lanes.status = torch.where(stuck, reason, lanes.status)
        lanes.running = lanes.running & ~stuck
    if iteration >= options.max_steps:
        lanes.status = torch.where(lanes.running, int(Status.MAX_STEPS), lanes.status)
        lanes.running = torch.zeros_like(lanes.running)


def _first_step(
    lanes: _Lanes, p: Params, atol: Tensor, options: SolveOptions, order: int
) -> Tensor:
    """A first step in the spirit of Hairer, Nørsett & Wanner, Solving ODEs I, section II.4."""
    drive = lanes.stimulus.drive(lanes.pieces, lanes.t)
    f = lanes.system.rhs(lanes.y, drive, p)
    scale = torch.add(atol, lanes.y.abs(), alpha=options.rtol)
    d0 = (lanes.y / scale).square().mean(0).sqrt()
    d1 = (f / scale).square().mean(0).sqrt()
    h = 0.01 * d0 / d1.clamp(min=1e-12)
    # The error of the first step goes like h^(order + 1): bring it near the tolerance.
    h = torch.minimum(h, d1.clamp(min=1e-12).pow(-1.0 / (order + 1)))
    h = torch.where(torch.isfinite(h) & (h > 0), h, torch.full_like(h, 1e-6))
    span = (lanes.t1 - lanes.t).abs()
    return torch.minimum(h.clamp(min=1e-8), span.clamp(min=1e-12))


def fixed(
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
) -> Run:
    """Integrate with steps of `dt`, shortened so that they divide each piece of the stimulus."""
    lanes = _Lanes(system, y0, t0, t1, stimulus)
    sampler = Sampler(saveat, lanes.y, t0, system.n_bounded)
    recorder = Recorder(keep)
    n_left, h = _divide(lanes, options.dt)
    total = math.ceil(float((t1 - t0).max()) / options.dt - 1e-9) + stimulus.count
    for _ in range(min(total, options.max_steps)):
        crossed = n_left == 1
        step = method(system, p, lanes.y, lanes.t, h, stimulus, lanes.pieces)
        t_next = torch.where(crossed, lanes.end, lanes.t + h)
        sampler.add(lanes.running, lanes.t, t_next, h, lanes.y, step.dense)
        recorder.add(lanes.running, lanes.t, h, t_next, lanes.piece, lanes.y)
        lanes.y = torch.where(lanes.running, step.y, lanes.y)
        lanes.t = torch.where(lanes.running, t_next, lanes.t)
        lanes.enter()
        lanes.n_steps += lanes.running
        n_left = n_left - 1
        lanes.running = lanes.running & (lanes.t < lanes.t1)
        if bool(crossed.any()):
            if not bool(lanes.running.any()):
                break
            lanes.next_piece(crossed & lanes.running)
            n_new, h_new = _divide(lanes, options.dt)
            n_left, h = torch.where(crossed, n_new, n_left), torch.where(crossed, h_new, h)
    lanes.status = torch.where(lanes.running, int(Status.MAX_STEPS), lanes.status)
    bad = ~torch.isfinite(lanes.y).all(0)
    lanes.status = torch.where(bad, int(Status.NONFINITE), lanes.status)
    evaluations = lanes.n_steps * method.evaluations
    return Run(
        sampler.result(tuple(y0.shape)),
        lanes.n_steps,
        lanes.n_rejected,
        evaluations,
        lanes.status,
        recorder.tape(),
    )


def _divide(lanes: _Lanes, dt: float) -> tuple[Tensor, Tensor]:
    left = (lanes.end - lanes.t).clamp(min=1e-12)
    n = torch.ceil(left / dt - 1e-9).clamp(min=1)
    return n.long(), left / n
