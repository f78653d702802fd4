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
from ..base import SolveOptions, ValueAndGradient
from ..batch_elements import Ends, check_ends
from ..loss import Loss
from .adjoint import Gradients
from .integrate import Run
from .losses import Targets
from .recording_times import times
from .solve import Problem
from .system import BlackBoxSystem


class Simulation:
    """K parameter sets (K, C, P), each simulated under the protocols of R recordings.

    The elements of the solve are (K, R), or with `cells` (K·R, 1): each with its own parameters.
    """

    def __init__(
        self,
        neuron: Neuron,
        recordings: Sequence[Recording],
        theta: Tensor,
        y0: np.ndarray | None,
        options: SolveOptions,
        cells: np.ndarray | None = None,
    ) -> None:
        if len({r.observed for r in recordings}) != 1:
            raise InputError("recordings: a batch is all current clamp or all voltage clamp")
        self.observed = recordings[0].observed
        protocols = [r.protocol for r in recordings]
        k, n = self.shape = (theta.shape[0], len(recordings))
        elements = self.shape if cells is None else (k * n, 1)
        t = times(recordings)
        self.theta = theta.detach().requires_grad_()
        if t.ndim == 1:  # many recordings may be of one protocol
            values = {id(p): p for p in protocols}
            values = {key: p(t) for key, p in values.items()}
            rows = [values[id(p)] for p in protocols]
        else:
            rows = [p(t[i]) for i, p in enumerate(protocols)]
        command = self.theta.new_tensor(np.array(rows)).t()  # (T, R)
        self.command = command.unsqueeze(1).expand(-1, k, n).reshape(-1, 1, *elements)
        first = [r.v[0] if r.v is not None else neuron.v_rest for r in recordings]
        v = self.theta.new_tensor(np.array(first)).expand(self.shape).reshape(elements)
        if cells is not None:
            protocols, t = protocols * k, t if t.ndim == 1 else np.tile(t, (k, 1))
        self.problem = Problem.build(neuron, protocols, elements, t, options)
        self.given = y0 is not None
        with torch.enable_grad():
            of_elements = self.theta[:, 0]
            if cells is not None:
                own = torch.as_tensor(cells, device=theta.device)
                of_elements = self.theta[:, own].reshape(k * n, -1)
            self.p = self.problem.system.unpack(of_elements)
            self.of_elements = of_elements
            if y0 is not None:
                y0 = np.asarray(y0)
                whole = np.broadcast_to(y0, (k, n, y0.shape[-1]))
                start = self.problem.public_start(whole.reshape(*elements, -1))
            else:
                start = self.problem.start(self.p, v)
        self.start = start

    def solve(self, keep: bool) -> Run:
        """The solve, with its tape if `keep`."""
        p = {k: x.detach() for k, x in self.p.items()}
        return self.problem.run(p, self.start.detach(), keep, theta=self.of_elements.detach())

    def value_and_grad(
        self, recordings: Sequence[Recording], loss: Loss, ends: Ends | None = None
    ) -> ValueAndGradient:
        """Loss (K,) and gradients; see `Backend.value_and_grad`."""
        run = self.solve(keep=True)
        ended = run.status.view(self.shape)
        targets = Targets(recordings, loss, self.theta)
        params = {k: x.detach().requires_grad_() for k, x in self.p.items()}
        samples = run.samples.detach().requires_grad_()
        with torch.enable_grad():
            each = targets(self.observable(samples, params))
            y_end = None
            if ends is not None:
                y_end = self._last(samples, recordings)
                each = each + self._missed(y_end, ends)
        finite = torch.isfinite(each)
        lost = torch.full_like(ended, Status.NONFINITE)
        status = torch.where((ended == Status.SUCCESS) & ~finite, lost, ended)
        bad = (status != Status.SUCCESS).any(-1)
        each = torch.where(finite, each, torch.full_like(each, torch.inf))
        weight = (~bad).to(each.dtype).unsqueeze(-1).expand_as(each) / each.shape[-1]
        outs = [samples, *params.values()]
        used = torch.where(weight > 0, each, torch.zeros_like(each))
        grads = torch.autograd.grad(used, outs, weight, allow_unused=True, materialize_grads=True)
        cotangent = torch.nan_to_num(grads[0])
        back = self.problem.gradients(run, params, self.start.detach(), cotangent)
        direct = dict(zip(params, grads[1:], strict=True))
        theta, y0 = self._to_theta(back, direct)
        value = torch.where(bad, torch.full_like(each[:, 0], torch.inf), each.mean(-1))
        return ValueAndGradient(
            value.detach().double().cpu().numpy(),
            _clean(theta, bad),
            None if y0 is None else _clean(y0, bad),
            each.detach().double().cpu().numpy(),
            status.cpu().numpy(),
            {name: x.reshape(self.shape) for name, x in statistics(run).items()},
            None if y_end is None else y_end.detach().double().cpu().numpy(),
        )

    def _last(self, samples: Tensor, recordings: Sequence[Recording]) -> Tensor:
        """States (K, R, S) at the last sample of each recording, in the neuron's order."""
        last = [len(r) - 1 for r in recordings]
        every = samples.reshape(*samples.shape[:2], *self.shape)
        if self.observed == "current":
            command = self.command.reshape(-1, 1, *self.shape)
            every = torch.cat([command, every[:, 1:]], 1)
        y = torch.stack([every[n, :, :, i] for i, n in enumerate(last)], -1)
        return y[self.problem.system.to_public].permute(1, 2, 0)

    def _missed(self, y_end: Tensor, ends: Ends) -> Tensor:
        """What the states at the ends cost (K, R)."""
        check_ends(ends, tuple(y_end.shape))
        target = y_end.new_tensor(ends.target).expand_as(y_end)
        asked = ~torch.isnan(target)
        off = torch.where(asked, y_end - torch.nan_to_num(target), torch.zeros_like(y_end))
        return (y_end.new_tensor(ends.weight) * off.square()).sum(-1)

    def observable(self, samples: Tensor, p: dict[str, Tensor]) -> Tensor:
        """What is compared, (K, R, T), from samples (T, S, K, R)."""
        if self.observed == "v":
            return samples[:, 0].reshape(-1, *self.shape).permute(1, 2, 0)
        system = self.problem.system
        if isinstance(system, BlackBoxSystem):
            raise InputError(
                "a NeuralRightHandSide has no current: give it current-clamp recordings"
            )
        n, s, k, r = samples.shape
        # At a jump of the command the sample is the one after it, as in a recording.
        y = torch.cat([self.command, samples[:, 1:]], 1).permute(1, 2, 3, 0).reshape(s, k, r * n)
        return system.ionic_current(y, p).view(*self.shape, n)

    def _to_theta(self, back: Gradients, direct: dict[str, Tensor]) -> tuple[Tensor, Tensor | None]:
        steps, y0 = back.params, back.y0
        outputs = [self.p[k] for k in self.p]
        weights = [steps[k] + direct[k] if k in steps else direct[k] for k in self.p]
        if back.theta is not None:
            outputs.append(self.of_elements)
            weights.append(back.theta)
        if self.start.requires_grad:
            outputs.append(self.start)
            weights.append(y0)
        (theta,) = torch.autograd.grad(outputs, self.theta, weights)
        if not self.given:
            return theta, None
        public = y0[self.problem.system.to_public].permute(1, 2, 0)
        return theta, public.reshape(*self.shape, -1)


def statistics(run: Run) -> dict[str, np.ndarray]:
    """Counters of a run as arrays."""
    return {
        name: getattr(run, name).cpu().numpy() for name in ("n_steps", "n_rejected", "n_f_evals")
    }


def _clean(gradient: Tensor, bad: Tensor) -> np.ndarray:
    out = gradient.detach().double().cpu()
    out[bad.cpu()] = 0.0
    return out.numpy()
