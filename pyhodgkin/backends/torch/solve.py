"""A solve and its gradient on tensors: what the backend and the autograd function share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from ...errors import InputError, unknown
from ...neuron.neuron import Neuron
from ...protocols import Protocol, Segments
from ..base import SolveOptions, is_clamped
from ..solvers import REGISTERED
from ..step_limit import check_max_steps
from . import gpu_solve, integrate
from .adjoint import Adjoint, Gradients
from .kinetics import Params
from .steps import METHODS, Method, as_method
from .stimulus import Stimulus
from .system import ConductanceSystem, System, system_of
from .tape import Sampler, VoltageRecorder

DEFAULT_SOLVER = "rodas5p"


@lru_cache(maxsize=64)
def cached_system(neuron: Neuron, clamped: bool) -> System:
    """The system of `neuron`; its structure is the same for all values of the parameters."""
    return system_of(neuron, clamped)


def method_of(name: str, system: System) -> Method:
    """The method called `name`; ``"auto"`` is the default."""
    if name == "auto":
        name = DEFAULT_SOLVER
    if name in REGISTERED:
        return as_method(REGISTERED[name])
    if name not in METHODS:
        raise unknown("solver", name, ["auto", *METHODS, *REGISTERED])
    if name == "exponential" and not isinstance(system, ConductanceSystem):
        raise InputError(
            'solver = "exponential" needs a conductance-based neuron, with gates that depend on v '
            "alone; for a NeuralRightHandSide, a calcium pool or a Markov scheme "
            'take "rodas5p", "rodas4p" or "tsit5"'
        )
    return METHODS[name]


@dataclass
class Problem:
    """One batch, ready to solve: K parameter sets by Q protocols."""

    system: System
    method: Method
    stimulus: Stimulus
    t0: Tensor
    t1: Tensor
    saveat: Tensor
    options: SolveOptions
    neuron: Neuron
    protocols: Sequence[Protocol]

    @classmethod
    def build(
        cls,
        neuron: Neuron,
        protocols: Sequence[Protocol],
        shape: tuple[int, int],
        saveat: np.ndarray,
        options: SolveOptions,
        ends: np.ndarray | None = None,
    ) -> Problem:
        """`saveat` is (T,), or (Q, T) with times of its own for each protocol.

        The solve ends at the last of them, or at `ends` (one for each protocol).
        """
        clamped = is_clamped(protocols)
        check_max_steps(options.max_steps, protocols, saveat[..., -1] if ends is None else ends)
        system = cached_system(neuron, clamped)
        dtype = getattr(torch, options.dtype)
        like = torch.empty(0, dtype=dtype, device=options.device)
        segments = [protocol.segments for protocol in protocols]
        stimulus = Stimulus(Segments.stack(segments), shape, like, clamped)
        times = torch.as_tensor(np.array(saveat), dtype=torch.float64, device=options.device)
        last = times[..., -1]
        if times.dim() == 2:
            times = times.t().unsqueeze(1) if shape[1] > 1 else times.t().unsqueeze(-1)
            times = times.expand(-1, *shape)
            last = last.unsqueeze(0) if shape[1] > 1 else last.unsqueeze(-1)
        if ends is not None:
            last = torch.as_tensor(ends, dtype=torch.float64, device=options.device)
            last = last.unsqueeze(0) if shape[1] > 1 else last.unsqueeze(-1)
        t1 = last.expand(shape).contiguous()
        t0 = torch.zeros_like(t1)
        method = method_of(options.solver, system)
        return cls(system, method, stimulus, t0, t1, times, options, neuron, protocols)

    def start(self, p: Params, v: Tensor) -> Tensor:
        """Steady state (S, K, Q) at `v` (K, Q), or at the command under voltage clamp.

        Gates with a start of their own in the neuron's `initial` begin there instead.
        """
        if self.system.clamped:
            v = self.stimulus.command(self.stimulus.pieces(self.stimulus.first(self.t0)), self.t0)
        y = self.system.steady_state(v, p)
        for name, x in self.neuron.initial:
            row = self.system.states.index(name)
            y = torch.cat([y[:row], torch.full_like(y[:1], x), y[row + 1 :]])
        return y

    def public_start(self, y0: np.ndarray) -> Tensor:
        """States (S,), (Q, S) or (K, Q, S) in the neuron's order as (S, K, Q)."""
        like = self.stimulus.like
        rows = torch.as_tensor(np.array(y0), dtype=like.dtype, device=like.device)
        n = len(self.system.states)
        if rows.shape[-1] != n:
            raise InputError(f"y0 has shape {tuple(rows.shape)}; its last axis must be {n} states")
        if not bool(torch.isfinite(rows).all()):
            raise InputError("y0 has a value that is NaN or infinite")
        rows = rows[..., self.system.from_public].expand(*self.t0.shape, n)
        return rows.permute(2, 0, 1).contiguous()

    def run(
        self,
        p: Params,
        y0: Tensor,
        keep: bool = False,
        voltage: VoltageRecorder | None = None,
        theta: Tensor | None = None,
    ) -> integrate.Run:
        """Integrate from `y0` (S, K, Q); `voltage` collects the voltage on the steps taken.

        With `theta` (K, P), from which `p` was unpacked, the kernels for GPUs may do it.
        """
        if theta is not None and gpu_solve.kernel_for(self.neuron, self.method, self.options):
            return gpu_solve.run(self, theta, y0, keep)
        with torch.no_grad(), one_thread_for(y0.shape[1] * y0.shape[2]):
            return integrate.integrate(
                self.system,
                self.method,
                p,
                y0,
                self.t0,
                self.t1,
                self.saveat,
                self.stimulus,
                self.options,
                keep,
                voltage,
            )

    def gradients(
        self, run: integrate.Run, p: Params, y0: Tensor, cotangent: Tensor, stimulus: bool = False
    ) -> Gradients:
        """Gradients of a run for a cotangent (T, S, K, Q) of its samples."""
        if run.back is not None:
            return run.back(cotangent)
        sampler = Sampler(self.saveat, y0, self.t0, self.system.n_bounded)
        if run.tape is None:
            zeros = {k: torch.zeros_like(x) for k, x in p.items()}
            mask = (self.saveat <= self.t0.view(-1)[0]).view(-1, 1, 1, 1)
            return Gradients(zeros, (cotangent * mask).sum(0), {})
        with one_thread_for(y0.shape[1] * y0.shape[2]):
            back = Adjoint(self.system, self.method, p, self.stimulus, run.tape, sampler, stimulus)
            return back.run(cotangent)


class one_thread_for:
    """One thread where the tensors are so small that sharing them costs more than computing."""

    def __init__(self, elements: int, enough: int = 4096) -> None:
        self.few = elements < enough

    def __enter__(self) -> None:
        self.before = torch.get_num_threads()
        if self.few and self.before > 1:
            torch.set_num_threads(1)

    def __exit__(self, *exc: object) -> None:
        if self.few and self.before > 1:
            torch.set_num_threads(self.before)
