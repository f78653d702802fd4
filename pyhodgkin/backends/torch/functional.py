"""A solve as a function of tensors, for training loops of one's own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor

from ...errors import InputError, SolveError
from ...neuron.neuron import Neuron
from ...protocols import Protocol, Sampled, Segments
from ...status import Status
from ..options import options_of
from .integrate import Run
from .solve import Problem
from .stimulus import Stimulus


def odeint(
    neuron: Neuron,
    protocol: Protocol | Sequence[Protocol],
    theta: Tensor | None = None,
    y0: Tensor | None = None,
    stimulus: Tensor | None = None,
    *,
    saveat: ArrayLike,
    throw: bool = True,
    **options: Any,
) -> Tensor:
    """States of a neuron over time, differentiable by parameters, start and stimulus.

    The gradient is that of the steps taken (the discrete adjoint); memory grows with the number
    of steps times the number of states. It can be taken once: not a gradient of a gradient.

    Parameters
    ----------
    neuron : Neuron
    protocol : CurrentClamp or VoltageClamp, or a sequence of one kind
        A sequence makes a batch.
    theta : Tensor (P,) or (B, P), optional
        Parameters in the order of ``neuron.layout``; default the neuron's own. Its dtype and
        device are those of the solve.
    y0 : Tensor (S,) or (B, S), optional
        Start in the order of ``neuron.states``. Default: `v_rest` with the gates at their steady
        state, through which `theta` has a gradient too (under voltage clamp at the first command).
    stimulus : Tensor (N,) or (B, N), optional
        Values to take in place of those of a sampled `protocol` (`Sampled`, ``"linear"`` or
        ``"held"``, from 0 ms or later), in mV or the neuron's unit of current.
    saveat : array (T,)
        Times of the samples, ms.
    throw : bool
        Raise `SolveError` when an element fails; otherwise its samples are NaN from there on, and
        it gives no gradient.
    **options
        How to solve: `SolveOptions`; `dtype` and `device` are those of `theta`.

    Returns
    -------
    Tensor (T, S), or (B, T, S) when any argument has a batch axis

    Examples
    --------
    >>> import pyhodgkin as ph
    >>> squid = ph.library.get("squid_axon")
    >>> clamp = ph.CurrentClamp.step(10.0, start=1.0, stop=9.0, t_end=10.0)
    >>> theta = torch.tensor(squid.theta, requires_grad=True)
    >>> v = odeint(squid, clamp, theta, saveat=np.arange(0.0, 10.0, 0.1))[:, 0]
    >>> v.square().mean().backward()
    >>> theta.grad.shape == theta.shape
    True
    """
    protocols = [protocol] if isinstance(protocol, Protocol) else list(protocol)
    theta = torch.as_tensor(neuron.theta) if theta is None else theta
    assert theta is not None
    batch = _batch(neuron, protocols, theta, y0, stimulus)
    size = max(batch.values(), default=1)
    shape = (size, 1) if "theta" in batch else (1, size)
    every = protocols * size if len(protocols) == 1 and "theta" not in batch else protocols
    kind = {"dtype": str(theta.dtype).removeprefix("torch."), "device": str(theta.device)}
    times = _times(saveat)
    problem = Problem.build(
        neuron, every, shape, times, options_of({**options, **kind}, None, odeint)
    )
    pieces = None
    if stimulus is not None:
        pieces = _Sampled(protocols, stimulus, theta)
        problem.stimulus = pieces.install(problem)
    parameters = problem.system.unpack(theta if theta.dim() == 2 else theta[None])
    if y0 is None:
        start = problem.start(parameters, theta.new_full(shape, neuron.v_rest))
    else:
        start = _start(problem, y0.to(theta), shape, "theta" in batch)
    samples = _solve(problem, parameters, start, pieces, throw)
    out = samples[:, problem.system.to_public].flatten(2).permute(2, 0, 1)
    if problem.system.clamped:
        rows = _commands(protocols, times) if pieces is None else pieces.at(times)
        rows = rows.to(theta)
        out = torch.cat([rows.expand(size, -1)[..., None], out[..., 1:]], -1)
    batched = bool(batch) or not isinstance(protocol, Protocol)
    return out if batched else out[0]


def _batch(
    neuron: Neuron,
    protocols: Sequence[Protocol],
    theta: Tensor,
    y0: Tensor | None,
    stimulus: Tensor | None,
) -> dict[str, int]:
    """The arguments that have a batch axis, and its length, the same for all."""
    wanted = {"theta": (theta, neuron.layout.size), "y0": (y0, len(neuron.states))}
    for name, (x, last) in wanted.items():
        if x is not None and (x.dim() not in (1, 2) or x.shape[-1] != last):
            raise InputError(f"{name} has shape {tuple(x.shape)}; give ({last},) or (B, {last})")
    if theta.dtype not in (torch.float64, torch.float32):
        raise InputError(f"theta is of {theta.dtype}; give float64 or float32")
    if not bool(torch.isfinite(theta).all()):
        raise InputError("theta has a value that is NaN or infinite")
    given = {"theta": theta, "y0": y0, "stimulus": stimulus}
    batch = {name: len(x) for name, x in given.items() if x is not None and x.dim() == 2}
    if len(protocols) > 1:
        batch["protocol"] = len(protocols)
    if len(set(batch.values())) > 1:
        raise InputError(f"the sizes of the batch differ: {batch}")
    return batch


def _times(saveat: ArrayLike) -> np.ndarray:
    t = np.asarray(saveat, dtype=np.float64)
    if (
        t.ndim != 1
        or len(t) == 0
        or not np.isfinite(t).all()
        or t[0] < 0
        or (np.diff(t) <= 0).any()
    ):
        raise InputError("saveat: give increasing times (T,) in ms, from 0 or later")
    return t


def _start(problem: Problem, y0: Tensor, shape: tuple[int, int], by_set: bool) -> Tensor:
    if not bool(torch.isfinite(y0).all()):
        raise InputError("y0 has a value that is NaN or infinite")
    rows = y0[..., problem.system.from_public]
    rows = rows[:, None] if by_set and y0.dim() == 2 else rows
    return rows.expand(*shape, rows.shape[-1]).permute(2, 0, 1).contiguous()


def _commands(protocols: Sequence[Protocol], times: np.ndarray) -> Tensor:
    return torch.from_numpy(np.array([protocol(times) for protocol in protocols]))


class _Sampled:
    """A sampled command whose values are a tensor: pieces (B, N) that autograd can see through."""

    def __init__(self, protocols: Sequence[Protocol], values: Tensor, like: Tensor) -> None:
        waveform = protocols[0].waveform
        if len(protocols) != 1 or not isinstance(waveform, Sampled) or waveform.mode == "command":
            raise InputError(
                'stimulus: give one protocol made of Sampled(t, values, mode="linear" or "held")'
            )
        t = np.asarray(waveform.t, dtype=np.float64)
        if values.dim() not in (1, 2) or values.shape[-1] != len(t) or t[0] < 0:
            raise InputError(
                f"stimulus has shape {tuple(values.shape)}; give ({len(t)},) or (B, {len(t)}), one "
                "value for each time of the protocol, from 0 ms or later"
            )
        values = values.to(like.device, torch.float64)
        values = values if values.dim() == 2 else values[None]
        if t[0] > 0:  # the first value holds before it
            t, values = np.concatenate([[0.0], t]), torch.cat([values[:, :1], values], 1)
        self.starts, self.offset = t, values
        self.slope = torch.zeros_like(values)
        self.moving = waveform.mode == "linear"
        if self.moving:
            rise = values.diff(dim=1) / values.new_tensor(np.diff(t))
            self.slope = torch.cat([rise, torch.zeros_like(values[:, :1])], 1)

    def install(self, problem: Problem) -> Stimulus:
        """The stimulus of `problem` with these pieces, which carry their gradient."""
        values = self.offset.detach().cpu().numpy()
        segments = Segments(np.tile(self.starts, (len(values), 1)), values)
        shape = problem.stimulus.shape
        stimulus = Stimulus(segments, shape, problem.stimulus.like, problem.system.clamped)
        stimulus.moving = self.moving
        stimulus.all = replace(
            stimulus.all,
            offset=self._lanes(self.offset, shape),
            slope=self._lanes(self.slope, shape),
        )
        return stimulus

    @staticmethod
    def _lanes(x: Tensor, shape: tuple[int, int]) -> Tensor:
        x = x.t()[:, :, None] if shape[1] == 1 else x.t()[:, None]
        return x.expand(-1, *shape)

    def at(self, times: np.ndarray) -> Tensor:
        """Values (B, T) of the command."""
        k = np.maximum(np.searchsorted(self.starts, times, side="right") - 1, 0)
        place = torch.as_tensor(k, device=self.offset.device)
        tau = self.offset.new_tensor(times - self.starts[k])
        return self.offset[:, place] + self.slope[:, place] * tau


def _solve(
    problem: Problem,
    parameters: dict[str, Tensor],
    start: Tensor,
    pieces: _Sampled | None,
    throw: bool,
) -> Tensor:
    inputs = [start, *parameters.values()]
    if pieces is not None:
        moving = problem.stimulus.all
        inputs += [moving.offset, moving.slope]
        problem.stimulus.all = moving.map(torch.Tensor.detach)
    keep = torch.is_grad_enabled() and any(x.requires_grad for x in inputs)
    plain = {name: x.detach() for name, x in parameters.items()}
    run = problem.run(plain, start.detach(), keep)
    failed = run.status != Status.SUCCESS
    if throw and bool(failed.any()):
        worst = Status(int(run.status[failed][0]))
        raise SolveError(f"{int(failed.sum())} of {failed.numel()} elements: {worst.message}")
    if not keep:
        return run.samples
    return _Samples.apply(problem, run, plain, pieces is not None, *inputs)


class _Samples(torch.autograd.Function):
    """The samples of a run, with the adjoint of its steps as their derivative."""

    @staticmethod
    def forward(
        ctx: Any,
        problem: Problem,
        run: Run,
        parameters: dict[str, Tensor],
        by_stimulus: bool,
        start: Tensor,
        *inputs: Tensor,
    ) -> Tensor:
        ctx.parts = problem, run, parameters, by_stimulus
        ctx.save_for_backward(start)
        return run.samples.clone()

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:  # type: ignore[override]
        problem, run, parameters, by_stimulus = ctx.parts
        (start,) = ctx.saved_tensors
        # A failed element gives no gradient; what its samples say is not a number.
        grad = torch.where(run.status == Status.SUCCESS, grad, torch.zeros_like(grad))
        found = problem.gradients(run, parameters, start.detach(), grad, by_stimulus)
        pieces = [found.stimulus.get(x) for x in ("offset", "slope")] if by_stimulus else []
        return (None, None, None, None, found.y0, *found.params.values(), *pieces)
