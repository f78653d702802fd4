"""The time loops: an adaptive one, with a step size for each element, and a fixed-step one."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from ...neuron.calcium import SMALL
from ...status import Status
from ..base import SolveOptions
from ..compiled.kernels.options import MANY, SECOND
from .arrays import as_tensor, of
from .kinetics import Params
from .merged import Merger
from .step_size import Progress, StepSize
from .steps import Method, Rosenbrock
from .stimulus import Stimulus
from .system import System
from .tape import Recorder, Sampler, Tape, VoltageRecorder

if TYPE_CHECKING:
    from .adjoint import Gradients

# A step is too small when it is a few roundings of t, or as good as nothing, ms.
ROUNDING, SMALLEST = 16 * 2.0**-52, 1e-32
# Elements up to which numpy's cheaper operations beat torch's faster arithmetic.
FEW = 1024


@dataclass
class Run:
    """Result of a time loop: samples (T, S, K, Q), statistics (K, Q) and the tape.

    `back`, where there is one, takes the place of the tape: it gives the gradients for a cotangent
    of the samples.
    """

    samples: Tensor
    n_steps: Tensor
    n_rejected: Tensor
    n_f_evals: Tensor
    status: Tensor
    tape: Tape | None
    back: Callable[[Tensor], Gradients] | None = None


class _Elements:
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
        self.progress = Progress(t0)
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


def integrate(
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
    """Integrate every element from `t0` to `t1` (K, Q); few elements on the CPU go in numpy."""
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
        elements = _Elements(system, stimulus, *start)
        if method.adaptive:
            if voltage is not None and not keep:
                sampler.merger = Merger.of(system, stimulus, arrays, elements.t1, options)
            _adaptive(elements, method, arrays, options, sampler, recorder)
        else:
            _fixed(elements, method, arrays, options, sampler, recorder)
    counts = [as_tensor(x) for x in (elements.n_steps, elements.n_rejected, elements.status)]
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
    elements: _Elements,
    method: Method,
    p: Params,
    options: SolveOptions,
    sampler: Sampler,
    recorder: Recorder,
) -> None:
    """Every element with its own steps, of a size that keeps the estimated error in bounds."""
    xp, system = of(elements.y), elements.system
    atol = np.full((len(elements.y), 1, 1), options.atol)
    atol[0] *= options.v_scale
    atol[list(system.small)] *= SMALL
    atol = xp.convert(atol, elements.y)
    h = _first_step(elements, p, atol, options, method.error_order)
    one, zero = xp.ones_like(h), xp.zeros_like(elements.y[0])
    control = StepSize(xp, method.error_order, options, zero, isinstance(method, Rosenbrock))
    iteration = 0
    while bool(elements.running.any()):
        iteration += 1
        end, pieces, merged = elements.end, elements.pieces, None
        crossed = h >= (end - elements.t) * (1.0 - 1e-6)
        if sampler.merger is not None and bool(crossed.any()):
            merged = sampler.merger(elements.t, h, elements.piece, pieces)
            if merged is not None:
                end = xp.where(merged.count > 0, merged.end, end)
                pieces = merged.pieces
        left = end - elements.t
        # A element that has stopped takes no part, but must not divide by zero either.
        step_h = xp.where(elements.running, xp.where(crossed, left, h), one)
        step = method(system, p, elements.y, elements.t, step_h, elements.stimulus, pieces)
        assert step.error is not None
        size = xp.maximum(abs(elements.y), abs(step.y))
        ratio = step.error / (atol + options.rtol * size)
        norm = ((ratio * ratio).sum(0) / len(ratio)) ** 0.5
        finite = xp.isfinite(norm)
        accepted = (norm <= 1.0) & elements.running
        t_next = xp.where(crossed, end, elements.t + step_h)
        sampler.add(
            accepted, elements.t, t_next, step_h, elements.y, step.dense, merged, elements.piece
        )
        recorder.add(accepted, elements.t, step_h, t_next, elements.piece, elements.y)
        h = control.next(h, step_h, norm, finite, accepted, crossed)
        elements.y = xp.where(accepted, step.y, elements.y)
        elements.t = xp.where(accepted, t_next, elements.t)
        elements.enter()
        elements.n_steps += accepted
        elements.n_rejected += elements.running & ~accepted
        _judge(elements, h, finite, accepted, options, iteration)
        if merged is not None and sampler.merger is not None:
            sampler.merger.rejected(elements.running & ~accepted, merged.count)
        crossed = accepted & crossed
        if bool(crossed.any()):
            elements.next_piece(crossed, None if merged is None else merged.count)


def _judge(
    elements: _Elements,
    h: Tensor,
    finite: Tensor,
    accepted: Tensor,
    options: SolveOptions,
    iteration: int,
) -> None:
    """Stop the elements that have arrived, and those that cannot go on, with the reason."""
    xp = of(elements.y)
    elements.running = elements.running & (elements.t < elements.t1)
    stuck = elements.running & ~accepted & (h <= xp.at_least(ROUNDING * abs(elements.t), SMALLEST))
    waiting = elements.progress.stalled(iteration, elements.t, elements.t1)
    if waiting is not None:
        stuck = stuck | (elements.running & waiting)
    if bool(stuck.any()):
        reason = xp.where(finite, int(Status.STEP_UNDERFLOW), int(Status.NONFINITE))
        elements.status = xp.where(stuck, reason, elements.status)
        elements.running = elements.running & ~stuck
    if iteration >= options.max_steps:
        spent = elements.running & (iteration >= _limit(elements, options))
        elements.status = xp.where(spent, int(Status.MAX_STEPS), elements.status)
        elements.running = elements.running & ~spent


def _limit(elements: _Elements, options: SolveOptions) -> Tensor:
    """Steps that each element may have taken to get where it is; see `SolveOptions.max_steps`."""
    return options.max_steps * (
        1.0 + of(elements.y).floor(elements.t / SECOND) + elements.piece // MANY
    )


def _first_step(
    elements: _Elements, p: Params, atol: Tensor, options: SolveOptions, order: int
) -> Tensor:
    """A first step in the spirit of Hairer, Nørsett & Wanner, Solving ODEs I, section II.4."""
    xp = of(elements.y)
    drive = elements.stimulus.drive(elements.pieces, elements.t)
    f = elements.system.rhs(elements.y, drive, p)
    scale = atol + options.rtol * abs(elements.y)
    d0 = ((elements.y / scale) ** 2).mean(0) ** 0.5
    d1 = xp.at_least(((f / scale) ** 2).mean(0) ** 0.5, 1e-12)
    # The error of the first step goes like h^(order + 1): bring it near the tolerance.
    h = xp.convert(xp.minimum(0.01 * d0 / d1, d1 ** (-1.0 / (order + 1))), elements.t)
    h = xp.where(xp.isfinite(h) & (h > 0), h, 1e-6 * xp.ones_like(h))
    if options.dt_max is not None:
        h = xp.at_most(h, options.dt_max)
    return xp.minimum(xp.at_least(h, 1e-28), xp.at_least(elements.t1 - elements.t, 1e-12))


def _fixed(
    elements: _Elements,
    method: Method,
    p: Params,
    options: SolveOptions,
    sampler: Sampler,
    recorder: Recorder,
) -> None:
    """Steps of `dt`, shortened so that they divide each piece of the stimulus."""
    xp = of(elements.y)
    n_left, h = _divide(elements, options.dt)
    total = (
        math.ceil(float((elements.t1 - elements.t).max()) / options.dt - 1e-9)
        + elements.stimulus.count
    )
    parts = (
        1 + math.floor(float(elements.t1.max()) / SECOND) + (elements.stimulus.count - 1) // MANY
    )
    for _ in range(min(total, options.max_steps * parts)):
        crossed = n_left == 1
        step = method(
            elements.system, p, elements.y, elements.t, h, elements.stimulus, elements.pieces
        )
        t_next = xp.where(crossed, elements.end, elements.t + h)
        sampler.add(elements.running, elements.t, t_next, h, elements.y, step.dense)
        recorder.add(elements.running, elements.t, h, t_next, elements.piece, elements.y)
        elements.y = xp.where(elements.running, step.y, elements.y)
        elements.t = xp.where(elements.running, t_next, elements.t)
        elements.enter()
        elements.n_steps += elements.running
        n_left = n_left - 1
        elements.running = elements.running & (elements.t < elements.t1)
        if bool(crossed.any()):
            if not bool(elements.running.any()):
                break
            elements.next_piece(crossed & elements.running)
            n_new, h_new = _divide(elements, options.dt)
            n_left, h = xp.where(crossed, n_new, n_left), xp.where(crossed, h_new, h)
    elements.status = xp.where(elements.running, int(Status.MAX_STEPS), elements.status)
    bad = ~xp.isfinite(elements.y).all(0)
    elements.status = xp.where(bad, int(Status.NONFINITE), elements.status)


def _divide(elements: _Elements, dt: float) -> tuple[Tensor, Tensor]:
    """How many steps are left in the piece of each element, and their size."""
    xp = of(elements.y)
    left = xp.at_least(elements.end - elements.t, 1e-12)
    n = xp.at_least(xp.ceil(left / dt - 1e-9), 1.0)
    return n, left / n
