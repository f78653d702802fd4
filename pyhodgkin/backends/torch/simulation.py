"""Loss and gradient by full simulation: solve, compare what was observed, go back."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from ...errors import InputError
from ...neuron.neuron import Neuron
from ...recordings import Recording
from ...status import Status
from ..base import Loss, SolveOptions, ValueAndGradient
from .loop import Run
from .losses import Targets
from .solve import Problem
from .system import BlackBoxSystem


def times(recordings: Sequence[Recording]) -> np.ndarray:
    """Times to save: (T,) where all recordings share them, else (R, T), the last ones repeated."""
    first = recordings[0].t
    if all(len(r.t) == len(first) and np.array_equal(r.t, first) for r in recordings):
        return first
    longest = max(len(r) for r in recordings)
    return np.stack([np.pad(r.t, (0, longest - len(r)), mode="edge") for r in recordings])


class Simulation:
    """K parameter sets, each simulated under the protocols of R recordings."""

    def __init__(
        self,
        neuron: Neuron,
        recordings: Sequence[Recording],
        theta: Tensor,
        y0: np.ndarray | None,
        options: SolveOptions,
    ) -> None:
        if len({r.observed for r in recordings}) != 1:
            raise InputError("recordings: a batch is all current clamp or all voltage clamp")
        self.observed = recordings[0].observed
        protocols = [r.protocol for r in recordings]
        shape = (theta.shape[0], len(recordings))
        t = times(recordings)
        self.problem = Problem.build(neuron, protocols, shape, t, options)
        self.theta = theta.detach().requires_grad_()
        rows = [p(t if t.ndim == 1 else t[i]) for i, p in enumerate(protocols)]
        self.command = self.theta.new_tensor(np.array(rows)).t()[:, None, None]  # (T, 1, 1, R)
        self.given = y0 is not None
        with torch.enable_grad():
            self.p = self.problem.system.unpack(self.theta)
            if y0 is not None:
                start = self.problem.public_start(y0)
            else:
                first = [r.v[0] if r.v is not None else neuron.v_rest for r in recordings]
                v = self.theta.new_tensor(np.array(first)).expand(shape)
                start = self.problem.start(self.p, v)
        self.start = start

    def solve(self, keep: bool) -> Run:
        """The solve, with its tape if `keep`."""
        p = {k: x.detach() for k, x in self.p.items()}
        return self.problem.run(p, self.start.detach(), keep)

    def value_and_grad(self, recordings: Sequence[Recording], loss: Loss) -> ValueAndGradient:
        """Loss (K,) and gradients; see `Backend.value_and_grad`."""
        run = self.solve(keep=True)
        targets = Targets(recordings, loss, self.theta)
        params = {k: x.detach().requires_grad_() for k, x in self.p.items()}
        samples = run.samples.detach().requires_grad_()
        with torch.enable_grad():
            each = targets(self.observable(samples, params))
        finite = torch.isfinite(each)
        lost = torch.full_like(run.status, Status.NONFINITE)
        status = torch.where((run.status == Status.SUCCESS) & ~finite, lost, run.status)
        bad = (status != Status.SUCCESS).any(-1)
        each = torch.where(finite, each, torch.full_like(each, torch.inf))
        weight = (~bad).to(each.dtype).unsqueeze(-1).expand_as(each) / each.shape[-1]
        outs = [samples, *params.values()]
        used = torch.where(weight > 0, each, torch.zeros_like(each))
        grads = torch.autograd.grad(used, outs, weight, allow_unused=True, materialize_grads=True)
        cotangent = torch.nan_to_num(grads[0])
        back = self.problem.gradients(run, params, self.start.detach(), cotangent)
        direct = dict(zip(params, grads[1:], strict=True))
        theta, y0 = self._to_theta(back.params, direct, back.y0)
        value = torch.where(bad, torch.full_like(each[:, 0], torch.inf), each.mean(-1))
        return ValueAndGradient(
            value.detach().double().cpu().numpy(),
            _clean(theta, bad),
            None if y0 is None else _clean(y0, bad),
            each.detach().double().cpu().numpy(),
            status.cpu().numpy(),
            statistics(run),
        )

    def observable(self, samples: Tensor, p: dict[str, Tensor]) -> Tensor:
        """What is compared, (K, R, T), from samples (T, S, K, R)."""
        if self.observed == "v":
            return samples[:, 0].permute(1, 2, 0)
        system = self.problem.system
        if isinstance(system, BlackBoxSystem):
            raise InputError(
                "a NeuralRightHandSide has no current: give it current-clamp recordings"
            )
        n, s, k, r = samples.shape
        # At a jump of the command the sample is the one after it, as in a recording.
        v = self.command.expand(n, 1, k, r)
        y = torch.cat([v, samples[:, 1:]], 1).permute(1, 2, 3, 0).reshape(s, k, r * n)
        return system.ionic_current(y, p).view(k, r, n)

    def _to_theta(
        self, steps: dict[str, Tensor], direct: dict[str, Tensor], y0: Tensor
    ) -> tuple[Tensor, Tensor | None]:
        outputs = [self.p[k] for k in self.p]
        weights = [steps[k] + direct[k] for k in self.p]
        if self.start.requires_grad:
            outputs.append(self.start)
            weights.append(y0)
        (theta,) = torch.autograd.grad(outputs, self.theta, weights)
        public = y0[self.problem.system.to_public].permute(1, 2, 0) if self.given else None
        return theta, public


def statistics(run: Run) -> dict[str, np.ndarray]:
    """Counters of a run as arrays."""
    return {
        name: getattr(run, name).cpu().numpy() for name in ("n_steps", "n_rejected", "n_f_evals")
    }


def _clean(gradient: Tensor, bad: Tensor) -> np.ndarray:
    out = gradient.detach().double().cpu()
    out[bad.cpu()] = 0.0
    return out.numpy()
